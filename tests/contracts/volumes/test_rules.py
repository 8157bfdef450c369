from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import Band
from contracts.volumes import rules
from contracts.volumes.rules import Standing
from marketplace.working_days import is_working_day

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


def position(counted: int, on: date, bands: list[Band] = BANDS, planned: int | None = 2) -> rules.Position:
    return rules.assess(1, bands, planned, year=(FIRST, LAST), on=on, counted=counted)


def test_the_year_worked_by_hand_has_251_working_days() -> None:
    assert rules.working_days(FIRST, LAST) == 251


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2026, 3, 31), 0),
        # 1 of 251 working days: 100/251 = 0.398.
        (date(2026, 4, 1), 0),
        # 1, 2 April: 200/251 = 0.797.
        (date(2026, 4, 2), 1),
        # Easter: nothing is expected on Good Friday, the week-end and Easter Monday.
        (date(2026, 4, 6), 1),
        # End of June: April 20, May 19, June 22 = 61 days: 6100/251 = 24.3.
        (date(2026, 6, 30), 24),
        # End of September: July 23, August 20, September 22 more = 126: 12600/251 = 50.2.
        (date(2026, 9, 30), 50),
        (date(2027, 3, 31), 100),
        (date(2027, 8, 1), 100),
    ],
)
def test_the_profile_spreads_the_planned_volume_over_the_working_days(on: date, expected: int) -> None:
    assert rules.expected_by(100, FIRST, LAST, on) == expected


@pytest.mark.parametrize(
    ("volume", "reached", "paid"),
    [(0, None, 1), (59, None, 1), (60, 1, 1), (80, 1, 1), (81, 2, 2), (120, 3, 3), (140, 4, 4), (900, 4, 4)],
)
def test_the_band_reached_and_the_band_paid(volume: int, reached: int | None, paid: int) -> None:
    assert rules.band_reached(BANDS, volume) == reached
    assert rules.band_paid(BANDS, volume) == paid


@pytest.mark.parametrize(
    ("counted", "on", "projected"),
    [
        (5, date(2026, 3, 31), None),
        # 61 working days by 30 June: 30 x 251 / 61 = 123.4.
        (30, date(2026, 6, 30), 123),
        # 50 x 251 / 126 = 99.6.
        (50, date(2026, 9, 30), 100),
        (77, date(2027, 3, 31), 77),
        (77, date(2027, 5, 31), 77),
    ],
)
def test_the_year_end_at_the_present_rate(counted: int, on: date, projected: int | None) -> None:
    assert rules.projected_year_end(counted, FIRST, LAST, on) == projected


@pytest.mark.parametrize(
    ("volume", "counted", "on", "met"),
    [
        # One a working day for 61 days; 4 more need 4 working days after Tuesday 30 June.
        (65, 61, date(2026, 6, 30), date(2026, 7, 6)),
        # Two in 61 days: 3 needs 30.5, so 31 more: 1 July is the first; 31 July the 23rd; 12 August the 31st.
        (3, 2, date(2026, 6, 30), date(2026, 8, 12)),
        (61, 61, date(2026, 6, 30), date(2026, 6, 30)),
        (60, 61, date(2026, 6, 30), date(2026, 6, 30)),
        # 190 working days are left after 30 June: at one a day 251 is met on the last, 252 is not.
        (251, 61, date(2026, 6, 30), date(2027, 3, 31)),
        (252, 61, date(2026, 6, 30), None),
        (1, 0, date(2026, 6, 30), None),
        (1, 0, date(2026, 3, 1), None),
        (80, 79, date(2027, 3, 31), None),
    ],
)
def test_the_day_on_which_a_volume_is_met(volume: int, counted: int, on: date, met: date | None) -> None:
    assert rules.met_on(volume, counted, FIRST, LAST, on) == met


@pytest.mark.parametrize(
    ("counted", "bands", "standing"),
    [
        # By 30 September the profile of 100 expects 50.
        (29, BANDS, Standing.UNDER_MINIMUM),  # 29 x 251 / 126 = 57.8: 58, under 60
        (30, BANDS, Standing.BELOW_PROFILE),  # 59.8: 60
        (44, BANDS, Standing.BELOW_PROFILE),
        (45, BANDS, Standing.ON_PROFILE),
        (55, BANDS, Standing.ON_PROFILE),
        (56, BANDS, Standing.ABOVE_PROFILE),
        (125, BANDS, Standing.NEAR_CAP),  # 125 / 126 days a day: the cap of 140 is 16 working days away
        (120, BANDS, Standing.ABOVE_PROFILE),  # 21 working days away
        (140, BANDS, Standing.FULL),
        (141, BANDS, Standing.FULL),
        (60, CAP, Standing.ON_PROFILE),
        (108, CAP, Standing.NEAR_CAP),
        (0, CAP, Standing.BELOW_PROFILE),
        (12, [], Standing.NO_VOLUME),
    ],
)
def test_where_a_service_stands_half_way_through(counted: int, bands: list[Band], standing: Standing) -> None:
    assert position(counted, date(2026, 9, 30), bands, planned=2 if bands is BANDS else 1).standing is standing


