"""Volume bands around a projected volume, and whether a contract is large enough to have them (R41-R43)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from marketplace.money import pounds

# Our default: where the four bands begin and end, in percent of the projected annual volume.
BAND_EDGES = (60, 80, 100, 120, 140)
BAND_WIDTHS = tuple(pairwise(BAND_EDGES))
# Our default: the band that holds the projection itself (its top is 100 %), by which the twelve payments are made.
PLANNED_BAND = 2
# Our default: from this whole-life value a contract is "larger" and has four bands rather than a cap alone.
LARGER_FROM = Decimal("1000000.00")
# Our default: how much of the cost of the planned band stays the same however many people come (buildings, managers).
FIXED_PERCENT = Decimal(30)


@dataclass(frozen=True)
class Band:
    """One scenario: from `low` to `high` referrals a year (both included) for `annual_value` pounds a year."""

    number: int
    low: int
    high: int
    annual_value: Decimal

    @property
    def cost_of_one(self) -> Decimal:
        """What one referral costs at the band's high end, in pounds, rounded half up."""
        return pounds(self.annual_value / self.high) if self.high else Decimal(0)


def proposed_bands(
    projected_annual_volume: int,
    annual_budget: Decimal,
    *,
    edges: Sequence[int] = BAND_EDGES,
    fixed_percent: Decimal = Decimal(0),
) -> list[Band]:
    """Four bands around the projection, the planned one worth the budget. A starting point, not a decision.

    `fixed_percent` of the budget is cost that does not follow the volume; the rest follows the middle of each band
    against the planned band's. So a higher band costs more in all and less for each referral (economies of scale), and
    the lowest band's value, the supplier's guaranteed minimum income, falls by less than the volume does.
    """
    ends = [_part(projected_annual_volume, edge) for edge in edges]
    planned = planned_band(edges)
    middle = edges[planned - 1] + edges[planned]
    bands: list[Band] = []
    for index, (low, high) in enumerate(pairwise(edges)):
        # A band begins one above where the one before it ends.
        first = ends[0] if index == 0 else bands[-1].high + 1
        share = fixed_percent * middle + (100 - fixed_percent) * (low + high)
        bands.append(Band(index + 1, first, ends[index + 1], pounds(annual_budget * share / (100 * middle))))
    return bands


def planned_band(edges: Sequence[int]) -> int:
    """The number of the band that holds the projection itself; PLANNED_BAND where no band does."""
    return next((n for n, (low, high) in enumerate(pairwise(edges), 1) if low < 100 <= high), PLANNED_BAND)


def edge_faults(edges: Sequence[int]) -> list[str]:
    """What is wrong with where bands begin and end, in percent of the projection."""
    found = []
    if len(edges) != len(BAND_EDGES):
        found.append("Enter where each of the four bands begins and ends")
    if any(after <= before for before, after in pairwise(edges)):
        found.append("Each band must end above where it begins")
    if not any(low < 100 <= high for low, high in pairwise(edges)):
        found.append("One band must hold the projection itself: 100%")
    return found


def faults(bands: Sequence[Band]) -> list[str]:
    """What is wrong with a set of bands, in plain words; empty if nothing is."""
    found = []
    for band in bands:
        if band.high < band.low:
            found.append(f"Band {band.number} must end at or above where it begins")
        if band.annual_value <= 0:
            found.append(f"Band {band.number} must have a value above £0")
    for before, after in pairwise(bands):
        if after.low != before.high + 1:
            found.append(
                f"Band {after.number} must begin at {before.high + 1}, one above where band {before.number} ends"
            )
        if after.annual_value < before.annual_value:
            found.append(f"Band {after.number} must not be worth less than band {before.number}")
    return found


def _part(volume: int, percent: int) -> int:
    return int((Decimal(volume) * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
