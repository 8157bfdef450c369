"""A contract year worked by hand, and years of any shape, for the tests of the rules of volumes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from calloffs.plans.rules import Band
from contracts.volumes import rules

# 1 April 2026 to 31 March 2027. By hand: 261 weekdays (365 days from a Wednesday: 52 weeks and one more Wednesday),
# less 3 and 6 April, 4 and 25 May, 31 August, 25 and 28 December 2026, 1 January and 26 and 29 March 2027: 251.
FIRST, LAST = date(2026, 4, 1), date(2027, 3, 31)

BANDS = [
    Band(1, 60, 80, Decimal("60000.00")),
    Band(2, 81, 100, Decimal("80000.00")),
    Band(3, 101, 120, Decimal("95000.00")),
    Band(4, 121, 140, Decimal("110000.00")),
]

CAP = [Band(1, 0, 120, Decimal("90000.00"))]

YEAR = rules.profile(FIRST, LAST)

# Half as many in August and December, none on the working days of January.
SEASON = (0, 100, 100, 100, 100, 100, 100, 50, 100, 100, 100, 50)


def position(
    counted: int, on: date, bands: list[Band] = BANDS, planned: int | None = 2, year: rules.Profile = YEAR
) -> rules.Position:
    return rules.assess(1, bands, planned, year=year, on=on, counted=counted)


def expected(planned: int, on: date, year: rules.Profile = YEAR) -> int:
    return year.expected(plan((FIRST, planned)), on)


def plan(*parts: tuple[date, int]) -> list[rules.Planned]:
    return [rules.Planned(since, volume, Decimal(800 * volume)) for since, volume in parts]


volumes = st.integers(min_value=0, max_value=5000)

year_days = st.dates(min_value=FIRST, max_value=LAST)

seasons = st.lists(st.integers(0, 300), min_size=12, max_size=12).filter(any).map(tuple)

profiles = st.builds(
    lambda season, opens, shuts, ends: rules.profile(
        FIRST, LAST, season=season, referrals_from=opens, referrals_until=shuts, ends_on=ends
    ),
    seasons,
    st.none() | year_days,
    st.none() | year_days,
    st.none() | year_days,
)
