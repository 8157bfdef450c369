"""The PDFs of invoices and credit notes."""

from __future__ import annotations

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from contracts.invoices import queries
from contracts.invoices.jobs import make_document
from contracts.invoices.models import InvoiceDocument
from contracts.invoices.views import bp
from marketplace.access import Permission, acting, audience
from marketplace.downloads import pdf_download
from marketplace.queueing import enqueue


@bp.get("/invoices/<int:invoice_id>/document")
@audience(Permission.SEE_INVOICES)
def document(invoice_id: int) -> Response:
    """The invoice as a PDF, its content checked against the hash it was kept under."""
    invoice = queries.invoice_for(acting(), invoice_id)
    return _given(invoice.number, queries.document_of(invoice_id=invoice.id))


@bp.post("/invoices/<int:invoice_id>/document")
@audience(Permission.SEE_INVOICES)
def make_again(invoice_id: int) -> Response:
    """Have the PDF made now, if it still waits."""
    invoice = queries.invoice_for(acting(), invoice_id)
    _asked(queries.document_of(invoice_id=invoice.id))
    return redirect(url_for("invoices.show", invoice_id=invoice.id))


@bp.get("/credit-notes/<int:credit_note_id>/document")
@audience(Permission.SEE_INVOICES)
def credit_document(credit_note_id: int) -> Response:
    """The credit note as a PDF; likewise."""
    note = queries.credit_note_for(acting(), credit_note_id)
    return _given(note.number, queries.document_of(credit_note_id=note.id))


@bp.post("/credit-notes/<int:credit_note_id>/document")
@audience(Permission.SEE_INVOICES)
def make_credit_again(credit_note_id: int) -> Response:
    """Have the PDF made now, if it still waits."""
    note = queries.credit_note_for(acting(), credit_note_id)
    _asked(queries.document_of(credit_note_id=note.id))
    return redirect(url_for("invoices.show_credit", credit_note_id=note.id))


def _given(number: str, found: InvoiceDocument | None) -> Response:
    return pdf_download(number, found.sha256 if found else None)


def _asked(found: InvoiceDocument | None) -> None:
    if found is not None and found.sha256 is None:
        enqueue(make_document, found.id, first=True)
    flash("The PDF is being made. It is usually here within a minute.", "notice")
