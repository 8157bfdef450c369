"""Reads of contracts that are given up unsigned."""

from __future__ import annotations

from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.changes.models import Abandonment
from marketplace.access import Actor, Permission
from marketplace.extensions import db


def abandonment_of(agreement: Agreement) -> Abandonment | None:
    """What waits for the approver to decide, or was approved; None where nobody asks to abandon the contract."""
    return db.session.scalar(
        select(Abandonment).where(Abandonment.agreement_id == agreement.id, Abandonment.approved.is_not(False))
    )


def latest_abandonment_of(agreement: Agreement) -> Abandonment | None:
    """The same; where there is none, what the approver last decided not to give up, for its reason."""
    return db.session.scalar(
        select(Abandonment)
        .where(Abandonment.agreement_id == agreement.id)
        .order_by(Abandonment.approved.is_(False), Abandonment.id.desc())
        .limit(1)
    )


def may_decide(actor: Actor, asked: Abandonment) -> bool:
    """Whether this person decides whether the contract is given up: never who asked."""
    return (
        asked.decided_at is None
        and actor.may(Permission.APPROVE_CHANGES)
        and actor.organisation_id == asked.agreement.commissioner_id
        and actor.person_id != asked.proposed_by
    )
