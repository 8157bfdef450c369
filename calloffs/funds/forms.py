"""The forms of a fund."""

from __future__ import annotations

from wtforms.validators import InputRequired

from calloffs.funds.rules import FundKind
from marketplace.forms import Choice, DateParts, Form, LongText, Pounds, Text, required


class ChangeFundForm(Form):
    """What is in it and what it is for."""

    amount = Pounds("Amount", description="All that is in the fund", validators=[InputRequired("Enter the amount")])
    purposes = LongText(
        "What it may pay for",
        description="The eligible purposes, one a line. Every call-off paid from the fund names one of them.",
        validators=[required("Enter at least one purpose")],
    )
    reason = LongText("Why it is changed", validators=[required("Say why the fund is changed")])


class FundForm(Form):
    """A new fund."""

    name = Text(
        "Name", description="For example, Regional Outcomes Fund 2026 to 2027", validators=[required("Enter a name")]
    )
    kind = Choice(
        "Kind", choices=[(one.value, one.label) for one in FundKind], validators=[required("Choose the kind of fund")]
    )
    amount = Pounds("Amount", description="All that is in the fund", validators=[InputRequired("Enter the amount")])
    purposes = LongText(
        "What it may pay for",
        description="The eligible purposes, one a line. Every call-off paid from the fund names one of them.",
        validators=[required("Enter at least one purpose")],
    )
    starts_on = DateParts("Open from", missing="Enter the first day of the fund")
    ends_on = DateParts("Open until", missing="Enter the last day of the fund")
