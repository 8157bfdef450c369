"""PDFs of invoices and credit notes, made and read back."""

from __future__ import annotations

import io
from decimal import Decimal

from flask import current_app
from pypdf import PdfReader
from sqlalchemy import select

from contracts.invoices import jobs
from contracts.invoices.models import CreditNote, Invoice, InvoiceDocument
from marketplace.extensions import db


def pages_of(content: bytes) -> list[str]:
    """What stands on each page of a PDF, its blanks and line ends made one."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def made(one: Invoice | CreditNote) -> bytes:
    """The PDF of an invoice or a credit note, made by the job if it waits."""
    column = InvoiceDocument.invoice_id if isinstance(one, Invoice) else InvoiceDocument.credit_note_id
    document = db.session.scalars(select(InvoiceDocument).where(column == one.id)).one()
    jobs.make_document(document.id)
    db.session.refresh(document)
    content: bytes = current_app.extensions["files"].read(document.sha256)
    return content


def text_of(one: Invoice | CreditNote) -> str:
    """What stands on it."""
    return " ".join(pages_of(made(one)))


def amount_after(words: str, text: str) -> Decimal:
    """The amount, in pounds, that stands behind these words."""
    _, found, behind = text.partition(words)
    assert found, f"{words!r} does not stand in {text!r}"
    amount = behind.split()[0]
    return Decimal(amount.replace("−", "-").replace("£", "").replace(",", ""))
