"""Referrals past a clock, by service and one by one: by reference only, without anything about a person (R72)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, case, func, null, or_, select, true
from sqlalchemy.orm import aliased, joinedload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import theirs
from contracts.performance.models import Chase
from contracts.performance.rules import (
    ANSWER_WORKING_DAYS,
    FIRST_SESSION_WORKING_DAYS,
    IN_TOUCH_DAYS,
    LateClock,
    last_day_past,
    late_since,
)
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import MOVE_WORKING_DAYS, ReferralStatus, still_read_if_ended
from contracts.volumes.queries.reading import among
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


class DeskOrder(StrEnum):
    """How services with late referrals are sorted."""

    MOST = "most"
    OLDEST = "oldest"
    TITLE = "title"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            DeskOrder.MOST: "Most late referrals first",
            DeskOrder.OLDEST: "Longest late first",
            DeskOrder.TITLE: "Service",
        }[self]


@dataclass(frozen=True)
class DeskFilter:
    """What the desk is narrowed to and how it is sorted."""

    text: str = ""
    clock: LateClock | None = None
    order: DeskOrder = DeskOrder.MOST


@dataclass(frozen=True)
class LateLine:
    """A service and how many of its referrals are past which clock; when its supplier was last chased."""

    line: ServiceLine
    late: dict[LateClock, int]
    chased_on: date | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.late.values())


@dataclass(frozen=True)
class LateReferral:
    """One referral, by its reference, the clock it is past, and since which day."""

    id: int
    reference: str
    clock: LateClock
    # The day on which the clock ran out.
    since: date


def desk(actor: Actor, narrowed: DeskFilter, *, on: date, number: int) -> Page[LateLine]:
    """One page of the services that concern the actor and have late referrals.

    Which come first follows from what is late, so all are looked at; only those shown are fetched whole.
    """
    found = _late_lines(actor, narrowed, on)
    number = nearest_page(number, len(found))
    return Page(_with_lines(found[before(number) : before(number + 1)]), len(found), number)


def every_late_line(actor: Actor, narrowed: DeskFilter, *, on: date) -> list[LateLine]:
    """All of them: for downloads."""
    return _with_lines(_late_lines(actor, narrowed, on))


def late_line(actor: Actor, line_id: int) -> ServiceLine:
    """A service line whose late referrals the actor may see. Raises NotFound else."""
    actor.must(Permission.SEE_LATE_REFERRALS)
    found = db.session.scalar(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(ServiceLine.id == line_id, theirs(actor))
        .options(joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
    )
    if found is None:
        raise NotFound("There is no such service, or it does not concern your organisation.")
    return found


def late_referrals(line_id: int, *, on: date, number: int) -> Page[LateReferral]:
    """One page of a line's late referrals, the longest late first."""
    late = _late([line_id], on)
    total = db.session.scalar(select(func.count()).select_from(late)) or 0
    number = nearest_page(number, total)
    return Page(_rows(late, limit=PAGE, offset=before(number)), total, number)


def every_late_referral(line_id: int, *, on: date) -> list[LateReferral]:
    """All of them: for downloads, and for the letter to the supplier."""
    return _rows(_late([line_id], on))


def count_late(actor: Actor, *, on: date) -> tuple[int, int]:
    """How many referrals are late among the actor's services, and on how many services."""
    late = _late([row.id for row in _lines_of(actor)], on)
    wanted = (func.count().label("late"), func.count(late.c.line_id.distinct()).label("services"))
    row = db.session.execute(select(*wanted).select_from(late)).one()
    return row.late, row.services


def chases_of(line_id: int) -> Sequence[Chase]:
    """When a service's supplier was chased, the latest first."""
    return db.session.scalars(
        select(Chase).where(Chase.line_id == line_id).order_by(Chase.day.desc()).options(joinedload(Chase.person))
    ).all()


