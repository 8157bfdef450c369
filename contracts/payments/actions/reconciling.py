"""Comparing the provider's books with ours. What differs is written down for people; nothing is mended by itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus, number_of_reference
from contracts.payments import letters
from contracts.payments.actions.comparing import Books, compare
from contracts.payments.models import Difference, Reconciliation
from contracts.payments.rules import UNDER_WAY, WINDOW
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.records import PaymentsNotFound
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import Invalid
from marketplace.extensions import db


def read_books(
    also: Iterable[str],
    *,
    payments: Payments,
    now: datetime,
    transfers: Iterable[str] = (),
    still_open: Iterable[str] = (),
) -> Books:
    """Read the provider's books, outside any transaction; `also` are invoices by its keys, however old they are.

    `transfers` are likewise what passed payments on. Those that are `still_open` with us and not there are looked at
    too: news of them may have been lost for good.

    What is under way at this moment is left for the next time.
    """
    since, until = now - WINDOW, now - UNDER_WAY
    found = {one.id: one for one in payments.invoices(status=ProviderStatus.OPEN, until=since)}
    found |= {one.id: one for one in payments.invoices(since=since, until=until)}
    credits = {one.id: one for one in payments.credits(since=since, until=until)}
    looked_at = frozenset(also) | (frozenset(still_open) - found.keys())
    for key in looked_at:
        with suppress(PaymentsNotFound):
            if key not in found:
                found[key] = payments.invoice(key)
            credits |= {one.id: one for one in payments.credits(invoice_id=key, until=until)}
    passed_on = {one.id: one for one in payments.transfers(since=since, until=until)}
    for key in transfers:
        with suppress(PaymentsNotFound):
            if key not in passed_on:
                passed_on[key] = payments.transfer(key)
    return Books(since, until, list(found.values()), list(credits.values()), looked_at, list(passed_on.values()))


def reconcile(books: Books, *, started_at: datetime, now: datetime) -> Reconciliation:
    """Write down what differs, settle what no longer does, and tell the framework team of what is new."""
    ours = _ours(books)
    found = {(one.kind, one.subject): one for one in compare(books, ours)}
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
    there = {one.id for one in books.invoices} | {one.invoice_id for one in books.credits} | books.looked_at
    numbers = [number_of_reference(one.reference or "") for one in books.invoices]
    sent = (Invoice.sent_at >= books.since) | (Invoice.status == InvoiceStatus.OPEN)
    credited = select(CreditNote.invoice_id).where(
        or_(CreditNote.sent_at >= books.since, CreditNote.status == CreditStatus.WAITING)
    )
    return list(
        db.session.scalars(
            select(Invoice)
            .where(
                or_(
                    (Invoice.sent_at < books.until) & sent,
                    Invoice.provider_id.in_(there),
                    Invoice.number.in_(numbers),
                    Invoice.id.in_(credited),
                )
            )
            .options(selectinload(Invoice.credit_notes), joinedload(Invoice.agreement).load_only(Agreement.supplier_id))
        )
    )


def note_difference(difference: Difference, note: str, *, actor: Actor, now: datetime) -> None:
    """Keep what somebody found out about a difference. It stays until the books agree."""
    actor.must(Permission.SEE_PAYMENT_DIFFERENCES)
    words = note.strip()
    if not words:
        raise Invalid("Enter what you found out", field="note")
    difference.note, difference.noted_at, difference.noted_by = words, now, actor.person
    audit.record("Note made", difference, actor=actor, now=now)
    db.session.flush()
