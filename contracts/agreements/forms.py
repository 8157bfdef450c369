"""Shapes of what is typed about agreements."""

from __future__ import annotations

from wtforms import HiddenField

from marketplace.forms import Checkbox, Form, required


class SignForm(Form):
    """The tick under the terms. The digest of the terms shown comes back with it."""

    digest = HiddenField()
    agreed = Checkbox(
        "I have read these terms and sign them for my organisation",
        validators=[required("Tick the box to say that you have read the terms and sign them")],
    )
