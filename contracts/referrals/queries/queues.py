"""Waiting lists: who waits for a place on a full service, in what order, and how long; for most people in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Row, Select, any_, exists, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, ServiceLine
from contracts.referrals.models import Referral
from contracts.referrals.rules import UNSENT, ReferralStatus
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

_WAITS = Referral.status == ReferralStatus.WAITING


@dataclass(frozen=True)
class Queue:
    """The waiting list of one line, in numbers."""

    waiting: int = 0
    # Places held for people who waited, until their officers take them.
    offered: int = 0
    # When the one who waits longest joined, and the mean of when all joined.
    since: datetime | None = None
    mean_since: datetime | None = None

    def longest_days(self, on: date) -> int:
        """For how many days the one who waits longest has waited."""
        return _days(self.since, on)

    def average_days(self, on: date) -> int:
        """For how many days those who wait have waited on average."""
        return _days(self.mean_since, on)


class QueueOrder(StrEnum):
    """How a list of waiting lists is sorted."""

    WAITING = "waiting"
    LONGEST = "longest"
    TITLE = "title"

    @property
    def label(self) -> str:
        """The order in words."""
        return {QueueOrder.WAITING: "Most waiting first", QueueOrder.LONGEST: "Longest wait first"}.get(self, "Service")


@dataclass(frozen=True)
class LineQueue:
    """A service line and its waiting list in numbers."""

    line: ServiceLine
    queue: Queue


def _days(since: datetime | None, on: date) -> int:
    return 0 if since is None else max((on - clock.london(since).date()).days, 0)


_NUMBERS = (
    func.count().filter(_WAITS).label("waiting"),
    func.count().filter(~_WAITS).label("offered"),
    func.min(Referral.joined_at).filter(_WAITS).label("since"),
    func.to_timestamp(func.avg(func.extract("epoch", Referral.joined_at)).filter(_WAITS)).label("mean_since"),
)


def queue_of(line_id: int) -> Queue:
    """The waiting list of one line."""
    return queues_of([line_id])[line_id]


def queues_of(line_ids: Iterable[int]) -> dict[int, Queue]:
    """The waiting lists of many lines, in one query; empty ones too."""
    found = dict.fromkeys(line_ids, Queue())
    if found:
        rows = db.session.execute(
            select(Referral.line_id, *_NUMBERS)
            .where(Referral.line_id.in_(found), Referral.status.in_(UNSENT))
            .group_by(Referral.line_id)
        )
        found.update((row[0], Queue(*row[1:])) for row in rows)
    return found


def waiting_by_line(line_ids: list[int]) -> dict[int, int]:
    """How many wait for a place on each of these lines; lines on which nobody does are left out."""
    lines = literal(line_ids, ARRAY(BigInteger))
    rows = db.session.execute(
        select(Referral.line_id, func.count()).where(Referral.line_id == any_(lines), _WAITS).group_by(Referral.line_id)
    )
    return {row[0]: row[1] for row in rows}


def place_in_queue(referral: Referral) -> int:
    """Which place a referral has on its line's waiting list: 1 is offered the next place that comes free."""
    ahead = tuple_(Referral.joined_at, Referral.id) <= tuple_(referral.joined_at, referral.id)
    return db.session.scalar(select(func.count()).where(Referral.line_id == referral.line_id, _WAITS, ahead)) or 0


def somebody_waits(line_id: int) -> bool:
    """Whether anybody waits for a place on the line."""
    return bool(db.session.scalar(select(exists().where(Referral.line_id == line_id, _WAITS))))


def first_in_line(line_id: int, most: int | None) -> Sequence[Referral]:
    """Those who wait first, as many as there is room for, held; everybody where there is no cap."""
    return db.session.scalars(
        select(Referral)
        .where(Referral.line_id == line_id, _WAITS)
        .order_by(Referral.joined_at, Referral.id)
        .limit(most)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def offers_run_out(line_id: int, now: datetime) -> Sequence[Referral]:
    """Places of the line that nobody has taken in time, held."""
    return db.session.scalars(
        select(Referral)
        .where(Referral.line_id == line_id, Referral.status == ReferralStatus.OFFERED, Referral.offer_ends_at <= now)
        .order_by(Referral.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def places_held(line_id: int) -> Sequence[Referral]:
    """Those for whom a place of the line is held, in the order in which they joined; themselves held."""
    return db.session.scalars(
        select(Referral)
        .where(Referral.line_id == line_id, Referral.status == ReferralStatus.OFFERED)
        .order_by(Referral.joined_at, Referral.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def last_joined_at(line_id: int) -> datetime | None:
    """When the last one who waits joined."""
    return db.session.scalar(select(func.max(Referral.joined_at)).where(Referral.line_id == line_id, _WAITS))


def lines_to_look_at() -> Sequence[int]:
    """The keys of lines where somebody waits, or a place is held: that may run out, or its contract year be over."""
    offered = Referral.status == ReferralStatus.OFFERED
    return sorted(
        db.session.scalars(
            select(Referral.line_id).where(_WAITS).distinct().union(select(Referral.line_id).where(offered).distinct())
        )
    )


def waiting_lists(actor: Actor, *, text: str, order: QueueOrder, number: int) -> Page[LineQueue]:
    """One page of the services that concern the actor's organisation and have somebody waiting, in numbers."""
    asked = _waiting_lists(actor, text, order)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    return Page(
        [_line_queue(row) for row in db.session.execute(asked.limit(PAGE).offset(before(number)))], total, number
    )


def all_who_wait(actor: Actor) -> Queue:
    """The waiting lists of all services that concern the actor's organisation, as one."""
    theirs = select(ServiceLine.id).join(ServiceLine.agreement).where(agreements.theirs(actor))
    row = db.session.execute(select(*_NUMBERS).where(Referral.status.in_(UNSENT), Referral.line_id.in_(theirs))).one()
    return Queue(*row)


def every_waiting_list(actor: Actor, *, text: str, order: QueueOrder) -> Iterator[LineQueue]:
    """All of them, in order: for downloads."""
    return (_line_queue(row) for row in db.session.execute(_waiting_lists(actor, text, order)))


def _waiting_lists(actor: Actor, text: str, order: QueueOrder) -> Select[Any]:
    actor.must(Permission.SEE_VOLUMES)
    numbers = (
        select(Referral.line_id, *_NUMBERS).where(Referral.status.in_(UNSENT)).group_by(Referral.line_id).subquery()
    )
    asked = (
        select(ServiceLine, numbers.c.waiting, numbers.c.offered, numbers.c.since, numbers.c.mean_since)
        .join(numbers, numbers.c.line_id == ServiceLine.id)
        .join(ServiceLine.agreement)
        .where(agreements.theirs(actor))
        .options(joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
    )
    for word in text.split():
        asked = asked.where(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
        )
    first = {
        QueueOrder.WAITING: numbers.c.waiting.desc(),
        QueueOrder.LONGEST: numbers.c.since.asc().nulls_last(),
        QueueOrder.TITLE: ServiceLine.title,
    }[order]
    return asked.order_by(first, ServiceLine.title, ServiceLine.id)


def _line_queue(row: Row[Any]) -> LineQueue:
    return LineQueue(row[0], Queue(*row[1:]))
