from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from calloffs.plans.rules import Band
from contracts.volumes import rules
from contracts.volumes.rules import AlertKind, Likelihood, Standing
from tests.contracts.volumes.year import (
    BANDS,
    CAP,
    FIRST,
    LAST,
    position,
    profiles,
    volumes,
    year_days,
)


@pytest.mark.parametrize(
    ("volume", "reached", "paid"),
    [(0, None, 1), (59, None, 1), (60, 1, 1), (80, 1, 1), (81, 2, 2), (120, 3, 3), (140, 4, 4), (900, 4, 4)],
)
def test_the_band_reached_and_the_band_paid(volume: int, reached: int | None, paid: int) -> None:
    found = position(volume, LAST)
    assert (found.band, found.projected_band) == (reached, paid)


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


def test_the_cap_is_near_when_the_rate_meets_it_in_exactly_twenty_working_days() -> None:
    # One a working day for 61 days: 81 are met with the 81st, 80 before and 82 a day after.
    standings = [
        position(61, date(2026, 6, 30), [Band(1, 0, cap, Decimal(1000))], planned=1).standing for cap in (80, 81, 82)
    ]
    assert standings == [Standing.NEAR_CAP, Standing.NEAR_CAP, Standing.ABOVE_PROFILE]


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
    # Where a band begins it is reached, and the next edge is the one behind it.
    reached = position(81, date(2026, 6, 30))
    assert reached.next_edge is not None
    assert (reached.band, reached.next_edge.band, reached.next_edge.volume) == (2, 3, 101)
    top = position(130, date(2026, 9, 30))
    assert top.next_edge == top.cap_edge
    assert position(140, date(2026, 9, 30)).next_edge is None


def test_without_bands_there_is_nothing_to_compare_with() -> None:
    found = position(7, date(2026, 9, 30), [])
    assert (found.counted, found.cap, found.room, found.expected, found.minimum_income) == (7, None, None, None, None)


def test_a_contract_that_ends_within_its_year_is_compared_with_bands_by_its_rate() -> None:
    year = rules.profile(FIRST, LAST, ends_on=date(2026, 9, 30))
    found = position(30, date(2026, 6, 30), year=year)
    # 30 x 126 / 61 = 62.0 by its end; as of a whole year of 365 days, of which it lasts 183, 123.7.
    assert (found.projected, found.projected_annually, found.projected_band) == (62, 124, 4)
    assert found.last_day == date(2026, 9, 30)
    assert position(15, date(2026, 6, 30), year=year).standing is not Standing.UNDER_MINIMUM
    assert position(14, date(2026, 6, 30), year=year).standing is Standing.UNDER_MINIMUM


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
