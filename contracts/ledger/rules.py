"""The ledger: its accounts, what is posted to them, how old a debt is, and the interest that the law gives on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from marketplace.money import pounds


class Account(StrEnum):
    """Where money stands. Each account is kept for one organisation, in pounds.

    Owed: what a funder owes. Paid: what a supplier has been paid. Services and VAT: what a supplier has charged, kept
    below nought, so that all accounts together are always nought. To return: what a supplier holds of payments that
    banks took back from the marketplace, which had passed them on. Laid out: the same, below nought, as the
    marketplace's.
    """

    OWED = "owed"
    PAID = "paid"
    SERVICES = "services"
    VAT = "vat"
    TO_RETURN = "to_return"
    LAID_OUT = "laid_out"

    @property
    def label(self) -> str:
        """The account in words."""
        return {
            Account.OWED: "Owed by the funder",
            Account.PAID: "Paid to the supplier",
            Account.SERVICES: "Services charged",
            Account.VAT: "VAT charged",
            Account.TO_RETURN: "To be returned by the supplier",
            Account.LAID_OUT: "Laid out by the marketplace",
        }[self]


class PostingKind(StrEnum):
    """What is posted."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    VOID = "void"
    OUTLAY = "outlay"
    RECOVERY = "recovery"

    @property
    def label(self) -> str:
        """The kind in words."""
        words = {
            PostingKind.VOID: "Voided",
            PostingKind.CHARGEBACK: "Payment taken back by a bank",
            PostingKind.OUTLAY: "Laid out for a supplier",
            PostingKind.RECOVERY: "Returned by a supplier",
        }
        return words.get(self, self.value.replace("_", " ").capitalize())


@dataclass(frozen=True)
class Line:
    """One entry of a posting: so many pounds to an account, or from it if below nought."""

    account: Account
    amount: Decimal


def charged(net: Decimal, vat: Decimal) -> list[Line]:
    """An invoice: the funder owes what the supplier has charged."""
    return _without_noughts([Line(Account.OWED, net + vat), Line(Account.SERVICES, -net), Line(Account.VAT, -vat)])


def credited(net: Decimal, vat: Decimal) -> list[Line]:
    """A credit note, or an invoice voided: so much of what was charged is charged no more."""
    return charged(-net, -vat)


def paid(amount: Decimal) -> list[Line]:
    """A payment: the funder owes so much less, the supplier has been paid so much more."""
    return _without_noughts([Line(Account.PAID, amount), Line(Account.OWED, -amount)])


def refunded(amount: Decimal) -> list[Line]:
    """A payment given back, or taken back by a bank."""
    return paid(-amount)


def laid_out(amount: Decimal) -> list[Line]:
    """A bank took back from the marketplace what the supplier holds: the supplier is to return it."""
    return _without_noughts([Line(Account.TO_RETURN, amount), Line(Account.LAID_OUT, -amount)])


def returned(amount: Decimal) -> list[Line]:
    """The marketplace has it back from the supplier."""
    return laid_out(-amount)


def _without_noughts(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.amount]


class Age(StrEnum):
    """How long past its day of payment a debt is; or that it is none, but money that is to come back."""

    NOT_DUE = "not_due"
    DAYS_1_TO_30 = "1_to_30"
    DAYS_31_TO_60 = "31_to_60"
    DAYS_61_TO_90 = "61_to_90"
    OVER_90 = "over_90"
    TO_COME_BACK = "to_come_back"

    @property
    def label(self) -> str:
        """The age in words."""
        return {
            Age.NOT_DUE: "Not due yet",
            Age.DAYS_1_TO_30: "1 to 30 days late",
            Age.DAYS_31_TO_60: "31 to 60 days late",
            Age.DAYS_61_TO_90: "61 to 90 days late",
            Age.OVER_90: "Over 90 days late",
            Age.TO_COME_BACK: "To be given back",
        }[self]


def days_late(due_on: date, on: date) -> int:
    """How many days a debt is late at the end of a day: none on the day it is due, one on the day after."""
    return max((on - due_on).days, 0)


def age_of(due_on: date, on: date) -> Age:
    """Where a debt stands in the table of aged debt."""
    late = days_late(due_on, on)
    if not late:
        return Age.NOT_DUE
    for most, age in ((30, Age.DAYS_1_TO_30), (60, Age.DAYS_31_TO_60), (90, Age.DAYS_61_TO_90)):
        if late <= most:
            return age
    return Age.OVER_90


# Percentage points above the Bank of England's base rate (Late Payment of Commercial Debts (Rate of Interest) (No. 3)
# Order 2002, art. 4).
ABOVE_BASE = Decimal(8)
# A base rate above this is a slip of the finger (our own bound; it has never been above 17).
HIGHEST_BASE_RATE = Decimal(25)


def base_rate_day(due_on: date) -> date:
    """The day whose base rate counts for a debt, for as long as it is late.

    The last 30 June or 31 December before interest begins to run, which is the day after payment was due (Late Payment
    of Commercial Debts (Rate of Interest) (No. 3) Order 2002, art. 4).
    """
    begins = due_on + timedelta(days=1)
    return date(begins.year, 6, 30) if begins.month > 6 else date(begins.year - 1, 12, 31)


def late_interest(
    charged: Decimal, due_on: date, on: date, *, base_rate: Decimal, changes: Sequence[tuple[date, Decimal]] = ()
) -> Decimal:
    """The interest that the law gives a supplier on a debt by the end of a day, in pounds.

    Simple interest for each day from the day after the debt was due (Late Payment of Commercial Debts (Interest) Act
    1998, s. 4), by a year of 365 days, on what was owed when the day began; rounded once, half up. It is shown and not
    invoiced. `changes` are by day what was paid or credited (below nought) and given back. What was charged counts
    whenever it was posted: what is invoiced again after a dispute was owed all along.
    """
    owed, since, pound_days = charged, due_on, Decimal(0)
    for day, amount in [*sorted(changes), (on, Decimal(0))]:
        until = min(max(day, due_on), on)
        pound_days += max(owed, Decimal(0)) * max((until - since).days, 0)
        owed, since = owed + amount, max(since, until)
    return pounds(pound_days * (base_rate + ABOVE_BASE) / 36500)
