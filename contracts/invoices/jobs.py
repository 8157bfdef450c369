"""The month's run, the PDFs of what it raises, and what grants are to be reported on: each may run again."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import current_app, render_template
from sqlalchemy import select

from contracts.agreements.actions import hold_contract
from contracts.agreements.rules import DocumentStatus
from contracts.invoices import actions, letters, queries
from contracts.invoices.models import CreditNote, Invoice, InvoiceDocument
from contracts.invoices.rules.granting import use_due_on
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.accounts.letters import link
from marketplace.extensions import db
from marketplace.queueing import for_each
from marketplace.transactions import transaction

if TYPE_CHECKING:
    from marketplace.adapters.files import Files
    from marketplace.adapters.pdf import PdfRenderer

log = logging.getLogger(__name__)
# A run gives way to other jobs after this long; the next one, a minute later, goes on.
RUN_SECONDS = 45


def raise_due_invoices() -> None:
    """Every day: raise all that is due and work out each year that is over, a contract to a transaction."""
    for_each(queries.agreements_to_invoice(), raise_invoices)


def raise_invoices(agreement_id: int) -> None:
    """Raise what is due under one contract, and work out its years that are over."""
    with transaction():
        # Held first, so that what is read is what is agreed now.
        hold_contract(agreement_id)
        agreement = queries.agreement_with_prices(agreement_id)
        if agreement is not None:
            actions.reconcile_years(agreement, actor=SYSTEM, now=clock.now())


def remind_of_uses() -> None:
    """Each morning: grants that are over and not reported on, once when they end and once when that is late."""
    now = clock.now()
    on = clock.london(now).date()
    with transaction():
        for made in queries.uses_owed(on):
            if made.agreement.ends_on is not None:
                by = use_due_on(made.agreement.ends_on)
                letters.use_due(made, made.agreement, by=by, is_late=by < on, now=now)


def make_waiting_documents() -> None:
    """Every minute: make every PDF that waits. Makes good a lost job or an emptied queue."""
    began = time.monotonic()
    waiting = iter(queries.waiting_documents())
    for_each((one for one in waiting if time.monotonic() - began < RUN_SECONDS), make_document)


def make_document(document_id: int) -> None:
    """Make one PDF and keep it, if it still waits. Two workers at once: the row's lock lets one work.

    Killed on the way it leaves a waiting row, which `make_waiting_documents` finds. What changes what the PDF says
    waits for the lock, and then wants it made once more.
    """
    renderer: PdfRenderer = current_app.extensions["pdf"]
    files: Files = current_app.extensions["files"]
    with transaction():
        document = db.session.scalar(
            select(InvoiceDocument)
            .where(InvoiceDocument.id == document_id, InvoiceDocument.status == DocumentStatus.WAITING)
            .with_for_update(skip_locked=True)
        )
        if document is None:
            return
        page = credit_page(document.credit_note) if document.credit_note else invoice_page(document.invoice)
        content = renderer.render(page)
        actions.document_made(document, sha256=files.keep(content), size=len(content), now=clock.now())


def invoice_page(invoice: Invoice | None) -> str:
    """An invoice as the page that becomes its PDF: nothing in it depends on when it is made."""
    assert invoice is not None  # a constraint of the table
    return render_template("pdfs/invoice.html", invoice=invoice, vat=queries.vat_words(invoice), link=link)


def credit_page(note: CreditNote) -> str:
    """A credit note as the page that becomes its PDF; likewise."""
    return render_template(
        "pdfs/credit_note.html",
        note=note,
        invoice=note.invoice,
        vat=queries.vat_words(note.invoice),
        before=queries.credited_before(note),
        link=link,
    )
