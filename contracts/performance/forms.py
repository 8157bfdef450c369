"""Shapes of what is typed about performance."""

from __future__ import annotations

from datetime import date

from wtforms.validators import Length

from contracts.agreements.rules import Side, months_after
from contracts.mobilisation.forms import WHO
from contracts.performance.models import QualityReview, ReviewedReferral, ReviewPoint
from contracts.performance.rules import Measure, Point, ReviewRating, Verdict
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


class SheetForm(Form):
    """What was found of each point and each referral drawn; anything may be left for later."""

    points: list[Point]
    drawn: list[int]

    @classmethod
    def of(cls, review: QualityReview) -> SheetForm:
        """Fields for each point and each referral of the review, with what is kept of them."""
        fields: dict[str, object] = {}
        given: dict[str, object] = {}
        for one in review.points:
            fields |= _found(f"point_{one.point.value}", one.point.label)
            given |= _given(f"point_{one.point.value}", one)
        for drawn in review.referrals:
            fields |= _found(f"referral_{drawn.position}", f"Was the work for {drawn.referral.reference} as designed?")
            given |= _given(f"referral_{drawn.position}", drawn)
        form: SheetForm = type("ReviewSheetForm", (cls,), fields)(data=given)
        form.points = [one.point for one in review.points]
        form.drawn = [one.position for one in review.referrals]
        return form

    def found(self, name: str) -> tuple[Verdict | None, str]:
        """What was entered under a name."""
        verdict = self[name].data
        return (Verdict(verdict) if verdict else None), self[f"{name}_words"].data or ""


def _found(name: str, question: str) -> dict[str, object]:
    return {
        name: Choice(question, choices=[(one.value, one.label) for one in Verdict], validators=[optional()]),
        f"{name}_words": LongText(
            "What you saw",
            description="Nothing about a person on probation.",
            validators=[optional(), word_limit(150)],
        ),
    }


def _given(name: str, one: ReviewPoint | ReviewedReferral) -> dict[str, object]:
    return {name: one.verdict.value if one.verdict else None, f"{name}_words": one.words}


class FinishForm(Form):
    """The rating, why, and when to look again."""

    rating = Choice(
        "How good is the intervention?",
        choices=[(one.value, one.label) for one in ReviewRating],
        missing="Choose a rating",
    )
    reasons = LongText(
        "Why?",
        description="The supplier reads this. Nothing about a person on probation.",
        validators=[required("Say why"), word_limit(400)],
    )
    next_on = DateParts("When should it be looked at again?", validators=[required("Enter the day of the next review")])
