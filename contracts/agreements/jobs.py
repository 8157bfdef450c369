"""Background work of agreements: drawing contracts when standstill ends, and making their documents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import current_app, render_template
from sqlalchemy import select

from calloffs.awards.models import Award
from calloffs.competitions.rules import Instrument
from contracts.agreements import actions, queries
from contracts.agreements.models import AgreementDocument, AgreementVersion
from contracts.agreements.rules import DocumentStatus, terms_digest
from contracts.agreements.rules.schedule import payment_schedule
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.errors import AlreadyDone, Refused
from marketplace.extensions import db
from marketplace.transactions import transaction

if TYPE_CHECKING:
    from marketplace.adapters.files import Files
    from marketplace.adapters.pdf import PdfRenderer

log = logging.getLogger(__name__)


def draw_due_agreements() -> None:
    """Every few minutes: draw the contract of each award whose standstill is over. May run twice."""
    now = clock.now()
    due = [award.id for award in queries.awards_to_draw(now)]
    for award_id in due:
        try:
            with transaction():
                actions.draw_agreement(db.session.get_one(Award, award_id), actor=SYSTEM, now=now)
        except AlreadyDone:
            continue
        except Refused as refused:
            # One award that cannot become a contract does not hold up the others.
            log.warning("no contract drawn from award %s: %s", award_id, refused.words)


def make_document(document_id: int) -> None:
    """Make one contract's PDF and keep it, if it still waits. Two workers at once: the row's lock lets one work.

    Killed on the way it leaves a waiting row, which `make_waiting_documents` finds; and since the same contract
    gives the same bytes, and files are kept by their hash, no second file is left behind.
    """
    renderer: PdfRenderer = current_app.extensions["pdf"]
    files: Files = current_app.extensions["files"]
    with transaction():
        document = db.session.scalar(
            select(AgreementDocument)
            .where(AgreementDocument.id == document_id, AgreementDocument.status == DocumentStatus.WAITING)
            .with_for_update(skip_locked=True)
        )
        if document is None:
            return
        version = document.version
        if not queries.is_as_signed(version):
            # Never a document that says people signed what they did not. A person must look into it.
            log.error("contract %s is not as it was signed: no document is made", version.agreement_id)
            return
        content = renderer.render(contract_page(version))
        actions.document_made(document, sha256=files.keep(content), size=len(content), actor=SYSTEM, now=clock.now())


def make_waiting_documents() -> None:
    """Every few minutes: make every document that waits. Makes good a lost job or an emptied queue."""
    for document_id in queries.waiting_documents():
        make_document(document_id)


def contract_page(version: AgreementVersion) -> str:
    """One version of the contract as the page that becomes its PDF: nothing in it depends on when it is made."""
    terms = queries.terms(version)
    before = [one for one in version.agreement.versions if one.number < version.number and one.agreed_at is not None]
    return render_template(
        "pdfs/contract.html",
        version=version,
        terms=terms,
        digest=terms_digest(terms),
        changes=queries.what_changes(before[-1], version) if before else [],
        schedule=[] if terms.instrument == Instrument.GRANT else payment_schedule(terms),
        chain=[one for one in version.agreement.subcontractors if one.left_on is None],
    )
