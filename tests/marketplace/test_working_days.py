from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.working_days import add_working_days, is_working_day, next_working_day, working_days_between

days = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("day", "works", "why"),
    [
        (date(2022, 6, 2), False, "spring bank holiday, moved for the Platinum Jubilee"),
        (date(2022, 6, 3), False, "Platinum Jubilee"),
        (date(2022, 5, 30), True, "the last Monday of May, moved away that year"),
        (date(2022, 9, 19), False, "the State Funeral of Queen Elizabeth II"),
        (date(2023, 5, 8), False, "the Coronation of King Charles III"),
        (date(2026, 4, 3), False, "Good Friday"),
        (date(2026, 4, 6), False, "Easter Monday"),
        (date(2026, 4, 7), True, "the day after Easter Monday"),
        (date(2026, 12, 25), False, "Christmas Day"),
        (date(2026, 12, 26), False, "Boxing Day, a Saturday"),
        (date(2026, 12, 28), False, "Boxing Day, moved to Monday"),
        (date(2026, 12, 29), True, "after Christmas"),
        (date(2026, 11, 30), True, "St Andrew's Day is kept in Scotland only"),
        (date(2026, 9, 5), False, "a Saturday"),
        (date(2026, 9, 6), False, "a Sunday"),
    ],
)
def test_the_days_of_england_and_wales(day: date, works: bool, why: str) -> None:
    assert is_working_day(day) is works, why


@pytest.mark.parametrize(
    ("day", "count", "comes"),
    [
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # Maundy Thursday to the Tuesday after Easter
        (date(2026, 12, 24), 1, date(2026, 12, 29)),
        (date(2026, 12, 24), 4, date(2027, 1, 4)),  # 29, 30, 31 December; New Year's Day; a weekend
        (date(2026, 9, 7), 10, date(2026, 9, 21)),
        (date(2026, 9, 5), 1, date(2026, 9, 7)),  # from a Saturday
        (date(2026, 9, 5), 0, date(2026, 9, 5)),
    ],
)
def test_counting_forward(day: date, count: int, comes: date) -> None:
    assert add_working_days(day, count) == comes


def test_the_next_working_day_is_the_day_itself_if_it_works() -> None:
    assert next_working_day(date(2026, 4, 2)) == date(2026, 4, 2)
    assert next_working_day(date(2026, 4, 3)) == date(2026, 4, 7)


def test_both_ends_are_counted() -> None:
    assert working_days_between(date(2026, 4, 2), date(2026, 4, 7)) == 2
    assert working_days_between(date(2026, 4, 3), date(2026, 4, 6)) == 0
    assert working_days_between(date(2026, 4, 7), date(2026, 4, 2)) == 0


@given(days, st.integers(1, 60))
def test_so_many_working_days_later_lie_so_many_working_days_between(day: date, count: int) -> None:
    later = add_working_days(day, count)
    assert is_working_day(later)
    assert working_days_between(day + timedelta(days=1), later) == count
