"""Shapes of what is typed about volumes."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.volumes.rules import ActionKind, Verdict
from marketplace.accounts.models import Person
from marketplace.forms import Checkbox, Choice, DateParts, DropDown, Form, LongText, optional, required, word_limit


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
