"""Invoices: how much a month costs, how they are numbered and how they move."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import lcm

from contracts.agreements.rules import contract_year
from marketplace.money import pounds, split


class InvoiceStatus(StrEnum):
    """Where an invoice stands with the payment provider, whose word for it this is."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"

    @property
    def label(self) -> str:
        """The status in words."""
        return {InvoiceStatus.DRAFT: "Being sent", InvoiceStatus.OPEN: "To be paid"}.get(self, self.value.capitalize())


# The provider's words may overtake one another: "paid" can reach us before "open" does, and is then final.
INVOICE_MOVES: dict[InvoiceStatus, frozenset[InvoiceStatus]] = {
    InvoiceStatus.DRAFT: frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.VOID}),
    InvoiceStatus.OPEN: frozenset({InvoiceStatus.PAID, InvoiceStatus.VOID}),
    InvoiceStatus.PAID: frozenset(),
    InvoiceStatus.VOID: frozenset(),
}

# Public bodies pay within 30 days of the invoice (domain.md, "Evaluating and awarding").
PAYMENT_DAYS = 30
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


def months_in_arrears(starts_on: date, ends_on: date | None, today: date) -> Iterator[date]:
    """The months of a contract that are over by today, oldest first: those that may be invoiced.

    The month in which a contract ends is over when it ends.
    """
    month = first_of_month(starts_on)
    while (ends_on is None or month <= ends_on) and min(last_of_month(month), ends_on or date.max) < today:
        yield month
        month = next_month(month)


def month_price(annual_price: Decimal, *, starts_on: date, ends_on: date | None, month: date) -> Decimal:
    """What one calendar month costs in pounds: a twelfth of the planned band's annual price, in arrears (our default).

    What is paid for a contract year always sums to the annual price exactly, the odd pennies falling in its first
    months. A year that begins within a month has a part of a month at either end, each paid by its days; a contract
    that ends within a month pays that month by its days.
    """
    first, last = max(month, starts_on), min(last_of_month(month), ends_on or date.max)
    if first > last:
        return Decimal(0)
    price = Decimal(0)
    # The month in which one contract year follows another holds a piece of both.
    for begins, ends in sorted({contract_year(starts_on, first), contract_year(starts_on, last)}):
        pieces = list(_pieces(begins, ends))
        amounts = split(annual_price, [_weight(*piece) for piece in pieces])
        for (from_day, to_day), amount in zip(pieces, amounts, strict=True):
            if from_day < first_of_month(month) or from_day > last:
                continue
            owed = (min(to_day, last) - from_day).days + 1
            whole = (to_day - from_day).days + 1
            price += amount if owed == whole else pounds(amount * owed / whole)
    return price


def _pieces(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The calendar months in first..last, the first and the last perhaps in part."""
    while first <= last:
        yield first, min(last_of_month(first), last)
        first = next_month(first)


def _weight(first: date, last: date) -> int:
    """How much of its month a piece is, in whole numbers: the same for every whole month, whatever its length."""
    return ((last - first).days + 1) * (_ANY_MONTH // monthrange(first.year, first.month)[1])


def invoice_number(agreement_reference: str, month: date, funder: int) -> str:
    """An invoice's number: the contract's, the month's, and the funder's place among the funders.

    It follows from what is invoiced, so that a repeated run finds the same number and not a second invoice.
    """
    return f"{agreement_reference}-{month:%Y%m}-{funder}"


def payment_reference(number: str, raised_at: datetime) -> str:
    """What we call an invoice at the payment provider: its number, and when it was raised.

    Numbers come again when a database is made anew (a demonstration, a restored copy); the provider's memory stays.
    """
    return f"{number}-{raised_at.astimezone(UTC):%Y%m%d%H%M%S}"


def number_of_reference(reference: str) -> str:
    """The number in what we call an invoice at the payment provider; empty if it is none of ours."""
    return reference.rpartition("-")[0]


def due_on(raised_on: date) -> date:
    """The last day on which the invoice is paid in time."""
    return raised_on + timedelta(days=PAYMENT_DAYS)
