"""Shapes of what is typed about performance."""

from __future__ import annotations

from datetime import date

from wtforms.validators import Length

from contracts.agreements.rules import Side, months_after
from contracts.mobilisation.forms import WHO
from contracts.performance.rules import Measure
from marketplace.forms import (
    Choice,
    DateParts,
    DropDown,
    Form,
    LongText,
    Text,
    WholeNumber,
    optional,
    required,
    word_limit,
)

# How far ahead a target may be proposed to begin.
MONTHS_AHEAD = 12


class TargetForm(Form):
    """A target for one measure from a month on; empty where it is not to be measured."""

    measure = DropDown(
        "What is measured",
        choices=[("", "Choose…"), *((one.value, one.label) for one in Measure)],
        missing="Choose what is measured",
    )
    percent = WholeNumber(
        "At least how many percent",
        description="Leave empty if this should not be measured any more.",
        least=1,
        most=100,
        validators=[optional()],
    )
    tolerance = WholeNumber(
        "How many points below count as near",
        description="0 if nothing does.",
        least=0,
        most=50,
        validators=[optional()],
    )
    from_month = DropDown("From which month", missing="Choose a month")
    why = LongText("Why", validators=[required("Say why"), word_limit(200)])

    @classmethod
    def from_month_on(cls, month: date, **given: object) -> TargetForm:
        """The form, offering this month and a year of later ones."""
        form = cls(**given)
        months = [months_after(month, more) for more in range(MONTHS_AHEAD + 1)]
        form.from_month.choices = [(one.isoformat(), f"{one:%B %Y}") for one in months]
        return form


class CommentForm(Form):
    """What the supplier makes of its month."""

    comment = LongText(
        "What do you make of this month?",
        description="What stood behind it, and what you do about it. Nothing about a person on probation.",
        validators=[required("Enter your comment"), word_limit(400)],
    )


class ReviewForm(Form):
    """What was found when both sides met."""

    review = LongText(
        "What did you find when you met?",
        description="The supplier reads this. Nothing about a person on probation.",
        validators=[required("Enter what you found"), word_limit(400)],
    )


class ResolveForm(Form):
    """What one side is to do by a day."""

    what = Text(
        "What is to be done",
        validators=[required("Enter what is to be done"), Length(max=200, message="Use 200 characters or fewer")],
    )
    side = Choice(
        "Who does it", choices=[(side.value, words) for side, words in WHO.items()], missing="Choose who does it"
    )
    due_on = DateParts("By when", validators=[required("Enter the day by which it is to be done")])

    @property
    def owner(self) -> Side:
        """The side that does it."""
        return Side(self.side.data)


class DoneForm(Form):
    """What was done."""

    shown = LongText(
        "What was done?",
        description="And where it can be seen. Nothing about a person on probation.",
        validators=[required("Say what was done"), word_limit(300)],
    )
