"""Approving an invoice, and moving it and its credit notes on as the payment provider says.

Everything here may run twice: an invoice moves only where it can still move, and is posted once.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from contracts.invoices import letters, queries
from contracts.invoices.actions.making import credit_notes_of, debt_of, hold, want_document
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CREDIT_MOVES, INVOICE_MOVES, CreditStatus, InvoiceStatus, poured
from contracts.ledger.actions import post
from contracts.ledger.rules import Line, PostingKind
from contracts.ledger.rules import credited as taken_back
from contracts.ledger.rules import paid as settled
from contracts.ledger.rules import refunded as given_back
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.extensions import db
from marketplace.presentation import date_words, pounds_exact


def approve(invoice: Invoice, *, actor: Actor, now: datetime) -> None:
    """A contract manager says that what the invoice asks for is owed; it is then sent for payment.

    Contract managers of the lead commissioner or of the funder. Whoever approves it is not shown the way to pay it.
    """
    hold(invoice)
    if not queries.may_approve(actor, invoice):
        raise NotAllowed("A contract manager of the lead commissioner or of the funder approves this invoice.")
    if invoice.status is not InvoiceStatus.AWAITING_APPROVAL:
        raise AlreadyDone(f"Invoice {invoice.number} does not wait for approval any more.")
    approve_held(invoice, actor=actor, now=now)


def approve_held(invoice: Invoice, *, actor: Actor, now: datetime) -> None:
    """The same, once the right to it has been looked at."""
    invoice.status, invoice.approved_at, invoice.approved_by = InvoiceStatus.DRAFT, now, actor.person
    invoice.next_attempt_at = now
    db.session.flush()
    audit.record("Approved for payment", invoice, actor=actor, now=now)


def sent(invoice: Invoice, *, now: datetime) -> None:
    """The payment provider has the invoice, and asks the funder for the money."""
    if _move(invoice, InvoiceStatus.OPEN, "Sent for payment", now=now):
        letters.invoice_sent(invoice, now=now)


def paid(invoice: Invoice, *, at: datetime, now: datetime, amount: Decimal | None = None) -> None:
    """The funder paid the invoice at that moment: what was left of it, or so much as the provider says.

    Where that is more than was left (it was paid before the provider knew of a credit note), the rest is to go back.
    """
    left = invoice.amount - invoice.credited
    amount = left if amount is None else amount
    if not amount or invoice.paid_at is not None or InvoiceStatus.PAID not in INVOICE_MOVES[invoice.status]:
        return
    invoice.paid_at, invoice.paid_amount = at, amount
    _move(invoice, InvoiceStatus.PAID, "Paid", now=now)
    post(
        PostingKind.PAYMENT,
        settled(amount),
        key=f"payment:{invoice.id}",
        debt=debt_of(invoice),
        document=invoice.number,
        now=now,
    )
    notes = list(reversed(credit_notes_of(invoice)))
    for note, part in zip(notes, poured(max(amount - left, Decimal(0)), [one.amount for one in notes]), strict=True):
        note.to_refund = part
    db.session.flush()
    letters.invoice_paid(invoice, now=now)
    for note in notes:
        _refunded_there(note, at=now, now=now)


def charged_back(invoice: Invoice, amount: Decimal, *, key: str, now: datetime) -> bool:
    """A bank has undone so much of the payment for good: it is owed again, once for the key. Whether that is posted.

    Not before we know of the payment. What was to go back to the funder for credit notes has gone back with it.
    """
    if not invoice.paid_at:
        return False
    notes = [note for note in credit_notes_of(invoice) if note.status is not CreditStatus.REFUNDED]
    made = post(
        PostingKind.CHARGEBACK,
        given_back(amount),
        key=f"chargeback:{key}",
        debt=debt_of(invoice),
        document=invoice.number,
        now=now,
    )
    if not made:
        return True
    parts = poured(amount, [note.to_refund for note in notes])
    for note, part in zip(notes, parts, strict=True):
        note.to_refund -= part
        note.taken_back += part
    if again := amount - sum(parts):
        invoice.owed_again += again
        invoice.status = InvoiceStatus.TAKEN_BACK
        want_document(invoice_id=invoice.id, now=now)
    db.session.flush()
    audit.record(f"A bank has undone the payment of {pounds_exact(amount)}", invoice, actor=SYSTEM, now=now)
    return True


def paid_elsewhere(invoice: Invoice, *, on: date, actor: Actor, now: datetime) -> None:
    """The supplier's finance says that what a bank took back has come by another way. Refused for others, and twice."""
    hold(invoice)
    if not queries.may_credit(actor, invoice):
        raise NotAllowed("The supplier’s finance says that money has come.")
    if invoice.status is not InvoiceStatus.TAKEN_BACK:
        raise AlreadyDone(f"Nothing of invoice {invoice.number} waits to be paid again.")
    amount, invoice.owed_again, invoice.status = invoice.owed_again, Decimal(0), InvoiceStatus.PAID
    db.session.flush()
    want_document(invoice_id=invoice.id, now=now)
    post(
        PostingKind.PAYMENT,
        settled(amount),
        key=f"payment:{invoice.id}:{now.isoformat()}",
        debt=debt_of(invoice),
        document=invoice.number,
        now=now,
    )
    what = f"{pounds_exact(amount)} came by another way on {date_words(on)}"
    audit.record(what, invoice, actor=actor, now=now, amount=str(amount))


