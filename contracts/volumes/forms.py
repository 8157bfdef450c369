"""Shapes of what is typed about volumes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from wtforms.validators import InputRequired

from contracts.volumes.rules import MOST_WEIGHT, ActionKind, Verdict
from marketplace.accounts.models import Person
from marketplace.forms import (
    Checkbox,
    Choice,
    DateParts,
    DropDown,
    Form,
    LongText,
    WholeNumber,
    optional,
    required,
    word_limit,
)


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


class ActForm(Form):
    """What will be done about a service's volume, by whom, and when it is looked at again."""

    what = LongText("What will be done?", [required("Say what will be done"), word_limit(200)])
    message = LongText("What do officers see before they refer?", [required("Enter the message"), word_limit(100)])
    message_until = DateParts("Until which day do they see it?", missing="Enter the last day on which it is shown")
    owner = DropDown("Who sees to it?", missing="Choose who sees to it")
    follow_up_on = DateParts("When is it looked at again?", missing="Enter the day on which it is looked at again")
    writes_to_officers = Checkbox("Write to the officers of the area that the service has room")

    @classmethod
    def for_kind(cls, kind: ActionKind, owners: Iterable[Person], **data: object) -> ActForm:
        """The questions of one kind of action."""
        form = cls(**data)
        form.owner.choices = [("", "Choose"), *((str(one.id), one.name) for one in owners)]
        if not kind.has_message:
            del form.message, form.message_until
        if kind is not ActionKind.MARKET:
            del form.writes_to_officers
        return form


class FollowUpForm(Form):
    """What an action has brought."""

    verdict = Choice(
        "What has it brought?",
        choices=[(one.value, one.label) for one in Verdict],
        missing="Choose what it has brought",
    )
    words = LongText("What did you find?", [required("Say what you found"), word_limit(200)])
    next_on = DateParts("If it goes on: when is it looked at next?", [optional()])


MONTHS = tuple(f"month_{number}" for number in range(1, 13))


def month_names() -> list[str]:
    """January to December."""
    return [date(2000, number, 1).strftime("%B") for number in range(1, 13)]


def _month(number: int) -> WholeNumber:
    name = month_names()[number - 1]
    return WholeNumber(name, [InputRequired(f"Enter a weight for {name}")], least=0, most=MOST_WEIGHT)


class SeasonForm(Form):
    """How much a working day of each month weighs, from which day on, and why."""

    month_1, month_2, month_3, month_4 = _month(1), _month(2), _month(3), _month(4)
    month_5, month_6, month_7, month_8 = _month(5), _month(6), _month(7), _month(8)
    month_9, month_10, month_11, month_12 = _month(9), _month(10), _month(11), _month(12)
    from_day = DateParts("From which day?", missing="Enter the day from which it holds")
    reason = LongText("Why do these months differ?", [required("Say why these months differ"), word_limit(100)])

    @property
    def weights(self) -> tuple[int, ...]:
        """January to December."""
        return tuple(self[name].data for name in MONTHS)
