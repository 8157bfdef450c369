"""The forms of a call-off: one for each part of the draft."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from wtforms.validators import InputRequired

from calloffs.competitions.rules import Instrument, OpenTo, QuestionKind, VolumeKind
from calloffs.plans.rules import Band
from marketplace.forms import (
    Choice,
    Choices,
    DateParts,
    DropDown,
    Form,
    LondonTime,
    LongText,
    Pounds,
    Text,
    WholeNumber,
    optional,
    required,
)

CO_COMMISSIONERS = 4


class BasicsForm(Form):
    """What it is called, its category, where, and why this level of area."""

    instrument = Choice(
        "What it leads to",
        choices=[(one.value, one.label) for one in Instrument],
        missing="Choose a contract or a grant",
        validators=[required("Choose a contract or a grant")],
    )
    title = Text(
        "Title",
        description="As suppliers and the public will read it",
        validators=[required("Enter a title for the call-off")],
    )
    category_code = DropDown("Category", missing="Choose a category", validators=[required("Choose a category")])
    place_codes = Choices("Areas", missing="Choose at least one area")
    level_reason = LongText(
        "Why this level of area is right",
        description="Buying is as local as is appropriate: say why not more local, or why not wider",
        validators=[required("Say why this level of area is right")],
    )


class SpecificationForm(Form):
    """Whom the service is for, and what it is."""

    open_to = Choice(
        "Who it is for",
        choices=[(one.value, one.label) for one in OpenTo],
        missing="Choose women, men or both",
        validators=[required("Choose women, men or both")],
    )
    minimum_age = WholeNumber(
        "Youngest age", description="18 or older", least=18, most=99, validators=[required("Enter the youngest age")]
    )
    maximum_age = WholeNumber(
        "Oldest age", description="Leave empty if there is none", least=18, most=120, validators=[optional()]
    )

    specification = LongText(
        "Specification",
        description="What people need, the outcomes to reach, the standards to meet. Leave the method to bidders. "
        "Leave an empty line between paragraphs.",
        validators=[required("Write the specification")],
    )


class VolumeForm(Form):
    """One cap, or four bands."""

    kind = Choice("How volume is set", missing="Choose a cap or four bands")
    cap_volume = WholeNumber("Most referrals a year", least=1, most=1_000_000, validators=[optional()])
    cap_value = Pounds("Most you will pay a year", validators=[optional()])
    planned_band = Choice("The band you plan for", missing="Choose the band that you plan for", validators=[optional()])

    def bands(self) -> list[Band] | None:
        """What was entered for the kind chosen; None (and errors at the fields) where something is missing."""
        if self.kind.data == VolumeKind.CAP:
            rows = [(1, None, self.cap_volume, self.cap_value)]
        else:
            rows = [(n, self[f"low_{n}"], self[f"high_{n}"], self[f"value_{n}"]) for n in range(1, 5)]
        found, whole = [], True
        for number, low, high, value in rows:
            for field, words in ((low, "where it begins"), (high, "where it ends"), (value, "its value")):
                if field is not None and field.data is None and not field.errors:
                    field.errors = [f"{'The cap' if low is None else f'Band {number}'}: enter {words}"]
                if field is not None and field.errors:
                    whole = False
            if whole:
                found.append(Band(number, low.data if low is not None else 0, high.data, value.data))
        if self.kind.data == VolumeKind.BANDS and not self.planned_band.data:
            self.planned_band.errors, whole = ["Choose the band that you plan for"], False
        return found if whole else None

    def show(self, kind: VolumeKind, bands: Sequence[Band], planned_band: int) -> None:
        """Fill in what the draft has."""
        self.kind.data, self.planned_band.data = kind.value, str(planned_band)
        for band in bands:
            if kind is VolumeKind.CAP:
                self.cap_volume.data, self.cap_value.data = band.high, band.annual_value
            else:
                self[f"low_{band.number}"].data = band.low
                self[f"high_{band.number}"].data = band.high
                self[f"value_{band.number}"].data = band.annual_value


for _number in range(1, 5):
    setattr(
        VolumeForm,
        f"low_{_number}",
        WholeNumber(f"Band {_number}: from", least=0, most=1_000_000, validators=[optional()]),
    )
    setattr(
        VolumeForm,
        f"high_{_number}",
        WholeNumber(f"Band {_number}: up to", least=0, most=1_000_000, validators=[optional()]),
    )
    setattr(VolumeForm, f"value_{_number}", Pounds(f"Band {_number}: most a year", validators=[optional()]))


class QuestionForm(Form):
    """One question to bidders."""

    kind = Choice(
        "How it counts",
        choices=[(QuestionKind.SCORED.value, "Scored, 0 to 5"), (QuestionKind.PASS_FAIL.value, "Pass or fail")],
        default=QuestionKind.SCORED.value,
    )
    text = LongText("Question", validators=[required("Enter the question")])
    weight = WholeNumber(
        "Weight",
        description="Percent of the total. Leave empty for a pass or fail question.",
        least=0,
        most=100,
        validators=[optional()],
    )
    word_limit = WholeNumber(
        "Word limit", least=1, most=10_000, default=500, validators=[InputRequired("Enter the word limit")]
    )


class PsedQuestionForm(Form):
    """Of the Public Sector Equality Duty question only the word limit can be changed."""

    word_limit = WholeNumber("Word limit", least=1, most=10_000, validators=[InputRequired("Enter the word limit")])


class PriceWeightForm(Form):
    """How much price counts."""

    price_weight = WholeNumber(
        "Weight of price",
        description="Percent of the total: the scored questions and price make 100. "
        "With 0, price is fixed and only quality counts.",
        least=0,
        most=100,
        validators=[InputRequired("Enter the weight of price, from 0 to 100")],
    )


class FundersForm(Form):
    """The lead body's share and those of up to four co-commissioners."""

    lead = Text("Your share", validators=[required("Enter your share, in percent")])
    source = DropDown("Your share is paid from", default="", validators=[optional()])

    def fund(self) -> tuple[int, str] | None:
        """The fund and the purpose chosen as the source of the lead body's share; None for its own budget."""
        fund_id, _, purpose = (self.source.data or "").partition(":")
        return (int(fund_id), purpose) if purpose else None

    def rows(self) -> list[tuple[Any, Any]]:
        """Each co-commissioner's two fields."""
        return [(self[f"body_{n}"], self[f"percent_{n}"]) for n in range(1, CO_COMMISSIONERS + 1)]

    def shares(self, lead_id: int) -> list[tuple[int, Decimal]] | None:
        """(body, percent) of each; None (and errors at the fields) where something is not a share."""
        found, whole = [], True
        for body, percent in [(None, self.lead), *self.rows()]:
            chosen = lead_id if body is None else int(body.data or 0)
            if not chosen and not percent.data:
                continue
            amount = _percent(percent.data)
            if not chosen:
                body.errors, whole = ["Choose the body that pays this share"], False
            if amount is None:
                percent.errors, whole = ["Enter a share in percent, like 40 or 33.33"], False
            if chosen and amount is not None:
                found.append((chosen, amount))
        return found if whole else None


