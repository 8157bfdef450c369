"""Reads of suspensions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, Suspension
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


def suspension_for(actor: Actor, suspension_id: int) -> Suspension:
    """The suspension, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Suspension)
        .join(Agreement, Suspension.agreement_id == Agreement.id)
        .where(Suspension.id == suspension_id, agreements.theirs(actor))
    )
    if found is None:
        raise NotFound("There is no such suspension, or it does not concern your organisation.")
    return found


def suspensions_of(agreement: Agreement) -> Sequence[Suspension]:
    """Every time that referrals to the contract or a service of it were stopped, latest first."""
    return db.session.scalars(
        select(Suspension)
        .where(Suspension.agreement_id == agreement.id)
        .options(joinedload(Suspension.line), joinedload(Suspension.person), joinedload(Suspension.lifter))
        .order_by(Suspension.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def suspensions_to_tell(on: date) -> Sequence[Suspension]:
    """Suspensions that have begun, or whose referrals are taken again, within the week to a day."""
    week = (on - timedelta(days=7), on)
    return db.session.scalars(
        select(Suspension)
        .where(or_(Suspension.from_on.between(*week), Suspension.lifted_from.between(*week)))
        .options(joinedload(Suspension.agreement))
        .order_by(Suspension.id)
    ).all()
