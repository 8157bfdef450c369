"""Contract years, months, and what days of a contract cost. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import lcm

from marketplace.money import pounds, split


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later; where that month lacks it, the first of the month after.

    So a year from 29 February 2024 is 1 March 2025, and the day before it is the last of twelve whole months.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if day.day > monthrange(year, month + 1)[1]:
        year, month = divmod(index + 1, 12)
        return date(year, month + 1, 1)
    return date(year, month + 1, day.day)


def ends_on(starts_on: date, months: int) -> date:
    """The last day of a contract of so many months."""
    return months_after(starts_on, months) - timedelta(days=1)


def contract_year(starts_on: date, on: date) -> tuple[date, date]:
    """The first and last day of the contract year that holds this day; the first year for days before the start.

    Contract years begin on the anniversaries of the start and leave no day out; see `months_after` for 29 February.
    """
    years = max(on.year - starts_on.year, 0)
    if years and on < months_after(starts_on, 12 * years):
        years -= 1
    return months_after(starts_on, 12 * years), months_after(starts_on, 12 * (years + 1)) - timedelta(days=1)


# Divisible by the days of every month, so that parts of months are whole numbers.
_ANY_MONTH = lcm(28, 29, 30, 31)


def first_of_month(day: date) -> date:
    """The month that the day is in, as its first day."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def last_of_month(month: date) -> date:
    """The month's last day."""
    return next_month(month) - timedelta(days=1)


@lru_cache(maxsize=16384)
def price_of(annual_price: Decimal, *, starts_on: date, first: date, last: date) -> Decimal:
    """What the days first..last of a contract cost in pounds at this annual price, both days included.

    A month is a twelfth; what a whole contract year costs is the annual price exactly, its odd pennies falling into
    its first months. A year that begins within a month has a part of a month at either end, each paid by its days.
    Part of a month costs what its last day has brought the month to, less what the day before its first had: so the
    parts of any period always sum to the whole, wherever it is cut.
    """
    price = Decimal(0)
    begins = first
    while begins <= last:
        year = contract_year(starts_on, begins)
        for piece, amount in _pieces(annual_price, *year):
            since, until = max(begins, piece[0]), min(last, piece[1])
            if since <= until:
                price += _brought_to(amount, piece, until) - _brought_to(amount, piece, since - timedelta(days=1))
        begins = year[1] + timedelta(days=1)
    return price


def _brought_to(amount: Decimal, piece: tuple[date, date], day: date) -> Decimal:
    """How much of a month's amount is earned by the end of a day, to the penny."""
    whole = (piece[1] - piece[0]).days + 1
    return pounds(amount * ((day - piece[0]).days + 1) / whole)


@lru_cache(maxsize=16384)
def _pieces(annual_price: Decimal, first: date, last: date) -> tuple[tuple[tuple[date, date], Decimal], ...]:
    """The calendar months in a contract year, the first and the last perhaps in part, and what each costs."""
    pieces, day = [], first
    while day <= last:
        pieces.append((day, min(last_of_month(day), last)))
        day = next_month(day)
    return tuple(zip(pieces, split(annual_price, [_weight(*piece) for piece in pieces]), strict=True))


def _weight(first: date, last: date) -> int:
    """How much of its month a piece is, in whole numbers: the same for every whole month, whatever its length."""
    return ((last - first).days + 1) * (_ANY_MONTH // monthrange(first.year, first.month)[1])
