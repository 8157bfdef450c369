"""The forms of a plan, one for each of its parts, and of reference figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from wtforms.validators import InputRequired, StopValidation

from calloffs.plans.rules import BAND_EDGES, MOST_MONTHS, Growth, GrowthKind, Intensity, Route, VolumeBasis
from marketplace.forms import (
    Choice,
    DateParts,
    DropDown,
    Form,
    LongText,
    Pounds,
    Share,
    Text,
    WholeNumber,
    optional,
    required,
)

# How many past years a form offers.
YEARS = 6


class Change(Share):
    """A change in percent, up or down: 2.5, -3. `data` is a Decimal, or None."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read it, with or without signs."""
        text = valuelist[0].strip().rstrip("%").strip().replace("−", "-") if valuelist else ""
        self.data = None
        if text:
            if not re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{1,2})?", text) or not -100 <= Decimal(text) <= 100:
                raise ValueError("Enter a change in percent from -100 to 100, like 2.5 or -3")
            self.data = Decimal(text)


class NeedForm(Form):
    """A need: what, where, from when, for how long."""

    title = Text(
        "Title",
        description="For example, Accommodation support in Leeds",
        validators=[required("Enter a title for the plan")],
    )
    category_code = DropDown("Category", missing="Choose a category", validators=[required("Choose a category")])
    place_code = DropDown("Area", missing="Choose an area", validators=[required("Choose an area")])
    need = LongText(
        "What is needed",
        description="Who needs it, what should change for them. It becomes the start of the specification.",
        validators=[required("Describe what is needed")],
    )
    starts_on = DateParts("The service should start on", missing="Enter when the service should start")
    months = WholeNumber(
        "For how many months", least=1, most=MOST_MONTHS, validators=[InputRequired("Enter the number of months")]
    )


class EvidenceForm(Form):
    """The needs data that the plan rests on, or why there is none."""

    needs_data = DropDown("Needs data", default="", missing="Choose needs data of this area")
    reason = LongText("If there is none, why", validators=[optional()])


class VolumeForm(Form):
    """Past caseload and who is eligible, or a projection stated."""

    basis = Choice(
        "How do you know the volume?",
        choices=[(one.value, one.label) for one in VolumeBasis],
        missing="Choose how you know the volume",
    )
    history_source = Text("Where the caseload comes from", description="A source that others can look up")
    eligible_percent = Share("Share of the caseload that is eligible", validators=[optional()])
    eligible_source = Text("Where that share comes from")
    stated_volume = WholeNumber(
        "Projected volume", description="Referrals a year", least=1, most=1_000_000, validators=[optional()]
    )
    stated_source = Text("Where the projection comes from")

    def rows(self) -> list[tuple[Any, Any]]:
        """Each past year's two fields."""
        return [(self[f"year_{n}"], self[f"caseload_{n}"]) for n in range(1, YEARS + 1)]

    def history(self) -> list[tuple[int, int]] | None:
        """(year, caseload) of each; None (and errors at the fields) where one is without the other, or all missing."""
        found: list[tuple[int, int]] = []
        whole = True
        for year, caseload in self.rows():
            if year.data is None and caseload.data is None:
                continue
            for field, words in ((year, "Enter the year"), (caseload, "Enter the caseload of this year")):
                if field.data is None:
                    field.errors, whole = [words], False
            if year.data is not None and year.data in [each for each, _ in found]:
                year.errors, whole = ["Enter each year once"], False
            found.append((year.data, caseload.data))
        if not found:
            self["caseload_1"].errors, whole = ["Enter the caseload of at least one past year"], False
        return found if whole else None

    def entered(self) -> list[tuple[int, int]] | None:
        """The past years, none where a projection is stated; None (and errors at the fields) if anything is missing."""
        if self.basis.data == VolumeBasis.STATED:
            found: list[tuple[int, int]] | None = []
            wanted = [(self.stated_volume, "Enter the projected volume"), (self.stated_source, "Name the source")]
        else:
            found = self.history()
            wanted = [
                (self.history_source, "Name the source of the caseload"),
                (self.eligible_percent, "Enter the share that is eligible, above 0%"),
                (self.eligible_source, "Name the source of the share that is eligible"),
            ]
        for field, words in wanted:
            if not field.data and not field.errors:
                field.errors = [words]
        return None if any(field.errors for field, _ in wanted) else found


for _n in range(1, YEARS + 1):
    _year = WholeNumber(f"Year {_n}: ended in", least=1990, most=2200, validators=[optional()])
    setattr(VolumeForm, f"year_{_n}", _year)
    _count = WholeNumber(f"Year {_n}: caseload", least=0, most=1_000_000, validators=[optional()])
    setattr(VolumeForm, f"caseload_{_n}", _count)


class GrowthForm(Form):
    """What may change the caseload, each cause with its source."""

    def rows(self) -> list[tuple[GrowthKind, Any, Any, Any]]:
        """Each cause with its three fields."""
        return [(one, self[f"first_{one}"], self[f"later_{one}"], self[f"source_{one}"]) for one in GrowthKind]

    def growth(self) -> list[Growth] | None:
        """What was entered; None (and errors at the fields) where something is missing."""
        found, whole = [], True
        for kind, first, later, source in self.rows():
            touched = first.data is not None or later.data is not None or source.data
            if not touched and kind is not GrowthKind.POLICE:
                continue
            for field, words in (
                (first, "Enter the change by the first contract year, even if it is 0"),
                (later, "Enter the change for each year after, even if it is 0"),
            ):
                if field.data is None and not field.errors:
                    field.errors = [f"{kind.label}: {words[0].lower()}{words[1:]}"]
            if not source.data:
                source.errors = [f"{kind.label}: name the source"]
            if first.errors or later.errors or source.errors:
                whole = False
            else:
                found.append(Growth(kind, first.data, later.data, source.data))
        return found if whole else None


