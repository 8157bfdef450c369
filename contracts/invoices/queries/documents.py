"""PDFs of invoices and credit notes: made, wanted, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from contracts.agreements.rules import DocumentStatus
from contracts.invoices.models import CreditNote, Invoice, InvoiceDocument
from contracts.invoices.queries.reckoning import vat_status
from contracts.invoices.rules import VatKind
from marketplace import clock
from marketplace.extensions import db


def document_of(*, invoice_id: int | None = None, credit_note_id: int | None = None) -> InvoiceDocument | None:
    """The PDF of an invoice or of a credit note, made or wanted."""
    if credit_note_id is not None:
        return db.session.scalar(select(InvoiceDocument).where(InvoiceDocument.credit_note_id == credit_note_id))
    return db.session.scalar(select(InvoiceDocument).where(InvoiceDocument.invoice_id == invoice_id))


def waiting_documents() -> Sequence[int]:
    """The keys of documents that wait to be made, those that wait longest first."""
    return db.session.scalars(
        select(InvoiceDocument.id)
        .where(InvoiceDocument.status == DocumentStatus.WAITING)
        .order_by(InvoiceDocument.wanted_at, InvoiceDocument.id)
    ).all()


@dataclass(frozen=True)
class VatWords:
    """How an invoice stands with VAT: the supplier's number if it has said one, and why there is none on it."""

    number: str | None
    why_none: str


def vat_words(invoice: Invoice) -> VatWords:
    """What the supplier had said about VAT for invoices of the day on which this one was raised."""
    if invoice.agreement.instrument is Instrument.GRANT:
        return VatWords(None, "A grant is outside the scope of VAT.")
    stated = vat_status(invoice.agreement.supplier_id, clock.london(invoice.raised_at).date())
    kind = stated.kind if stated else None
    why = {
        None: "The supplier has not said how it stands with VAT.",
        VatKind.STANDARD: "",
        VatKind.EXEMPT: "These services are exempt from VAT.",
        VatKind.NOT_REGISTERED: "The supplier is not registered for VAT.",
    }[kind]
    return VatWords(stated.vat_number if stated else None, "" if invoice.vat_rate else why or "No VAT is charged.")


def credited_before(note: CreditNote) -> Decimal:
    """What the credit notes that its invoice had before this one come to with VAT, in pounds."""
    earlier = (one.amount for one in note.invoice.credit_notes if one.place < note.place)
    return sum(earlier, Decimal("0.00"))
