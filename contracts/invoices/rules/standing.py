"""Invoices and what follows from them: their kinds, how they move, how they are numbered, and when they are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum


class InvoiceStatus(StrEnum):
    """Where an invoice stands. Once it is with the payment provider, the provider's word is taken for it."""

    AWAITING_APPROVAL = "awaiting_approval"
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    TAKEN_BACK = "taken_back"
    CREDITED = "credited"
    VOID = "void"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            InvoiceStatus.DRAFT: "Being sent",
            InvoiceStatus.OPEN: "To be paid",
            InvoiceStatus.TAKEN_BACK: "Payment taken back",
        }.get(self, self.value.replace("_", " ").capitalize())


# The provider's words may overtake one another: "paid" can reach us before "open" does, and is then final. Credited:
# credit notes, or a month's deductions, have taken all of it.
INVOICE_MOVES: dict[InvoiceStatus, frozenset[InvoiceStatus]] = {
    InvoiceStatus.AWAITING_APPROVAL: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.CREDITED}),
    InvoiceStatus.DRAFT: frozenset(
        {InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.CREDITED, InvoiceStatus.VOID}
    ),
    InvoiceStatus.OPEN: frozenset({InvoiceStatus.PAID, InvoiceStatus.CREDITED, InvoiceStatus.VOID}),
    # A bank has undone the payment: what it took back is owed again, until it is credited or paid by another way.
    InvoiceStatus.PAID: frozenset({InvoiceStatus.TAKEN_BACK}),
    InvoiceStatus.TAKEN_BACK: frozenset({InvoiceStatus.PAID, InvoiceStatus.CREDITED}),
    # Paid before the provider could be told that it was credited: the money is to come back.
    InvoiceStatus.CREDITED: frozenset({InvoiceStatus.PAID}),
    InvoiceStatus.VOID: frozenset(),
}
# What the payment provider does not have yet.
UNSENT = frozenset({InvoiceStatus.AWAITING_APPROVAL, InvoiceStatus.DRAFT})
# What somebody still owes.
OWED = UNSENT | {InvoiceStatus.OPEN, InvoiceStatus.TAKEN_BACK}


class InvoiceKind(StrEnum):
    """What an invoice is for."""

    MONTH = "month"
    RECONCILIATION = "reconciliation"
    INSTALMENT = "instalment"
    SUPPLEMENTARY = "supplementary"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            InvoiceKind.MONTH: "Month",
            InvoiceKind.RECONCILIATION: "Year’s reconciliation",
            InvoiceKind.INSTALMENT: "Grant instalment",
            InvoiceKind.SUPPLEMENTARY: "Supplementary",
        }[self]


class CreditKind(StrEnum):
    """Why a credit note was given."""

    DISPUTE = "dispute"
    RECONCILIATION = "reconciliation"
    DEDUCTION = "deduction"
    CORRECTION = "correction"
    UNSPENT = "unspent"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            CreditKind.DISPUTE: "Disputed",
            CreditKind.RECONCILIATION: "Year’s reconciliation",
            CreditKind.DEDUCTION: "Deduction",
            CreditKind.CORRECTION: "Correction",
            CreditKind.UNSPENT: "Grant not spent",
        }[self]


class CreditStatus(StrEnum):
    """Where a credit note stands. It counts from the moment it is given; this is what the provider knows of it.

    Waiting: the provider is still to be told. Issued: it has been, or never had the invoice. Refunded: the invoice was
    paid before, and the money has gone back.
    """

    WAITING = "waiting"
    ISSUED = "issued"
    REFUNDED = "refunded"

    @property
    def label(self) -> str:
        """The status in words."""
        return {CreditStatus.WAITING: "Being sent"}.get(self, self.value.capitalize())


CREDIT_MOVES: dict[CreditStatus, frozenset[CreditStatus]] = {
    CreditStatus.WAITING: frozenset({CreditStatus.ISSUED, CreditStatus.REFUNDED}),
    CreditStatus.ISSUED: frozenset({CreditStatus.REFUNDED}),
    # The provider could not give it back after all.
    CreditStatus.REFUNDED: frozenset({CreditStatus.ISSUED}),
}


