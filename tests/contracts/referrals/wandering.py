"""Random referrals: whatever officers and suppliers may do, in any order. The seed says which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import actions, queries
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import OPEN, UNSENT, AbsenceKind, Attendance, Complexity, ReferralStatus
from marketplace import clock
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import Refused
from marketplace.extensions import db
from tests.factories.accounts import make_actor
from tests.factories.referrals import make_need, make_officer

Status = ReferralStatus


@dataclass
class Wanderer:
    """Does one random thing after another to the referrals of a few lines; what is refused was worth a try."""

    seed: int
    lines: Sequence[int]
    officer: Actor
    managers: dict[int, Actor]
    done: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def step(self, now: datetime, *, nobody_answers_at: int | None = None) -> None:
        """One thing, chosen by chance; what the clock brings comes first, as the timetable would have it.

        Where nobody answers, people join and leave, so that places are held.
        """
        for line in self.lines:
            actions.settle(line, now=now)
        work: Callable[[datetime], object] = self.random.choice(
            [
                *(self.send, self.send, self.join, self.join, self.join, self.confirm, self.leave),
                *(self.accept, self.give_back, self.withdraw, self.attend, self.complete),
                *(
                    self.offer,
                    self.record_late,
                    self.record_late,
                    self.move,
                    self.move_queue,
                    self.undo_move,
                    self.undo_move,
                    self.undo_move,
                ),
            ]
        )
        lines = self.lines
        if nobody_answers_at is not None:
            self.lines = [nobody_answers_at]
            work = self.random.choice([self.join, self.give_back, self.withdraw, self.withdraw])
        try:
            work(now)
        except Refused as refused:
            self.refused.append(refused)
        else:
            self.done.append(work.__name__)
        finally:
            self.lines = lines

    def send(self, now: datetime) -> None:
        crn = f"X{self.random.randrange(1_000_000):06}"
        actions.send(self.random.choice(self.lines), make_need(crn), actor=self.officer, now=now)

    def join(self, now: datetime) -> None:
        crn = f"X{self.random.randrange(1_000_000):06}"
        actions.send(self.random.choice(self.lines), make_need(crn), actor=self.officer, now=now, or_wait=True)

    def confirm(self, now: datetime) -> None:
        referral, _ = self._one(Status.OFFERED)
        actions.confirm(referral, need="As before.", complexity=Complexity.LOW, actor=self.officer, now=now)

    def leave(self, now: datetime) -> None:
        referral, _ = self._one(Status.WAITING, Status.OFFERED)
        actions.leave(referral, actor=self.officer, now=now)

    def accept(self, now: datetime) -> None:
        referral, manager = self._one(Status.SENT)
        actions.accept(referral, caseworker_id=manager.person, actor=manager, now=now)

    def give_back(self, now: datetime) -> None:
        referral, manager = self._one(Status.SENT)
        actions.return_to_officer(referral, reason="No", actor=manager, now=now)

    def withdraw(self, now: datetime) -> None:
        referral, _ = self._one(Status.SENT, Status.ACCEPTED)
        actions.withdraw(referral, reason="Recalled", actor=self.officer, now=now)

    def attend(self, now: datetime) -> None:
        referral, manager = self._one(Status.ACCEPTED)
        session = actions.offer_session(referral, starts_at=now, actor=manager, now=now)
        attendance = self.random.choice(list(Attendance))
        absence = AbsenceKind.ACCEPTABLE if attendance is Attendance.MISSED else None
        actions.record_session(session.id, attendance=attendance, absence=absence, actor=manager, now=now)

    def offer(self, now: datetime) -> None:
        referral, manager = self._one(Status.ACCEPTED)
        actions.offer_session(referral, starts_at=now, actor=manager, now=now)

    def record_late(self, now: datetime) -> None:
        """What became of a session is said once the person has been moved on."""
        asked = select(Session.id, Referral.line_id).join(Session.referral)
        asked = asked.where(Referral.status == Status.TRANSFERRED, Session.recorded_at.is_(None))
        found = db.session.execute(asked.where(Referral.line_id.in_(self.lines)).order_by(Session.id)).all()
        if not found:
            raise Refused("Everything is recorded.")
        session, line = self.random.choice(found)
        attendance = self.random.choice([Attendance.MISSED, Attendance.ATTENDED])
        absence = AbsenceKind.ACCEPTABLE if attendance is Attendance.MISSED else None
        actions.record_session(session, attendance=attendance, absence=absence, actor=self.managers[line], now=now)

    def complete(self, now: datetime) -> None:
        referral, manager = self._one(Status.ACCEPTED)
        actions.complete(referral, actor=manager, now=now)

    def move(self, now: datetime) -> None:
        referral, _ = self._one(*OPEN)
        actions.transfer(referral, self.random.choice(self.lines), actor=SYSTEM, now=now)

    def move_queue(self, now: datetime) -> None:
        line, to = self.random.sample(list(self.lines), 2)
        asked = select(Referral.id).where(Referral.line_id == line, Referral.status.in_(UNSENT)).order_by(Referral.id)
        actions.transfer_queue(line, to, db.session.scalars(asked.limit(3)).all(), actor=SYSTEM, now=now)

    def undo_move(self, now: datetime) -> None:
        asked = select(Referral.id).where(
            Referral.moved_from_id.is_not(None),
            Referral.status.in_(UNSENT | {Status.SENT}),
            Referral.line_id.in_(self.lines),
        )
        latest = db.session.scalar(asked.order_by(Referral.id.desc()).limit(1))
        if latest is None:
            raise Refused("Nothing was moved.")
        actions.undo_transfer(latest, actor=SYSTEM, now=now)

    def _one(self, *statuses: Status) -> tuple[int, Actor]:
        found = db.session.execute(
            select(Referral.id, Referral.line_id)
            .where(Referral.status.in_(statuses), Referral.line_id.in_(self.lines))
            .order_by(Referral.id)
        ).all()
        if not found:
            raise Refused("There is nothing to choose from.")
        referral, line = self.random.choice(found)
        return referral, self.managers[line]


def a_wanderer(seed: int, lines: Sequence[ServiceLine]) -> Wanderer:
    """Somebody who does as the seed says, on these lines."""
    managers = {line.id: make_actor(line.agreement.supplier, Role.SERVICE_MANAGER) for line in lines}
    return Wanderer(seed, [line.id for line in lines], make_officer(), managers)


def assert_counted_as_told(line: ServiceLine, *, clocks_differ: bool = False) -> None:
    """The running counters say for every day what the referrals say, and nobody has gone over the cap on any day.

    Where those who act have clocks that differ by days, a day in between may show a place that was given back by a
    later clock and taken again by an earlier one: the cap is then held against the end of each contract year.
    """
    assert queries.differences(line) == []
    db.session.expire_all()
    came = set(
        db.session.scalars(
            select(Session.referral_id).where(Session.attendance.in_([Attendance.ATTENDED, Attendance.LATE]))
        )
    )
    may_have_come = set(
        db.session.scalars(
            select(Session.referral_id)
            .join(Session.referral)
            .where(Session.recorded_at.is_(None), Session.starts_at <= Referral.ended_at)
        )
    )
    for one in db.session.scalars(select(Referral).where(Referral.line_id == line.id)):
        freed = one.status is Status.RETURNED or (one.status is Status.WITHDRAWN and one.id not in came)
        # Whoever came to a session, or may have, keeps the place used when moved on; any other place is given back.
        freed = freed or (one.status is Status.TRANSFERRED and one.id not in came | may_have_come)
        ended = one.status in (Status.WITHDRAWN, Status.TRANSFERRED)
        never = one.status is Status.WAITING or (ended and not (one.sent_at or one.offered_at))
        assert (one.placed_at is None) is never, one.reference
        assert (one.released_at is not None) is (freed and not never), one.reference
        if one.placed_at and one.released_at and not one.sent_at:
            # Whoever was never sent counts in no contract year that is over.
            taken, given = (clock.london(at).date() for at in (one.placed_at, one.released_at))
            assert given <= contract_year(line.agreement.starts_on, taken)[1], one.reference
    cap = line.terms_on(line.agreement.starts_on).cap
    if cap is not None:
        days = [row for _, row in sorted(queries.running(line.id).items())]
        ends = {row.year_begins: row.total for row in days}
        assert max(ends.values() if clocks_differ else (row.total for row in days), default=0) <= cap


def assert_nobody_waits_beside_room(line: ServiceLine, now: datetime) -> None:
    """Whoever waits does so because there is no room."""
    assert not queries.somebody_waits(line.id) or queries.room(line, clock.london(now).date()) == 0


def earlier_by_chance(random: Random, now: datetime) -> datetime:
    """Now, or what a clock says that was read before another transaction went in: up to a day earlier."""
    return now - timedelta(hours=random.choice([0, 0, 0, 1, 24]))
