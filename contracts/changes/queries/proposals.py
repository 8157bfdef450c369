"""Reads of what suppliers propose to change."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement
from contracts.changes.models import Proposal
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


def proposals_of(agreement: Agreement) -> Sequence[Proposal]:
    """The supplier's proposals, latest first."""
    return db.session.scalars(
        select(Proposal)
        .where(Proposal.agreement_id == agreement.id)
        .options(joinedload(Proposal.author), joinedload(Proposal.answerer))
        .order_by(Proposal.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def proposal_for(actor: Actor, proposal_id: int) -> Proposal:
    """The proposal, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Proposal).join(Proposal.agreement).where(Proposal.id == proposal_id, agreements.theirs(actor))
    )
    if found is None:
        raise NotFound("There is no such proposal, or it does not concern your organisation.")
    return found
