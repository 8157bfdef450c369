"""Invoices: how much a month costs, how they are numbered and how they move."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

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
PAYMENTS_A_YEAR = 12


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
    """What one month costs in pounds: a twelfth of the planned band's annual price, in arrears (our default).

    The twelve payments of a contract year sum to the annual price exactly, the odd pennies falling in its first
    months. A month that the contract covers in part costs that part of its twelfth, by days.
    """
    begun = first_of_month(starts_on)
    number = (month.year - begun.year) * 12 + month.month - begun.month
    if number < 0 or (ends_on is not None and month > ends_on):
        return Decimal(0)
    twelfth = split(annual_price, [Decimal(1)] * PAYMENTS_A_YEAR)[number % PAYMENTS_A_YEAR]
    days = calendar.monthrange(month.year, month.month)[1]
    first = max(month, starts_on)
    last = min(last_of_month(month), ends_on or date.max)
    covered = (last - first).days + 1
    return twelfth if covered == days else pounds(twelfth * covered / days)


def invoice_number(agreement_reference: str, month: date, funder: int) -> str:
    """An invoice's number: the contract's, the month's, and the funder's place among the funders.

    It follows from what is invoiced, so that a repeated run finds the same number and not a second invoice.
    """
    return f"{agreement_reference}-{month:%Y%m}-{funder}"


def due_on(raised_on: date) -> date:
    """The last day on which the invoice is paid in time."""
    return raised_on + timedelta(days=PAYMENT_DAYS)
