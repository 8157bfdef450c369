"""What the provider's books and ours say differently, invoice by invoice and credit note by credit note."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.payments.actions.sending import STANDING
from contracts.payments.models import (
    Chargeback,
    PaymentAccount,
    PaymentEvent,
    ProviderPayment,
    ReceivingAccount,
    Recovery,
)
from contracts.payments.rules import HEARD_LATE, ON_ITS_WAY, ChargebackStatus, DifferenceKind, RecoveryStatus
from marketplace import clock
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.records import PaymentCredit, PaymentInvoice, PaymentTransfer
from marketplace.extensions import db
from marketplace.presentation import date_words, pounds_exact

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Books:
    """The provider's invoices and credit notes of a time; and all invoices that are open, however old they are.

    `looked_at` are the keys of invoices that were asked for one by one, with all their credit notes. `transfers` are
    those of the time, and those of which we took something back in it.
    """

    since: datetime
    until: datetime
    invoices: list[PaymentInvoice]
    credits: list[PaymentCredit]
    looked_at: frozenset[str]
    transfers: list[PaymentTransfer] = field(default_factory=list)

    def must_have(self, sent_at: datetime | None, invoice_key: str | None) -> bool:
        """Whether what was sent then must be in them. What we heard of late may have been made before they begin."""
        if sent_at is None or sent_at >= self.until:
            return False
        return sent_at >= self.since + HEARD_LATE or invoice_key in self.looked_at


@dataclass(frozen=True)
class Found:
    """One difference, before it is written down."""

    kind: DifferenceKind
    subject: str
    invoice_id: int | None
    ours: str
    theirs: str


def compare(books: Books, ours: Sequence[Invoice]) -> Iterator[Found]:
    """All that differs. `ours` are our invoices with their credit notes, those that must be there among them."""
    credits = list(_credits(books, ours))
    yield from credits
    # Where a credit note is found missing, unknown or over another amount, the sums say nothing more.
    explained = {one.invoice_id for one in credits}
    yield from _invoices(books, ours, explained)
    yield from _recoveries(books)
    yield from _not_sent(books)
    for event in db.session.scalars(select(PaymentEvent).where(PaymentEvent.set_aside_at.is_not(None))):
        yield Found(DifferenceKind.NEWS_UNREADABLE, event.provider_id, None, "not applied", event.kind)
    # What is posted is in our books too.
    lost = (
        select(Chargeback, Invoice)
        .join(Chargeback.invoice)
        .where(
            Chargeback.status == ChargebackStatus.LOST,
            Chargeback.posted_at.is_(None),
            Chargeback.closed_at < books.until,
        )
    )
    for chargeback, invoice in db.session.execute(lost):
        words = f"{pounds_exact(chargeback.amount)} taken back by the bank"
        yield Found(DifferenceKind.CHARGEBACK, invoice.number, invoice.id, invoice.status.label, words)


def _not_sent(books: Books) -> Iterator[Found]:
    """Invoices that the provider should have had for a day, with why it has not."""
    waiting = select(Invoice).where(
        Invoice.status == InvoiceStatus.DRAFT, Invoice.approved_at < books.until - ON_ITS_WAY, Invoice.attempts > 0
    )
    for one in db.session.scalars(waiting):
        yield Found(DifferenceKind.NOT_SENT, one.number, one.id, one.status.label, one.last_error or "no answer yet")


def _recoveries(books: Books) -> Iterator[Found]:
    """What was taken back from suppliers' accounts by itself, not with a refund; but for what is under way."""
    there = {one.id: one for one in books.transfers}
    ours = defaultdict[str, list[Recovery]](list)
    known = Recovery.transfer.in_(there) | ((Recovery.settled_at >= books.since) & (Recovery.settled_at < books.until))
    for one in db.session.scalars(select(Recovery).where(known, Recovery.status == RecoveryStatus.RECOVERED)):
        ours[one.transfer or ""].append(one)
    for key in sorted(there.keys() | ours.keys()):
        theirs = [one for one in there[key].reversals if one.refund is None] if key in there else []
        moments = [one.created for one in theirs] + [one.settled_at for one in ours[key] if one.settled_at]
        sums = sum((one.amount for one in ours[key]), NOTHING), sum((one.amount for one in theirs), NOTHING)
        if sums[0] != sums[1] and all(at < books.until for at in moments):
            invoice = ours[key][0].chargeback.invoice if ours[key] else None
            subject, invoice_id = (invoice.number, invoice.id) if invoice else (key, None)
            yield Found(DifferenceKind.RECOVERED, subject, invoice_id, pounds_exact(sums[0]), pounds_exact(sums[1]))


