"""What is to be done with the payment provider: invoices it has yet to have, events yet to be applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments.models import PaymentEvent
from marketplace.extensions import db


def invoices_to_send(now: datetime) -> Sequence[int]:
    """Invoices that the payment provider does not have yet and that are due another try."""
    return db.session.scalars(
        select(Invoice.id)
        .where(Invoice.status == InvoiceStatus.DRAFT, Invoice.next_attempt_at <= now)
        .order_by(Invoice.id)
    ).all()


def events_to_apply() -> Sequence[int]:
    """Events kept and not yet applied, in the order in which they happened."""
    return db.session.scalars(
        select(PaymentEvent.id)
        .where(PaymentEvent.applied_at.is_(None))
        .order_by(PaymentEvent.happened_at, PaymentEvent.id)
    ).all()
