"""Raising invoices, sending them to the payment provider, and applying what the provider tells us.

Everything here may run twice: a contract's month has one invoice a funder by constraint, the provider is asked with
our own number as the key, and an event is applied once.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.models import Agreement, planned_annual_price
from contracts.invoices import letters
from contracts.invoices.models import Invoice, InvoiceLine, PaymentAccount, PaymentEvent
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
from marketplace.accounts.models import Organisation
from marketplace.adapters.payments.records import (
    PaymentLine,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    SignatureRefused,
    event_from,
)
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import Invalid
from marketplace.extensions import db
from marketplace.money import split

LONGEST_WAIT = timedelta(hours=6)


class ForgedEvent(Invalid):
    """What arrived at the webhook is not from the payment provider. Nothing of it is kept."""

    status = 400


def raise_invoices(agreement: Agreement, *, actor: Actor, now: datetime) -> list[Invoice]:
    """Raise every invoice of the contract that is due and not there: each month that is over, one a funder.

    The contract's row is locked meanwhile, so that two runs at once raise each once.
    """
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
    shares = [funder.percent for funder in agreement.funders]
    parts: list[list[tuple[int, str, Decimal]]] = [[] for _ in shares]
    for line in agreement.lines:
        annual = planned_annual_price(line)
        if annual is None:
            continue
        price = month_price(annual, starts_on=agreement.starts_on, ends_on=agreement.ends_on, month=month)
        for part, amount in zip(parts, split(price, shares), strict=True):
            if amount:
                part.append((line.id, f"{line.title}, {month:%B %Y}", amount))
    raised = []
    today = clock.london(now).date()
    for place, (funder, part) in enumerate(zip(agreement.funders, parts, strict=True), start=1):
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


def send_invoice(invoice: Invoice, *, payments: Payments, now: datetime) -> None:
    """Hand the invoice to the payment provider, which asks the funder for the money.

    A failure that may pass is tried again, later each time; a refusal is kept where people see it and tried again
    after the longest wait, because what it names (a setting, an address) is mended by a person.
    """
    if invoice.status is not InvoiceStatus.DRAFT:
        return
    try:
        customer = _customer(invoice.organisation, payments=payments)
        sent = payments.raise_invoice(
            customer_id=customer,
            reference=invoice.number,
            lines=[PaymentLine(line.text, line.amount) for line in invoice.lines],
            metadata={"contract": invoice.agreement.reference},
        )
    except (PaymentsTemporaryFailure, PaymentsRefused) as failure:
        passing = isinstance(failure, PaymentsTemporaryFailure)
        invoice.attempts += 1
        invoice.last_error = str(failure)[:300]
        invoice.next_attempt_at = now + (
            min(timedelta(minutes=2 ** min(invoice.attempts, 9)), LONGEST_WAIT) if passing else LONGEST_WAIT
        )
        if invoice.attempts == 1:
            audit.record("Sending failed, will be tried again", invoice, actor=SYSTEM, now=now)
        db.session.flush()
        return
    invoice.provider_id = sent.id
    invoice.payment_url = sent.hosted_url
    invoice.sent_at = now
    invoice.last_error = None
    _move(invoice, InvoiceStatus(sent.status.value), at=sent.paid or now, now=now)
    letters.invoice_sent(invoice, now=now)
    db.session.flush()


def _customer(funder: Organisation, *, payments: Payments) -> str:
    account = db.session.get(PaymentAccount, funder.id)
    if account is None:
        made = payments.ensure_customer(
            reference=str(funder.id), name=funder.name, email=letters.finance_address(funder.id)
        )
        account = PaymentAccount(organisation_id=funder.id, provider_id=made.id)
        db.session.add(account)
        db.session.flush()
    return account.provider_id


def keep_event(payload: bytes, signature: str | None, *, payments: Payments, now: datetime) -> int | None:
    """Keep a signed event before it is used; its key, or None if it was here before. Raises ForgedEvent."""
    try:
        event = payments.construct_event(payload, signature)
    except SignatureRefused as refused:
        raise ForgedEvent("The signature is not the payment provider's, or too old.") from refused
    body: dict[str, Any] = json.loads(payload)
    return db.session.execute(
        insert(PaymentEvent)
        .values(provider_id=event.id, kind=event.type, happened_at=event.created, received_at=now, payload=body)
        .on_conflict_do_nothing(index_elements=["provider_id"])
        .returning(PaymentEvent.id)
    ).scalar()


def apply_event(event_id: int, *, now: datetime) -> None:
    """Apply one kept event, once. Events may come in any order: what can no longer happen is passed over."""
    event = db.session.scalar(
        select(PaymentEvent)
        .where(PaymentEvent.id == event_id, PaymentEvent.applied_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    if event is None:
        return
    told = event_from(event.payload)
    event.applied_at = now
    if told.invoice is None:
        return
    invoice = db.session.scalar(
        select(Invoice)
        .where(or_(Invoice.provider_id == told.invoice.id, Invoice.number == (told.invoice.reference or "")))
        .with_for_update()
    )
    if invoice is None or invoice.amount != told.invoice.amount_due:
        # Not one of ours, or a draft still being filled.
        return
    if told.type == "invoice.payment_failed":
        audit.record("Payment failed", invoice, actor=SYSTEM, now=now)
    elif told.invoice.status.value in (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.VOID):
        _move(
            invoice,
            InvoiceStatus(told.invoice.status.value),
            at=told.invoice.paid or told.invoice.voided or event.happened_at,
            now=now,
        )
    db.session.flush()


def _move(invoice: Invoice, to: InvoiceStatus, *, at: datetime, now: datetime) -> None:
    """Move the invoice if it can still move there; older news changes nothing."""
    if to not in INVOICE_MOVES[invoice.status]:
        return
    invoice.status = to
    words = {InvoiceStatus.OPEN: "Sent for payment", InvoiceStatus.PAID: "Paid", InvoiceStatus.VOID: "Voided"}[to]
    if to is InvoiceStatus.PAID:
        invoice.paid_at = at
        letters.invoice_paid(invoice, now=now)
    audit.record(words, invoice, actor=SYSTEM, now=now)
