"""Shapes of what is typed about changes to a contract."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from calloffs.plans.rules import Band
from contracts.changes.rules import Ground, Purpose
from marketplace.forms import (
    Checkbox,
    Choice,
    Choices,
    DateParts,
    Form,
    LongText,
    Pounds,
    Text,
    WholeNumber,
    required,
    word_limit,
)

_SHORT = Length(max=80, message="This must be 80 characters or fewer")
_MILESTONE = Length(max=200, message="Use 200 characters or fewer")


class NewForm(Form):
    """Why the contract is to change, and from when."""

    reason = LongText(
        "Why the contract is to change",
        description="Every funder and the supplier will read this.",
        validators=[required("Say why the contract is to change"), word_limit(300)],
    )
    in_force_from = DateParts(
        "From when the change is to apply",
        description="Leave time for approvals and signatures: it cannot apply before the last signature.",
        missing="Enter the day from which the change is to apply",
    )


class DatesForm(Form):
    """From when it applies, and the contract's last day."""

    in_force_from = DateParts("From when the change applies", missing="Enter the day from which the change applies")
    ends_on = DateParts("The contract’s last day", missing="Enter the contract’s last day")


class PlacesForm(Form):
    """Where a service is delivered."""

    place_codes = Choices("Areas", missing="Choose at least one area")


class ReasonForm(Form):
    """A reason, which those concerned will read."""

    round = HiddenField()
    reason = LongText("Reason", validators=[required("Give the reason"), word_limit(300)])


class SuspendForm(Form):
    """What is stopped, from when, and why."""

    line_id = Choice("New referrals to what", missing="Choose what is stopped")
    from_on = DateParts("From when", missing="Enter the first day without new referrals")
    reason = LongText(
        "Reason",
        description="The supplier and every funder read this. Officers are told that referrals are stopped, not why.",
        validators=[required("Give the reason"), word_limit(300)],
    )


class LiftForm(Form):
    """From when referrals are taken again, and why."""

    on = DateParts("The first day on which referrals are taken again", missing="Enter the day")
    reason = LongText("Reason", validators=[required("Give the reason"), word_limit(300)])


class ProposalForm(Form):
    """What a supplier would change, from when and why."""

    what = LongText(
        "What you would change",
        description="Volume, price, areas, dates: as you would have it.",
        validators=[required("Say what you would change"), word_limit(300)],
    )
    reason = LongText(
        "Why",
        description="The commissioner and every funder read this.",
        validators=[required("Say why"), word_limit(300)],
    )
    from_on = DateParts("From when", missing="Enter the day from which it would apply")
    ends_on = DateParts("Another last day of the contract", description="Only if you would move it.", missing="")


class LeadForm(Form):
    """Who leads the contract from then on."""

    lead = Choice(
        "Who leads the contract",
        description="Its people manage the contract and sign for the commissioners from the day the change applies.",
        missing="Choose who leads the contract",
    )


class OptionForm(Form):
    """By how many months the contract may be extended, and by when that is decided."""

    months = WholeNumber(
        "By how many months", least=1, most=60, validators=[InputRequired("Enter the number of months, up to 60")]
    )
    decide_by = DateParts("Decided by", missing="Enter the day by which it is decided")


class EndForm(Form):
    """The last day, whether both sides agree, on what ground, and why."""

    last_day = DateParts(
        "The contract’s last day", description="The day itself counts.", missing="Enter the contract’s last day"
    )
    how = Choice(
        "How it ends",
        choices=[(Purpose.ENDING.value, "Both sides agree, and sign"), (Purpose.NOTICE.value, "We give notice")],
        missing="Choose how it ends",
    )
    ground = Choice(
        "On what ground",
        description="It is published with the termination notice.",
        choices=[(ground.value, ground.label) for ground in Ground],
        missing="Choose the ground",
    )
    reason = LongText(
        "Why",
        description="Every funder and the supplier will read this.",
        validators=[required("Say why the contract ends early"), word_limit(300)],
    )


class TaskForm(Form):
    """One task of the ending."""

    title = Text("What is to be done, in a few words", validators=[required("Enter what is to be done"), _SHORT])
    what = LongText("What shows that it is done", validators=[required("Say what shows it"), word_limit(100)])
    side = Choice("Whose task it is", missing="Choose whose task it is")
    owner = Text("Who does it", description="A name or a role, if somebody is named already.", validators=[_SHORT])
    due_on = DateParts("By when", missing="Enter the day by which it is to be done")


class DoneForm(Form):
    """What shows that a task is done."""

    note = LongText(
        "What shows that it is done", validators=[required("Say what shows that it is done"), word_limit(200)]
    )


class SignForm(Form):
    """The tick under the changed terms. The digest of the terms shown comes back with it."""

    digest = HiddenField()
    agreed = Checkbox(
        "I have read what changes and the terms as changed, and sign them for my organisation",
        validators=[required("Tick the box to say that you have read the terms and sign them")],
    )


class ValueForm(Form):
    """What a grant is to be as a whole."""

    value = Pounds(
        "The whole grant",
        description="All instalments together, those that are paid included.",
        validators=[InputRequired("Enter what the whole grant is")],
    )


class InstalmentForm(Form):
    """One instalment of a grant."""

    milestone = Text("What is to be reached", validators=[required("Enter what is to be reached"), _MILESTONE])
    amount = Pounds("Amount", validators=[InputRequired("Enter the amount")])
    due_on = DateParts("When it is expected to be reached", missing="Enter when it is expected")


class VolumeForm(Form):
    """One service's bands with their prices: fields are added by `for_bands`."""

    # The price of each band, where it stays as it is.
    prices: Mapping[int, Decimal | None]
    planned_band = Choice("Planned band", missing="Choose the band that you plan for")
    referrals_until = DateParts("Referrals are taken until", missing="Enter the last day on which referrals are taken")

    @classmethod
    def for_bands(cls, prices: Mapping[int, Decimal | None]) -> VolumeForm:
        """Fields for each band of the service, by number; its price is asked for where none is given."""
        fields: dict[str, Any] = {}
        for number, price in prices.items():
            fields[f"low_{number}"] = WholeNumber(
                f"Band {number}: from", least=0, most=1_000_000, validators=[InputRequired("Enter where it begins")]
            )
            fields[f"high_{number}"] = WholeNumber(
                f"Band {number}: up to", least=0, most=1_000_000, validators=[InputRequired("Enter where it ends")]
            )
            if price is None:
                fields[f"price_{number}"] = Pounds(
                    f"Band {number}: price a year", validators=[InputRequired("Enter its price a year")]
                )
        form: VolumeForm = type("ServiceVolumeForm", (cls,), fields)()
        form.prices = prices
        form.planned_band.choices = [(str(number), f"Band {number}") for number in prices]
        return form

    def bands(self) -> list[Band]:
        """The bands as typed."""
        return [
            Band(
                number,
                self[f"low_{number}"].data,
                self[f"high_{number}"].data,
                self[f"price_{number}"].data if price is None else price,
            )
            for number, price in self.prices.items()
        ]
