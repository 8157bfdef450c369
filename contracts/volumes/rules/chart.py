"""The contract year month by month: what the chart draws and its table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.volumes.rules.position import Position


@dataclass(frozen=True)
class Step:
    """One row of the chart and its table: a month's referrals, the sum so far, and the profile by then."""

    ends_on: date
    # How far through the contract year, between 0 and 1, by the days of the calendar.
    through: float
    referrals: int | None
    actual: int | None
    profile: int


def steps(position: Position, by_day: Mapping[date, int]) -> list[Step]:
    """The year month by month for the chart and its table. The month that runs is cut at the day asked about, and
    followed by its end; what is still to come has a profile and no actual."""
    first, last, on = position.first_day, position.last_day, position.on
    ends = _month_ends(first, last)
    if first <= on <= last and on not in ends:
        ends = sorted([*ends, on])
    whole = (last - first).days + 1
    made, before, total = [], first - timedelta(days=1), 0
    for end in ends:
        came = sum(count for day, count in by_day.items() if before < day <= end)
        total += came
        known = end <= on
        made.append(
            Step(
                ends_on=end,
                through=((end - first).days + 1) / whole,
                referrals=came if known else None,
                actual=total if known else None,
                profile=position.year.expected(position.plan, end),
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
