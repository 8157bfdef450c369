"""Contracts with referrals that did well or badly, scorecards, and both sides' managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from contracts.agreements.models import Agreement, ServiceLine
from contracts.performance import actions
from contracts.performance.models import MeasureTarget, Scorecard
from contracts.performance.rules import Measure, Target
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import AbsenceKind, Attendance, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.extensions import db
from tests.factories.accounts import make_actor
from tests.factories.referrals import make_officer, make_referral, make_service

AUGUST = date(2026, 8, 1)
SEPTEMBER = date(2026, 9, 1)
# August's scorecards can be made from here on.
MADE = datetime(2026, 9, 8, 6, 0, tzinfo=UTC)


@dataclass
class Performer:
    """A signed contract of one service, and who manages it for either side."""

    line: ServiceLine

    @property
    def agreement(self) -> Agreement:
        """Its contract."""
        return self.line.agreement

    @cached_property
    def manager(self) -> Actor:
        """The lead commissioner's contract manager."""
        return make_actor(self.agreement.commissioner, Role.CONTRACT_MANAGER, name="Carys Price")

    @cached_property
    def deliverer(self) -> Actor:
        """The supplier's service manager."""
        return make_actor(self.agreement.supplier, Role.SERVICE_MANAGER, name="Ravi Patel")

    @cached_property
    def officer(self) -> Actor:
        """Who refers."""
        return make_officer()

    @cached_property
    def caseworker(self) -> Actor:
        """Who delivers."""
        return make_actor(self.agreement.supplier, Role.CASEWORKER)

    def referral(
        self,
        sent_at: datetime,
        *,
        accepted_at: datetime | None = None,
        ended_at: datetime | None = None,
        status: ReferralStatus | None = None,
    ) -> Referral:
        """One referral at its moments; open, or ended with that status."""
        status = status or (ReferralStatus.ACCEPTED if accepted_at else ReferralStatus.SENT)
        made = make_referral(
            self.line,
            officer=self.officer,
            status=status,
            caseworker=self.caseworker if accepted_at else None,
            sent_at=sent_at,
        )
        made.accepted_at, made.ended_at = accepted_at, ended_at
        if made.released_at is not None and ended_at is not None:
            made.released_at = ended_at
        db.session.flush()
        return made

    def session(
        self,
        referral: Referral,
        starts_at: datetime,
        *,
        entered_at: datetime | None = None,
        recorded_at: datetime | None = None,
        came: bool = True,
    ) -> Session:
        """A session, entered as it began if nothing else is said, and recorded if that is said."""
        number = len(referral.sessions) + 1
        attendance = (Attendance.ATTENDED if came else Attendance.MISSED) if recorded_at else None
        made = Session(
            referral=referral,
            number=number,
            starts_at=starts_at,
            entered_at=entered_at or starts_at,
            recorded_at=recorded_at,
            recorded_by=self.caseworker.person if recorded_at else None,
            attendance=attendance,
            absence=AbsenceKind.UNACCEPTABLE if attendance is Attendance.MISSED else None,
        )
        db.session.add(made)
        db.session.flush()
        return made

    def good_months(self, count: int = 5) -> None:
        """So many referrals of July that go well through August."""
        sent = datetime(2026, 7, 24, 9, 0, tzinfo=UTC)
        for _ in range(count):
            one = self.referral(sent, accepted_at=sent + timedelta(hours=3))
            for days in (7, 14, 21, 35):
                at = sent + timedelta(days=days)
                self.session(one, at, recorded_at=at + timedelta(hours=1))

    def bad_months(self, count: int = 5) -> None:
        """So many referrals whose sessions of August were all recorded a day late."""
        sent = datetime(2026, 7, 24, 9, 0, tzinfo=UTC)
        for _ in range(count):
            one = self.referral(sent, accepted_at=sent + timedelta(hours=3))
            at = sent + timedelta(days=14)
            self.session(one, at, recorded_at=at + timedelta(days=1))

    def card(self, month: date = AUGUST, *, now: datetime = MADE) -> Scorecard:
        """The scorecard of a month that is over."""
        _ = self.manager, self.deliverer
        (made,) = actions.make_scorecards([self.agreement.id], month, now=now)
        return made

    def proposed(self, measure: Measure = Measure.ATTENDED, percent: int = 80, **changed: object) -> MeasureTarget:
        """A target that the contract manager proposes, to apply from September."""
        _ = self.deliverer
        values: dict[str, object] = {
            "from_month": SEPTEMBER,
            "why": "As in the bid.",
            "actor": self.manager,
            "now": MADE,
            **changed,
        }
        return actions.propose(self.agreement, measure, Target(percent, 5), **values)  # type: ignore[arg-type]


def make_performer(**service: object) -> Performer:
    """A contract that began in April 2026."""
    return Performer(make_service(with_manager=False, **service))  # type: ignore[arg-type]
