"""Disputes that somebody may see, and what they may do about them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.invoices.models import CreditNote, Dispute, Invoice
from contracts.invoices.queries.finding import may_approve, may_credit, may_dispute, seen_by
from contracts.invoices.rules import OWED, DisputeStatus
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.extensions import db


def dispute_for(actor: Actor, dispute_id: int) -> Dispute:
    """The dispute with its invoice, if the actor may see that. Raises NotFound."""
    found = db.session.scalar(
        select(Dispute)
        .join(Dispute.invoice)
        .join(Invoice.agreement)
        .where(seen_by(actor), Dispute.id == dispute_id)
        .options(
            contains_eager(Dispute.invoice).options(
                contains_eager(Invoice.agreement).options(
                    joinedload(Agreement.supplier), joinedload(Agreement.commissioner)
                ),
                joinedload(Invoice.organisation),
                selectinload(Invoice.credit_notes).joinedload(CreditNote.reissued_as),
            ),
            joinedload(Dispute.raiser),
            joinedload(Dispute.answerer),
            joinedload(Dispute.settler),
        )
    )
    if found is None:
        raise NotFound("There is no such dispute, or it is not yours to see.")
    return found


def credit_of_dispute(made: Dispute) -> CreditNote:
    """The credit note over what is disputed."""
    return db.session.scalars(select(CreditNote).where(CreditNote.dispute_id == made.id)).one()


def why_not_dispute(actor: Actor, invoice: Invoice) -> Refused | None:
    """Why this actor cannot dispute this invoice as it stands; None if they can."""
    if not may_dispute(actor, invoice):
        return NotAllowed("Contract managers and finance of the lead commissioner or of the funder dispute an invoice.")
    if invoice.open_dispute is not None:
        return AlreadyDone("This invoice is in dispute already.")
    if invoice.status not in OWED:
        return Refused("Nothing of this invoice is to be paid any more. Ask the supplier for a credit note.")
    return None


def may_answer(actor: Actor, made: Dispute) -> bool:
    """Whether this actor says what the supplier holds of it: the supplier's finance, until it is settled."""
    return made.status is DisputeStatus.OPEN and may_credit(actor, made.invoice)


def may_uphold(actor: Actor, made: Dispute) -> bool:
    """Whether this actor may decide that it was right: a contract manager of the lead, who did not raise it."""
    return _leads(actor, made) and made.raised_by != actor.person_id


def may_settle(actor: Actor, made: Dispute) -> bool:
    """Whether this actor ends it: who decides it; and whoever raised it, by giving it up."""
    gives_up = made.raised_by == actor.person_id and may_dispute(actor, made.invoice)
    return made.status is DisputeStatus.OPEN and (gives_up or _leads(actor, made))


def _leads(actor: Actor, made: Dispute) -> bool:
    return actor.organisation_id == made.invoice.agreement.commissioner_id and may_approve(actor, made.invoice)


def disputes_to_answer(actor: Actor) -> Sequence[Dispute]:
    """Open disputes to which the actor's organisation, the supplier, has said nothing yet; the oldest first."""
    return _open(actor, Dispute.answered_at.is_(None), Agreement.supplier_id == actor.organisation)


def disputes_to_settle(actor: Actor) -> Sequence[Dispute]:
    """Open disputes that this contract manager of the lead decides, not having raised them; the oldest first."""
    return _open(actor, Agreement.commissioner_id == actor.organisation, Dispute.raised_by != actor.person_id)


def _open(actor: Actor, *where: object) -> Sequence[Dispute]:
    actor.must(Permission.SEE_INVOICES)
    return db.session.scalars(
        select(Dispute)
        .join(Dispute.invoice)
        .join(Invoice.agreement)
        .where(Dispute.status == DisputeStatus.OPEN, *where)  # type: ignore[arg-type]
        .options(contains_eager(Dispute.invoice))
        .order_by(Dispute.id)
    ).all()
