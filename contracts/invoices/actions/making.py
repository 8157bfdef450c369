"""Making one invoice: its VAT, purchase order and number, posted to the ledger, its PDF wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement
from contracts.agreements.rules import DocumentStatus
from contracts.invoices import queries
from contracts.invoices.models import CreditNote, Invoice, InvoiceDocument, InvoiceLine
from contracts.invoices.rules import InvoiceKind, InvoiceStatus, due_on, first_of_month, vat_on
from contracts.ledger.actions import Debt, post
from contracts.ledger.rules import PostingKind, charged
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone
from marketplace.extensions import db


@dataclass(frozen=True)
class Part:
    """One line of an invoice to be."""

    text: str
    amount: Decimal
    service_line_id: int | None = None
    deduction_id: int | None = None


@dataclass(frozen=True)
class Sequel:
    """What makes an invoice a second one: the first, the next sequence, and what of the first stays as it was."""

    of: Invoice
    sequence: int
    vat: Decimal | None
    due_on: date | None
    # None: the funder's of today. Empty: none.
    po_number: str | None = None


def make_invoice(
    agreement: Agreement,
    *,
    kind: InvoiceKind,
    number: str,
    funder_id: int,
    percent: Decimal,
    period: tuple[date, date],
    parts: Sequence[Part],
    actor: Actor,
    now: datetime,
    instalment_id: int | None = None,
    supplement_id: int | None = None,
    sequel: Sequel | None = None,
) -> Invoice:
    """One invoice, to be approved before it is sent. One over nothing (deductions took it all) is done with at once.

    A second one for the same bears the first one's rate of VAT and purchase order's day; all else is of today.
    """
    today = clock.london(now).date()
    net = sum((part.amount for part in parts), Decimal("0.00"))
    rate = sequel.of.vat_rate if sequel else queries.vat_rate(agreement, today)
    vat = sequel.vat if sequel and sequel.vat is not None else vat_on(net, rate)
    po_number = sequel.po_number if sequel else None
    if po_number is None:
        order = queries.purchase_order(agreement.id, funder_id, today)
        po_number = order.number if order else None
    addresses = queries.invoice_addresses(agreement.supplier_id, funder_id)
    invoice = Invoice(
        number=number,
        agreement_id=agreement.id,
        organisation_id=funder_id,
        kind=kind,
        period_from=period[0],
        period_to=period[1],
        month=first_of_month(period[1]),
        sequence=sequel.sequence if sequel else 1,
        reissue_of_id=sequel.of.id if sequel else None,
        instalment_id=instalment_id,
        supplement_id=supplement_id,
        percent=percent,
        net=net,
        vat_rate=rate,
        vat=vat,
        amount=net + vat,
        po_number=po_number or None,
        supplier_address=addresses.get(agreement.supplier_id),
        funder_address=addresses.get(funder_id),
        status=InvoiceStatus.AWAITING_APPROVAL if net else InvoiceStatus.CREDITED,
        raised_at=now,
        due_on=(sequel.due_on if sequel else None) or due_on(today),
        next_attempt_at=now,
        lines=[
            InvoiceLine(
                service_line_id=part.service_line_id,
                deduction_id=part.deduction_id,
                text=part.text,
                amount=part.amount,
            )
            for part in parts
        ],
    )
    db.session.add(invoice)
    db.session.flush()
    post(
        PostingKind.INVOICE,
        charged(net, vat),
        key=f"invoice:{invoice.id}",
        debt=debt_of(invoice, agreement),
        document=number,
        due_on=invoice.due_on,
        now=now,
    )
    want_document(invoice_id=invoice.id, now=now)
    again = f" again, for what {sequel.of.number} asked for" if sequel else ""
    audit.record(f"Invoice raised{again}", invoice, actor=actor, now=now, amount=str(invoice.amount))
    return invoice


def debt_of(invoice: Invoice, agreement: Agreement | None = None) -> Debt:
    """The debt that the invoice is, for the ledger."""
    supplier_id = (agreement or invoice.agreement).supplier_id
    return Debt(invoice.agreement_id, invoice.organisation_id, supplier_id, invoice.number)


def want_document(*, now: datetime, invoice_id: int | None = None, credit_note_id: int | None = None) -> None:
    """A row that says the PDF is wanted (again, if what it says has changed); a job makes it."""
    document = queries.document_of(invoice_id=invoice_id, credit_note_id=credit_note_id)
    if document is not None:
        # Whoever makes it this moment, of what is no longer so, is waited for; then it is made once more.
        db.session.refresh(document, with_for_update=True)
    else:
        document = InvoiceDocument(invoice_id=invoice_id, credit_note_id=credit_note_id)
        db.session.add(document)
    document.status, document.wanted_at = DocumentStatus.WAITING, now
    document.made_at = document.sha256 = document.size = None
    db.session.flush()


def document_made(document: InvoiceDocument, *, sha256: str, size: int, now: datetime) -> None:
    """The PDF is made and kept under its hash."""
    document.status, document.made_at = DocumentStatus.MADE, now
    document.sha256, document.size = sha256, size
    db.session.flush()


def hold(invoice: Invoice) -> None:
    """Lock the contract and then the invoice, and read it afresh: what follows is decided on how it stands now, once.

    Always in this order, so that two who do so wait for each other and no longer.
    """
    hold_contract(invoice.agreement_id)
    db.session.refresh(invoice, with_for_update={"of": Invoice})
    db.session.expire(invoice, ["credit_notes", "disputes"])


def must_be_as_seen(invoice: Invoice, seen: int | None) -> None:
    """Refuse where the invoice, which is locked, has another number of credit notes than whoever decides has seen.

    A second click, or somebody else meanwhile. None: nobody has looked, nothing is refused.
    """
    if seen is not None and seen != len(invoice.credit_notes):
        raise AlreadyDone(f"Invoice {invoice.number} has been credited since you looked. Look at it again.")


def credit_notes_of(invoice: Invoice) -> Sequence[CreditNote]:
    """Its credit notes, the first first, read afresh."""
    return db.session.scalars(
        select(CreditNote).where(CreditNote.invoice_id == invoice.id).order_by(CreditNote.place)
    ).all()
