"""The method: past caseload, share eligible and growth make a volume; volume and unit costs make a cost; cost and
budget make an adjustment, and a gap that is shown (R40, R44, R45).

Source: the Government response to the Justice Committee (2021), item 10. Everything can be checked by hand: volumes are
worked out exactly and rounded once, half up, to whole referrals; people are shared out among intensities as whole
people; each line of cost is to the penny and sums are sums of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from calloffs.plans.rules.bands import (
    BAND_EDGES,
    FIXED_PERCENT,
    LARGER_FROM,
    Band,
    planned_band,
    proposed_bands,
)
from calloffs.plans.rules.vocabulary import GrowthKind, Route, VolumeBasis
from marketplace.money import PENNY, pounds, split

YEAR = 12
# More referrals a year than there are people under supervision, and more pounds than can be kept, are slips of typing.
MOST_VOLUME = 1_000_000
MOST_COST = Decimal(10) ** 10
# Competitions last up to ten years.
MOST_MONTHS = 120


@dataclass(frozen=True)
class Growth:
    """One assumption about the caseload, in percent: by the first contract year, and for each year after it."""

    kind: GrowthKind
    first_percent: Decimal
    later_percent: Decimal
    source: str


@dataclass(frozen=True)
class Assumptions:
    """All that a plan assumes; what is not entered yet is empty."""

    starts_on: date | None = None
    months: int = 24
    evidence: str = ""
    evidence_reason: str = ""
    basis: VolumeBasis | None = None
    # (year in which it ended, caseload), earliest first.
    history: tuple[tuple[int, int], ...] = ()
    history_source: str = ""
    eligible_percent: Decimal | None = None
    eligible_source: str = ""
    stated_volume: int | None = None
    stated_source: str = ""
    growth: tuple[Growth, ...] = ()
    # Pounds for one referral, and percent of the referrals, at low, medium and high intensity.
    unit_costs: tuple[Decimal, ...] = ()
    unit_source: str = ""
    unit_as_of: date | None = None
    mix: tuple[Decimal, ...] = ()
    # Pounds for each contract year.
    budgets: tuple[Decimal, ...] = ()
    budget_reason: str = ""
    paid_from: str = ""
    route: Route | None = None
    route_reason: str = ""
    larger_from: Decimal = LARGER_FROM
    edges: tuple[int, ...] = BAND_EDGES
    fixed_percent: Decimal = FIXED_PERCENT


@dataclass(frozen=True)
class YearFigures:
    """One contract year: its volume, what that costs, and what there is. `annual` is the rate, twelve months of it."""

    number: int
    months: int
    annual: int
    volume: int
    people: tuple[int, ...]
    costs: tuple[Decimal, ...]
    budget: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        """What the volume costs at the unit costs; None while they are not known."""
        return sum(self.costs, Decimal(0)) if self.costs else None

    @property
    def adjustment(self) -> Decimal | None:
        """What is added to the cost (below nought: taken from it) to come to the budget."""
        return None if self.cost is None or self.budget is None else self.budget - self.cost

    @property
    def gap(self) -> Decimal | None:
        """By how much the budget is under the calculated cost, in pounds; 0 where it is not."""
        return None if self.adjustment is None else max(-self.adjustment, pounds(0))


@dataclass(frozen=True)
class Worked:
    """What the assumptions come to."""

    years: tuple[YearFigures, ...]
    months: int
    edges: tuple[int, ...] = BAND_EDGES
    fixed_percent: Decimal = FIXED_PERCENT
    larger_from: Decimal = LARGER_FROM

    @property
    def volume(self) -> int:
        """Referrals over the whole life."""
        return sum(year.volume for year in self.years)

    @property
    def annual_volume(self) -> int:
        """Referrals in an average year: what a cap and bands, the same in every year, are set around."""
        return half_up(Fraction(self.volume * YEAR, self.months))

    @property
    def cost(self) -> Decimal | None:
        """The calculated cost over the whole life, in pounds."""
        costs = [year.cost for year in self.years if year.cost is not None]
        return sum(costs, Decimal(0)) if costs and len(costs) == len(self.years) else None

    @property
    def budget(self) -> Decimal | None:
        """The budget over the whole life, in pounds: the contract's value."""
        budgets = [year.budget for year in self.years if year.budget is not None]
        return sum(budgets, Decimal(0)) if budgets and len(budgets) == len(self.years) else None

    @property
    def annual_budget(self) -> Decimal | None:
        """The budget of an average year, in pounds, rounded half up."""
        return None if self.budget is None else pounds(self.budget * YEAR / self.months)

    @property
    def adjustment(self) -> Decimal | None:
        """What is added to the cost over the whole life to come to the budget."""
        return None if self.cost is None or self.budget is None else self.budget - self.cost

    @property
    def gap(self) -> Decimal | None:
        """By how much the budget is under the calculated cost, in pounds; 0 where it is not (R45)."""
        return None if self.adjustment is None else max(-self.adjustment, pounds(0))

    @property
    def is_larger(self) -> bool:
        """Whether it is worth enough to have four bands rather than a cap alone."""
        return self.budget is not None and self.budget >= self.larger_from

    @property
    def planned_band(self) -> int:
        """The band that holds the projection."""
        return planned_band(self.edges) if self.is_larger else 1

    @property
    def bands(self) -> list[Band]:
        """Four bands, or the cap as one: referrals and pounds of an average year. None while either is not known."""
        return self._bands(self.annual_volume, self.annual_budget) if self.annual_budget and self.volume else []

    def bands_of(self, year: YearFigures) -> list[Band]:
        """The bands as they would be around one contract year's own volume and budget, for a whole year of it."""
        if not year.budget or not year.annual:
            return []
        return self._bands(year.annual, pounds(year.budget * YEAR / year.months))

    def _bands(self, volume: int, budget: Decimal) -> list[Band]:
        if not self.is_larger:
            return [Band(1, 0, volume, budget)]
        return proposed_bands(volume, budget, edges=self.edges, fixed_percent=self.fixed_percent)


