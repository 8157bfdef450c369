"""Shapes of what is asked of the ledger: a period, a day, one organisation. They change nothing, so they go by GET."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms.validators import InputRequired

from marketplace.accounts.models import Organisation
from marketplace.forms import DateParts, DropDown, Form, LongText, Share, optional, word_limit


class _Asked(Form):
    class Meta:
        """No token: the form is sent by GET."""

        csrf = False

    other = DropDown("With", missing="Choose one from the list")

    def offer(self, others: Sequence[Organisation], *, words: str, chosen: int | None) -> None:
        """Offer all, or one of them."""
        self.other.choices = [("", words), *((str(one.id), one.name) for one in others)]
        if not self.other.data:
            self.other.data = str(chosen or "")


class PeriodForm(_Asked):
    """From one day to another."""

    first = DateParts("First day", missing="Enter the first day")
    last = DateParts("Last day", missing="Enter the last day")


class DayForm(_Asked):
    """At the end of a day."""

    on = DateParts("At the end of which day?", missing="Enter a day")


class BaseRateForm(Form):
    """The Bank of England's base rate from a day on."""

    percent = Share("Base rate", validators=[InputRequired("Enter the base rate")])
    from_day = DateParts("From", missing="Enter the day from which it is in force")
    reason = LongText(
        "If you correct a rate that applies already, why?",
        description="Everybody who sees invoices can read this.",
        validators=[optional(), word_limit(100)],
    )
