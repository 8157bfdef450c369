"""Whether a plan is whole, what to think about before it is used, and what changed from one version to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from calloffs.plans.rules.bands import edge_faults
from calloffs.plans.rules.bands import faults as band_faults
from calloffs.plans.rules.method import MOST_MONTHS, Assumptions, work_out, year_lengths
from calloffs.plans.rules.vocabulary import Evidence, GrowthKind, Intensity, Route, Section, VolumeBasis


@dataclass(frozen=True)
class Fault:
    """Why a plan's figures cannot be settled yet, and where to put it right."""

    section: Section
    words: str


@dataclass(frozen=True)
class Difference:
    """One assumption or figure that is not the same in two versions."""

    what: str
    before: str
    after: str


def faults(assumed: Assumptions) -> list[Fault]:
    """Everything that keeps the figures from being settled, in plain words."""
    found: list[Fault] = []

    def need(section: Section, is_so: object, words: str) -> None:
        if not is_so:
            found.append(Fault(section, words))

    need(Section.NEED, assumed.starts_on, "Enter when the service starts")
    need(Section.NEED, 1 <= assumed.months <= MOST_MONTHS, "The contract must be for 1 to 120 months")
    need(
        Section.EVIDENCE,
        assumed.evidence or assumed.evidence_reason,
        "Choose the needs data that the plan rests on, or say why there is none",
    )
    found += [Fault(Section.VOLUME, words) for words in volume_faults(assumed)]
    if assumed.basis is not VolumeBasis.STATED:
        police = any(one.kind is GrowthKind.POLICE for one in assumed.growth)
        need(Section.GROWTH, police, "Say what you assume of police officer numbers, even if it is 0%")
        need(Section.GROWTH, all(one.source for one in assumed.growth), "Name the source of each assumption")
    need(Section.PRICE, assumed.unit_costs and assumed.unit_source, "Enter the unit costs with their source")
    need(Section.PRICE, not assumed.mix or sum(assumed.mix) == 100, "The mix of intensities must total 100%")
    found += [Fault(Section.MONEY, words) for words in money_faults(assumed)]
    found += [Fault(Section.BANDS, words) for words in edge_faults(assumed.edges)]
    worked = work_out(assumed)
    if not found and worked.is_larger:
        found += [Fault(Section.BANDS, words) for words in band_faults(worked.bands)]
    return found


def volume_faults(assumed: Assumptions) -> list[str]:
    """What is wrong with the past caseload and the share eligible, or with the stated projection."""
    if assumed.basis is None:
        return ["Say how the volume is known"]
    if assumed.basis is VolumeBasis.STATED:
        missing = [] if assumed.stated_source else ["Name the source of the projection"]
        return missing if assumed.stated_volume else ["Enter the projected volume", *missing]
    found = []
    if not assumed.history:
        found.append("Enter the caseload of at least one past year")
    if not assumed.history_source:
        found.append("Name the source of the caseload")
    if assumed.eligible_percent is None or not 0 < assumed.eligible_percent <= 100:
        found.append("Enter the share of the caseload that is eligible, above 0% and up to 100%")
    if not assumed.eligible_source:
        found.append("Name the source of the share that is eligible")
    if not found and work_out(assumed).volume < 1:
        found.append("These figures come to no referrals at all")
    return found


def money_faults(assumed: Assumptions) -> list[str]:
    """What is wrong with the budget and the route. A budget under the calculated cost is shown and explained (R45)."""
    found = []
    if len(assumed.budgets) != len(year_lengths(assumed.months)):
        found.append("Enter the budget of each contract year")
    elif any(budget <= 0 for budget in assumed.budgets):
        found.append("The budget of each contract year must be above £0")
    gap = work_out(assumed).gap
    if gap and not assumed.budget_reason:
        found.append(f"The budget is {_pounds(gap)} under the calculated cost: say what will be done about it")
    if assumed.route is None:
        found.append("Choose how the need is to be met")
    elif not assumed.route_reason and (assumed.paid_from or assumed.route is Route.ELSEWHERE):
        found.append("Say why this route is right for this money")
    return found


def evidence_on(on: date, *, due_on: date, published_on: date | None, good_until: date) -> Evidence:
    """How needs data stands on a day: it counts from its publication until the day to which it is good."""
    if published_on is None or published_on > on:
        return Evidence.AWAITED if due_on >= on else Evidence.LATE
    return Evidence.CURRENT if on <= good_until else Evidence.OLD