def _late(lines: Sequence[int], on: date) -> Any:
    """Referrals of these lines past a clock, open or moved on: line, clock, and the moment from which the clock ran.

    The lines are given by their keys: asked for by a condition, the database would read the whole nation's referrals.
    """
    held = (
        select(
            func.min(Session.starts_at).label("first"),
            # An appointment to come, or one of which nobody said what became of it, is no word of the person.
            func.max(Session.starts_at).filter(Session.recorded_at.is_not(None)).label("last"),
            func.min(Session.starts_at)
            .filter(
                Session.recorded_at.is_(None),
                Session.starts_at < clock.begins(on),
                or_(Referral.status == ReferralStatus.ACCEPTED, Session.starts_at <= Referral.ended_at),
            )
            .label("unrecorded"),
        )
        .where(Session.referral_id == Referral.id)
        .lateral("held")
    )
    moved = Referral.moved_from_id.is_not(None)
    unanswered = and_(
        Referral.status == ReferralStatus.SENT,
        Referral.sent_at
        < case(
            (moved, clock.ends(last_day_past(on, MOVE_WORKING_DAYS))),
            else_=clock.ends(last_day_past(on, ANSWER_WORKING_DAYS)),
        ),
    )
    accepted = Referral.status == ReferralStatus.ACCEPTED
    no_session = and_(
        accepted,
        case((moved, Referral.accepted_at), else_=Referral.sent_at)
        < clock.ends(last_day_past(on, FIRST_SESSION_WORKING_DAYS)),
        or_(held.c.first.is_(None), held.c.first >= clock.ends(on)),
    )
    # What took place before somebody was moved on is still the old service's to record, as long as it may read it.
    moved_on = and_(
        Referral.status == ReferralStatus.TRANSFERRED, Referral.ended_at >= clock.begins(still_read_if_ended(on))
    )
    unrecorded = and_(accepted | moved_on, held.c.unrecorded.is_not(None))
    since = clock.begins(on - timedelta(days=IN_TOUCH_DAYS))
    heard = func.coalesce(held.c.last, Referral.accepted_at)
    lost = and_(accepted, Referral.accepted_at < since, heard < since)
    which = case(
        (unanswered, LateClock.ANSWER.value),
        (no_session, LateClock.FIRST_SESSION.value),
        (unrecorded, LateClock.RECORD.value),
        (lost, LateClock.IN_TOUCH.value),
        else_=null(),
    ).label("clock")
    ran_from = case(
        (unanswered, Referral.sent_at),
        (no_session, case((moved, Referral.accepted_at), else_=Referral.sent_at)),
        (unrecorded, held.c.unrecorded),
        else_=heard,
    ).label("ran_from")
    every = (
        select(Referral.id, Referral.reference, Referral.line_id, moved.label("moved"), which, ran_from)
        .join(held, true())
        .where(
            among(Referral.line_id, lines),
            Referral.status.in_((ReferralStatus.SENT, ReferralStatus.ACCEPTED, ReferralStatus.TRANSFERRED)),
        )
        .subquery()
    )
    return select(every).where(every.c.clock.is_not(None)).subquery("late")


def _lines_of(actor: Actor, text: str = "") -> Sequence[Row[int, str]]:
    """The key and title of every service that concerns the actor, perhaps of those alone in which each word stands."""
    actor.must(Permission.SEE_LATE_REFERRALS)
    supplier = aliased(Organisation)
    asked = (
        select(ServiceLine.id, ServiceLine.title)
        .join(ServiceLine.agreement)
        .join(supplier, supplier.id == Agreement.supplier_id)
        .where(theirs(actor))
    )
    for word in text.split():
        columns = (ServiceLine.title, Agreement.reference, supplier.name)
        asked = asked.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return db.session.execute(asked).all()


def _late_lines(actor: Actor, narrowed: DeskFilter, on: date) -> list[Row[Any]]:
    """The services with something late, sorted: the line's key, how many are past each clock, the earliest of them."""
    titles = {row.id: row.title for row in _lines_of(actor, narrowed.text)}
    late = _late(list(titles), on)
    counted = [func.count().filter(late.c.clock == one.value).label(one.value) for one in LateClock]
    asked = select(
        late.c.line_id, func.count().label("total"), func.min(late.c.ran_from).label("earliest"), *counted
    ).group_by(late.c.line_id)
    if narrowed.clock is not None:
        asked = asked.where(late.c.clock == narrowed.clock.value)
    first: dict[DeskOrder, Callable[[Row[Any]], Any]] = {
        DeskOrder.MOST: lambda row: -row.total,
        DeskOrder.OLDEST: lambda row: row.earliest,
        DeskOrder.TITLE: lambda row: titles[row.line_id],
    }
    key = first[narrowed.order]
    return sorted(db.session.execute(asked), key=lambda row: (key(row), titles[row.line_id], row.line_id))


def _with_lines(rows: Sequence[Row[Any]]) -> list[LateLine]:
    keys = [row.line_id for row in rows]
    lines = {
        line.id: line
        for line in db.session.scalars(
            select(ServiceLine)
            .where(ServiceLine.id.in_(keys))
            .options(joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
        )
    }
    chased = {
        row.line_id: row.last
        for row in db.session.execute(
            select(Chase.line_id, func.max(Chase.day).label("last"))
            .where(Chase.line_id.in_(keys))
            .group_by(Chase.line_id)
        )
    }
    return [
        LateLine(
            lines[row.line_id],
            {one: row._mapping[one.value] for one in LateClock},
            chased.get(row.line_id),
        )
        for row in rows
    ]


def _rows(late: Any, *, limit: int | None = None, offset: int = 0) -> list[LateReferral]:
    rows = db.session.execute(
        select(late.c.id, late.c.reference, late.c.clock, late.c.ran_from, late.c.moved)
        .order_by(late.c.ran_from, late.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        LateReferral(
            row.id,
            row.reference,
            LateClock(row.clock),
            late_since(LateClock(row.clock), clock.london(row.ran_from).date(), moved=row.moved),
        )
        for row in rows
    ]
