"""Telling the payment provider of credit notes, and taking over what it tells of them.

Everything here may run twice: the provider is asked with our own number as the key, and for what it has already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select, update

from contracts.invoices import actions as invoices
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import UNSENT, CreditStatus, InvoiceStatus
from contracts.payments.actions.refusals import keep_words, refusal
from contracts.payments.actions.sending import take
from contracts.payments.actions.taking_back import held_note
from contracts.payments.models import PaymentAccount
from contracts.payments.rules import LONGEST_WAIT, wait_after
from marketplace import audit
from marketplace.access import SYSTEM
from marketplace.adapters.payments.client import CLOCKS_APART
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.records import (
    PaymentCredit,
    PaymentsFailed,
    PaymentsRefused,
    PaymentsTemporaryFailure,
)
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def begin_to_credit(note_ids: Sequence[int]) -> list[int]:
    """Note, and commit before anything is asked, that these are on their way; not those in others' hands."""
    free = select(CreditNote.id).where(CreditNote.id.in_(note_ids), CreditNote.status == CreditStatus.WAITING)
    began = db.session.execute(
        update(CreditNote)
        .where(CreditNote.id.in_(free.with_for_update(skip_locked=True)))
        .values(attempts=CreditNote.attempts + 1)
        .returning(CreditNote.id)
    )
    return sorted(key for (key,) in began)


def send_credit(note: CreditNote, *, payments: Payments, now: datetime) -> None:
    """Have the payment provider credit what the note credits. The caller has locked its invoice.

    What is to be paid there is lowered; what was paid goes back to the funder out of the supplier's account. A note
    waits for its invoice, and for those before it. Where the provider does not have the invoice and never will, there
    is nothing to tell. A failure that may pass is tried again, later each time; a refusal after the longest wait.
    """
    invoice = note.invoice
    if note.status is not CreditStatus.WAITING or invoice.status in UNSENT or _comes_later(note):
        return
    if invoice.status is InvoiceStatus.VOID:
        invoices.credit_sent(note, provider_id=None, now=now)
        return
    try:
        key = invoice.provider_id or _key_that_was_lost(invoice, payments=payments, now=now)
        if key is None:
            invoices.credit_sent(note, provider_id=None, now=now)
            return
        made = payments.credit(
            key,
            reference=note.payment_reference,
            amount=note.amount,
            elsewhere=note.taken_back,
            memo=note.memo,
        )
    except PaymentsTemporaryFailure as failure:
        note.next_attempt_at = now + wait_after(note.attempts)
        _keep_words(note, "The payment provider did not answer.", failure, now=now)
    except PaymentsRefused as failure:
        note.next_attempt_at = now + LONGEST_WAIT
        _keep_words(note, refusal(failure), failure, now=now)
    else:
        _take_over(made, note, now=now)
    db.session.flush()


def _comes_later(note: CreditNote) -> bool:
    before = select(CreditNote.id).where(
        CreditNote.invoice_id == note.invoice_id,
        CreditNote.place < note.place,
        CreditNote.status == CreditStatus.WAITING,
    )
    return bool(db.session.scalar(select(before.exists())))


def _key_that_was_lost(invoice: Invoice, *, payments: Payments, now: datetime) -> str | None:
    """The provider's key of an invoice that was credited while it was on its way there, if it has arrived.

    A draft of it, which nobody has seen, is taken away.
    """
    if not invoice.attempts:
        return None
    account = db.session.get(PaymentAccount, invoice.organisation_id)
    there = payments.invoice_with_reference(
        account.provider_id if account else None, invoice.payment_reference, since=invoice.raised_at - CLOCKS_APART
    )
    if there is None or there.status is ProviderStatus.VOID:
        return None
    if there.status is ProviderStatus.DRAFT:
        payments.discard_draft(there.id)
        return None
    if not take(there, invoice, at=now, now=now):
        raise PaymentsRefused("it has another invoice with this number")
    return there.id


def _take_over(told: PaymentCredit, note: CreditNote, *, now: datetime) -> None:
    if told.amount != note.amount or note.invoice.provider_id not in (None, told.invoice_id):
        note.next_attempt_at = now + LONGEST_WAIT
        words = f"The payment provider has another credit note with this number, over {pounds_exact(told.amount)}."
        _keep_words(note, words, None, now=now)
        return
    given_back = Decimal(0) if note.failed_refund in told.refunds else told.after - told.elsewhere
    invoices.credit_sent(note, provider_id=told.id, given_back=given_back, at=told.created, now=now)


def _keep_words(note: CreditNote, words: str, failure: PaymentsFailed | None, *, now: datetime) -> None:
    what = f"Credit note {note.number} is not with the payment provider yet"
    keep_words(note, words, failure, what=what, invoice=note.invoice, now=now)


def take_credit(told: PaymentCredit, *, now: datetime) -> None:
    """Take over that the provider has a credit note of ours, or that somebody voided it there.

    It may tell so before we have committed that we asked. One that was made there by hand is none of ours: it is a
    difference of the books, as is one that was voided.
    """
    note = held_note(told.reference)
    if note is None:
        return
    if not told.is_void:
        _take_over(told, note, now=now)
    elif note.provider_id == told.id:
        audit.record(f"Credit note {note.number} was voided at the provider", note.invoice, actor=SYSTEM, now=now)