def voided(invoice: Invoice, *, now: datetime) -> None:
    """The invoice asks for nothing any more: what was left of it is not owed."""
    net = invoice.net - invoice.credited_net
    vat = invoice.vat - (invoice.credited - invoice.credited_net)
    if _move(invoice, InvoiceStatus.VOID, "Voided", now=now):
        post(
            PostingKind.VOID,
            taken_back(net, vat),
            key=f"void:{invoice.id}",
            debt=debt_of(invoice),
            document=invoice.number,
            now=now,
        )
        want_document(invoice_id=invoice.id, now=now)


def _move(invoice: Invoice, to: InvoiceStatus, words: str, *, now: datetime) -> bool:
    """Move the invoice if it can still move there; older news changes nothing. Whether it moved."""
    if to not in INVOICE_MOVES[invoice.status]:
        return False
    invoice.status = to
    db.session.flush()
    audit.record(words, invoice, actor=SYSTEM, now=now)
    return True


def credit_sent(
    note: CreditNote,
    *,
    provider_id: str | None,
    now: datetime,
    given_back: Decimal = Decimal(0),
    at: datetime | None = None,
) -> None:
    """The payment provider knows of the credit note; or, without a key of its own, cannot have the invoice.

    `given_back` is what it gave back for it at that moment, of which we may not know yet that it had been paid.
    """
    if note.status is not CreditStatus.WAITING:
        return
    note.status, note.last_error = CreditStatus.ISSUED, None
    note.provider_id, note.given_back = provider_id, given_back
    note.sent_at = now if provider_id else None
    db.session.flush()
    if provider_id:
        audit.record(f"Credit note {note.number} is with the payment provider", note.invoice, actor=SYSTEM, now=now)
    _refunded_there(note, at=at or now, now=now)


def _refunded_there(note: CreditNote, *, at: datetime, now: datetime) -> None:
    """Both are known by now: that it was paid before the credit note, and that the provider gave it back."""
    if note.given_back and note.given_back == note.to_refund:
        credit_refunded(note, at=at, now=now)


def credit_refunded(note: CreditNote, *, at: datetime, now: datetime) -> None:
    """What was paid before the credit note has gone back to the funder."""
    if not note.to_refund or CreditStatus.REFUNDED not in CREDIT_MOVES[note.status]:
        return
    _give_back(note, at=at, key=f"refund:{note.id}", now=now)
    audit.record(f"Money of credit note {note.number} given back", note.invoice, actor=SYSTEM, now=now)


def given_back_elsewhere(note: CreditNote, *, on: date, actor: Actor, now: datetime) -> None:
    """The supplier's finance says that it has given money back by another way than through the payment provider.

    Refused for others, twice, and where the provider gives it back.
    """
    hold(note.invoice)
    db.session.refresh(note)
    if not queries.may_credit(actor, note.invoice):
        raise NotAllowed("The supplier’s finance says that money has gone back.")
    if not note.is_to_be_given_back:
        raise AlreadyDone(f"Nothing of credit note {note.number} waits for you to give it back.")
    _give_back(note, at=clock.begins(on), key=f"refund:{note.id}:{now.isoformat()}", now=now)
    what = f"Money of credit note {note.number} given back by another way on {date_words(on)}"
    audit.record(what, note.invoice, actor=actor, now=now)


def _give_back(note: CreditNote, *, at: datetime, key: str, now: datetime) -> None:
    note.status, note.refunded_at, note.last_error = CreditStatus.REFUNDED, at, None
    db.session.flush()
    _post_refund(note, given_back(note.to_refund), key=key, now=now)
    letters.refunded(note, note.invoice, now=now)


def refund_failed(note: CreditNote, *, key: str, now: datetime) -> None:
    """The provider could not give the money back after all: it is still to go back, by another way. Once a refund."""
    if note.failed_refund == key:
        return
    note.failed_refund = key
    if not note.given_back:
        return
    was_refunded, note.given_back = note.status is CreditStatus.REFUNDED, Decimal(0)
    if was_refunded:
        note.status, note.refunded_at = CreditStatus.ISSUED, None
        db.session.flush()
        _post_refund(note, settled(note.to_refund), key=f"refund-failed:{key}", now=now)


def _post_refund(note: CreditNote, lines: list[Line], *, key: str, now: datetime) -> None:
    post(PostingKind.REFUND, lines, key=key, debt=debt_of(note.invoice), document=note.number, now=now)
