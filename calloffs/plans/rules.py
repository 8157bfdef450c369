"""Planning a need: volume bands around a projected volume.

Source: the government's own method (domain.md, "Planning a need"; R40-R46). Widths and the threshold are our
defaults, configurable, and labelled as such where they are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from marketplace.money import pounds

# Our defaults: each band's low and high end, in percent of the projected annual volume.
BAND_WIDTHS = ((60, 80), (80, 100), (100, 120), (120, 140))
# Our default: the band that holds the projection itself (its top is 100 %), by which the twelve payments are made.
PLANNED_BAND = 2
# Our default: from this whole-life value a contract is "larger" and has four bands rather than a cap alone.
LARGER_FROM = Decimal("1000000.00")


@dataclass(frozen=True)
class Band:
    """One scenario: from `low` to `high` referrals a year (both included) for `annual_value` pounds a year."""

    number: int
    low: int
    high: int
    annual_value: Decimal


def proposed_bands(projected_annual_volume: int, annual_budget: Decimal) -> list[Band]:
    """Four bands around the projection, valued in proportion to the middle of each against the planned band's.

    The planned band is worth the budget. A starting point for a person to change, not a decision.
    """
    edges = [_part(projected_annual_volume, low) for low, _ in BAND_WIDTHS]
    top = _part(projected_annual_volume, BAND_WIDTHS[-1][1])
    middle = sum(BAND_WIDTHS[PLANNED_BAND - 1])
    bands: list[Band] = []
    for index, (low, high) in enumerate(BAND_WIDTHS):
        # A band begins one above where the one before it ends.
        first = edges[0] if index == 0 else bands[-1].high + 1
        last = edges[index + 1] if index + 1 < len(edges) else top
        bands.append(Band(index + 1, first, last, pounds(annual_budget * (low + high) / middle)))
    return bands


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
