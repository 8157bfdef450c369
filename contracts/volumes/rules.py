"""Volumes: actual referrals against the profile, the bands and the cap.

Source: the government's own method (domain.md, "Planning a need"; R41-R43, R46): "assess the actual volume of
referrals against" the estimate, act before a cap or a band edge. Time is counted in working days, because referrals
are made on working days. Everything is a whole number of referrals; fractions are rounded half up, once, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from calloffs.plans.rules import Band
from marketplace.working_days import add_working_days, working_days_between

# Our defaults, shown as such: how far from the profile still counts as on it, in percent of the profile; from what
# part of the cap a service is near it; and how many working days before the cap is met the region should act.
TOLERANCE_PERCENT = 10
NEAR_CAP_PERCENT = 90
NEAR_CAP_WORKING_DAYS = 20


class Standing(StrEnum):
    """Where a service stands in its contract year, in the order in which somebody should act."""

    FULL = "full"
    NEAR_CAP = "near_cap"
    UNDER_MINIMUM = "under_minimum"
    ABOVE_PROFILE = "above_profile"
    BELOW_PROFILE = "below_profile"
    ON_PROFILE = "on_profile"
    NOT_BEGUN = "not_begun"
    NO_VOLUME = "no_volume"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {
            Standing.NEAR_CAP: "Near its cap",
            Standing.UNDER_MINIMUM: "Heading under its minimum",
            Standing.NO_VOLUME: "No volume recorded",
        }.get(self, self.value.replace("_", " ").capitalize())


@dataclass(frozen=True)
class Edge:
    """A volume at which something changes, and the day it is met at the current rate.

    `band` is the band that begins there; None for the cap. `met_on` is None where the contract year ends first.
    """

    volume: int
    band: int | None
    met_on: date | None


@dataclass(frozen=True)
class Position:
    """One service line's volume in one contract year, as it stands at the end of one day."""

    line_id: int
    first_day: date
    last_day: date
    on: date
    # Referrals that count, to date; and what the profile expected by now (None where no volume is agreed).
    counted: int
    expected: int | None
    planned: int | None
    bands: tuple[Band, ...]
    # The band the count to date has reached; None below the lowest.
    band: int | None
    cap: int | None
    room: int | None
    # Where the year ends at the current rate; None before its first working day.
    projected: int | None
    # The band for which the year would be paid at that rate: never below the lowest.
    projected_band: int | None
    next_edge: Edge | None
    cap_edge: Edge | None
    standing: Standing

    @property
    def minimum_income(self) -> Decimal | None:
        """What the supplier is paid a year even if fewer people come, in pounds: the lowest band's value (R42)."""
        return self.bands[0].annual_value if self.bands else None

    @property
    def minimum_volume(self) -> int | None:
        """The lowest band's low end; None where there is none to speak of."""
        return (self.bands[0].low or None) if self.bands else None


@dataclass(frozen=True)
class Step:
    """One row of the chart and its table: a month's referrals, the sum so far, and the profile by then."""

    ends_on: date
    # How far through the contract year, between 0 and 1, in working days.
    through: float
    referrals: int | None
    actual: int | None
    profile: int


@lru_cache(maxsize=4096)
def working_days(first: date, last: date) -> int:
    """Working days in first..last, both counted."""
    return working_days_between(first, last)


def expected_by(planned: int, first: date, last: date, on: date) -> int:
    """What the profile expects by the end of `on`: the planned volume spread evenly over the year's working days."""
    whole = working_days(first, last)
    if not whole or on < first:
        return 0
    return half_up(planned * working_days(first, min(on, last)), whole)


def band_reached(bands: Sequence[Band], volume: int) -> int | None:
    """The number of the highest band that begins at or below the volume; None below the lowest."""
    return max((band.number for band in bands if band.low <= volume), default=None)


def band_paid(bands: Sequence[Band], volume: int) -> int | None:
    """The band for which a year with this volume is paid: the one reached, never below the lowest (R42)."""
    if not bands:
        return None
    return band_reached(bands, volume) or bands[0].number


def projected_year_end(counted: int, first: date, last: date, on: date) -> int | None:
    """Where the year ends if referrals keep coming as they have so far; None before the first working day."""
    elapsed = working_days(first, min(on, last)) if on >= first else 0
    if not elapsed:
        return None
    return half_up(counted * working_days(first, last), elapsed)


