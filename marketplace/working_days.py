"""Working days of England and Wales: no Saturday, Sunday or bank holiday."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from govuk_bank_holidays.bank_holidays import BankHolidays


@lru_cache(maxsize=1)
def _bank_holidays() -> frozenset[date]:
    holidays = BankHolidays(use_cached_holidays=True)
    return frozenset(row["date"] for row in holidays.get_holidays(division=BankHolidays.ENGLAND_AND_WALES))


def is_working_day(day: date) -> bool:
    """Whether the day counts as one on which public bodies in England and Wales work."""
    return day.weekday() < 5 and day not in _bank_holidays()


def next_working_day(day: date) -> date:
    """The day itself if it is a working day, else the first one after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, count: int) -> date:
    """The working day that comes `count` working days after `day` (which itself is not counted)."""
    for _ in range(count):
        day = next_working_day(day + timedelta(days=1))
    return day


def working_days_between(first: date, last: date) -> int:
    """How many working days lie in first..last, both counted; 0 if last comes before first."""
    days = (last - first).days + 1
    return sum(is_working_day(first + timedelta(days=offset)) for offset in range(max(days, 0)))
