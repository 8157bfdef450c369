"""What becomes of each referral of a handover: by reference only, never what is sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from contracts.handovers.models import Handover, HandoverCase
from contracts.handovers.rules import Decision, Fate, late_if_moved_by
from contracts.referrals import queries as referrals
from contracts.referrals.models import Referral
from contracts.referrals.rules import OPEN, UNSENT, Obstacle, ReferralStatus, taken_on_by
from marketplace import clock
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

IN_SERVICE = frozenset({ReferralStatus.SENT, ReferralStatus.ACCEPTED})


@dataclass(frozen=True)
class Case:
    """One referral of a handover by its reference: where it stands, what becomes of it, and as what it goes on."""

    referral_id: int
    reference: str
    status: ReferralStatus
    fate: Fate
    obstacle: Obstacle | None
    moved_to: str | None
    moved_to_id: int | None
    new_status: ReferralStatus | None
    new_sent_at: datetime | None
    moved_at: datetime | None

    @property
    def due_on(self) -> date | None:
        """The last day on which the person should be taken on there (R92); None before the referral is sent."""
        return None if self.new_sent_at is None else taken_on_by(clock.london(self.new_sent_at).date())

    def is_late(self, on: date) -> bool:
        """Whether that day is over and the person is not taken on."""
        return self.due_on is not None and self.due_on < on and self.new_status is ReferralStatus.SENT


@dataclass(frozen=True)
class Tally:
    """How many referrals of a handover have which fate; those that go, by status."""

    goes: int = 0
    goes_in_service: int = 0
    cannot: int = 0
    stays: int = 0
    moved: int = 0
    not_taken_on: int = 0
    late: int = 0


class CaseOrder(StrEnum):
    """How the cases of a handover are sorted."""

    REFERENCE = "reference"
    STATUS = "status"
    MOVED = "moved"

    @property
    def label(self) -> str:
        """The order in words."""
        return {CaseOrder.MOVED: "Moved first"}.get(self, self.value.capitalize())


_new = aliased(Referral)


def _columns(handover: Handover) -> tuple[ColumnElement[Any], ...]:
    return (
        referrals.obstacle_to(handover.to_line_id).label("obstacle"),
        case(
            (_new.id.is_not(None), Fate.MOVED.value),
            (HandoverCase.decision == Decision.STAY, Fate.STAYS.value),
            (referrals.obstacle_to(handover.to_line_id).is_not(None), Fate.CANNOT.value),
            else_=Fate.GOES.value,
        ).label("fate"),
    )


def _cases(handover: Handover) -> Select[Any]:
    """Every referral that is open with the old service, and those that were moved from it by this handover."""
    obstacle, fate = _columns(handover)
    return (
        select(
            Referral.id,
            Referral.reference,
            Referral.status,
            fate,
            obstacle,
            _new.reference.label("moved_to"),
            _new.id.label("moved_to_id"),
            _new.status.label("new_status"),
            _new.sent_at.label("new_sent_at"),
            HandoverCase.moved_at,
            Referral.joined_at,
            func.coalesce(Referral.sent_at, Referral.joined_at).label("begun_at"),
        )
        .outerjoin(
            HandoverCase,
            and_(HandoverCase.referral_id == Referral.id, HandoverCase.handover_id == handover.id),
        )
        .outerjoin(_new, and_(_new.id == HandoverCase.moved_to_id, _new.move_undone_at.is_(None)))
        .where(Referral.line_id == handover.from_line_id, or_(Referral.status.in_(OPEN), _new.id.is_not(None)))
    )


def tally_of(handover: Handover, on: date) -> Tally:
    """How many have which fate. One query, whatever their number."""
    rows = _cases(handover).subquery()
    goes, moved = rows.c.fate == Fate.GOES.value, rows.c.fate == Fate.MOVED.value
    waits = and_(moved, rows.c.new_status.in_(UNSENT | {ReferralStatus.SENT}))
    found = db.session.execute(
        select(
            *(
                func.count().filter(which)
                for which in (
                    goes,
                    and_(goes, rows.c.status.in_(IN_SERVICE)),
                    rows.c.fate == Fate.CANNOT.value,
                    rows.c.fate == Fate.STAYS.value,
                    moved,
                    waits,
                    and_(
                        moved,
                        rows.c.new_status == ReferralStatus.SENT,
                        rows.c.new_sent_at < clock.ends(late_if_moved_by(on)),
                    ),
                )
            )
        )
    ).one()
    return Tally(*tuple(found))


def cases(handover: Handover, *, fate: Fate | None, order: CaseOrder, number: int) -> Page[Case]:
    """One page of the cases. Whoever asks has been let in by `may_see_cases`."""
    asked = _narrowed(handover, fate, order)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.execute(asked.limit(PAGE).offset(before(number)))
    return Page([_case(row) for row in rows], total, number)


def every_case(handover: Handover, *, fate: Fate | None, order: CaseOrder) -> Iterator[Case]:
    """All of them, in order: for downloads."""
    return (_case(row) for row in db.session.execute(_narrowed(handover, fate, order)))


def _narrowed(handover: Handover, fate: Fate | None, order: CaseOrder) -> Select[Any]:
    asked = _cases(handover)
    if fate is not None:
        asked = asked.where(_columns(handover)[1] == fate.value)
    first = {
        CaseOrder.REFERENCE: Referral.reference,
        CaseOrder.STATUS: Referral.status,
        CaseOrder.MOVED: HandoverCase.moved_at.asc().nulls_last(),
    }[order]
    return asked.order_by(first, Referral.reference)


def _case(row: Row[Any]) -> Case:
    return Case(
        row.id,
        row.reference,
        row.status,
        Fate(row.fate),
        Obstacle(row.obstacle) if row.obstacle and row.fate == Fate.CANNOT.value else None,
        row.moved_to,
        row.moved_to_id,
        row.new_status,
        row.new_sent_at,
        row.moved_at,
    )


def case_of(handover_id: int, referral_id: int) -> HandoverCase | None:
    """What was decided and done about one referral."""
    return db.session.get(HandoverCase, (handover_id, referral_id), populate_existing=True)


def case_by_new(handover_id: int, new_referral_id: int) -> HandoverCase | None:
    """The case whose referral goes on as this one."""
    return db.session.scalar(
        select(HandoverCase).where(HandoverCase.handover_id == handover_id, HandoverCase.moved_to_id == new_referral_id)
    )


def still_goes(handover: Handover, referral_id: int) -> bool:
    """Whether this referral still goes."""
    asked = _cases(handover).where(Referral.id == referral_id, _columns(handover)[1] == Fate.GOES.value)
    return db.session.execute(asked).first() is not None


def next_to_move(handover: Handover, most: int) -> list[int]:
    """The next referrals to go of those the old supplier works with, who came first going first."""
    rows = _cases(handover).where(Referral.status.in_(IN_SERVICE), _columns(handover)[1] == Fate.GOES.value)
    return [row.id for row in db.session.execute(rows.order_by("begun_at", Referral.id).limit(most))]


def queue_to_move(handover: Handover) -> list[int]:
    """Those of the old service's waiting list that go."""
    rows = _cases(handover).where(Referral.status.in_(UNSENT), _columns(handover)[1] == Fate.GOES.value)
    return [row.id for row in db.session.execute(rows.order_by(Referral.joined_at, Referral.id))]


def next_to_undo(handover: Handover, most: int) -> list[int]:
    """The next referrals that came by this handover and whose move is to be undone: those moved last go first."""
    rows = db.session.scalars(
        select(_new.id)
        .join(HandoverCase, HandoverCase.moved_to_id == _new.id)
        .where(
            HandoverCase.handover_id == handover.id,
            HandoverCase.kept_at.is_(None),
            _new.move_undone_at.is_(None),
        )
        .order_by(HandoverCase.moved_at.desc(), HandoverCase.referral_id.desc())
        .limit(most)
    )
    return list(rows)