class DisputeStatus(StrEnum):
    """Where a dispute of an invoice, whole or in part, stands."""

    OPEN = "open"
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    NOT_UPHELD = "not_upheld"

    @property
    def label(self) -> str:
        """The status in words."""
        return {DisputeStatus.OPEN: "In dispute"}.get(self, self.value.replace("_", " ").capitalize())


DISPUTE_MOVES: dict[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.OPEN: frozenset({DisputeStatus.UPHELD, DisputeStatus.PARTLY_UPHELD, DisputeStatus.NOT_UPHELD}),
    DisputeStatus.UPHELD: frozenset(),
    DisputeStatus.PARTLY_UPHELD: frozenset(),
    DisputeStatus.NOT_UPHELD: frozenset(),
}


class DeductionStanding(StrEnum):
    """Where a deduction stands, from what invoices and credit notes have taken of it."""

    TO_TAKE = "to_take"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {DeductionStanding.TO_TAKE: "Still to be taken"}.get(self, self.value.capitalize())


# Public bodies pay within 30 days of the invoice, also down the supply chain (domain.md, "Evaluating and awarding").
PAYMENT_DAYS = 30


def due_on(raised_on: date) -> date:
    """The last day on which the invoice is paid in time."""
    return raised_on + timedelta(days=PAYMENT_DAYS)


class ChainStanding(StrEnum):
    """Where the payment of a member of the supply chain for a month stands."""

    TO_CONFIRM = "to_confirm"
    IN_TIME = "in_time"
    PAID_LATE = "paid_late"
    NOTHING_DUE = "nothing_due"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {
            ChainStanding.TO_CONFIRM: "Not confirmed yet",
            ChainStanding.IN_TIME: "Paid in time",
        }.get(self, self.value.replace("_", " ").capitalize())


def chain_standing(invoiced_on: date | None, paid_on: date | None, *, is_confirmed: bool) -> ChainStanding:
    """Paid in time is paid within 30 days of the subcontractor's own invoice."""
    if not is_confirmed:
        return ChainStanding.TO_CONFIRM
    if invoiced_on is None or paid_on is None:
        return ChainStanding.NOTHING_DUE
    return ChainStanding.PAID_LATE if paid_on > due_on(invoiced_on) else ChainStanding.IN_TIME


# Every number follows from what it is of, so that a repeated run finds the same number and makes no second one.


def invoice_number(agreement_reference: str, month: date, funder: int) -> str:
    """A month's invoice: the contract's number, the month's, and the funder's place among the funders."""
    return f"{agreement_reference}-{month:%Y%m}-{funder}"


def reconciliation_number(agreement_reference: str, year_begins: date, funder: int) -> str:
    """A contract year's reconciliation: with an R, and the month in which the year began."""
    return f"{agreement_reference}-R{year_begins:%Y%m}-{funder}"


def instalment_number(agreement_reference: str, instalment: int, funder: int) -> str:
    """A grant's instalment: with a G, and the instalment's place in the plan."""
    return f"{agreement_reference}-G{instalment}-{funder}"


def supplement_number(agreement_reference: str, supplement: int, funder: int) -> str:
    """What was charged too little: with an S, and which supplement of the contract it is."""
    return f"{agreement_reference}-S{supplement}-{funder}"


def reissue_number(number: str, sequence: int) -> str:
    """The second (third, …) invoice for what a first one was for."""
    return f"{number}-{sequence}"


def credit_number(invoice: str, place: int) -> str:
    """The first (second, …) credit note of an invoice."""
    return f"{invoice}-C{place}"


def payment_reference(number: str, raised_at: datetime) -> str:
    """What we call an invoice or a credit note at the payment provider: its number, and when it was made.

    Numbers come again when a database is made anew (a demonstration, a restored copy); the provider's memory stays.
    """
    return f"{number}-{raised_at.astimezone(UTC):%Y%m%d%H%M%S}"


def number_of_reference(reference: str) -> str:
    """The number in what we call an invoice or a credit note at the provider; empty if it is none of ours."""
    return reference.rpartition("-")[0]
