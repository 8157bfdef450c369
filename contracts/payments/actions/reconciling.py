"""Comparing the provider's books with ours. What differs is written down for people; nothing is mended by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus, number_of_reference
from contracts.payments import letters
from contracts.payments.actions.sending import STANDING
from contracts.payments.models import Chargeback, Difference, ProviderPayment, Reconciliation
from contracts.payments.rules import UNDER_WAY, WINDOW, ChargebackStatus, DifferenceKind
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.records import PaymentInvoice, PaymentsNotFound
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import Invalid
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


@dataclass(frozen=True)
class Books:
    """The provider's invoices of a time: all made in it, and all that are open however old they are."""

    since: datetime
    until: datetime
    invoices: list[PaymentInvoice]


@dataclass(frozen=True)
class Found:
    """One difference, before it is written down."""

    kind: DifferenceKind
    subject: str
    invoice_id: int | None
    ours: str
    theirs: str


def read_books(also: Iterable[str], *, payments: Payments, now: datetime) -> Books:
    """Read the provider's books, outside any transaction; `also` are invoices by its keys, however old they are.

    What is under way at this moment is left for the next time.
    """
    since, until = now - WINDOW, now - UNDER_WAY
    found = {one.id: one for one in payments.invoices(status=ProviderStatus.OPEN, until=since)}
    found |= {one.id: one for one in payments.invoices(since=since, until=until)}
    for key in also:
        if key not in found:
            with suppress(PaymentsNotFound):
                found[key] = payments.invoice(key)
    return Books(since, until, list(found.values()))


def reconcile(books: Books, *, started_at: datetime, now: datetime) -> Reconciliation:
    """Write down what differs, settle what no longer does, and tell the framework team of what is new."""
    ours = _ours(books)
    found = {(one.kind, one.subject): one for one in _compare(books, ours)}
    standing = {
        (one.kind, one.subject): one
        for one in db.session.scalars(select(Difference).where(Difference.settled_at.is_(None)).with_for_update())
    }
    for key, known in standing.items():
        if key in found:
            known.ours, known.theirs, known.last_seen_at = found[key].ours, found[key].theirs, now
        elif known.invoice_id is not None or known.first_seen_at >= books.since:
            known.settled_at = now
    new = [one for key, one in found.items() if key not in standing]
    db.session.add_all(
        Difference(
            kind=one.kind,
            subject=one.subject,
            invoice_id=one.invoice_id,
            ours=one.ours,
            theirs=one.theirs,
            first_seen_at=now,
            last_seen_at=now,
        )
        for one in new
    )
    run = Reconciliation(
        since=books.since,
        until=books.until,
        started_at=started_at,
        finished_at=now,
        ours=len(ours),
        theirs=len(books.invoices),
        differences=len(found),
    )
    db.session.add(run)
    db.session.flush()
    if new:
        letters.differences(run, len(new), now=now)
    return run


def _ours(books: Books) -> list[Invoice]:
    """Our invoices that must be in those books, and those of which something is there."""
    there = [one.id for one in books.invoices]
    numbers = [number_of_reference(one.reference or "") for one in books.invoices]
    sent = (Invoice.sent_at >= books.since) | (Invoice.status == InvoiceStatus.OPEN)
    return list(
        db.session.scalars(
            select(Invoice).where(
                or_(
                    (Invoice.sent_at < books.until) & sent,
                    Invoice.provider_id.in_(there),
                    Invoice.number.in_(numbers),
                )
            )
        )
    )


def _compare(books: Books, ours: Iterable[Invoice]) -> Iterator[Found]:
    by_key = {one.provider_id: one for one in ours if one.provider_id}
    by_reference = {one.payment_reference: one for one in ours}
    there = {one.id for one in books.invoices}
    live = [one for one in books.invoices if one.status is not ProviderStatus.VOID]
    times = Counter(one.reference for one in live if one.reference)
    payments = {
        one.provider_invoice: one
        for one in db.session.scalars(select(ProviderPayment).where(ProviderPayment.provider_invoice.in_(there)))
    }
    for theirs in books.invoices:
        invoice = by_key.get(theirs.id) or by_reference.get(theirs.reference or "")
        if invoice is None:
            words = f"{theirs.status.value}, {pounds_exact(theirs.total)}"
            yield Found(DifferenceKind.INVOICE_UNKNOWN, theirs.reference or theirs.id, None, "nothing", words)
            continue
        if theirs.reference and times[theirs.reference] > 1:
            words = f"{times[theirs.reference]} invoices"
            yield Found(DifferenceKind.INVOICE_TWICE, invoice.number, invoice.id, "1 invoice", words)
        if invoice.provider_id == theirs.id:
            yield from _differences(invoice, theirs, payments.get(theirs.id), books.until)
        elif invoice.provider_id is None and theirs.status is not ProviderStatus.DRAFT:
            yield Found(DifferenceKind.INVOICE_STATUS, invoice.number, invoice.id, "not sent", theirs.status.value)
    for key, invoice in by_key.items():
        if key not in there and invoice.sent_at is not None and books.since <= invoice.sent_at < books.until:
            words = f"{invoice.status.label}, {pounds_exact(invoice.amount)}"
            yield Found(DifferenceKind.INVOICE_MISSING, invoice.number, invoice.id, words, "nothing")
    lost = select(Chargeback, Invoice).join(Chargeback.invoice).where(Chargeback.status == ChargebackStatus.LOST)
    for chargeback, invoice in db.session.execute(lost):
        words = f"{pounds_exact(chargeback.amount)} taken back by the bank"
        yield Found(DifferenceKind.CHARGEBACK, invoice.number, invoice.id, invoice.status.label, words)


def _differences(
    invoice: Invoice, theirs: PaymentInvoice, payment: ProviderPayment | None, until: datetime
) -> Iterator[Found]:
    """What the two say differently of one invoice. Wholly credited there it counts as paid: that is told once."""
    number, key = invoice.number, invoice.id
    if invoice.amount != theirs.total:
        ours, other = pounds_exact(invoice.amount), pounds_exact(theirs.total)
        yield Found(DifferenceKind.INVOICE_AMOUNT, number, key, ours, other)
    credited_whole = theirs.status is ProviderStatus.PAID and not theirs.amount_paid
    moved = [at for at in (theirs.paid, theirs.voided, invoice.paid_at) if at is not None]
    settled = all(at < until for at in moved)
    if settled and not credited_whole and STANDING.get(theirs.status) is not invoice.status:
        yield Found(DifferenceKind.INVOICE_STATUS, number, key, invoice.status.label, theirs.status.value)
    if payment is not None and settled and payment.amount != theirs.amount_paid:
        ours, other = pounds_exact(payment.amount or Decimal(0)), pounds_exact(theirs.amount_paid)
        yield Found(DifferenceKind.PAID_AMOUNT, number, key, ours, other)
    if back := theirs.credited + (payment.refunded if payment else Decimal(0)):
        yield Found(DifferenceKind.GIVEN_BACK, number, key, pounds_exact(Decimal(0)), pounds_exact(back))


def note_difference(difference: Difference, note: str, *, actor: Actor, now: datetime) -> None:
    """Keep what somebody found out about a difference. It stays until the books agree."""
    actor.must(Permission.SEE_PAYMENT_DIFFERENCES)
    words = note.strip()
    if not words:
        raise Invalid("Enter what you found out", field="note")
    difference.note, difference.noted_at, difference.noted_by = words, now, actor.person
    audit.record("Note made", difference, actor=actor, now=now)
    db.session.flush()
