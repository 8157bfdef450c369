"""Funds: which rows a person may see, and which money is still free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.funds.models import Commitment, Fund
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db


def funds_of(actor: Actor) -> Sequence[Fund]:
    """The funds of the body acted for, those that end last first, each with its commitments."""
    return db.session.scalars(
        select(Fund)
        .where(Fund.organisation_id == actor.organisation)
        .options(selectinload(Fund.commitments))
        .order_by(Fund.ends_on.desc(), Fund.name)
    ).all()


def fund_for(actor: Actor, fund_id: int) -> Fund:
    """The fund, if it is of the body acted for. Raises NotFound else."""
    found = db.session.scalar(
        select(Fund)
        .where(Fund.id == fund_id, Fund.organisation_id == actor.organisation)
        .options(selectinload(Fund.commitments), joinedload(Fund.organisation))
    )
    if found is None:
        raise NotFound("There is no such fund, or it is not yours to see.")
    return found


def open_funds(organisation_id: int, on: date) -> Sequence[Fund]:
    """The funds of a body from which something can be set aside on a day, by name."""
    return db.session.scalars(
        select(Fund)
        .where(Fund.organisation_id == organisation_id, Fund.starts_on <= on, Fund.ends_on >= on)
        .options(selectinload(Fund.commitments))
        .order_by(Fund.name)
    ).all()


def commitment_of(call_off: str) -> Commitment | None:
    """What a call-off, by its reference, takes from a fund; None if nothing."""
    return db.session.scalar(
        select(Commitment).where(Commitment.call_off == call_off).options(joinedload(Commitment.fund))
    )
