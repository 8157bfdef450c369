"""Shapes of what is typed about changes to a contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField
from wtforms.validators import InputRequired

from calloffs.plans.rules import Band
from marketplace.forms import (
    Checkbox,
    Choice,
    Choices,
    DateParts,
    Form,
    LongText,
    Pounds,
    WholeNumber,
    required,
    word_limit,
)


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


class SignForm(Form):
    """The tick under the changed terms. The digest of the terms shown comes back with it."""

    digest = HiddenField()
    agreed = Checkbox(
        "I have read what changes and the terms as changed, and sign them for my organisation",
        validators=[required("Tick the box to say that you have read the terms and sign them")],
    )


class VolumeForm(Form):
    """One service's bands with their prices: fields are added by `for_bands`."""

    numbers: Sequence[int]
    planned_band = Choice("Planned band", missing="Choose the band that you plan for")
    referrals_until = DateParts("Referrals are taken until", missing="Enter the last day on which referrals are taken")

    @classmethod
    def for_bands(cls, numbers: Sequence[int]) -> VolumeForm:
        """Fields for each band of the service."""
        fields: dict[str, Any] = {}
        for number in numbers:
            fields[f"low_{number}"] = WholeNumber(
                f"Band {number}: from", least=0, most=1_000_000, validators=[InputRequired("Enter where it begins")]
            )
            fields[f"high_{number}"] = WholeNumber(
                f"Band {number}: up to", least=0, most=1_000_000, validators=[InputRequired("Enter where it ends")]
            )
            fields[f"price_{number}"] = Pounds(
                f"Band {number}: price a year", validators=[InputRequired("Enter its price a year")]
            )
        form: VolumeForm = type("ServiceVolumeForm", (cls,), fields)()
        form.numbers = numbers
        form.planned_band.choices = [(str(number), f"Band {number}") for number in numbers]
        return form

    def bands(self) -> list[Band]:
        """The bands as typed."""
        return [Band(n, self[f"low_{n}"].data, self[f"high_{n}"].data, self[f"price_{n}"].data) for n in self.numbers]