for _number in range(1, CO_COMMISSIONERS + 1):
    setattr(FundersForm, f"body_{_number}", DropDown(f"Co-commissioner {_number}", default=""))
    setattr(FundersForm, f"percent_{_number}", Text(f"Share of co-commissioner {_number}"))


def _percent(text: str | None) -> Decimal | None:
    plain = (text or "").rstrip("%").strip()
    whole, _, part = plain.partition(".")
    if not whole.isdecimal() or len(whole) > 3 or (part and not part.isdecimal()) or len(part) > 2:
        return None
    return Decimal(plain)


class DatesForm(Form):
    """When bidding closes, when the service starts, for how long."""

    closes_on = DateParts("Bidding closes on", missing="Enter the day on which bidding closes")
    closes_at = LondonTime(
        "At what time",
        description="London time, for example 12:00. Bids must be in before this moment.",
        validators=[required("Enter the time at which bidding closes")],
    )
    starts_on = DateParts("The service starts on", missing="Enter the day on which the service starts")
    months = WholeNumber(
        "For how many months", least=1, most=120, validators=[InputRequired("Enter the number of months")]
    )


class ApprovalForm(Form):
    """Approving; asked only where the plan rests on no current needs data (R48): why it is published all the same."""

    needs_reason = LongText(
        "Why publish without current needs data",
        description="Kept with the call-off, where everyone who can read this file reads it. Nothing about any person.",
        validators=[optional()],
    )


class ReasonForm(Form):
    """A reason, which those concerned will read."""

    reason = LongText("Reason", validators=[required("Give the reason")])
