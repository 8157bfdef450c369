"""The month's run, sending, and applying events: each may be killed and run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

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

LOOK_BACK = timedelta(days=7)


def payments() -> Payments:
    """The payment provider of this installation."""
    adapter: Payments = current_app.extensions["payments"]
    return adapter


def raise_due_invoices() -> None:
    """Every day: raise all that is due, a contract to a transaction."""
    _for_each(queries.agreements_to_invoice(), raise_invoices)


def raise_invoices(agreement_id: int) -> None:
    """Raise what is due under one contract, and have it sent."""
    with transaction():
        agreement = queries.agreement_with_prices(agreement_id)
        if agreement is not None:
            for invoice in actions.raise_invoices(agreement, actor=SYSTEM, now=clock.now()):
                _wake(invoice.id)


def _wake(invoice_id: int) -> None:
    after_commit(lambda: enqueue(send_invoice, invoice_id, first=True))


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
    _for_each(queries.invoices_to_send(clock.now()), send_invoice)


def apply_event(event_id: int) -> None:
    """Apply one event that was kept."""
    with transaction():
        actions.apply_event(event_id, now=clock.now())


def apply_waiting_events() -> None:
    """Every minute: apply what was kept and not applied."""
    _for_each(queries.events_to_apply(), apply_event)


def ask_for_missed_events() -> None:
    """Every day: ask the provider what has happened lately, and make good the events that never reached us.

    It gives up telling us after three days, and can be asked for thirty.
    """
    now = clock.now()
    for event in payments().events_since(now - LOOK_BACK):
        if event.invoice is not None:
            with transaction():
                actions.take_news(event.invoice, kind=event.type, at=event.created, now=now)


def _for_each(keys: Iterable[int], work: Callable[[int], None]) -> None:
    """Do the work for every key. What fails keeps nothing else waiting, and is raised when all the rest is done."""
    failed: Exception | None = None
    for key in keys:
        try:
            work(key)
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed
