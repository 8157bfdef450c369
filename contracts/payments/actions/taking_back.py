"""What the provider took from funders, gave back, or a bank took back: kept in any order, told to both sides.

Whatever is told first, an invoice is always locked before what is known of its payments.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.dialects.postgresql import insert

from contracts.invoices import actions as invoices
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import number_of_reference
from contracts.payments import letters
from contracts.payments.actions.recovering import begin_recovery
from contracts.payments.models import Chargeback, ProviderPayment
from contracts.payments.rules import CHARGEBACK_MOVES, UNDECIDED, ChargebackStatus
from marketplace import audit
from marketplace.access import SYSTEM
from marketplace.adapters.payments.records import (
    DisputeStatus,
    PaymentCharge,
    PaymentDispute,
    PaymentRefund,
    PaymentTaken,
)
from marketplace.extensions import db
from marketplace.presentation import pounds_exact

STANDING = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: ChargebackStatus.ASKED,
    DisputeStatus.WARNING_UNDER_REVIEW: ChargebackStatus.ASKED,
    DisputeStatus.WARNING_CLOSED: ChargebackStatus.WITHDRAWN,
    DisputeStatus.PREVENTED: ChargebackStatus.WITHDRAWN,
    DisputeStatus.NEEDS_RESPONSE: ChargebackStatus.TAKEN,
    DisputeStatus.UNDER_REVIEW: ChargebackStatus.TAKEN,
    DisputeStatus.WON: ChargebackStatus.WON,
    DisputeStatus.LOST: ChargebackStatus.LOST,
}


def take_payment(told: PaymentTaken, *, now: datetime) -> None:
    """Keep that a payment of the provider's was for an invoice. One that came by another way leaves no trace there."""
    if told.payment is None:
        return
    known = {"provider_invoice": told.invoice_id, "amount": told.amount, "paid_at": told.paid}
    db.session.execute(
        insert(ProviderPayment)
        .values(provider_id=told.payment, refunded=0, **known)
        .on_conflict_do_update(index_elements=["provider_id"], set_=known)
    )
    tell_of_chargebacks(now=now)


def take_charge(told: PaymentCharge, *, at: datetime) -> None:
    """Keep how much of a payment has been given back by then. News of the same second only ever raise it."""
    if told.payment is None:
        return
    given = insert(ProviderPayment).values(provider_id=told.payment, refunded=told.refunded, refunded_as_of=at)
    new, old = given.excluded, ProviderPayment
    db.session.execute(
        given.on_conflict_do_update(
            index_elements=["provider_id"],
            set_={"refunded": new.refunded, "refunded_as_of": new.refunded_as_of},
            where=or_(
                old.refunded_as_of.is_(None),
                old.refunded_as_of < new.refunded_as_of,
                (old.refunded_as_of == new.refunded_as_of) & (old.refunded < new.refunded),
            ),
        )
    )


def take_refund(told: PaymentRefund, *, now: datetime) -> None:
    """Money that could not be given back is still the supplier's to give: both sides are told."""
    if told.status != "failed":
        return
    note = held_note(told.reference)
    if note is not None:
        invoices.refund_failed(note, key=told.id, now=now)
    invoice = note.invoice if note else _paid_with(told.payment or "")
    if invoice is None:
        return
    audit.record(f"A refund of {pounds_exact(told.amount)} failed", invoice, actor=SYSTEM, now=now)
    letters.refund_failed(invoice, told, now=now)


def take_dispute(told: PaymentDispute, *, at: datetime, now: datetime) -> None:
    """Keep that a bank takes a payment back, and how that was decided."""
    status = STANDING[told.status]
    db.session.execute(
        insert(Chargeback)
        .values(
            provider_id=told.id,
            payment=told.payment,
            amount=told.amount,
            reason=told.reason,
            status=status,
            opened_at=told.created,
            closed_at=None if status in UNDECIDED else at,
        )
        .on_conflict_do_nothing(index_elements=["provider_id"])
    )
    if told.payment is not None:
        _paid_with(told.payment, hold=True)
    chargeback = db.session.scalars(select(Chargeback).where(Chargeback.provider_id == told.id).with_for_update()).one()
    if status in CHARGEBACK_MOVES[chargeback.status]:
        chargeback.status, chargeback.amount = status, told.amount
        chargeback.closed_at = None if status in UNDECIDED else at
        if chargeback.invoice is not None:
            _tell(chargeback, chargeback.invoice, now=now)
        db.session.flush()
        if chargeback.invoice is not None:
            undo_what_is_lost(chargeback.invoice, now=now)
    tell_of_chargebacks(now=now)


def tell_of_chargebacks(*, now: datetime) -> None:
    """Tell both sides of each payment taken back for which it has become known which invoice it paid."""
    db.session.flush()
    paid = (
        select(Invoice.id, Chargeback.id)
        .join(ProviderPayment, ProviderPayment.provider_invoice == Invoice.provider_id)
        .join(Chargeback, Chargeback.payment == ProviderPayment.provider_id)
        .where(Chargeback.invoice_id.is_(None))
        .order_by(Invoice.id, Chargeback.id)
    )
    for invoice_id, chargeback_id in db.session.execute(paid).all():
        invoice = db.session.scalars(_held(Invoice.id == invoice_id)).one()
        chargeback = db.session.get_one(Chargeback, chargeback_id, with_for_update=True, populate_existing=True)
        if chargeback.invoice_id is None:
            chargeback.invoice = invoice
            _tell(chargeback, invoice, now=now)
            db.session.flush()
            undo_what_is_lost(invoice, now=now)


def undo_what_is_lost(invoice: Invoice, *, now: datetime) -> None:
    """Post what a bank has undone of the invoice's payments: once each, as soon as we know that it had been paid.

    The caller has locked the invoice.
    """
    lost = select(Chargeback).where(
        Chargeback.invoice_id == invoice.id,
        Chargeback.status == ChargebackStatus.LOST,
        Chargeback.posted_at.is_(None),
    )
    for chargeback in db.session.scalars(lost.order_by(Chargeback.id).with_for_update()):
        if invoices.charged_back(invoice, chargeback.amount, key=chargeback.provider_id, now=now):
            chargeback.posted_at = now
            begin_recovery(chargeback, now=now)
    db.session.flush()


def _tell(chargeback: Chargeback, invoice: Invoice, *, now: datetime) -> None:
    words = f"Payment of {pounds_exact(chargeback.amount)}: {chargeback.status.label.lower()}"
    audit.record(words, invoice, actor=SYSTEM, now=now, reason=chargeback.reason)
    letters.chargeback(chargeback, invoice, now=now)


def held_note(reference: str | None) -> CreditNote | None:
    """Our credit note that the provider knows by this reference; its invoice is locked first, and both read afresh."""
    note = db.session.scalar(select(CreditNote).where(CreditNote.number == number_of_reference(reference or "")))
    if note is None or note.payment_reference != reference:
        return None
    db.session.scalars(_held(Invoice.id == note.invoice_id)).one()
    db.session.refresh(note)
    return note


def _paid_with(payment: str, *, hold: bool = False) -> Invoice | None:
    key = (
        select(Invoice.id)
        .join(ProviderPayment, ProviderPayment.provider_invoice == Invoice.provider_id)
        .where(ProviderPayment.provider_id == payment)
    )
    return db.session.scalar(_held(Invoice.id.in_(key)) if hold else select(Invoice).where(Invoice.id.in_(key)))


def _held(which: ColumnElement[bool]) -> Select[Invoice]:
    return select(Invoice).where(which).with_for_update(of=Invoice).execution_options(populate_existing=True)
