"""Shapes of what is typed about volumes."""

from __future__ import annotations

from marketplace.forms import DateParts, Form, LongText, required, word_limit


class DayForm(Form):
    """The day whose position is asked for. It changes nothing, so it is asked in the address."""

    class Meta:
        """No token: the form is sent by GET."""

        csrf = False

    on = DateParts("Position at the end of which day?", missing="Enter a day")


class CloseForm(Form):
    """Why nothing more is done about an alert."""

    why = LongText(
        "Why is nothing more done about it?", [required("Say why nothing more is done about it"), word_limit(200)]
    )
