from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import Band
from contracts.volumes import rules
from contracts.volumes.rules import AlertKind, Likelihood, Standing
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
        (1, 0, date(2026, 6, 30), None),
        (1, 0, date(2026, 3, 1), None),
        (80, 79, date(2027, 3, 31), None),
    ],
)
def test_the_day_on_which_a_volume_is_met(volume: int, counted: int, on: date, met: date | None) -> None:
    assert YEAR.met_on(volume, counted, on) == met


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
    assert found.next_edge == rules.Edge(81, 2, date(2026, 7, 28), Likelihood.ALMOST_CERTAIN)
    assert found.cap_edge == rules.Edge(140, None, date(2026, 10, 20), Likelihood.ALMOST_CERTAIN)
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
    year = rules.profile(date(2026, 4, 15), date(2027, 4, 14))
    found = rules.assess(1, CAP, 1, year=year, on=date(2026, 4, 20), counted=0)
    ends = [step.ends_on for step in rules.steps(found, {})]
    assert ends[:3] == [date(2026, 4, 20), date(2026, 4, 30), date(2026, 5, 31)]
    assert ends[-1] == date(2027, 4, 14)


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


def test_a_plan_changed_within_the_year_is_expected_from_the_day_of_the_change() -> None:
    changed = plan((FIRST, 100), (date(2026, 10, 1), 200))
    # 12600 / 251 = 50.2; (12600 + 200 x 64) / 251 = 101.2; (12600 + 200 x 125) / 251 = 149.8.
    assert YEAR.expected(changed, date(2026, 9, 30)) == 50
    assert YEAR.expected(changed, date(2026, 12, 31)) == 101
    assert YEAR.planned(changed) == 150


def test_a_contract_that_ends_within_its_year_is_compared_with_bands_by_its_rate() -> None:
    year = rules.profile(FIRST, LAST, ends_on=date(2026, 9, 30))
    found = position(30, date(2026, 6, 30), year=year)
    # 30 x 126 / 61 = 62.0 by its end; as of a whole year of 365 days, of which it lasts 183, 123.7.
    assert (found.projected, found.projected_annually, found.projected_band) == (62, 124, 4)
    assert found.last_day == date(2026, 9, 30)
    assert position(15, date(2026, 6, 30), year=year).standing is not Standing.UNDER_MINIMUM
    assert position(14, date(2026, 6, 30), year=year).standing is Standing.UNDER_MINIMUM


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


def paid_and_used(found: rules.Position) -> rules.PaidAgainstUsed:
    both = rules.paid_against_used(found)
    assert both is not None
    return both


def test_paid_against_used_is_measured_at_the_planned_unit_price() -> None:
    # £80,000 for 100: £800 a person. Six twelfths of £6,666.67 are over, 30 people came.
    found = paid_and_used(position(30, date(2026, 9, 30)))
    assert found == rules.PaidAgainstUsed(Decimal("40000.02"), Decimal("24000.00"), Decimal("800.00"))
    assert found.difference == Decimal("16000.02")
    assert paid_and_used(position(70, date(2026, 9, 30))).difference == Decimal("-15999.98")
    assert paid_and_used(position(10, date(2026, 9, 30), CAP, planned=1)).used == Decimal("7500.00")
    assert rules.paid_against_used(position(10, date(2026, 9, 30), [])) is None


@pytest.mark.parametrize(
    ("on", "paid"),
    [
        (date(2026, 3, 1), "0.00"),
        (date(2026, 4, 29), "0.00"),
        # £80,000 / 12 = £6,666.66 and 8 pennies over, which go to the first months.
        (date(2026, 4, 30), "6666.67"),
        (date(2026, 5, 30), "6666.67"),
        (date(2026, 5, 31), "13333.34"),
        (date(2027, 3, 30), "73333.34"),
        (date(2027, 3, 31), "80000.00"),
    ],
)
def test_paid_to_date_are_the_twelfths_of_months_that_are_over(on: date, paid: str) -> None:
    assert rules.paid_to_date(position(0, on)) == Decimal(paid)


def test_paid_to_date_follows_a_variation_and_an_early_end() -> None:
    changed = plan((FIRST, 100), (date(2026, 10, 1), 200))
    found = rules.assess(1, BANDS, 2, year=YEAR, on=date(2026, 12, 31), counted=0, plan=changed)
    # Six of £6,666.67 and, of £160,000, three of £13,333.33: its four odd pennies fell in the year's first months.
    assert rules.paid_to_date(found) == Decimal("80000.01")
    ends = rules.profile(FIRST, LAST, ends_on=date(2026, 9, 15))
    # Five twelfths and 15 of 30 days of September.
    assert rules.paid_to_date(position(0, date(2026, 9, 15), year=ends)) == Decimal("36666.69")
    assert rules.paid_to_date(position(0, date(2026, 9, 14), year=ends)) == Decimal("33333.35")


@pytest.mark.parametrize(
    ("counted", "people", "amount"),
    # By 30 September 251 / 126 of what came: 22.6 gives 45; 30 gives 60. £1,000 for each of the lowest band's 60.
    [(0, 60, "60000.00"), (23, 14, "14000.00"), (29, 2, "2000.00"), (30, 0, "0.00"), (90, 0, "0.00")],
)
def test_what_of_the_guaranteed_minimum_is_paid_for_nobody(counted: int, people: int, amount: str) -> None:
    assert rules.at_stake(position(counted, date(2026, 9, 30))) == rules.AtStake(people, Decimal(amount))


