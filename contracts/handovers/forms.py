"""Shapes of what is typed about handovers and moves."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.agreements.models import ServiceLine
from marketplace.forms import Choice, DateParts, DropDown, Form, LongText, required, word_limit


class PlanForm(Form):
    """Which service goes to which, and from when."""

    from_line = DropDown("Which service is handed over?", missing="Choose the service")
    to_line = DropDown("To which service?", missing="Choose the next service")
    day = DateParts("From which day do its referrals move?", missing="Enter the day")

    @classmethod
    def among(cls, own: Sequence[ServiceLine], others: Sequence[ServiceLine]) -> PlanForm:
        """The form with the services of the contract, and those that they could go to."""
        form = cls()
        form.from_line.choices = [(str(one.id), one.title) for one in own]
        form.to_line.choices = [
            ("", "Choose…"),
            *(
                (str(one.id), f"{one.title}, {one.agreement.supplier.name} ({one.agreement.reference})")
                for one in others
            ),
        ]
        form.to_line.validators = [required("Choose the next service")]
        return form


class ReasonForm(Form):
    """Why a handover is given up."""

    reason = LongText("Why is it not handed over?", validators=[required("Enter a reason"), word_limit(200)])


class MoveForm(Form):
    """To which service one person's referral moves."""

    line = Choice("Which service?", missing="Choose a service")

    @classmethod
    def among(cls, lines: Sequence[ServiceLine], places: dict[int, str]) -> MoveForm:
        """The form with the services found, each with where it works."""
        form = cls()
        form.line.choices = [
            (str(one.id), f"{one.title}, {one.agreement.supplier.name} ({places[one.id]})") for one in lines
        ]
        return form
