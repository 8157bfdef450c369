"""What waits to be drawn, signed and made into a document, and who signs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import url_for
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from contracts.agreements.models import (
    Agreement,
    AgreementDocument,
)
from contracts.agreements.rules import (
    TURN,
    AgreementStatus,
    DocumentStatus,
    Side,
)
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.waiting import Waiting


def awards_to_draw(now: datetime, *, organisation_id: int | None = None) -> Sequence[Award]:
    """Awards whose standstill is over and from which no contract is drawn yet, oldest first.

    All of them, or those of competitions that one body leads.
    """
    query = (
        select(Award)
        .join(Award.competition)
        .outerjoin(Agreement, Agreement.award_id == Award.id)
        .where(
            Award.approved_at.is_not(None),
            Award.standstill_ends_at <= now,
            Competition.status == CompetitionStatus.AWARD_DECIDED,
            Agreement.id.is_(None),
        )
        .options(joinedload(Award.competition), joinedload(Award.supplier))
        .order_by(Award.standstill_ends_at, Award.id)
    )
    if organisation_id is not None:
        query = query.where(Competition.organisation_id == organisation_id)
    return db.session.scalars(query).all()


def award_to_draw(actor: Actor, award_id: int) -> Award:
    """The award, if it is of a competition the actor's organisation leads. Raises NotFound else."""
    found = db.session.scalar(
        select(Award)
        .join(Award.competition)
        .where(Award.id == award_id, Competition.organisation_id == actor.organisation)
    )
    if found is None:
        raise NotFound("There is no such award.")
    return found


def waiting_documents() -> Sequence[int]:
    """The keys of documents that wait to be made, oldest first."""
    return db.session.scalars(
        select(AgreementDocument.id)
        .where(AgreementDocument.status == DocumentStatus.WAITING)
        .order_by(AgreementDocument.id)
    ).all()


def side_of(actor: Actor, agreement: Agreement) -> Side | None:
    """The side for which this actor may sign this contract; None if for neither."""
    if actor.may(Permission.SIGN_FOR_SUPPLIER) and actor.organisation_id == agreement.supplier_id:
        return Side.SUPPLIER
    if actor.may(Permission.SIGN_FOR_COMMISSIONER) and actor.organisation_id == agreement.commissioner_id:
        return Side.COMMISSIONER
    return None


def turn_of(agreement: Agreement) -> Side | None:
    """Whose turn it is to sign; None once both sides have."""
    return TURN.get(agreement.status)


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Contracts that wait for this person's signature."""
    if actor.organisation_id is None:
        return []
    turns = []
    if actor.may(Permission.SIGN_FOR_SUPPLIER):
        turns.append(
            and_(Agreement.status == AgreementStatus.AWAITING_SUPPLIER, Agreement.supplier_id == actor.organisation_id)
        )
    if actor.may(Permission.SIGN_FOR_COMMISSIONER):
        turns.append(
            and_(
                Agreement.status == AgreementStatus.AWAITING_COMMISSIONER,
                Agreement.commissioner_id == actor.organisation_id,
            )
        )
    if not turns:
        return []
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, Agreement.title).where(or_(*turns)).order_by(Agreement.id)
    ).all()
    return [
        Waiting(f"Sign contract {reference}: {title}", url_for("agreements.sign", agreement_id=agreement_id))
        for agreement_id, reference, title in rows
    ]
