"""Raising invoices, and moving them on.

Everything here may run twice: a contract's month has one invoice a funder by constraint, and an invoice moves only
where it can still move.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from contracts.invoices import letters
from contracts.invoices.models import Invoice, InvoiceLine
from contracts.invoices.queries import months_raised
from contracts.invoices.rules import (
    INVOICE_MOVES,
    InvoiceStatus,
    due_on,
    invoice_number,
    month_price,
    months_in_arrears,
)
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.money import split


def raise_invoices(agreement: Agreement, *, actor: Actor, now: datetime) -> list[Invoice]:
    """Raise every invoice of the contract that is due and not there: each month that is over, one a funder.

    Refused for a contract that is not signed. The contract's row is locked meanwhile, so that two runs at once raise
    each once.
    """
    if agreement.status is not AgreementStatus.SIGNED:
        raise Refused("Invoices are raised for signed contracts only.")
    db.session.execute(select(Agreement.id).where(Agreement.id == agreement.id).with_for_update())
    today = clock.london(now).date()
    there = months_raised(agreement.id)
    raised: list[Invoice] = []
    for month in months_in_arrears(agreement.starts_on, agreement.ends_on, today):
        if month not in there:
            raised += _raise_month(agreement, month, actor=actor, now=now)
    db.session.flush()
    return raised


def _raise_month(agreement: Agreement, month: date, *, actor: Actor, now: datetime) -> list[Invoice]:
    funders = agreement.version_on(month).funders
    shares = [funder.percent for funder in funders]
    parts: list[list[tuple[int, str, Decimal]]] = [[] for _ in shares]
    for line in agreement.lines:
        annual = line.terms_on(month).planned_annual_price
        if annual is None:
            continue
        price = month_price(annual, starts_on=agreement.starts_on, ends_on=agreement.ends_on, month=month)
        for part, amount in zip(parts, split(price, shares), strict=True):
            if amount:
                part.append((line.id, f"{line.title}, {month:%B %Y}", amount))
    raised = []
    today = clock.london(now).date()
    for place, (funder, part) in enumerate(zip(funders, parts, strict=True), start=1):
        amount = sum((each for _, _, each in part), Decimal(0))
        if not amount:
            continue
        invoice = Invoice(
            number=invoice_number(agreement.reference, month, place),
            agreement_id=agreement.id,
            organisation_id=funder.organisation_id,
            month=month,
            percent=funder.percent,
            amount=amount,
            status=InvoiceStatus.DRAFT,
            raised_at=now,
            due_on=due_on(today),
            next_attempt_at=now,
            lines=[InvoiceLine(service_line_id=line_id, text=text, amount=each) for line_id, text, each in part],
        )
        db.session.add(invoice)
        raised.append(invoice)
    db.session.flush()
    for invoice in raised:
        audit.record("Invoice raised", invoice, actor=actor, now=now, amount=str(invoice.amount))
    return raised


def sent(invoice: Invoice, *, now: datetime) -> None:
    """The payment provider has the invoice, and asks the funder for the money."""
    if _move(invoice, InvoiceStatus.OPEN, "Sent for payment", now=now):
        letters.invoice_sent(invoice, now=now)


def paid(invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """The funder paid the invoice, at that moment."""
    if _move(invoice, InvoiceStatus.PAID, "Paid", now=now):
        invoice.paid_at = at
        letters.invoice_paid(invoice, now=now)


def voided(invoice: Invoice, *, now: datetime) -> None:
    """The invoice asks for nothing any more."""
    _move(invoice, InvoiceStatus.VOID, "Voided", now=now)


def _move(invoice: Invoice, to: InvoiceStatus, words: str, *, now: datetime) -> bool:
    """Move the invoice if it can still move there; older news changes nothing. Whether it moved."""
    if to not in INVOICE_MOVES[invoice.status]:
        return False
    invoice.status = to
    audit.record(words, invoice, actor=SYSTEM, now=now)
    return True
