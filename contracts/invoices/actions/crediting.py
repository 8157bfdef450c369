"""Credit notes, and invoicing again what was credited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select

from contracts.agreements.models import Agreement
from contracts.agreements.rules import contract_year
from contracts.invoices import letters, queries
from contracts.invoices.actions.making import (
    Part,
    Sequel,
    credit_notes_of,
    debt_of,
    hold,
    make_invoice,
    must_be_as_seen,
    want_document,
)
from contracts.invoices.models import CreditNote, Dispute, Invoice
from contracts.invoices.rules import (
    INVOICE_MOVES,
    CreditKind,
    CreditStatus,
    InvoiceKind,
    InvoiceStatus,
    credit_number,
    poured,
    reissue_number,
)
from contracts.ledger.actions import post
from contracts.ledger.rules import PostingKind, credited
from marketplace import audit
from marketplace.access import Actor
from marketplace.errors import Invalid
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def give_credit(
    invoice: Invoice,
    net: Decimal,
    *,
    kind: CreditKind,
    reason: str,
    actor: Actor,
    now: datetime,
    dispute: Dispute | None = None,
    year_begins: date | None = None,
    deduction_id: int | None = None,
) -> CreditNote:
    """A credit note over so much of the invoice, before VAT. The caller has locked the invoice.

    It counts at once. The provider is told afterwards, unless it cannot have the invoice; and what was paid already is
    to go back. An invoice of which nothing is left to pay is done with, and never sent if it was not yet.
    """
    if not Decimal(0) < net <= invoice.creditable_net:
        raise Invalid(f"No more than {pounds_exact(invoice.creditable_net)} can be credited", field="amount")
    vat = invoice.vat_with(net)
    invoice.credited_net += net
    invoice.credited += net + vat
    place = 1 + (db.session.scalar(select(func.count()).where(CreditNote.invoice_id == invoice.id)) or 0)
    # What a bank took back has gone back to the funder already.
    settles = min(net + vat, invoice.owed_again)
    invoice.owed_again -= settles
    was_paid = invoice.status in (InvoiceStatus.PAID, InvoiceStatus.TAKEN_BACK)
    if invoice.status is InvoiceStatus.TAKEN_BACK and not invoice.owed_again:
        nothing_is_left = settles == net + vat and invoice.credited == invoice.amount
        invoice.status = InvoiceStatus.CREDITED if nothing_is_left else InvoiceStatus.PAID
    # Nobody has asked the provider for anything before an invoice was approved.
    is_unknown_there = invoice.status is InvoiceStatus.AWAITING_APPROVAL and invoice.credited == invoice.amount
    note = CreditNote(
        number=credit_number(invoice.number, place),
        invoice_id=invoice.id,
        place=place,
        kind=kind,
        net=net,
        vat=vat,
        amount=net + vat,
        reason=reason,
        dispute_id=dispute.id if dispute else None,
        year_begins=year_begins,
        deduction_id=deduction_id,
        status=CreditStatus.ISSUED if is_unknown_there else CreditStatus.WAITING,
        issued_at=now,
        issued_by=actor.person_id,
        to_refund=net + vat - settles if was_paid else Decimal(0),
        taken_back=settles,
        next_attempt_at=now,
    )
    db.session.add(note)
    db.session.flush()
    db.session.expire(invoice, ["credit_notes"])
    if is_unknown_there:
        for before in credit_notes_of(invoice):
            before.status = CreditStatus.ISSUED
    if invoice.credited == invoice.amount and InvoiceStatus.CREDITED in INVOICE_MOVES[invoice.status]:
        invoice.status = InvoiceStatus.CREDITED
    post(
        PostingKind.CREDIT_NOTE,
        credited(net, vat),
        key=f"credit:{note.id}",
        debt=debt_of(invoice),
        document=note.number,
        now=now,
    )
    want_document(credit_note_id=note.id, now=now)
    want_document(invoice_id=invoice.id, now=now)
    audit.record(f"Credit note {note.number} given", invoice, actor=actor, now=now, amount=str(note.amount))
    return note


def credit_funder(
    agreement: Agreement,
    funder_id: int,
    net: Decimal,
    *,
    kind: CreditKind,
    reason: str,
    actor: Actor,
    now: datetime,
    year_begins: date | None = None,
    deduction_id: int | None = None,
) -> None:
    """Credit a funder with so much, as far as its invoices have as much left; both finances are told.

    Invoices that are not paid come before those of which money goes back; of either, those of the contract year that
    gives it come before others, and the latest come first. The contract is locked.
    """
    found = db.session.scalars(
        select(Invoice)
        .where(Invoice.agreement_id == agreement.id, Invoice.organisation_id == funder_id)
        .order_by(Invoice.id)
        .with_for_update(of=Invoice)
        .execution_options(populate_existing=True)
    ).all()
    year = contract_year(agreement.starts_on, year_begins) if year_begins else (date.min, date.max)
    latest = sorted(found, key=lambda one: (one.period_from, one.id), reverse=True)
    invoices = sorted(
        latest, key=lambda one: (one.status is InvoiceStatus.PAID, not year[0] <= one.period_from <= year[1])
    )
    for invoice, part in zip(invoices, poured(net, [one.creditable_net for one in invoices]), strict=True):
        if part:
            note = give_credit(
                invoice,
                part,
                kind=kind,
                reason=reason,
                actor=actor,
                now=now,
                year_begins=year_begins,
                deduction_id=deduction_id,
            )
            letters.credited(note, invoice, now=now)


def credit(
    invoice: Invoice, *, amount: Decimal | None, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> CreditNote:
    """The supplier's finance credits an invoice, or so much of it before VAT, because it was wrong.

    Refused for others, without a reason, over more than is left of it, of a voided one, and while it is in dispute.
    `seen` is how many credit notes it had when they decided: refused where it has another number by now.
    """
    hold(invoice)
    refused = queries.why_not_credit(actor, invoice)
    if refused is not None:
        raise refused
    must_be_as_seen(invoice, seen)
    if not reason.strip():
        raise Invalid("Say what was wrong with the invoice", field="reason")
    net = invoice.creditable_net if amount is None else amount
    note = give_credit(invoice, net, kind=CreditKind.CORRECTION, reason=reason.strip(), actor=actor, now=now)
    letters.credited(note, invoice, now=now)
    return note


def reissue(
    note: CreditNote,
    *,
    amounts: Sequence[Decimal],
    actor: Actor,
    now: datetime,
    po_number: str | None = None,
) -> Invoice:
    """The supplier's finance asks again for what a correction credited, or for less of it, before VAT.

    `amounts` is what each of `queries.lines_again` is to ask for; `po_number` the purchase order, if not the funder's
    of today (empty: none). Refused for credits that stand (a year's reconciliation, a dispute that was upheld), for
    more than was credited, for a line turned into its opposite, and a second time.
    """
    invoice = note.invoice
    hold(invoice)
    db.session.refresh(note)
    refused = queries.why_not_reissue(actor, note)
    if refused is not None:
        raise refused
    before, amount = queries.lines_again(note), sum(amounts, Decimal(0))
    if any(new * old.amount < 0 for new, old in zip(amounts, before, strict=True)):
        raise Invalid("A charge stays a charge, and what is taken off is taken off")
    if not Decimal(0) < amount <= note.net:
        raise Invalid(f"The lines together must come to more than £0 and to no more than {pounds_exact(note.net)}")
    again = invoice_again(
        invoice,
        [Part(old.text, new, old.service_line_id) for new, old in zip(amounts, before, strict=True) if new],
        vat=note.vat if amount == note.net else None,
        due_on=None,
        actor=actor,
        now=now,
        po_number=po_number,
    )
    note.reissued_as_id = again.id
    db.session.flush()
    letters.to_approve(again.agreement, [again], now=now)
    return again


def reissue_voided(invoice: Invoice, *, actor: Actor, now: datetime) -> Invoice:
    """The supplier's finance asks again for an invoice that was voided, whole. Refused a second time."""
    hold(invoice)
    refused = queries.why_not_raise_again(actor, invoice)
    if refused is not None:
        raise refused
    net, vat = invoice.net - invoice.credited_net, invoice.vat - (invoice.credited - invoice.credited_net)
    again = invoice_again(invoice, parts_of(invoice, net), vat=vat, due_on=None, actor=actor, now=now)
    letters.to_approve(again.agreement, [again], now=now)
    return again


def parts_of(invoice: Invoice, net: Decimal) -> list[Part]:
    """The lines of a second invoice: of the first, if it asks for all of that; else one."""
    return [Part(line.text, line.amount, line.service_line_id) for line in queries.lines_for(invoice, net)]


def invoice_again(
    invoice: Invoice,
    parts: Sequence[Part],
    *,
    vat: Decimal | None,
    due_on: date | None,
    actor: Actor,
    now: datetime,
    po_number: str | None = None,
) -> Invoice:
    """One more invoice for some of what this one asked for, under the next sequence. The contract is locked."""
    family = [
        Invoice.agreement_id == invoice.agreement_id,
        Invoice.organisation_id == invoice.organisation_id,
        Invoice.kind == invoice.kind,
        {
            InvoiceKind.INSTALMENT: Invoice.instalment_id == invoice.instalment_id,
            InvoiceKind.SUPPLEMENTARY: Invoice.supplement_id == invoice.supplement_id,
        }.get(invoice.kind, Invoice.period_from == invoice.period_from),
    ]
    sequence = 1 + (db.session.scalar(select(func.max(Invoice.sequence)).where(*family)) or 0)
    first = db.session.scalars(select(Invoice.number).where(*family, Invoice.sequence == 1)).one()
    return make_invoice(
        invoice.agreement,
        kind=invoice.kind,
        number=reissue_number(first, sequence),
        funder_id=invoice.organisation_id,
        percent=invoice.percent,
        period=(invoice.period_from, invoice.period_to),
        parts=parts,
        actor=actor,
        now=now,
        instalment_id=invoice.instalment_id,
        supplement_id=invoice.supplement_id,
        sequel=Sequel(invoice, sequence, vat, due_on, po_number),
    )
