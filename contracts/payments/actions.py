"""Sending invoices to the payment provider, and applying what the provider tells us.

Everything here may run twice: the provider is asked with our own number as the key, and an event is applied once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.invoices import actions as invoices
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus, number_of_reference
from contracts.payments.models import PaymentAccount, PaymentEvent
from marketplace import audit
from marketplace.access import SYSTEM, Permission
from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import people_with
from marketplace.adapters.payments.reading import event_from
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.records import (
    PaymentInvoice,
    PaymentLine,
    PaymentsFailed,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    SignatureRefused,
)
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import Invalid
from marketplace.extensions import db

LONGEST_WAIT = timedelta(hours=6)
# How soon an invoice is tried again that waits for a person of ours: looking costs nothing.
SHORTEST_WAIT = timedelta(minutes=10)

# Stripe's "uncollectible" is its bookkeeping: the funder owes the invoice all the same, and may still pay it.
STANDING = {
    ProviderStatus.OPEN: InvoiceStatus.OPEN,
    ProviderStatus.UNCOLLECTIBLE: InvoiceStatus.OPEN,
    ProviderStatus.PAID: InvoiceStatus.PAID,
    ProviderStatus.VOID: InvoiceStatus.VOID,
}


class ForgedEvent(Invalid):
    """What arrived at the webhook is not from the payment provider. Nothing of it is kept."""

    status = 400


def begin_to_send(invoice_ids: Sequence[int]) -> frozenset[int]:
    """Note, and commit before anything is asked, that these invoices are on their way.

    Gives those that never were before. Of all others the provider may know something that we do not: an earlier run
    may have been killed after it had asked.
    """
    began = db.session.execute(
        update(Invoice)
        .where(Invoice.id.in_(invoice_ids), Invoice.status == InvoiceStatus.DRAFT)
        .values(attempts=Invoice.attempts + 1)
        .returning(Invoice.id, Invoice.attempts)
    )
    return frozenset(key for key, attempts in began if attempts == 1)


def send_invoice(invoice: Invoice, *, payments: Payments, now: datetime, first: bool = False) -> None:
    """Hand the invoice to the payment provider, which asks the funder for the money.

    Unless this is the `first` time, the provider is asked what it has of the invoice already.

    It waits until somebody at the funder can pay it: their address is where the provider writes to. A failure that
    may pass is tried again, later each time; a refusal is kept where people see it and tried again after the longest
    wait, because what it names (a setting, an address) is mended by a person.
    """
    if invoice.status is not InvoiceStatus.DRAFT:
        return
    funder = invoice.organisation
    payers = people_with(funder.id, Permission.PAY_INVOICES)
    if not payers:
        words = f"Nobody at {funder.name} has the finance role yet, so nobody can be asked to pay."
        _not_sent(invoice, words, again_in=SHORTEST_WAIT, now=now)
        return
    try:
        sent = payments.raise_invoice(
            customer_id=_customer(funder, email=payers[0].email, payments=payments),
            reference=invoice.payment_reference,
            lines=[PaymentLine(line.text, line.amount) for line in invoice.lines],
            asked_since=None if first else invoice.raised_at,
            metadata={"contract": invoice.agreement.reference},
        )
    except PaymentsTemporaryFailure as failure:
        wait = min(timedelta(minutes=2 ** min(max(invoice.attempts, 1), 9)), LONGEST_WAIT)
        _not_sent(invoice, "The payment provider did not answer.", again_in=wait, now=now, failure=failure)
    except PaymentsRefused as failure:
        words = f"The payment provider refused it: {failure}"
        _not_sent(invoice, words, again_in=LONGEST_WAIT, now=now, failure=failure)
    else:
        if not take(sent, invoice, at=now, now=now):
            invoice.next_attempt_at = now + LONGEST_WAIT
    db.session.flush()


def _not_sent(
    invoice: Invoice, words: str, *, again_in: timedelta, now: datetime, failure: PaymentsFailed | None = None
) -> None:
    words = words[:300]
    if invoice.last_error != words:
        code = {"code": failure.code, "status": failure.status} if failure else {}
        audit.record("Could not be sent yet", invoice, actor=SYSTEM, now=now, **code)
    invoice.last_error = words
    invoice.next_attempt_at = now + again_in


def _customer(funder: Organisation, *, email: str, payments: Payments) -> str:
    account = db.session.get(PaymentAccount, funder.id)
    if account is not None:
        return account.provider_id
    made = payments.ensure_customer(reference=str(funder.id), name=funder.name, email=email)
    # Two workers may send this funder's first two invoices at once: both have the same customer, one keeps it.
    db.session.execute(
        insert(PaymentAccount)
        .values(organisation_id=funder.id, provider_id=made.id)
        .on_conflict_do_nothing(index_elements=["organisation_id"])
    )
    return db.session.get_one(PaymentAccount, funder.id, populate_existing=True).provider_id


def take(told: PaymentInvoice, invoice: Invoice, *, at: datetime, now: datetime) -> bool:
    """Take over how the invoice stands at the provider, which may be older than what we know already.

    Not taken over: a draft that is still being filled, another invoice under our number, another amount. The last two
    are kept for people to see. Whether it is (or was before) taken over.
    """
    standing = STANDING.get(told.status)
    if standing is None:
        return False
    if told.total != invoice.amount or invoice.provider_id not in (None, told.id):
        words = f"The payment provider has another invoice with this number, over £{told.total:,.2f}."
        if invoice.last_error != words:
            audit.record("The provider's invoice does not match", invoice, actor=SYSTEM, now=now)
            invoice.last_error = words
        return False
    if invoice.provider_id is None:
        invoice.provider_id, invoice.payment_url, invoice.sent_at = told.id, told.hosted_url, now
    invoice.last_error = None
    if standing is InvoiceStatus.OPEN:
        invoices.sent(invoice, now=now)
    elif standing is InvoiceStatus.PAID:
        invoices.paid(invoice, at=told.paid or at, now=now)
    else:
        invoices.voided(invoice, now=now)
    return True


def keep_event(payload: bytes, signature: str | None, *, payments: Payments, now: datetime) -> int | None:
    """Keep a signed event before it is used; its key, or None if it was here before. Raises ForgedEvent."""
    try:
        event = payments.construct_event(payload, signature)
    except SignatureRefused as refused:
        raise ForgedEvent("The signature is not the payment provider’s, or it is too old.") from refused
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
    if told.invoice is not None:
        take_news(told.invoice, kind=told.type, at=event.happened_at, now=now)
    db.session.flush()


def take_news(told: PaymentInvoice, *, kind: str, at: datetime, now: datetime) -> None:
    """Take over what the provider says of one of its invoices, if it is one of ours.

    It is known by the provider's own key; before we have kept that (the provider may be faster than our commit, or
    we may have been killed before it) by the reference that we gave it.
    """
    reference = told.reference or ""
    invoice = db.session.scalar(
        select(Invoice)
        .where(or_(Invoice.provider_id == told.id, Invoice.number == number_of_reference(reference)))
        .order_by((Invoice.provider_id == told.id).desc().nulls_last())
        .limit(1)
        .with_for_update()
    )
    if invoice is None or (invoice.provider_id != told.id and invoice.payment_reference != reference):
        return
    taken = take(told, invoice, at=at, now=now)
    if taken and kind == "invoice.payment_failed" and invoice.status is InvoiceStatus.OPEN:
        audit.record("A payment failed", invoice, actor=SYSTEM, now=now)
