"""What the provider tells us: kept before it is used, applied once, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus, number_of_reference
from contracts.payments.actions.crediting import take_credit
from contracts.payments.actions.receiving import take_account
from contracts.payments.actions.recovering import take_transfer
from contracts.payments.actions.sending import take
from contracts.payments.actions.taking_back import take_charge, take_dispute, take_payment, take_refund
from contracts.payments.models import PaymentEvent
from marketplace import audit
from marketplace.access import SYSTEM
from marketplace.adapters.payments.reading import event_from
from marketplace.adapters.payments.records import (
    About,
    EventUnreadable,
    PaymentCharge,
    PaymentCredit,
    PaymentDispute,
    PaymentInvoice,
    PaymentRefund,
    PaymentTaken,
    PaymentTransfer,
    SignatureRefused,
    SupplierAccount,
)
from marketplace.adapters.payments.records import PaymentEvent as Told
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import Invalid
from marketplace.extensions import db


class ForgedEvent(Invalid):
    """What arrived at the webhook is not from the payment provider. Nothing of it is kept."""

    status = 400


def keep_event(payload: bytes, signature: str | None, *, payments: Payments, now: datetime) -> int | None:
    """Keep a signed event before it is used; its key, or None if it was here before. Raises ForgedEvent."""
    try:
        event = payments.construct_event(payload, signature)
    except SignatureRefused as refused:
        raise ForgedEvent("The signature is not the payment provider’s, or it is too old.") from refused
    return db.session.execute(
        insert(PaymentEvent)
        .values(**_kept(event, now=now))
        .on_conflict_do_nothing(index_elements=["provider_id"])
        .returning(PaymentEvent.id)
    ).scalar()


def keep_missed(events: Sequence[Told], *, now: datetime) -> int:
    """Keep those of the events, for which the provider was asked, that never reached us. How many."""
    if not events:
        return 0
    made = db.session.execute(
        insert(PaymentEvent)
        .values([_kept(one, now=now) | {"was_asked_for": True} for one in events])
        .on_conflict_do_nothing(index_elements=["provider_id"])
        .returning(PaymentEvent.id)
    )
    return len(made.all())


def _kept(event: Told, *, now: datetime) -> dict[str, object]:
    return {
        "provider_id": event.id,
        "kind": event.type,
        "happened_at": event.created,
        "received_at": now,
        "payload": dict(event.body),
    }


def apply_events(event_ids: Sequence[int], *, now: datetime) -> None:
    """Apply kept events, each once. They may come in any order: what can no longer happen is passed over.

    One in a shape that we do not know is set aside for people to see, and tried again each night.
    """
    events = db.session.scalars(
        select(PaymentEvent)
        .where(PaymentEvent.id.in_(event_ids), PaymentEvent.applied_at.is_(None))
        .order_by(PaymentEvent.happened_at, PaymentEvent.id)
        .with_for_update(skip_locked=True)
    ).all()
    for event in events:
        told = event_from(event.payload)
        try:
            about = told.about
        except EventUnreadable:
            event.set_aside_at = now
            continue
        event.applied_at, event.set_aside_at = now, None
        _apply(told, about, now=now)
    db.session.flush()


def _apply(told: Told, about: About | None, *, now: datetime) -> None:
    if isinstance(about, PaymentInvoice):
        take_news(about, kind=told.type, at=told.created, now=now)
    elif isinstance(about, PaymentTaken):
        take_payment(about, now=now)
    elif isinstance(about, PaymentCharge):
        take_charge(about, at=told.created)
    elif isinstance(about, PaymentTransfer):
        take_transfer(about, now=now)
    elif isinstance(about, PaymentCredit):
        take_credit(about, now=now)
    elif isinstance(about, PaymentRefund):
        take_refund(about, now=now)
    elif isinstance(about, PaymentDispute):
        take_dispute(about, at=told.created, now=now)
    elif isinstance(about, SupplierAccount):
        take_account(about, at=told.created, now=now)


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
