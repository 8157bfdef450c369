"""What a month costs, and which months and contract years are over: twelfths, parts of months, versions of the terms.

Source: domain.md, "Planning a need" (the payment terms that both sides sign, `agreements.rules.PAYMENT`). How parts of
years and variations within a year are reckoned is ours to say: docs/decisions/0006 and the ones it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from contracts.agreements.rules import contract_year, first_of_month, last_of_month, next_month, price_of
from contracts.volumes.rules import Span


def months_in_arrears(starts_on: date, ends_on: date | None, today: date) -> Iterator[date]:
    """The months of a contract that are over by today, oldest first: those that may be invoiced.

    The month in which a contract ends is over when it ends.
    """
    month = first_of_month(starts_on)
    while (ends_on is None or month <= ends_on) and min(last_of_month(month), ends_on or date.max) < today:
        yield month
        month = next_month(month)


def months_begun(starts_on: date, ends_on: date | None, today: date) -> list[date]:
    """The months of a contract that have begun by today, oldest first."""
    found, month = [], first_of_month(starts_on)
    while max(month, starts_on) <= min(today, ends_on or date.max):
        found.append(month)
        month = next_month(month)
    return found


def years_over(starts_on: date, ends_on: date | None, today: date) -> Iterator[tuple[date, date]]:
    """The contract years that are over by today, oldest first, by their first and last day: those to be reconciled.

    The contract year within which a contract ends is over when it ends, and its last day is then the contract's.
    """
    first = starts_on
    while ends_on is None or first <= ends_on:
        last = min(contract_year(starts_on, first)[1], ends_on or date.max)
        if last >= today:
            return
        yield first, last
        first = contract_year(starts_on, first)[1] + timedelta(days=1)


def month_price(annual_price: Decimal, *, starts_on: date, ends_on: date | None, month: date) -> Decimal:
    """What one calendar month costs in pounds: a twelfth of the planned band's annual price, in arrears (our default).

    A contract that begins or ends within a month pays that month by its days; outside the contract nothing is owed.
    """
    first, last = max(month, starts_on), min(last_of_month(month), ends_on or date.max)
    return price_of(annual_price, starts_on=starts_on, first=first, last=last)


@dataclass(frozen=True)
class Charge:
    """What the days of one span in a month cost, in pounds."""

    first: date
    last: date
    amount: Decimal
    version: int


def month_charges(spans: Sequence[Span], *, starts_on: date, month: date) -> list[Charge]:
    """A month's price by the terms in force on each of its days: one charge, or more where they changed within it."""
    parts = [part for span in spans if (part := span.within(month, last_of_month(month)))]
    return [
        Charge(
            part.first,
            part.last,
            price_of(part.planned_price, starts_on=starts_on, first=part.first, last=part.last),
            part.version,
        )
        for part in parts
    ]
