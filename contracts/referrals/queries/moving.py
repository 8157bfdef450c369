"""Reads of referrals that move from one service to another, and of what an earlier supplier recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements.models import Agreement, ServiceLine, ServiceLineCategory
from contracts.referrals.models import Referral, Session
from contracts.referrals.queries.reading import NOT_YOURS, is_officer_of, referral_for
from contracts.referrals.rules import OPEN, UNSENT, Consent, Obstacle, ReferralStatus
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db

# While the next supplier works with the person, or has done so: then it reads the earlier record.
_WORKS_ON = frozenset({ReferralStatus.SENT, ReferralStatus.ACCEPTED, ReferralStatus.COMPLETED})


@dataclass(frozen=True, repr=False)
class EarlierRecord:
    """What one earlier supplier recorded, opened for somebody who may read it. Never shown by `repr`."""

    referral: Referral
    # By the session's key.
    notes: Mapping[int, str]


def obstacle_to(line_id: int) -> ColumnElement[str | None]:
    """What keeps each referral of a query from moving to that service, as an `Obstacle`'s value; None if nothing."""
    other = aliased(Referral)
    there = exists().where(
        other.line_id == line_id, other.crn_fingerprint == Referral.crn_fingerprint, other.status.in_(OPEN)
    )
    given = exists().where(
        ServiceLineCategory.line_id == line_id, ServiceLineCategory.category_code == Referral.category_code
    )
    return case((there, Obstacle.ALREADY_THERE.value), (~given, Obstacle.KIND_OF_HELP.value), else_=None)


def obstacle_for(referral_id: int, line_id: int) -> Obstacle | None:
    """What keeps one referral from moving to that service."""
    found = db.session.scalar(select(obstacle_to(line_id)).where(Referral.id == referral_id))
    return Obstacle(found) if found else None


def held(referral_id: int) -> Referral:
    """A referral, held, for an action that has asked for the right to it; without what is sealed."""
    found = db.session.scalar(
        select(Referral)
        .where(Referral.id == referral_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(NOT_YOURS)
    return found


def queue_held(line_id: int, referral_ids: Sequence[int]) -> Sequence[Referral]:
    """Those of these referrals that wait for a place on the line or are offered one, in their order, held."""
    return db.session.scalars(
        select(Referral)
        .where(Referral.line_id == line_id, Referral.id.in_(referral_ids), Referral.status.in_(UNSENT))
        .order_by(Referral.joined_at, Referral.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def is_open_at(line_id: int, fingerprint: str) -> bool:
    """Whether the person whose fingerprint this is has an open referral to the service."""
    there = (Referral.line_id == line_id, Referral.crn_fingerprint == fingerprint, Referral.status.in_(OPEN))
    return bool(db.session.scalar(select(exists().where(*there))))


def lines_of_move(referral_id: int) -> tuple[int, int | None]:
    """The service a referral stands with, and the one it was moved from, if it was."""
    earlier = aliased(Referral)
    row = db.session.execute(
        select(Referral.line_id, earlier.line_id)
        .outerjoin(earlier, Referral.moved_from_id == earlier.id)
        .where(Referral.id == referral_id)
    ).one_or_none()
    if row is None:
        raise NotFound(NOT_YOURS)
    return row[0], row[1]


def goes_on_as(referral: Referral) -> Referral | None:
    """The referral that goes on from one that was moved."""
    return db.session.scalar(
        select(Referral)
        .where(Referral.moved_from_id == referral.id, Referral.move_undone_at.is_(None))
        .options(joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
    )


def came_from(referral: Referral) -> Referral | None:
    """The referral that this one goes on from: where, until when, and what the person said to sharing its record."""
    if referral.moved_from_id is None:
        return None
    return db.session.scalar(
        select(Referral)
        .where(Referral.id == referral.moved_from_id)
        .options(joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
    )


def may_read_earlier(actor: Actor, referral: Referral, earlier: Referral) -> bool:
    """Whether who may see this referral may also read the record of the one it was moved from.

    The officer may. The next supplier may as far as the person agreed, while it works with them or has done so.
    """
    if is_officer_of(actor, referral):
        return True
    return earlier.consent is Consent.GIVEN and referral.status in _WORKS_ON


def earlier_records(actor: Actor, referral_id: int) -> Sequence[EarlierRecord]:
    """The records before this referral, the latest first, back to the first that the person did not agree to share.

    Called by `actions.look_back`, which puts each look on record. NotFound where there is none to be read.
    """
    referral = referral_for(actor, referral_id)
    records: list[EarlierRecord] = []
    step = referral
    while step.moved_from_id is not None:
        earlier = _with_sessions(step.moved_from_id)
        # The right to each is the right to the referral in hand, and the person's word about that very record.
        if not may_read_earlier(actor, referral, earlier):
            break
        notes = db.session.execute(
            select(Session.id, Session.note).where(and_(Session.referral_id == earlier.id, Session.note.is_not(None)))
        )
        records.append(EarlierRecord(earlier, {row.id: row.note or "" for row in notes}))
        step = earlier
    if not records:
        raise NotFound(NOT_YOURS)
    return records


def _with_sessions(referral_id: int) -> Referral:
    return db.session.scalars(
        select(Referral)
        .where(Referral.id == referral_id)
        .options(
            joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(Referral.caseworker),
            selectinload(Referral.sessions),
        )
    ).one()
