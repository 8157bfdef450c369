"""Referrals that are late, service by service and in numbers: who they are is known to those who deliver alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import Attendance, ReferralStatus
from contracts.volumes.queries.lines import seen_by
from contracts.volumes.rules import ACCEPT_WITHIN, ASSESS_WITHIN, late_before
from marketplace import clock
from marketplace.access import Actor
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


@dataclass(frozen=True)
class Late:
    """What is late at one service."""

    line: ServiceLine
    # Referrals not accepted or returned in time, and those without a session attended in time.
    unaccepted: int
    unassessed: int
    # Referrals with a session that is over and not recorded.
    unrecorded: int
    # When the one that waits longest to be accepted or assessed was sent or accepted.
    since: datetime | None

    def longest_days(self, on: date) -> int:
        """For how many days that one has waited."""
        return 0 if self.since is None else (on - clock.london(self.since).date()).days


def late(actor: Actor, *, text: str, on: date, number: int) -> Page[Late]:
    """One page of the services with something late that concern the actor's organisation, most first."""
    asked = _late(actor, text, on)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.execute(asked.limit(PAGE).offset(before(number)))
    return Page([Late(*row) for row in rows], total, number)


def every_late(actor: Actor, *, text: str, on: date) -> Iterator[Late]:
    """All of them: for downloads."""
    return (Late(*row) for row in db.session.execute(_late(actor, text, on)))


def late_at(actor: Actor, line_id: int, on: date) -> Late | None:
    """What is late at one service; None if nothing is, or the actor may not see it."""
    row = db.session.execute(_late(actor, "", on).where(ServiceLine.id == line_id)).one_or_none()
    return Late(*row) if row else None


def _late(actor: Actor, text: str, on: date) -> Select[Any]:
    came = exists().where(
        Session.referral_id == Referral.id, Session.attendance.in_((Attendance.ATTENDED, Attendance.LATE))
    )
    open_session = exists().where(
        Session.referral_id == Referral.id, Session.recorded_at.is_(None), Session.starts_at < _midnight(on)
    )
    accepted = Referral.status == ReferralStatus.ACCEPTED
    sent = Referral.status == ReferralStatus.SENT
    unaccepted = and_(sent, Referral.sent_at < _midnight(late_before(on, ACCEPT_WITHIN)))
    unassessed = and_(accepted, Referral.accepted_at < _midnight(late_before(on, ASSESS_WITHIN)), ~came)
    unrecorded = and_(accepted, open_session)
    numbers = (
        select(
            Referral.line_id,
            func.count().filter(unaccepted).label("unaccepted"),
            func.count().filter(unassessed).label("unassessed"),
            func.count().filter(unrecorded).label("unrecorded"),
            func.min(func.coalesce(Referral.accepted_at, Referral.sent_at))
            .filter(unaccepted | unassessed)
            .label("since"),
        )
        .where(Referral.status.in_((ReferralStatus.SENT, ReferralStatus.ACCEPTED)))
        .group_by(Referral.line_id)
        .subquery()
    )
    all_late = numbers.c.unaccepted + numbers.c.unassessed + numbers.c.unrecorded
    asked = (
        select(ServiceLine, numbers.c.unaccepted, numbers.c.unassessed, numbers.c.unrecorded, numbers.c.since)
        .join(numbers, numbers.c.line_id == ServiceLine.id)
        .join(ServiceLine.agreement)
        .where(seen_by(actor), all_late > 0)
        .options(joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
        .order_by(all_late.desc(), ServiceLine.title, ServiceLine.id)
    )
    for word in text.split():
        asked = asked.where(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
        )
    return asked


def _midnight(day: date) -> datetime:
    return clock.from_london(datetime.combine(day, time()))
