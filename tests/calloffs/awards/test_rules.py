"""The standstill, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.awards.rules import STANDSTILL_WORDS, standstill_ends, standstill_last_day
from marketplace.framework.rules import Regime
from marketplace.working_days import is_working_day, working_days_between


@pytest.mark.parametrize(
    ("sent", "last"),
    [
        (date(2026, 6, 1), date(2026, 6, 11)),  # Monday: ten days on is a Thursday
        (date(2026, 6, 3), date(2026, 6, 15)),  # ten days on is a Saturday: the Monday
        (date(2026, 6, 4), date(2026, 6, 15)),  # a Sunday: the Monday
        (date(2026, 6, 5), date(2026, 6, 15)),  # the Monday itself
        (date(2026, 5, 15), date(2026, 5, 26)),  # the spring bank holiday, Monday 25 May: the Tuesday
        (date(2026, 3, 24), date(2026, 4, 7)),  # Good Friday 3 April: over Easter to the Tuesday
        (date(2026, 3, 27), date(2026, 4, 7)),  # Easter Monday 6 April
        (date(2026, 12, 15), date(2026, 12, 29)),  # Christmas Day, a Friday; the Monday stands in for Boxing Day
        (date(2026, 12, 22), date(2027, 1, 4)),  # New Year's Day, a Friday
        (date(2027, 12, 17), date(2027, 12, 29)),  # Monday 27 and Tuesday 28 stand in for a Christmas weekend
        (date(2026, 6, 6), date(2026, 6, 16)),  # sent on a Saturday
    ],
)
def test_ten_calendar_days_ending_on_a_working_day(sent: date, last: date) -> None:
    assert standstill_last_day(Regime.PCR_2015, sent) == last


@pytest.mark.parametrize(
    ("published", "last"),
    [
        (date(2026, 6, 1), date(2026, 6, 10)),  # 1–5, 8–10 June
        (date(2026, 6, 5), date(2026, 6, 16)),  # 5, 8–12, 15, 16
        (date(2026, 6, 6), date(2026, 6, 17)),  # on a Saturday: counted from Monday 8
        (date(2026, 3, 26), date(2026, 4, 8)),  # 26, 27, 30, 31, 1, 2, (Easter) 7, 8
        (date(2026, 4, 3), date(2026, 4, 16)),  # on Good Friday: 7–10, 13–16
        (date(2026, 12, 21), date(2027, 1, 4)),  # 21–24, 29–31, 4
        (date(2026, 5, 20), date(2026, 6, 1)),  # 20–22, (bank holiday) 26–29, 1
    ],
)
def test_eight_working_days_the_day_of_publication_counted(published: date, last: date) -> None:
    assert standstill_last_day(Regime.PA_2023, published) == last


@pytest.mark.parametrize(
    ("regime", "sent_at", "ends_at"),
    [
        # Sent in winter, ends in summer time: midnight in London is 23:00 UTC.
        (Regime.PCR_2015, datetime(2026, 3, 20, 12, tzinfo=UTC), datetime(2026, 3, 30, 22, 59, 59, 999999, tzinfo=UTC)),
        # Half past midnight in London is still the day before in UTC: the sending day is London's, 17 October.
        (
            Regime.PCR_2015,
            datetime(2026, 10, 16, 23, 30, tzinfo=UTC),
            datetime(2026, 10, 27, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        (Regime.PA_2023, datetime(2026, 10, 21, 9, tzinfo=UTC), datetime(2026, 10, 30, 23, 59, 59, 999999, tzinfo=UTC)),
        (
            Regime.PA_2023,
            datetime(2026, 6, 1, 22, 59, tzinfo=UTC),
            datetime(2026, 6, 10, 22, 59, 59, 999999, tzinfo=UTC),
        ),
        (
            Regime.PA_2023,
            datetime(2026, 6, 1, 23, 0, tzinfo=UTC),
            datetime(2026, 6, 11, 22, 59, 59, 999999, tzinfo=UTC),
        ),
    ],
)
def test_ends_with_the_last_day_in_london(regime: Regime, sent_at: datetime, ends_at: datetime) -> None:
    assert standstill_ends(regime, sent_at) == ends_at


days = st.dates(date(2024, 1, 1), date(2028, 11, 1))


@given(days)
def test_ten_days_are_never_fewer(sent: date) -> None:
    last = standstill_last_day(Regime.PCR_2015, sent)
    assert is_working_day(last)
    assert last >= sent + timedelta(days=10)
    assert not any(is_working_day(sent + timedelta(days=n)) for n in range(10, (last - sent).days))


@given(days)
def test_eight_working_days_are_exactly_eight(published: date) -> None:
    last = standstill_last_day(Regime.PA_2023, published)
    assert is_working_day(last)
    assert working_days_between(published, last) == 8


def test_each_regime_says_how_its_standstill_is_counted() -> None:
    assert set(STANDSTILL_WORDS) == set(Regime)
