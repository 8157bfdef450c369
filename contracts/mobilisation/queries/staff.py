"""Reads of people who deliver. The supplier sees its rows, everybody else counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation.models import PrisonAccess, StaffMember
from contracts.mobilisation.queries.contract import side_of
from contracts.mobilisation.rules import EXPIRY_WARNING_DAYS, Clearance
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db


@dataclass(frozen=True)
class ClearedCount:
    """How many people stand where: of one vetting level, or with access to one prison."""

    what: str
    by_clearance: Counter[Clearance]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_clearance.values())


def staff_of(agreement: Agreement, on: date) -> Sequence[StaffMember]:
    """Who delivers under the contract and has not left, by reference."""
    return db.session.scalars(
        select(StaffMember)
        .where(StaffMember.agreement_id == agreement.id, or_(StaffMember.left_on.is_(None), StaffMember.left_on > on))
        .options(selectinload(StaffMember.access))
        .order_by(StaffMember.reference, StaffMember.id)
    ).all()


def counts_of(staff: Sequence[StaffMember], on: date) -> tuple[list[ClearedCount], list[ClearedCount]]:
    """Counts by vetting level, and by prison: all that a commissioner is shown."""
    levels: dict[str, Counter[Clearance]] = {}
    prisons: dict[str, Counter[Clearance]] = {}
    for one in staff:
        levels.setdefault(one.level.label, Counter())[one.clearance(on)] += 1
        for access in one.access:
            prisons.setdefault(access.prison, Counter())[access.standing(on)] += 1
    return (
        [ClearedCount(what, counts) for what, counts in sorted(levels.items())],
        [ClearedCount(what, counts) for what, counts in sorted(prisons.items())],
    )


def staff_member_for(actor: Actor, staff_member_id: int) -> StaffMember:
    """One of the supplier's people, for those who manage its delivery. Raises NotFound for everybody else."""
    found = db.session.scalar(
        select(StaffMember)
        .where(StaffMember.id == staff_member_id)
        .options(
            selectinload(StaffMember.access),
            joinedload(StaffMember.agreement).joinedload(Agreement.supplier),
            joinedload(StaffMember.agreement).joinedload(Agreement.commissioner),
        )
    )
    if found is None or side_of(actor, found.agreement) is not Side.SUPPLIER:
        raise NotFound("There is no such person on this contract.")
    return found


def access_for(actor: Actor, access_id: int) -> tuple[StaffMember, PrisonAccess]:
    """One person's access to one prison, under the same right."""
    owner = db.session.scalar(select(PrisonAccess.staff_member_id).where(PrisonAccess.id == access_id))
    member = staff_member_for(actor, owner or 0)
    return member, next(one for one in member.access if one.id == access_id)


def expiring(on: date, mine: ColumnElement[bool] | None = None) -> list[tuple[Agreement, list[date]]]:
    """Of each contract that has not ended (or of those meant), the days on which clearances or access end soon.

    Also those that ended unrenewed; what ended longer ago than the warning reaches is told no more, only shown.
    """
    since, until = on - timedelta(days=EXPIRY_WARNING_DAYS), on + timedelta(days=EXPIRY_WARNING_DAYS)
    there = and_(
        or_(StaffMember.left_on.is_(None), StaffMember.left_on > on),
        or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
        true() if mine is None else mine,
    )
    clearances = select(StaffMember.expires_on, Agreement).join(StaffMember.agreement)
    access = select(PrisonAccess.expires_on, Agreement).join(StaffMember.access).join(StaffMember.agreement)
    found: dict[int, tuple[Agreement, list[date]]] = {}
    for ends, query in ((StaffMember.expires_on, clearances), (PrisonAccess.expires_on, access)):
        for day, agreement in db.session.execute(query.where(there, ends.between(since, until))):
            if day is not None:
                found.setdefault(agreement.id, (agreement, []))[1].append(day)
    return [(agreement, sorted(days)) for agreement, days in found.values()]
