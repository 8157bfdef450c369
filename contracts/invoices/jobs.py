"""The month's run, sending, and applying events: each may be killed and run again."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts.invoices import actions, queries
from contracts.invoices.models import Invoice
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db
from marketplace.queueing import enqueue
from marketplace.transactions import after_commit, transaction


def payments() -> Payments:
    """The payment provider of this installation."""
    adapter: Payments = current_app.extensions["payments"]
    return adapter


def raise_due_invoices() -> int:
    """Every day: raise all that is due, a contract to a transaction. How many invoices were raised."""
    raised = 0
    for agreement_id in queries.agreements_to_invoice():
        with transaction():
            agreement = queries.agreement_with_prices(agreement_id)
            if agreement is None:
                continue
            fresh = actions.raise_invoices(agreement, actor=SYSTEM, now=clock.now())
            for invoice in fresh:
                _wake(invoice.id)
            raised += len(fresh)
        db.session.expire_all()
    return raised


def _wake(invoice_id: int) -> None:
    after_commit(lambda: enqueue(send_invoice, invoice_id))


def send_invoice(invoice_id: int) -> None:
    """Send one invoice to the provider. The row's lock lets one of two workers do it."""
    with transaction():
        invoice = db.session.scalar(
            select(Invoice)
            .where(Invoice.id == invoice_id)
            .options(selectinload(Invoice.lines), joinedload(Invoice.organisation), joinedload(Invoice.agreement))
            .with_for_update(of=Invoice, skip_locked=True)
        )
        if invoice is not None:
            actions.send_invoice(invoice, payments=payments(), now=clock.now())


def send_due_invoices() -> None:
    """Every few minutes: send what is due another try. Makes good a lost job or an emptied queue."""
    for invoice_id in queries.invoices_to_send(clock.now()):
        send_invoice(invoice_id)


def apply_event(event_id: int) -> None:
    """Apply one event that was kept."""
    with transaction():
        actions.apply_event(event_id, now=clock.now())


def apply_waiting_events() -> None:
    """Every minute: apply what was kept and not applied."""
    for event_id in queries.events_to_apply():
        apply_event(event_id)
