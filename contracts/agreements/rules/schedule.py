"""The payment schedule that terms lead to: what each month costs at the planned bands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from contracts.agreements.rules import Terms, contract_year, last_of_month, price_of


@dataclass(frozen=True)
class ScheduledMonth:
    """A month of the contract, the first and the last perhaps in part, and what it costs before VAT, in pounds."""

    first: date
    last: date
    amount: Decimal


@dataclass(frozen=True)
class ScheduledYear:
    """A contract year as far as these terms reach."""

    first: date
    last: date
    months: Sequence[ScheduledMonth]

    @property
    def amount(self) -> Decimal:
        """What its months cost together."""
        return sum((month.amount for month in self.months), Decimal(0))


def payment_schedule(terms: Terms) -> list[ScheduledYear]:
    """What is paid in twelfths from the day on which the terms apply to the last; none without a last day."""
    prices = [band.annual_price for line in terms.lines for band in line.bands if band.number == line.planned_band]
    if terms.ends_on is None or not prices:
        return []
    years: list[ScheduledYear] = []
    day = max(terms.in_force_from or terms.starts_on, terms.starts_on)
    while day <= terms.ends_on:
        year_ends = min(contract_year(terms.starts_on, day)[1], terms.ends_on)
        first, months = day, []
        while day <= year_ends:
            last = min(last_of_month(day), year_ends)
            amount = sum((price_of(one, starts_on=terms.starts_on, first=day, last=last) for one in prices), Decimal(0))
            months.append(ScheduledMonth(day, last, amount))
            day = last + timedelta(days=1)
        years.append(ScheduledYear(first, year_ends, tuple(months)))
    return years