for _kind in GrowthKind:
    setattr(GrowthForm, f"first_{_kind}", Change("By the first contract year", validators=[optional()]))
    setattr(GrowthForm, f"later_{_kind}", Change("Each year after", validators=[optional()]))
    setattr(GrowthForm, f"source_{_kind}", Text("Source"))


class _CostsForm(Form):
    """What one referral costs at each intensity, with source and date."""

    unit_low = Pounds("Low intensity", validators=[InputRequired("Enter the unit cost at low intensity")])
    unit_medium = Pounds("Medium intensity", validators=[InputRequired("Enter the unit cost at medium intensity")])
    unit_high = Pounds("High intensity", validators=[InputRequired("Enter the unit cost at high intensity")])
    source = Text(
        "Where the unit costs come from",
        description="For example, average of our contracts of 2025",
        validators=[required("Name the source of the unit costs")],
    )
    as_of = DateParts("On which day they were right", missing="Enter the day of the unit costs")

    def amounts(self) -> tuple[Decimal, Decimal, Decimal]:
        """Low, medium and high."""
        return self.unit_low.data, self.unit_medium.data, self.unit_high.data


class UnitCostsForm(_CostsForm):
    """Unit costs of a category."""

    category_code = DropDown("Category", missing="Choose a category")


class PriceForm(_CostsForm):
    """Unit costs of the plan's category, and how many referrals are of each intensity."""

    def mix(self) -> tuple[Decimal, Decimal, Decimal]:
        """Percent at low, medium and high."""
        low, medium, high = (self[f"mix_{one}"].data for one in Intensity)
        return low, medium, high


for _intensity in Intensity:
    setattr(
        PriceForm,
        f"mix_{_intensity}",
        Share(
            f"Share at {_intensity} intensity",
            validators=[InputRequired(f"Enter the share at {_intensity} intensity, even if it is 0")],
        ),
    )


class MoneyForm(Form):
    """The budget of each contract year (fields are added by `for_years`), where it comes from, and the route."""

    years: Sequence[int]
    budget_reason = LongText(
        "If the budget is under the calculated cost, what will be done about it", validators=[optional()]
    )
    source = DropDown("Paid from", default="")
    route = Choice(
        "How is the need to be met?",
        choices=[(one.value, one.label) for one in Route],
        missing="Choose how the need is to be met",
    )
    route_reason = LongText(
        "Why this route",
        description="Needed for ring-fenced money, and for a route outside the framework",
        validators=[optional()],
    )

    @classmethod
    def for_years(cls, lengths: Sequence[int]) -> MoneyForm:
        """A field for the budget of each contract year of so many months."""
        fields: dict[str, Any] = {
            f"year_{number}": Pounds(
                f"Contract year {number}" if months == 12 else f"Contract year {number} ({months} months)",
                validators=[InputRequired(f"Enter the budget of contract year {number}"), _above_nought],
            )
            for number, months in enumerate(lengths, start=1)
        }
        form: MoneyForm = type("PlanMoneyForm", (cls,), fields)()
        form.years = range(1, len(lengths) + 1)
        return form

    def budgets(self) -> list[Decimal]:
        """The amounts as typed."""
        return [self[f"year_{number}"].data for number in self.years]

    def fund(self) -> tuple[int, str] | None:
        """The fund and purpose chosen; None for the body's own budget."""
        fund_id, _, purpose = (self.source.data or "").partition(":")
        return (int(fund_id), purpose) if purpose else None


def _above_nought(form: Any, field: Any) -> None:
    if field.data is not None and field.data <= 0:
        raise StopValidation("The budget must be above £0")


class BandsForm(Form):
    """Where the bands begin and end, what does not follow the volume, and from which value there are bands."""

    larger_from = Pounds(
        "Four bands from a whole-life value of", validators=[InputRequired("Enter from which value there are bands")]
    )
    fixed_percent = Share(
        "Cost that stays the same however many people come",
        validators=[InputRequired("Enter the share of cost that stays the same, even if it is 0")],
    )

    def edges(self) -> list[int]:
        """The five edges, in percent of the projection."""
        return [self[f"edge_{n}"].data for n in range(1, len(BAND_EDGES) + 1)]


for _n in range(1, len(BAND_EDGES) + 1):
    _words = "Band 1 begins at" if _n == 1 else f"Band {_n - 1} ends at"
    setattr(
        BandsForm,
        f"edge_{_n}",
        WholeNumber(_words, least=1, most=1000, validators=[InputRequired(f"Enter where {_words.lower()[:-3]}")]),
    )


class ReasonForm(Form):
    """Why there is another version."""

    reason = LongText("Why the figures change", validators=[required("Say why the figures change")])


class PublishForm(Form):
    """When needs data was published, and until when it is good."""

    published_on = DateParts("Published on", missing="Enter the day of publication")
    good_until = DateParts("Good until", missing="Enter until when it is good")


class NeedsDataForm(Form):
    """Needs data of an area."""

    title = Text(
        "Name",
        description="For example, Needs of people on probation in Northumbria, 2026",
        validators=[required("Enter the name of the needs data")],
    )
    source = Text("Who publishes it", validators=[required("Say who publishes it")])
    place_code = DropDown("Area", missing="Choose an area")
    due_on = DateParts("Due on", missing="Enter the day on which it is due")
    published_on = DateParts("Published on")
    good_until = DateParts("Good until", missing="Enter until when it is good")
