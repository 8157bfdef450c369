from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.volumes import rules
from contracts.volumes.rules import Standing
from marketplace.working_days import is_working_day
from tests.contracts.volumes.year import (
    FIRST,
    LAST,
    SEASON,
    YEAR,
    expected,
    plan,
    position,
    profiles,
    volumes,
    year_days,
)


def test_the_year_worked_by_hand_has_251_working_days() -> None:
    assert YEAR.whole == 251 * 100
    assert YEAR.elapsed(LAST).working_days == 251


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
    assert YEAR.expected(plan((FIRST, 100)), on) == expected


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
    assert YEAR.projected(counted, on) == projected


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
        # 6199 x 61 / 6099 = 62.0002 working days: the 62nd, 1 July, is a little too early.
        (6199, 6099, date(2026, 6, 30), date(2026, 7, 2)),
        (1, 0, date(2026, 6, 30), None),
        (1, 0, date(2026, 3, 1), None),
        (80, 79, date(2027, 3, 31), None),
    ],
)
def test_the_day_on_which_a_volume_is_met(volume: int, counted: int, on: date, met: date | None) -> None:
    assert YEAR.met_on(volume, counted, on) == met


# By hand, in working days: April 20, May 19, June 22, July 23, August 20, September 22 (126 by then), October 22,
# November 21, December 21, January 20, February 20, March 21.
@pytest.mark.parametrize(
    ("year", "on", "by_then"),
    [
        # Of 251 days 10 fall away for August, 10.5 for December and 20 for January: 210.5. 94 / 210.5 = 44.7%.
        (rules.profile(FIRST, LAST, season=SEASON), date(2026, 8, 31), 45),
        (rules.profile(FIRST, LAST, season=SEASON), date(2026, 9, 30), 55),
        # 169.5 / 210.5 = 80.5%, and nothing more in January.
        (rules.profile(FIRST, LAST, season=SEASON), date(2026, 12, 31), 81),
        (rules.profile(FIRST, LAST, season=SEASON), date(2027, 1, 31), 81),
        # Referrals from 1 July: 65 of 190 working days by the end of September.
        (rules.profile(FIRST, LAST, referrals_from=date(2026, 7, 1)), date(2026, 6, 30), 0),
        (rules.profile(FIRST, LAST, referrals_from=date(2026, 7, 1)), date(2026, 9, 30), 34),
        # Referrals until 30 September: the year's volume within 126 days.
        (rules.profile(FIRST, LAST, referrals_until=date(2026, 9, 30)), date(2026, 6, 30), 48),
        (rules.profile(FIRST, LAST, referrals_until=date(2026, 9, 30)), date(2026, 12, 1), 100),
        # A contract that ends on 30 September: half the year's volume, as much a day as in any year.
        (rules.profile(FIRST, LAST, ends_on=date(2026, 9, 30)), date(2026, 6, 30), 24),
        (rules.profile(FIRST, LAST, ends_on=date(2026, 9, 30)), date(2026, 9, 30), 50),
    ],
)
def test_the_profile_follows_the_season_and_the_dates_agreed(year: rules.Profile, on: date, by_then: int) -> None:
    assert expected(100, on, year) == by_then


def test_only_days_on_which_referrals_are_taken_make_a_rate_say_something() -> None:
    # From 1 July: the 1st to the 10th are 8 working days, to the 28th 20, and the 29th is the first that is not early.
    year = rules.profile(FIRST, LAST, referrals_from=date(2026, 7, 1))
    assert year.elapsed(date(2026, 6, 30)).working_days == 0
    assert year.elapsed(date(2026, 7, 10)).working_days == 8
    assert year.elapsed(date(2026, 7, 28)).early
    assert not year.elapsed(date(2026, 7, 29)).early


def test_a_plan_changed_within_the_year_is_expected_from_the_day_of_the_change() -> None:
    changed = plan((FIRST, 100), (date(2026, 10, 1), 200))
    # 12600 / 251 = 50.2; (12600 + 200 x 64) / 251 = 101.2; (12600 + 200 x 125) / 251 = 149.8.
    assert YEAR.expected(changed, date(2026, 9, 30)) == 50
    assert YEAR.expected(changed, date(2026, 12, 31)) == 101
    assert YEAR.planned(changed) == 150


def test_the_rate_follows_the_season_too() -> None:
    year = rules.profile(FIRST, LAST, season=SEASON)
    # 55 by the end of September, where 55.1% are expected: 55 x 210.5 / 116 = 99.8.
    found = position(55, date(2026, 9, 30), year=year)
    assert (found.projected, found.standing) == (100, Standing.ON_PROFILE)
    # The even profile would say 110 and call it above.
    assert position(55, date(2026, 9, 30)).projected == 110
    # 80 needs 80 x 116 / 55 = 168.7 days: December ends at 169.5, its 30th at 169.0. 81 needs 170.8, and January brings
    # nobody: 2 February is the second day after 169.5.
    assert year.met_on(80, 55, date(2026, 9, 30)) == date(2026, 12, 30)
    assert year.met_on(81, 55, date(2026, 9, 30)) == date(2027, 2, 2)


@pytest.mark.parametrize(
    ("season", "words"),
    [
        (rules.EVEN, []),
        ((100,) * 11, ["Give a weight for each of the twelve months"]),
        ((-1, *rules.EVEN[1:]), ["Each month’s weight must be a whole number from 0 to 1,000"]),
        ((1001, *rules.EVEN[1:]), ["Each month’s weight must be a whole number from 0 to 1,000"]),
        ((0,) * 12, ["At least one month must weigh more than 0"]),
    ],
)
def test_a_season_has_twelve_weights(season: tuple[int, ...], words: list[str]) -> None:
    assert rules.season_faults(season) == words


@given(planned=volumes, days=st.lists(year_days, min_size=2, max_size=2).map(sorted), year=profiles)
def test_the_profile_never_falls_and_ends_at_the_plan(planned: int, days: list[date], year: rules.Profile) -> None:
    earlier, later = (expected(planned, day, year) for day in days)
    assert 0 <= earlier <= later <= planned
    assert expected(planned, LAST, year) == year.planned(plan((FIRST, planned)))
    assert expected(planned, LAST) == planned


@given(counted=st.integers(1, 500), more=st.integers(1, 500), on=year_days, year=profiles)
def test_the_day_met_is_the_first_on_which_the_rate_reaches_the_volume(
    counted: int, more: int, on: date, year: rules.Profile
) -> None:
    met = year.met_on(counted + more, counted, on)
    elapsed = year.elapsed(on).weight
    if met is None:
        # Even on the last day the rate has not brought so many, or referrals are taken no more, or never began.
        assert counted * year.whole < (counted + more) * elapsed or year.elapsed(on).over or not elapsed
        return
    assert is_working_day(met)
    assert on < met <= LAST
    assert counted * year.elapsed(met).weight >= (counted + more) * elapsed
    assert counted * year.elapsed(met - timedelta(days=1)).weight < (counted + more) * elapsed


@given(part=st.integers(0, 10**6), whole=st.integers(1, 10**4))
def test_halves_are_rounded_up(part: int, whole: int) -> None:
    assert abs(rules.half_up(part, whole) * whole - part) * 2 <= whole
    assert rules.half_up(1, 2) == 1
    assert rules.half_up(5, 2) == 3
