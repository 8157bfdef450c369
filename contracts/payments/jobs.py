"""Sending, crediting, recovering, opening accounts, applying events: each may be killed and run again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.invoices.models import CreditNote, Invoice
from contracts.payments import actions, queries
from contracts.payments.models import Chargeback, ReceivingAccount, Recovery
from marketplace import clock
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db
from marketplace.queueing import awake, for_each
from marketplace.transactions import transaction

LOOK_BACK = timedelta(days=7)
BATCH = 50
# A run gives way to other jobs after this long; the next one, a minute later, goes on.
RUN_SECONDS = 45

T = TypeVar("T")


def payments() -> Payments:
    """The payment provider of this installation."""
    adapter: Payments = current_app.extensions["payments"]
    return adapter


def send_due_invoices() -> None:
    """Every minute: send what the provider does not have yet and what is due another try.

    By batches: that they are on their way is noted first, then each is sent in a transaction of its own. Two runs at
    once share the work: an invoice's lock lets one of them send it.
    """
    began = time.monotonic()
    for batch in _batches(queries.invoices_to_send(clock.now())):
        if time.monotonic() - began > RUN_SECONDS:
            return
        send_invoices(batch)


def send_invoices(invoice_ids: Sequence[int]) -> None:
    """Send these invoices to the provider."""
    with transaction():
        on_their_way = actions.begin_to_send(invoice_ids)

    def send(invoice_id: int) -> None:
        with transaction():
            invoice = db.session.scalar(
                select(Invoice)
                .where(Invoice.id == invoice_id)
                .options(
                    selectinload(Invoice.lines),
                    selectinload(Invoice.credit_notes),
                    joinedload(Invoice.organisation),
                    joinedload(Invoice.agreement).joinedload(Agreement.supplier),
                )
                .with_for_update(of=Invoice, skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if invoice is not None:
                first = on_their_way[invoice_id]
                actions.send_invoice(invoice, payments=payments(), now=clock.now(), first=first)

    for_each(on_their_way, send)


def send_due_credits() -> None:
    """Every minute: tell the provider of the credit notes that it does not know of yet and that are due another try.

    That of one which is told the next of the same invoice can be: so it goes on until nothing more comes up.
    """
    began, seen = time.monotonic(), set[int]()
    while batch := [key for key in queries.credits_to_send(clock.now()) if key not in seen][:BATCH]:
        if time.monotonic() - began > RUN_SECONDS:
            return
        seen.update(batch)
        send_credits(batch)


def send_credits(note_ids: Sequence[int]) -> None:
    """Tell the provider of these credit notes, each in a transaction of its own while its invoice is held."""
    with transaction():
        on_their_way = actions.begin_to_credit(note_ids)

    def send(note_id: int) -> None:
        with transaction():
            invoice = db.session.scalar(
                select(Invoice)
                .join(Invoice.credit_notes)
                .where(CreditNote.id == note_id)
                .with_for_update(of=Invoice, skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if invoice is not None:
                note = db.session.get_one(CreditNote, note_id, populate_existing=True)
                actions.send_credit(note, payments=payments(), now=clock.now())

    for_each(on_their_way, send)


def make_due_recoveries() -> None:
    """Every minute: take from suppliers' accounts what banks took from us and we had passed on."""
    for_each(queries.chargebacks_to_recover(), begin_recovery)
    make_recoveries(queries.recoveries_to_make(clock.now()))


def begin_recovery(chargeback_id: int) -> None:
    """Begin what was not begun when the bank undid it."""
    with transaction():
        chargeback = db.session.get_one(Chargeback, chargeback_id, with_for_update={"of": Chargeback})
        actions.begin_recovery(chargeback, now=clock.now())


def make_recoveries(recovery_ids: Sequence[int]) -> None:
    """Take these back, each in a transaction of its own while its row is held."""
    with transaction():
        on_their_way = actions.begin_to_recover(recovery_ids)

    def recover(recovery_id: int) -> None:
        with transaction():
            recovery = db.session.scalar(
                select(Recovery)
                .where(Recovery.id == recovery_id)
                .with_for_update(skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if recovery is not None:
                actions.recover(recovery, payments=payments(), now=clock.now())

    for_each(on_their_way, recover)


def open_account(account_id: int) -> None:
    """Have the provider open one account."""
    with transaction():
        account = db.session.scalar(
            select(ReceivingAccount).where(ReceivingAccount.id == account_id).with_for_update(skip_locked=True)
        )
        if account is not None:
            actions.open_account(account, payments=payments(), now=clock.now())


def open_accounts() -> None:
    """Every minute: have the provider open the accounts that suppliers have begun. Makes good a lost job."""
    for_each(queries.accounts_to_open(), open_account)


def apply_event(event_id: int) -> None:
    """Apply one event that was kept."""
    with transaction():
        actions.apply_events([event_id], now=clock.now())


def apply_waiting_events() -> None:
    """Every minute, and woken when something comes: apply what was kept and not applied.

    Where one of a batch fails, each of it is applied alone.
    """
    awake(apply_waiting_events)
    began = time.monotonic()
    for batch in _batches(queries.events_to_apply()):
        if time.monotonic() - began > RUN_SECONDS:
            return
        try:
            with transaction():
                actions.apply_events(batch, now=clock.now())
        except Exception:
            for_each(batch, apply_event)


def ask_for_missed_events() -> None:
    """Every day: ask the provider what has happened lately, keep what never reached us, and apply it.

    It gives up telling us after three days, and can be asked for thirty.
    """
    now = clock.now()
    for batch in _batches(payments().events_since(now - LOOK_BACK)):
        with transaction():
            actions.keep_missed(batch, now=now)
    apply_waiting_events()


def reconcile() -> None:
    """Every night: take the news that never came and how accounts stand, then compare the provider's books with ours.

    News that is taken late is kept and applied as any other. What still differs then is written down, and stays.
    """
    ask_for_missed_events()
    for_each(queries.events_set_aside(), apply_event)  # which may be read by now, by a newer release of ours
    ask_for_accounts()
    for_each(queries.undone_to_post(), post_what_is_undone)
    began = clock.now()
    books = actions.read_books(
        queries.keys_to_look_at(),
        payments=payments(),
        now=began,
        transfers=queries.transfers_to_look_at(began),
        still_open=queries.keys_still_open(began),
    )
    with transaction():
        actions.reconcile(books, started_at=began, now=clock.now())


def post_what_is_undone(invoice_id: int) -> None:
    """Post what banks have undone of an invoice's payment, where the news of it came before there was a payment."""
    with transaction():
        invoice = db.session.get_one(Invoice, invoice_id, with_for_update={"of": Invoice}, populate_existing=True)
        actions.undo_what_is_lost(invoice, now=clock.now())


def ask_for_accounts() -> None:
    """Ask the provider how all suppliers' accounts stand: their news is in no list that we could ask for."""
    now = clock.now()
    for batch in _batches(payments().accounts()):
        with transaction():
            for told in batch:
                actions.take_account(told, at=now, now=now)


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while batch := list(islice(left, BATCH)):
        yield batch
