"""The contract that something surrounds, and for which side somebody manages it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement
from contracts.agreements.queries import theirs
from contracts.agreements.rules import Side
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


def contract_for(actor: Actor, agreement_id: int) -> Agreement:
    """The contract, if it concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Agreement)
        .where(Agreement.id == agreement_id, theirs(actor))
        .options(joinedload(Agreement.supplier), joinedload(Agreement.commissioner))
    )
    if found is None:
        raise NotFound("There is no such contract, or it does not concern your organisation.")
    return found


def side_of(actor: Actor, agreement: Agreement) -> Side | None:
    """The side for which this actor manages the contract from day to day; None if for neither."""
    if actor.may(Permission.MANAGE_DELIVERY) and actor.organisation_id == agreement.supplier_id:
        return Side.SUPPLIER
    if actor.may(Permission.MANAGE_CONTRACTS) and actor.organisation_id == agreement.commissioner_id:
        return Side.COMMISSIONER
    return None


def managed(actor: Actor, side: Side) -> ColumnElement[bool]:
    """The contracts that this actor manages for a side: `side_of` for lists."""
    if side is Side.SUPPLIER:
        return Agreement.supplier_id == actor.organisation if actor.may(Permission.MANAGE_DELIVERY) else false()
    return Agreement.commissioner_id == actor.organisation if actor.may(Permission.MANAGE_CONTRACTS) else false()