def test_under_a_cap_alone_there_is_no_minimum_at_stake() -> None:
    assert rules.at_stake(position(3, date(2026, 9, 30), CAP, planned=1)) is None
    assert rules.at_stake(position(3, date(2026, 3, 1))) is None


@pytest.mark.parametrize(
    ("counted", "reaches", "meets", "room", "change"),
    [
        (30, None, False, 109, "0.00"),
        # The lowest band is paid for anyway.
        (59, 1, False, 80, "0.00"),
        (80, 2, False, 59, "20000.00"),
        (81, None, False, 58, "0.00"),
        (120, 4, False, 19, "15000.00"),
        (139, None, True, 0, "0.00"),
    ],
)
def test_what_one_more_referral_does(counted: int, reaches: int | None, meets: bool, room: int, change: str) -> None:
    found = rules.one_more(position(counted, date(2026, 9, 30)))
    assert found is not None
    assert (found.reaches_band, found.meets_cap, found.room_after) == (reaches, meets, room)
    assert found.change == Decimal(change)


def test_a_full_service_takes_no_more() -> None:
    assert rules.one_more(position(140, date(2026, 9, 30))) is None
    assert rules.one_more(position(1, date(2026, 9, 30), [])) is None


@pytest.mark.parametrize(
    ("counted", "kinds"),
    [
        (111, []),
        (112, [AlertKind.CAP_NEAR]),
        (132, [AlertKind.CAP_NEAR]),
        (133, [AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (139, [AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (140, [AlertKind.CAP_MET, AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (29, [AlertKind.UNDER_MINIMUM]),
        (30, []),
    ],
)
def test_alerts_at_parts_of_the_cap_and_under_the_minimum(counted: int, kinds: list[AlertKind]) -> None:
    due = rules.due_alerts(position(counted, date(2026, 9, 30)))
    assert [one.kind for one in due] == kinds
    assert all(one.volume == (60 if one.kind is AlertKind.UNDER_MINIMUM else 140) for one in due)


def test_no_alert_of_the_minimum_in_the_first_weeks_and_none_without_a_volume() -> None:
    assert rules.due_alerts(position(0, date(2026, 4, 29))) == ()
    assert [due.kind for due in rules.due_alerts(position(0, date(2026, 4, 30)))] == []
    assert [due.kind for due in rules.due_alerts(position(0, date(2026, 5, 1)))] == [AlertKind.UNDER_MINIMUM]
    assert rules.due_alerts(position(500, date(2026, 9, 30), [])) == ()


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


@given(counted=volumes, on=year_days, year=profiles)
def test_one_more_referral_never_lowers_a_figure(counted: int, on: date, year: rules.Profile) -> None:
    now, then = position(counted, on, year=year), position(counted + 1, on, year=year)
    assert (now.projected is None) == (then.projected is None)
    if now.projected is not None and then.projected is not None:
        assert now.projected < then.projected
        assert now.projected_band <= then.projected_band  # type: ignore[operator]
        assert now.heads_under_minimum >= then.heads_under_minimum
        assert now.likely_range is not None and then.likely_range is not None
        assert now.likely_range.low <= then.likely_range.low
        assert now.likely_range.high <= then.likely_range.high
    assert (now.band or 0) <= (then.band or 0)
    assert {due.kind for due in rules.due_alerts(now)} - {AlertKind.UNDER_MINIMUM} <= {
        due.kind for due in rules.due_alerts(then)
    }


@given(counted=volumes, on=year_days, year=profiles)
def test_the_range_holds_the_projection_and_never_less_than_came(counted: int, on: date, year: rules.Profile) -> None:
    found = position(counted, on, year=year)
    if found.projected is None:
        assert found.likely_range is None
        return
    assert found.likely_range is not None
    assert counted <= found.likely_range.low <= found.projected <= found.likely_range.high


@given(counted=volumes, on=year_days, year=profiles)
def test_where_a_service_stands_agrees_with_what_is_shown(counted: int, on: date, year: rules.Profile) -> None:
    """A list tells standings by whole numbers alone; the dates and figures of the page must say the same."""
    found = position(counted, on, year=year)
    elapsed = year.elapsed(on)
    if counted >= 140 or not elapsed.weight:
        assert found.standing is (Standing.FULL if counted >= 140 else Standing.NOT_BEGUN)
        return
    assert found.cap_edge is not None
    met = found.cap_edge.met_on
    soon = met is not None and year.elapsed(met).working_days - elapsed.working_days <= rules.NEAR_CAP_WORKING_DAYS
    near = counted >= 126 or (soon and elapsed.working_days > rules.NEAR_CAP_WORKING_DAYS)
    assert (found.standing is Standing.NEAR_CAP) == near


@given(counted=volumes, on=year_days)
def test_a_position_keeps_within_its_bands(counted: int, on: date) -> None:
    found = position(counted, on)
    assert found.room == max(140 - counted, 0)
    assert found.room + counted == 140 or counted > 140
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
