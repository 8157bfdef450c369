"""What is to be done with the payment provider: invoices and credit notes it has yet to have, events to be applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import UNSENT, CreditStatus, InvoiceStatus
from contracts.payments.models import Chargeback, PaymentEvent, Recovery
from contracts.payments.rules import ChargebackStatus, RecoveryStatus
from marketplace.extensions import db


def invoices_to_send(now: datetime) -> Sequence[int]:
    """Invoices that the payment provider does not have yet and that are due another try."""
    return db.session.scalars(
        select(Invoice.id)
        .where(Invoice.status == InvoiceStatus.DRAFT, Invoice.next_attempt_at <= now)
        .order_by(Invoice.id)
    ).all()


def credits_to_send(now: datetime) -> Sequence[int]:
    """Credit notes that the provider has yet to be told of and that are due another try.

    Each waits until its invoice has left us, and until those before it are told: so money goes back for the right one.
    """
    earlier = aliased(CreditNote)
    told_before = ~(
        select(earlier.id)
        .where(
            earlier.invoice_id == CreditNote.invoice_id,
            earlier.place < CreditNote.place,
            earlier.status == CreditStatus.WAITING,
        )
        .exists()
    )
    return db.session.scalars(
        select(CreditNote.id)
        .join(CreditNote.invoice)
        .where(
            CreditNote.status == CreditStatus.WAITING,
            CreditNote.next_attempt_at <= now,
            Invoice.status.not_in(UNSENT),
            told_before,
        )
        .order_by(CreditNote.id)
    ).all()


def undone_to_post() -> Sequence[int]:
    """Invoices that were paid, of whose payment a bank has undone something that is not posted yet."""
    return db.session.scalars(
        select(Invoice.id)
        .join(Chargeback, Chargeback.invoice_id == Invoice.id)
        .where(Chargeback.status == ChargebackStatus.LOST, Chargeback.posted_at.is_(None), Invoice.paid_at.is_not(None))
        .distinct()
        .order_by(Invoice.id)
    ).all()


def chargebacks_to_recover() -> Sequence[int]:
    """What banks have undone for good, posted before there were recoveries: none is begun for it yet."""
    return db.session.scalars(
        select(Chargeback.id)
        .outerjoin(Recovery, Recovery.chargeback_id == Chargeback.id)
        .where(Chargeback.posted_at.is_not(None), Recovery.id.is_(None), Chargeback.amount > 0)
        .order_by(Chargeback.id)
    ).all()


def recoveries_to_make(now: datetime) -> Sequence[int]:
    """What is to be taken back from suppliers' accounts and is due another try."""
    return db.session.scalars(
        select(Recovery.id)
        .where(Recovery.status == RecoveryStatus.WAITING, Recovery.next_attempt_at <= now)
        .order_by(Recovery.id)
    ).all()


def events_to_apply() -> Sequence[int]:
    """Events kept and not yet applied nor set aside, in the order in which they happened."""
    return db.session.scalars(
        select(PaymentEvent.id)
        .where(PaymentEvent.applied_at.is_(None), PaymentEvent.set_aside_at.is_(None))
        .order_by(PaymentEvent.happened_at, PaymentEvent.id)
    ).all()


def events_set_aside() -> Sequence[int]:
    """Events that could not be read."""
    return db.session.scalars(
        select(PaymentEvent.id)
        .where(PaymentEvent.set_aside_at.is_not(None))
        .order_by(PaymentEvent.happened_at, PaymentEvent.id)
    ).all()