def _invoices(books: Books, ours: Iterable[Invoice], explained: set[int | None]) -> Iterator[Found]:
    by_key = {one.provider_id: one for one in ours if one.provider_id}
    by_reference = {one.payment_reference: one for one in ours}
    there = {one.id for one in books.invoices}
    live = [one for one in books.invoices if one.status is not ProviderStatus.VOID]
    times = Counter(one.reference for one in live if one.reference)
    payments = defaultdict[str | None, list[ProviderPayment]](list)
    for one in db.session.scalars(select(ProviderPayment).where(ProviderPayment.provider_invoice.in_(there))):
        payments[one.provider_invoice].append(one)
    customers = dict[int, str](
        db.session.execute(select(PaymentAccount.organisation_id, PaymentAccount.provider_id)).all()
    )
    accounts = dict[int, str | None](
        db.session.execute(select(ReceivingAccount.organisation_id, ReceivingAccount.provider_id)).all()
    )
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
            yield from _drawn(invoice, theirs, customers, accounts)
            yield from _standing(invoice, theirs, payments[theirs.id], books.until)
            if invoice.id not in explained:
                yield from _sums(invoice, theirs, payments[theirs.id], books.until)
        elif invoice.provider_id is None and theirs.status is not ProviderStatus.DRAFT:
            yield Found(DifferenceKind.INVOICE_STATUS, invoice.number, invoice.id, "not sent", theirs.status.value)
    for key, invoice in by_key.items():
        if key not in there and books.must_have(invoice.sent_at, key):
            words = f"{invoice.status.label}, {pounds_exact(invoice.amount)}"
            yield Found(DifferenceKind.INVOICE_MISSING, invoice.number, invoice.id, words, "nothing")


def _drawn(
    invoice: Invoice, theirs: PaymentInvoice, customers: Mapping[int, str], accounts: Mapping[int, str | None]
) -> Iterator[Found]:
    """Who is to pay it, who is to be paid, and by when."""
    ours = (customers.get(invoice.organisation_id), accounts.get(invoice.agreement.supplier_id))
    if ours != (theirs.customer_id, theirs.account_id):
        words = [
            " to ".join(one or "nobody" for one in pair) for pair in (ours, (theirs.customer_id, theirs.account_id))
        ]
        yield Found(DifferenceKind.INVOICE_PARTIES, invoice.number, invoice.id, *words)
    due = clock.london(theirs.due).date() if theirs.due else None
    # What was late when it was drawn there is due there on the day after.
    on_the_day_after = clock.london(theirs.created).date() + timedelta(days=1)
    if due != max(invoice.due_on, on_the_day_after):
        words = [date_words(invoice.due_on), date_words(due) if due else "no day"]
        yield Found(DifferenceKind.INVOICE_DUE, invoice.number, invoice.id, *words)


def _standing(
    invoice: Invoice, theirs: PaymentInvoice, payments: Sequence[ProviderPayment], until: datetime
) -> Iterator[Found]:
    """Amount, status and what was paid of one invoice that both have."""
    number, key = invoice.number, invoice.id
    if invoice.amount != theirs.total:
        ours, other = pounds_exact(invoice.amount), pounds_exact(theirs.total)
        yield Found(DifferenceKind.INVOICE_AMOUNT, number, key, ours, other)
    moved = [at for at in (theirs.paid, theirs.voided, invoice.paid_at) if at is not None]
    if any(at >= until for at in moved):
        return
    if not _stands_the_same(invoice, theirs):
        yield Found(DifferenceKind.INVOICE_STATUS, number, key, invoice.status.label, theirs.status.value)
        return
    taken = {invoice.paid_amount or NOTHING, theirs.amount_paid}
    if payments:
        taken.add(sum((one.amount or NOTHING for one in payments), NOTHING))
    if invoice.paid_at is not None and len(taken) > 1:
        ours = pounds_exact((taken - {theirs.amount_paid}).pop())
        yield Found(DifferenceKind.PAID_AMOUNT, number, key, ours, pounds_exact(theirs.amount_paid))