def warnings(evidence: Evidence, evidence_words: str, gap: Decimal | None) -> list[str]:
    """What an author and an approver should know of a plan before a call-off is published (R45, R48)."""
    found = []
    if evidence is Evidence.NONE:
        found.append("The plan rests on no published needs data. " + evidence_words)
    elif evidence is not Evidence.CURRENT:
        state = {
            Evidence.AWAITED: "is not published yet",
            Evidence.LATE: "was due and is not published",
            Evidence.OLD: "is out of date",
        }[evidence]
        found.append(f"The needs data that the plan rests on {state}: {evidence_words}")
    if gap:
        found.append(f"The budget is {_pounds(gap)} under the calculated cost over the life of the contract.")
    return found


def differences(before: Assumptions, after: Assumptions) -> list[Difference]:
    """What is not the same in two versions: each assumption, then what they come to."""
    old, new = dict(_written(before)), dict(_written(after))
    return [
        Difference(what, old.get(what, "Not entered"), new.get(what, "Not entered"))
        for what in [*old, *(each for each in new if each not in old)]
        if old.get(what) != new.get(what)
    ]


def written(assumed: Assumptions) -> list[tuple[str, str]]:
    """Each assumption that is entered, in words: what it is, and what is assumed."""
    return list(_written(assumed, figures=False))


def _written(assumed: Assumptions, *, figures: bool = True) -> Iterable[tuple[str, str]]:
    lines: list[tuple[str, str | None]] = [
        ("The service starts on", None if assumed.starts_on is None else _day(assumed.starts_on)),
        ("Months of the contract", f"{assumed.months}"),
        ("Needs data", assumed.evidence or assumed.evidence_reason),
    ]
    if assumed.basis is VolumeBasis.STATED:
        lines += [
            ("Projected volume", f"{assumed.stated_volume:,} a year" if assumed.stated_volume else None),
            ("Source of the projection", assumed.stated_source),
        ]
    else:
        lines += [(f"Caseload of the year that ended in {year}", f"{count:,}") for year, count in assumed.history]
        lines += [
            ("Source of the caseload", assumed.history_source),
            ("Share eligible", None if assumed.eligible_percent is None else _percent(assumed.eligible_percent)),
            ("Source of the share eligible", assumed.eligible_source),
        ]
        for one in assumed.growth:
            first, later = _signed(one.first_percent), _signed(one.later_percent)
            change = f"{first} by the first contract year, {later} a year after"
            lines += [(one.kind.label, change), (f"Source: {one.kind.label.lower()}", one.source)]
    for index, intensity in enumerate(Intensity):
        if assumed.unit_costs:
            lines.append((f"Unit cost, {intensity.label.lower()} intensity", _pounds(assumed.unit_costs[index])))
        if assumed.mix:
            lines.append((f"Share at {intensity.label.lower()} intensity", _percent(assumed.mix[index])))
    as_of = f", as of {_day(assumed.unit_as_of)}" if assumed.unit_as_of else ""
    lines.append(("Source of the unit costs", assumed.unit_source and assumed.unit_source + as_of))
    lines += [(f"Budget of contract year {number}", _pounds(each)) for number, each in enumerate(assumed.budgets, 1)]
    lines += [
        ("What is done about the gap", assumed.budget_reason),
        ("Paid from", assumed.paid_from),
        ("Route", assumed.route and assumed.route.label),
        ("Why this route", assumed.route_reason),
        ("Four bands from a value of", _pounds(assumed.larger_from)),
        ("Edges of the bands", ", ".join(f"{edge}%" for edge in assumed.edges)),
        ("Cost that does not follow the volume", _percent(assumed.fixed_percent)),
    ]
    if figures:
        worked = work_out(assumed)
        lines += [(f"Volume of contract year {one.number}", f"{one.volume:,}") for one in worked.years if one.volume]
        lines += [
            ("Calculated cost, whole life", None if worked.cost is None else _pounds(worked.cost)),
            ("Budget, whole life", None if worked.budget is None else _pounds(worked.budget)),
            ("Gap, whole life", None if worked.gap is None else _pounds(worked.gap)),
        ]
    yield from ((what, text) for what, text in lines if text)


def _day(of: date) -> str:
    return f"{of.day} {of:%B %Y}"


def _pounds(amount: Decimal) -> str:
    return f"£{amount:,.2f}"


def _percent(share: Decimal) -> str:
    return f"{share.normalize():f}%"


def _signed(share: Decimal) -> str:
    return f"{'+' if share > 0 else ''}{share.normalize():f}%".replace("-", "−")