def test_in_the_first_weeks_a_rate_does_not_warn_but_the_count_does() -> None:
    assert position(20, date(2026, 4, 7)).standing is Standing.ABOVE_PROFILE
    assert position(126, date(2026, 4, 7)).standing is Standing.NEAR_CAP
    assert position(0, date(2026, 4, 7)).standing is Standing.BELOW_PROFILE
    assert position(0, date(2026, 3, 2)).standing is Standing.NOT_BEGUN


def test_the_position_names_the_next_edge_and_then_the_cap() -> None:
    found = position(61, date(2026, 6, 30))
    assert found.next_edge == rules.Edge(81, 2, date(2026, 7, 28))
    assert found.cap_edge == rules.Edge(140, None, date(2026, 10, 20))
    assert (found.band, found.room, found.projected_band) == (1, 79, 4)
    assert found.minimum_income == Decimal("60000.00")
    top = position(130, date(2026, 9, 30))
    assert top.next_edge == top.cap_edge
    assert position(140, date(2026, 9, 30)).next_edge is None


def test_without_bands_there_is_nothing_to_compare_with() -> None:
    found = position(7, date(2026, 9, 30), [])
    assert (found.counted, found.cap, found.room, found.expected, found.minimum_income) == (7, None, None, None, None)


def test_the_steps_of_the_chart_cut_the_month_that_runs() -> None:
    days = {date(2026, 4, 1): 3, date(2026, 4, 30): 1, date(2026, 5, 4): 2}
    made = rules.steps(position(6, date(2026, 5, 11)), days)
    assert [(step.ends_on, step.referrals, step.actual) for step in made[:4]] == [
        (date(2026, 4, 30), 4, 4),
        (date(2026, 5, 11), 2, 6),
        (date(2026, 5, 31), None, None),
        (date(2026, 6, 30), None, None),
    ]
    assert len(made) == 13
    assert made[-1].ends_on == LAST
    assert made[-1].profile == 100
    assert made[-1].through == 1


def test_a_year_that_begins_within_a_month_has_its_odd_months_at_both_ends() -> None:
    year = (date(2026, 4, 15), date(2027, 4, 14))
    found = rules.assess(1, CAP, 1, year=year, on=date(2026, 4, 20), counted=0)
    ends = [step.ends_on for step in rules.steps(found, {})]
    assert ends[:3] == [date(2026, 4, 20), date(2026, 4, 30), date(2026, 5, 31)]
    assert ends[-1] == date(2027, 4, 14)


volumes = st.integers(min_value=0, max_value=5000)
year_days = st.dates(min_value=FIRST, max_value=LAST)


@given(planned=volumes, days=st.lists(year_days, min_size=2, max_size=2).map(sorted))
def test_the_profile_never_falls_and_ends_at_the_plan(planned: int, days: list[date]) -> None:
    earlier, later = (rules.expected_by(planned, FIRST, LAST, day) for day in days)
    assert 0 <= earlier <= later <= planned
    assert rules.expected_by(planned, FIRST, LAST, LAST) == planned


@given(counted=st.integers(1, 500), more=st.integers(1, 500), on=year_days)
def test_the_day_met_is_the_first_on_which_the_rate_reaches_the_volume(counted: int, more: int, on: date) -> None:
    met = rules.met_on(counted + more, counted, FIRST, LAST, on)
    elapsed = rules.working_days(FIRST, on)
    if met is None:
        # Even on the last day the rate has not brought so many.
        assert counted * rules.working_days(FIRST, LAST) < (counted + more) * elapsed
        return
    assert is_working_day(met)
    assert on < met <= LAST
    assert counted * rules.working_days(FIRST, met) >= (counted + more) * elapsed
    day_before = met - timedelta(days=1)
    assert counted * rules.working_days(FIRST, day_before) < (counted + more) * elapsed


@given(counted=volumes, on=year_days)
def test_a_position_keeps_within_its_bands(counted: int, on: date) -> None:
    found = position(counted, on)
    assert found.room == max(140 - counted, 0)
    assert (found.standing is Standing.FULL) == (counted >= 140)
    assert found.projected_band in (1, 2, 3, 4)
    if found.band is not None:
        assert BANDS[found.band - 1].low <= counted


@given(days=st.dictionaries(year_days, st.integers(0, 20), max_size=30), on=year_days)
def test_the_steps_sum_to_what_came_by_the_day_asked_about(days: dict[date, int], on: date) -> None:
    came = {day: count for day, count in days.items() if day <= on}
    made = rules.steps(position(sum(came.values()), on), came)
    known = [step for step in made if step.actual is not None]
    assert known[-1].ends_on == on
    assert known[-1].actual == sum(came.values())
    assert sum(step.referrals or 0 for step in known) == known[-1].actual


@given(part=st.integers(0, 10**6), whole=st.integers(1, 10**4))
def test_halves_are_rounded_up(part: int, whole: int) -> None:
    assert abs(rules.half_up(part, whole) * whole - part) * 2 <= whole
    assert rules.half_up(1, 2) == 1
    assert rules.half_up(5, 2) == 3
