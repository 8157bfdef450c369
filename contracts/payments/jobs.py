"""Sending invoices and applying events: each may be killed and run again."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts.invoices.models import Invoice
from contracts.payments import actions, queries
from marketplace import clock
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db
from marketplace.queueing import for_each
from marketplace.transactions import transaction

LOOK_BACK = timedelta(days=7)


def payments() -> Payments:
    """The payment provider of this installation."""
    adapter: Payments = current_app.extensions["payments"]
    return adapter


def send_invoice(invoice_id: int) -> None:
    """Send one invoice to the provider. The row's lock lets one of two workers do it."""
    with transaction():
        first = invoice_id in actions.begin_to_send([invoice_id])
    with transaction():
        invoice = db.session.scalar(
            select(Invoice)
            .where(Invoice.id == invoice_id)
            .options(selectinload(Invoice.lines), joinedload(Invoice.organisation), joinedload(Invoice.agreement))
            .with_for_update(of=Invoice, skip_locked=True)
        )
        if invoice is not None:
            actions.send_invoice(invoice, payments=payments(), now=clock.now(), first=first)


def send_due_invoices() -> None:
    """Every minute: send what the provider does not have yet and what is due another try."""
    for_each(queries.invoices_to_send(clock.now()), send_invoice)


def apply_event(event_id: int) -> None:
    """Apply one event that was kept."""
    with transaction():
        actions.apply_event(event_id, now=clock.now())


def apply_waiting_events() -> None:
    """Every minute: apply what was kept and not applied."""
    for_each(queries.events_to_apply(), apply_event)


def ask_for_missed_events() -> None:
    """Every day: ask the provider what has happened lately, and make good the events that never reached us.

    It gives up telling us after three days, and can be asked for thirty.
    """
    now = clock.now()
    for event in payments().events_since(now - LOOK_BACK):
        if event.invoice is not None:
            with transaction():
                actions.take_news(event.invoice, kind=event.type, at=event.created, now=now)