def _stands_the_same(invoice: Invoice, theirs: PaymentInvoice) -> bool:
    """Credited whole it counts as paid there, with nothing paid: the sums of what was credited say whether it is."""
    if theirs.status is ProviderStatus.PAID and not theirs.amount_paid:
        return invoice.status is not InvoiceStatus.PAID
    if theirs.status is ProviderStatus.PAID and invoice.paid_at is not None:
        return True  # whatever a bank has taken back since, or was credited of that
    if invoice.status is InvoiceStatus.CREDITED and STANDING.get(theirs.status) is InvoiceStatus.OPEN:
        return True
    return STANDING.get(theirs.status) is invoice.status


def _sums(
    invoice: Invoice, theirs: PaymentInvoice, payments: Sequence[ProviderPayment], until: datetime
) -> Iterator[Found]:
    """What was credited in all, and what went back to the funder, however long ago; but for what is under way."""
    told = [note for note in invoice.credit_notes if note.sent_at is not None]
    if any(note.sent_at >= until for note in told if note.sent_at) or any(
        one.refunded_as_of >= until for one in payments if one.refunded_as_of
    ):
        return
    credited = sum((note.amount for note in told), NOTHING)
    credited_there = theirs.credited + theirs.credited_since
    if credited != credited_there:
        ours, other = pounds_exact(credited), pounds_exact(credited_there)
        yield Found(DifferenceKind.CREDITED, invoice.number, invoice.id, ours, other)
    back = sum((note.given_back for note in told), NOTHING)
    back_there = sum((one.refunded for one in payments), NOTHING)
    if back != back_there:
        ours, other = pounds_exact(back), pounds_exact(back_there)
        yield Found(DifferenceKind.GIVEN_BACK, invoice.number, invoice.id, ours, other)


def _credits(books: Books, ours: Iterable[Invoice]) -> Iterator[Found]:
    """Credit notes that only one side has, or over another amount. Those of invoices we do not know are not listed."""
    by_key = {one.provider_id: one for one in ours if one.provider_id}
    notes = [note for one in ours for note in one.credit_notes]
    by_reference = {note.payment_reference: note for note in notes}
    by_their_key = {note.provider_id: note for note in notes if note.provider_id}
    live = [one for one in books.credits if not one.is_void]
    voided = {one.id for one in books.credits if one.is_void}
    for theirs in live:
        note = by_their_key.get(theirs.id)
        if note is None and theirs.invoice_id in by_key:
            known = by_reference.get(theirs.reference or "")
            words = known.status.label if known else "nothing"
            key = by_key[theirs.invoice_id].id
            yield Found(DifferenceKind.CREDIT_UNKNOWN, theirs.number, key, words, pounds_exact(theirs.amount))
        elif note is not None and note.amount != theirs.amount:
            amounts = pounds_exact(note.amount), pounds_exact(theirs.amount)
            yield Found(DifferenceKind.CREDIT_AMOUNT, note.number, note.invoice_id, *amounts)
    there = {one.id for one in live}
    for note in notes:
        if note.provider_id not in there and _must_be_there(note, books):
            theirs_words = "voided" if note.provider_id in voided else "nothing"
            words = f"{note.status.label}, {pounds_exact(note.amount)}"
            yield Found(DifferenceKind.CREDIT_MISSING, note.number, note.invoice_id, words, theirs_words)


def _must_be_there(note: CreditNote, books: Books) -> bool:
    """A note of an invoice that is there must be too, an hour after it was given."""
    if note.status is CreditStatus.WAITING:
        return note.invoice.provider_id is not None and note.issued_at < books.until
    return books.must_have(note.sent_at, note.invoice.provider_id)
