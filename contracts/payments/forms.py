"""Shape of what is entered about payments."""

from __future__ import annotations

from datetime import date

from wtforms import ValidationError

from marketplace import clock
from marketplace.forms import DateParts, Form, LongText, required, word_limit


class NoteForm(Form):
    """What somebody found out about a difference."""

    note = LongText("What did you find out?", [required("Enter what you found out"), word_limit(200)])


class MovedForm(Form):
    """The day on which money moved by another way than through the payment provider."""

    on = DateParts("The day", missing="Enter the day")
    earliest: date

    def validate_on(self, field: DateParts) -> None:
        """Refuse days to come, and those before there was anything to move."""
        if field.data is not None and not self.earliest <= field.data <= clock.today():
            raise ValidationError(f"Enter a day from {self.earliest:%-d %B %Y} to today")
