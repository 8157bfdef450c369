"""The profile: how the referrals planned for a contract year are spread over its days.

Referrals are made on working days, so every working day of the contract year weighs as much as its month (its season),
and every other day nothing. What was planned, what came and what is to come are compared by these weights, in whole
numbers; a fraction of a referral is rounded half up, once, at the end.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

from marketplace.working_days import is_working_day

# January to December, our default: every working day of the year weighs the same.
EVEN = (100,) * 12
MOST_WEIGHT = 1000


class Planned(NamedTuple):
    """The volume planned for a whole contract year, for so many pounds, and from which day on."""

    since: date
    volume: int
    price: Decimal


# What is planned in a contract year, in order of its days; more than one where a variation changed it.
Plan = Sequence[Planned]
# Our default: within so many working days of the beginning a rate says little, and so many before a cap one acts.
SOON = 20


@dataclass(frozen=True)
class Profile:
    """The contract year first..last of one service, and the days of it on which the service takes referrals.

    It takes them from `opens` to `shuts`; the contract itself may end before the contract year does, on `closes`, and
    then only that part of the year's volume is planned. `season` is the weight of a working day of each month.
    """

    first: date
    last: date
    opens: date
    shuts: date
    closes: date
    season: tuple[int, ...] = EVEN

    @cached_property
    def _sums(self) -> tuple[array[int], array[int]]:
        """Up to the end of each day of first..last, from 0 before the first: the weight of all days, and how many of
        them are working days on which referrals are taken."""
        weights, working_days, day = array("q", [0]), array("q", [0]), self.first
        while day <= self.last:
            works = is_working_day(day)
            weights.append(weights[-1] + works * self.season[day.month - 1])
            working_days.append(working_days[-1] + (works and self.opens <= day <= self.shuts))
            day += timedelta(days=1)
        return weights, working_days

    @cached_property
    def _by_day(self) -> dict[date, Elapsed]:
        return {}

    @cached_property
    def whole(self) -> int:
        """The weight of all the days on which the service takes referrals."""
        return self._between(self.opens, self.shuts)

    @cached_property
    def part_of_year(self) -> tuple[int, int]:
        """How much of the whole contract year the contract lasts, as a fraction: (1, 1) unless it ends within it."""
        whole = self._between(self.first, self.last)
        if self.closes >= self.last or not whole:
            return 1, 1
        return self._between(self.first, self.closes), whole

    def _between(self, first: date, last: date) -> int:
        weights = self._sums[0]
        end = min(max((last - self.first).days + 1, 0), len(weights) - 1)
        start = min(max((first - self.first).days, 0), end)
        return weights[end] - weights[start]

    def elapsed(self, on: date) -> Elapsed:
        """How far the year has come by the end of a day. Kept: a nation's services share few contract years."""
        found = self._by_day.get(on)
        if found is None:
            gone = self._gone(on)
            found = Elapsed(
                weight=self._between(self.opens, min(on, self.shuts)),
                soon=self._between(self.opens, min(self._after(gone + SOON), self.shuts)),
                working_days=gone,
                over=on >= self.shuts,
            )
            if self.first <= on <= self.last:
                self._by_day[on] = found
        return found

    def _gone(self, on: date) -> int:
        working_days = self._sums[1]
        return working_days[min(max((on - self.first).days + 1, 0), len(working_days) - 1)]

    def _after(self, working_days: int) -> date:
        """The day on which so many working days of the year are over; its last day if there are fewer."""
        return self.first + timedelta(days=bisect_left(self._sums[1], working_days) - 1)

    def planned(self, plan: Plan) -> int:
        """The referrals planned for this contract year: the year's volume, or its part if the contract ends within."""
        return self.expected(plan, self.shuts)

    def expected(self, plan: Plan, on: date) -> int:
        """What the profile expects by the end of a day. Where the plan was changed, each day by what held on it."""
        if not plan or not self.whole:
            return 0
        part, year = self.part_of_year
        if len(plan) == 1:
            sums = plan[0].volume * self.elapsed(on).weight
        else:
            end = min(on, self.shuts)
            sums = sum(
                planned.volume * self._between(max(planned.since, self.opens), min(until, end))
                for planned, until in spans(plan, end)
            )
        return half_up(sums * part, self.whole * year)

    def projected(self, counted: int, on: date) -> int | None:
        """Where the year ends if referrals keep to the profile as they have so far; None before its first weight."""
        gone = self.elapsed(on).weight
        return half_up(counted * self.whole, gone) if gone else None

    def projected_annually(self, counted: int, on: date) -> int | None:
        """The same for a whole year, to compare with bands: a contract may end within its last contract year."""
        projected = self.projected(counted, on)
        return None if projected is None else scaled_up(projected, self.first, self.closes, self.last)

    def met_on(self, volume: int, counted: int, on: date) -> date | None:
        """The working day on which the count meets `volume` if referrals keep to the profile as they have so far.

        None if that is not within the year; a volume already met gives the day asked about.
        """
        if counted >= volume:
            return on
        now = self.elapsed(on)
        if not now.weight or not counted or now.over:
            return None
        needed = -(volume * now.weight // -counted)
        if needed > self.whole:
            return None
        before = self._between(self.first, self.opens - timedelta(days=1))
        return self.first + timedelta(days=bisect_left(self._sums[0], needed + before) - 1)


def spans(plan: Plan, last: date) -> list[tuple[Planned, date]]:
    """Each part of a plan with the last day on which it held."""
    until = [later.since - timedelta(days=1) for later in plan[1:]]
    return list(zip(plan, [*until, last], strict=True)) if plan else []


@dataclass(frozen=True)
class Elapsed:
    """How far a contract year has come by the end of a day."""

    # The weight of the days that are over; and of those that will be `SOON` working days from now.
    weight: int
    soon: int
    working_days: int
    # Whether no referral is taken any more in this contract year.
    over: bool

    @property
    def early(self) -> bool:
        """Whether the year is so young that a rate says little."""
        return self.working_days <= SOON


@lru_cache(maxsize=8192)
def profile(
    first: date,
    last: date,
    *,
    season: tuple[int, ...] = EVEN,
    referrals_from: date | None = None,
    referrals_until: date | None = None,
    ends_on: date | None = None,
) -> Profile:
    """The profile of the contract year first..last of a service, by the dates agreed for it."""
    closes = min(last, ends_on or last)
    return Profile(
        first=first,
        last=last,
        opens=max(first, referrals_from or first),
        shuts=min(closes, referrals_until or closes),
        closes=closes,
        season=season,
    )


def season_faults(season: Sequence[int]) -> list[str]:
    """What is wrong with a season, in plain words; empty if nothing is."""
    if len(season) != 12:
        return ["Give a weight for each of the twelve months"]
    if any(not 0 <= weight <= MOST_WEIGHT for weight in season):
        return [f"Each month’s weight must be a whole number from 0 to {MOST_WEIGHT:,}"]
    if not any(season):
        return ["At least one month must weigh more than 0"]
    return []


def scaled_up(count: int, first: date, last: date, whole_last: date) -> int:
    """What a count of the days first..last is in a whole contract year, first..whole_last, by days of the calendar.

    So a year that a contract's end cuts short is compared with its bands (decision 0019, "Reconciling").
    """
    if last >= whole_last:
        return count
    return half_up(count * ((whole_last - first).days + 1), max((last - first).days + 1, 1))


def scaled_down(volume: int, first: date, last: date, whole_last: date) -> int:
    """The fewest of the days first..last that are, scaled up, at least so many of the whole year."""
    if last >= whole_last:
        return volume
    days, whole = max((last - first).days + 1, 1), (whole_last - first).days + 1
    return max(-(days * (1 - 2 * volume) // (2 * whole)), 0)


def half_up(part: int, whole: int) -> int:
    """part ÷ whole to the nearest whole number, halves up."""
    return (2 * part + whole) // (2 * whole)