def work_out(assumed: Assumptions) -> Worked:
    """The volume, cost and budget of each contract year, as far as they are known."""
    years = []
    for number, months in enumerate(year_lengths(assumed.months), start=1):
        exact = _annual(assumed, number)
        volume = half_up(exact * months / YEAR)
        people = people_of(volume, assumed.mix)
        costs = tuple(pounds(count * cost) for count, cost in zip(people, assumed.unit_costs, strict=False))
        budget = assumed.budgets[number - 1] if number <= len(assumed.budgets) else None
        years.append(YearFigures(number, months, half_up(exact), volume, people, costs, budget))
    return Worked(tuple(years), assumed.months, assumed.edges, assumed.fixed_percent, assumed.larger_from)


def year_lengths(months: int) -> list[int]:
    """How many months each contract year has: twelve, and the last what is left."""
    whole, rest = divmod(months, YEAR)
    return [YEAR] * whole + [rest] * bool(rest)


def people_of(volume: int, mix: Sequence[Decimal]) -> tuple[int, ...]:
    """The volume shared out among the intensities after their percentages, as whole people that sum to it."""
    if not mix or sum(mix) <= 0:
        return ()
    return tuple(int(part / PENNY) for part in split(volume * PENNY, list(mix)))


def changes(history: Sequence[tuple[int, int]]) -> list[Decimal | None]:
    """By how many percent each year's caseload differs from the year's before, to one place; None for the first."""
    found: list[Decimal | None] = []
    for (_, before), (_, after) in zip([(0, 0), *history], history, strict=False):
        found.append((Decimal(after - before) * 100 / before).quantize(Decimal("0.1")) if before else None)
    return found


def half_up(number: Fraction) -> int:
    """A number that is not below nought, rounded half up."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def _annual(assumed: Assumptions, number: int) -> Fraction:
    """The volume of twelve months at the rate of a contract year, exactly; 0 while it is not known."""
    if assumed.basis is VolumeBasis.STATED:
        return Fraction(assumed.stated_volume or 0)
    if not assumed.history or assumed.eligible_percent is None:
        return Fraction(0)
    first = 1 + sum((Fraction(one.first_percent) for one in assumed.growth), Fraction(0)) / 100
    later = 1 + sum((Fraction(one.later_percent) for one in assumed.growth), Fraction(0)) / 100
    latest = assumed.history[-1][1]
    found = latest * Fraction(assumed.eligible_percent) / 100 * first * later ** (number - 1)
    return max(found, Fraction(0))