def met_on(volume: int, counted: int, first: date, last: date, on: date) -> date | None:
    """The working day on which the count meets `volume` at the current rate; None if not within the year.

    A volume already met gives the day asked about.
    """
    if counted >= volume:
        return on
    elapsed = working_days(first, min(on, last)) if on >= first else 0
    if not elapsed or not counted or on >= last:
        return None
    days = -((volume - counted) * elapsed // -counted)
    if days > working_days(on + timedelta(days=1), last):
        return None
    return add_working_days(on, days)


def room_left(cap: int | None, counted: int) -> int | None:
    """How many more can be referred this contract year; None where no cap is recorded."""
    return None if cap is None else max(cap - counted, 0)


def assess(
    line_id: int, bands: Sequence[Band], planned_band: int | None, *, year: tuple[date, date], on: date, counted: int
) -> Position:
    """The position of a line. The planned volume is the planned band's high end (the projection itself, where our
    default widths were used); under a cap alone, the cap."""
    first, last = year
    ordered = tuple(sorted(bands, key=lambda band: band.number))
    planned = next((band.high for band in ordered if band.number == planned_band), None)
    cap = max((band.high for band in ordered), default=None)
    if planned is None:
        planned = cap
    projected = projected_year_end(counted, first, last, on)
    following = next((band for band in ordered if band.low > counted), None)
    cap_edge = None if cap is None else Edge(cap, None, met_on(cap, counted, first, last, on))
    if following is not None:
        next_edge: Edge | None = Edge(following.low, following.number, met_on(following.low, counted, first, last, on))
    else:
        next_edge = cap_edge if cap is not None and counted < cap else None
    expected = None if planned is None else expected_by(planned, first, last, on)
    return Position(
        line_id=line_id,
        first_day=first,
        last_day=last,
        on=on,
        counted=counted,
        expected=expected,
        planned=planned,
        bands=ordered,
        band=band_reached(ordered, counted),
        cap=cap,
        room=room_left(cap, counted),
        projected=projected,
        projected_band=None if projected is None else band_paid(ordered, projected),
        next_edge=next_edge,
        cap_edge=cap_edge,
        standing=_standing(
            ordered, cap, year=year, on=on, counted=counted, expected=expected, projected=projected, cap_edge=cap_edge
        ),
    )


def _standing(
    bands: Sequence[Band],
    cap: int | None,
    *,
    year: tuple[date, date],
    on: date,
    counted: int,
    expected: int | None,
    projected: int | None,
    cap_edge: Edge | None,
) -> Standing:
    if cap is None or expected is None or cap_edge is None:
        return Standing.NO_VOLUME
    if counted >= cap:
        return Standing.FULL
    if projected is None:
        return Standing.NOT_BEGUN
    met = cap_edge.met_on
    soon = met is not None and working_days(on + timedelta(days=1), met) <= NEAR_CAP_WORKING_DAYS
    # In the first weeks a rate says little: only the count itself warns then.
    early = working_days(year[0], on) <= NEAR_CAP_WORKING_DAYS
    if counted * 100 >= cap * NEAR_CAP_PERCENT or (soon and not early):
        return Standing.NEAR_CAP
    if projected < bands[0].low and not early:
        return Standing.UNDER_MINIMUM
    if counted * 100 > expected * (100 + TOLERANCE_PERCENT):
        return Standing.ABOVE_PROFILE
    if counted * 100 < expected * (100 - TOLERANCE_PERCENT):
        return Standing.BELOW_PROFILE
    return Standing.ON_PROFILE


def steps(position: Position, by_day: Mapping[date, int]) -> list[Step]:
    """The year month by month for the chart and its table. The month that runs is cut at the day asked about, and
    followed by its end; what is still to come has a profile and no actual."""
    first, last, on = position.first_day, position.last_day, position.on
    ends = _month_ends(first, last)
    if first <= on <= last and on not in ends:
        ends = sorted([*ends, on])
    whole = working_days(first, last) or 1
    made, before, total = [], first - timedelta(days=1), 0
    for end in ends:
        came = sum(count for day, count in by_day.items() if before < day <= end)
        total += came
        known = end <= on
        made.append(
            Step(
                ends_on=end,
                through=working_days(first, end) / whole,
                referrals=came if known else None,
                actual=total if known else None,
                profile=expected_by(position.planned or 0, first, last, end),
            )
        )
        before = end
    return made


def _month_ends(first: date, last: date) -> list[date]:
    ends, day = [], first
    while day <= last:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        ends.append(min(following - timedelta(days=1), last))
        day = following
    return ends


def half_up(part: int, whole: int) -> int:
    """part ÷ whole to the nearest whole number, halves up."""
    return (2 * part + whole) // (2 * whole)
