"""The position: where one service line stands in its contract year at the end of a day.

A nation's board assesses some thousands at once, so a position holds only what it was made from and works out the
rest when it is asked: what a list is sorted and counted by is a few whole numbers, dates and ranges are for the rows
that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from calloffs.plans.rules import Band
from contracts.volumes.rules.profile import SOON, Plan, Planned, Profile, scaled_down, scaled_up
from contracts.volumes.rules.sureness import Likelihood, Range, likelihood, year_end_range
from contracts.volumes.rules.years import Span, bands_of_year

# Our defaults, shown as such: how far from the profile still counts as on it, in percent of the profile; from what
# part of the cap a service is near it; and how many working days before the cap is met the region should act.
TOLERANCE_PERCENT = 10
NEAR_CAP_PERCENT = 90
NEAR_CAP_WORKING_DAYS = SOON


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
    """A volume at which something changes, the day it is met at the current rate, and how likely it is met at all.

    `band` is the band that begins there; None for the cap. `met_on` is None where the contract year ends first.
    """

    volume: int
    band: int | None
    met_on: date | None
    likelihood: Likelihood | None


@dataclass(frozen=True)
class Position:
    """One service line's volume in one contract year, as it stands at the end of one day.

    `lows` and `highs` are the ends of the bands agreed on that day, lowest first (a cap alone is one band, from 0);
    `plan` is the planned band's high end (the projection itself, where our default widths were used), and earlier
    ones where a variation changed it within the year; `earlier` are the bands of the days before that variation.
    `counted` are the referrals that count, to date.
    """

    line_id: int
    year: Profile
    on: date
    counted: int
    lows: Sequence[int]
    highs: Sequence[int]
    prices: Sequence[Decimal]
    planned_band: int | None
    plan: Plan
    # Of those that count, how many have been completed.
    delivered: int = 0
    earlier: Sequence[Span] = ()

    @property
    def first_day(self) -> date:
        """The contract year's first day."""
        return self.year.first

    @property
    def last_day(self) -> date:
        """The contract year's last day, or the contract's if that comes before."""
        return self.year.closes

    @property
    def is_part(self) -> bool:
        """Whether the contract ends within this contract year."""
        return self.year.closes < self.year.last

    @property
    def compared(self) -> int:
        """The count as of a whole year, as bands are: the one by which the year is paid (decision 0031)."""
        return scaled_up(self.counted, self.first_day, self.last_day, self.year.last)

    @cached_property
    def spans(self) -> list[Span]:
        """The contract year by the terms in force in it, as they stand on the day; none without bands."""
        if not self.highs:
            return []
        return [
            *self.earlier,
            Span(self.plan[-1].since, self.last_day, self.bands, self.planned_band or len(self.highs)),
        ]

    @cached_property
    def begins_at(self) -> Sequence[int]:
        """From how many referrals of this contract year on each band is reached, by the rule by which it is paid.

        Bands are of a whole year, and where they were changed within it, those of the whole year by days count.
        """
        lows = bands_of_year(self.spans)[-1] if self.earlier and self.highs else self.lows
        if not self.is_part:
            return lows
        return [scaled_down(low, self.first_day, self.last_day, self.year.last) for low in lows]

    def _reached(self, counted: int) -> int | None:
        return max((number for number, low in enumerate(self.begins_at, start=1) if low <= counted), default=None)

    @property
    def cap(self) -> int | None:
        """The most referrals in one contract year, however short: the top band's high end; None where no volume is
        agreed."""
        return self.highs[-1] if self.highs else None

    @property
    def room(self) -> int | None:
        """How many more can be referred this contract year; None where no cap is recorded."""
        return max(self.highs[-1] - self.counted, 0) if self.highs else None

    @property
    def planned(self) -> int | None:
        """What is planned for this contract year; None where no volume is agreed."""
        return self.year.planned(self.plan) if self.plan else None

    @property
    def expected(self) -> int | None:
        """What the profile expects by now; None where no volume is agreed."""
        return self.year.expected(self.plan, self.on) if self.plan else None

    @property
    def projected(self) -> int | None:
        """Where the year ends at the current rate, whatever the cap; None before its first working day."""
        return self.year.projected(self.counted, self.on)

    @property
    def projected_annually(self) -> int | None:
        """The projection as of a whole year, to compare with bands: a contract may end within its last year."""
        return self.year.projected_annually(self.counted, self.on)

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands agreed, lowest first."""
        return tuple(
            Band(number, low, high, price)
            for number, (low, high, price) in enumerate(zip(self.lows, self.highs, self.prices, strict=True), start=1)
        )

    @property
    def band(self) -> int | None:
        """The band that the count to date has reached; None below the lowest."""
        return self._reached(self.counted)

    @property
    def projected_band(self) -> int | None:
        """The band for which the year would be paid at the current rate: never below the lowest."""
        projected = self.projected
        return None if projected is None or not self.highs else self._reached(projected) or 1

    @property
    def minimum_income(self) -> Decimal | None:
        """What the supplier is paid a year even if fewer people come, in pounds: the lowest band's value (R42)."""
        return self.prices[0] if self.prices else None

    @property
    def minimum_volume(self) -> int | None:
        """The lowest band's low end, of a whole year; None where there is none to speak of."""
        return (self.lows[0] or None) if self.lows else None

    @cached_property
    def next_edge(self) -> Edge | None:
        """The next band's beginning, or the cap where no band follows; None once that is met."""
        for number, low in enumerate(self.begins_at, start=1):
            if low > self.counted:
                return self._edge(low, number)
        return self.cap_edge if self.room else None

    @cached_property
    def cap_edge(self) -> Edge | None:
        """The cap; None where none is recorded."""
        return None if self.cap is None else self._edge(self.cap, None)

    def _edge(self, volume: int, band: int | None) -> Edge:
        elapsed = self.year.elapsed(self.on).weight
        likely = likelihood(volume, self.counted, elapsed, self.year.whole) if elapsed else None
        return Edge(volume, band, self.year.met_on(volume, self.counted, self.on), likely)

    @cached_property
    def likely_range(self) -> Range | None:
        """Between what the year ends, eight times in ten; None before its first working day."""
        projected, elapsed = self.projected, self.year.elapsed(self.on)
        if projected is None:
            return None
        return year_end_range(
            self.counted, elapsed.weight, self.year.whole, projected=projected, early=elapsed.early and not elapsed.over
        )

    @property
    def standing(self) -> Standing:
        """Where the service stands."""
        if not self.highs or not self.plan:
            return Standing.NO_VOLUME
        cap, counted, elapsed = self.highs[-1], self.counted, self.year.elapsed(self.on)
        if counted >= cap:
            return Standing.FULL
        if not elapsed.weight:
            return Standing.NOT_BEGUN
        # In the first weeks a rate says little: only the count itself warns then.
        heard = not elapsed.early
        soon = heard and not elapsed.over and counted * elapsed.soon >= cap * elapsed.weight
        if counted * 100 >= cap * NEAR_CAP_PERCENT or soon:
            return Standing.NEAR_CAP
        if heard and self.heads_under_minimum:
            return Standing.UNDER_MINIMUM
        expected = self.year.expected(self.plan, self.on)
        if counted * 100 > expected * (100 + TOLERANCE_PERCENT):
            return Standing.ABOVE_PROFILE
        if counted * 100 < expected * (100 - TOLERANCE_PERCENT):
            return Standing.BELOW_PROFILE
        return Standing.ON_PROFILE

    @property
    def heads_under_minimum(self) -> bool:
        """Whether the year ends under the lowest band at the current rate, however little that says yet."""
        projected = self.projected
        if not self.lows or projected is None:
            return False
        # Most years are whole and have one version: a nation's board asks thousands.
        return projected < (self.begins_at[0] if self.earlier or self.is_part else self.lows[0])


def planned_from(since: date, highs: Sequence[int], prices: Sequence[Decimal], planned_band: int | None) -> Plan:
    """What is planned by these bands from a day on: the planned band's high end at its price; the cap where no band is
    named; nothing without bands."""
    if not highs:
        return ()
    index = planned_band - 1 if planned_band and planned_band <= len(highs) else -1
    return (Planned(since, highs[index], prices[index]),)


def assess(
    line_id: int,
    bands: Sequence[Band],
    planned_band: int | None,
    *,
    year: Profile,
    on: date,
    counted: int,
    plan: Plan | None = None,
) -> Position:
    """The position of a line. `plan`: where a variation changed the planned volume within the year; else None."""
    ordered = sorted(bands, key=lambda band: band.number)
    highs, prices = [band.high for band in ordered], [band.annual_value for band in ordered]
    if plan is None:
        plan = planned_from(year.first, highs, prices, planned_band)
    return Position(
        line_id=line_id,
        year=year,
        on=on,
        counted=counted,
        lows=[band.low for band in ordered],
        highs=highs,
        prices=prices,
        planned_band=planned_band,
        plan=plan,
    )
