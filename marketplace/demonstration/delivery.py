"""What came of the awards: contracts signed, people referred, sessions kept and missed, a service handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from calloffs.awards.models import Award
from contracts.agreements import actions as agreeing
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.agreements.rules.years import contract_year, months_after
from contracts.changes import actions as changing
from contracts.handovers import actions as handing_over
from contracts.handovers import queries as handovers
from contracts.handovers.rules import MOST_IN_A_RUN
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from contracts.referrals.queries import counted
from contracts.referrals.rules import AbsenceKind, Attendance, Complexity, ReferralStatus
from contracts.volumes.queries import position
from marketplace import clock
from marketplace.access import SYSTEM, Role
from marketplace.demonstration import scenes
from marketplace.demonstration.cast import REGION, Body
from marketplace.demonstration.scenes import CallOff
from marketplace.extensions import db
from marketplace.framework.models import DesiredOutcome
from marketplace.working_days import is_working_day, next_working_day

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

# Invented case reference numbers count on from here.
FIRST_CRN = 100000
# So many days after it is sent, a referral has its sessions, and comes to its end.
SESSIONS, ENDS = (6, 34, 61), 70


def deliver(play: Play, call_off: CallOff, award: Award, *, starts: date) -> None:
    """Draw the contract, have both sides sign it, and make its referrals."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    with play.at(starts - timedelta(days=20)) as now:
        agreement = agreeing.draw_agreement(award, actor=SYSTEM, now=now)
        if call_off.option:
            decide_by = play.today + timedelta(days=26)
            version = agreement.versions[0]
            changing.add_option(version, months=call_off.option, decide_by=decide_by, actor=manager, now=now)
    winner = next(body for body, *_ in call_off.bidders if play.bodies[body.key].id == award.supplier_id)
    for days, signer in ((16, play.who(winner, Role.SIGNATORY)), (14, play.who(REGION, Role.APPROVER))):
        with play.at(starts - timedelta(days=days)) as now:
            agreeing.sign(agreement, digest=terms_digest(terms(agreement.versions[0])), actor=signer, now=now)
    line = agreement.lines[0]
    service = _Service(play, line, call_off, winner)
    if call_off.follows:
        day = months_after(starts, 1)
        hand_over(play, call_off.follows, call_off.title, day=day, planned=day - timedelta(days=30))
        service.take_on_moved(day)
        service.fill(day + timedelta(days=1))
    else:
        service.run(starts)


def hand_over(play: Play, old: str, new: str, *, day: date | None = None, planned: date) -> None:
    """A service goes to the supplier that won the next contract: on a day, or when that begins. It runs if it has come.

    Whoever plans it does so on the day `planned`.
    """
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    lines = [
        db.session.scalars(select(ServiceLine).join(ServiceLine.agreement).where(Agreement.title == title)).one()
        for title in (old, new)
    ]
    day = day or lines[1].agreement.starts_on
    with play.at(planned, 11) as now:
        handover = handing_over.plan(*lines, day=day, actor=manager, now=now)
        handing_over.agree(handover, actor=manager, now=now)
    if day >= play.today:
        return
    with play.at(day, 7) as now:
        handing_over.begin(handover.id, now=now)
        for referral_id in handovers.next_to_move(handover, MOST_IN_A_RUN):
            handing_over.move_one(handover.id, referral_id, now=now)
        handing_over.finish(handover.id, now=now)


@dataclass
class _Service:
    """One service and those who refer to it and deliver it."""

    play: Play
    line: ServiceLine
    call_off: CallOff
    winner: Body

    def __post_init__(self) -> None:
        play, winner = self.play, self.winner
        self.officers = [play.who(REGION, Role.RESPONSIBLE_OFFICER, number) for number in (0, 1)]
        self.manager = play.who(winner, Role.SERVICE_MANAGER)
        has_caseworkers = any(Role.CASEWORKER in roles for _, roles in winner.people)
        self.caseworker = play.who(winner, Role.CASEWORKER) if has_caseworkers else self.manager
        self.outcomes = db.session.scalars(
            select(DesiredOutcome.code).where(DesiredOutcome.category_code == self.call_off.category)
        ).all()
        self.sent = 0
        # Nothing is recorded after the contract's last day: who is in service then is moved.
        ends_on = self.line.agreement.ends_on or date.max
        self.until = min(play.today, ends_on)

    def run(self, starts: date) -> None:
        """Referrals spread over the working days of each contract year so far, and what became of them."""
        last_day = min(self.play.today - timedelta(days=1), self.line.agreement.ends_on or date.max)
        year, ends = contract_year(self.line.agreement.starts_on, starts)
        while year <= last_day:
            self._year(_working_days(year, min(ends, last_day)), min(ends, self.play.today))
            year, ends = contract_year(self.line.agreement.starts_on, ends + timedelta(days=1))

    def _year(self, days: list[date], on: date) -> None:
        wanted = (position(self.line, on=on).expected or 0) * self.call_off.of_profile // 100
        if self.call_off.left_under_cap is not None:
            wanted = (self.line.terms_on(on).cap or 0) - self.call_off.left_under_cap
        for number in range(wanted if days else 0):
            referral = self._send(days[number * len(days) // wanted])
            if number < wanted - 2:  # the latest two wait to be accepted
                self._live(referral, number)

    def fill(self, first: date) -> None:
        """Referrals until no place is left, and those who wait for one; one of them is offered a place."""
        days = list(_working_days(first, self.play.today - timedelta(days=2)))
        year, _ = contract_year(self.line.agreement.starts_on, first)
        room = (self.line.terms_on(first).cap or 0) - counted(self.line.id, year, self.play.today)
        people = room + self.call_off.waiting
        for number in range(people):
            referral = self._send(days[number * len(days) // people])
            if referral.status is ReferralStatus.SENT and number % 2:
                self._live(referral, number)
            elif not number:
                early = referral
        with self.play.at(self.play.today - timedelta(days=1), 12) as now:
            reason = "The person is in custody again."
            referring.withdraw(early.id, reason=reason, actor=self.officers[0], now=now)

    def take_on_moved(self, day: date) -> None:
        """The people moved here are taken on: all but the last, who waits."""
        moved = db.session.scalars(select(Referral).where(Referral.line_id == self.line.id).order_by(Referral.id)).all()
        for referral in moved[:-1]:
            with self.play.at(next_working_day(day + timedelta(days=4)), 9) as now:
                referring.accept(referral.id, caseworker_id=self.caseworker.person, actor=self.manager, now=now)

    def _send(self, day: date) -> Referral:
        number, self.sent = self.sent, self.sent + 1
        with self.play.at(day, 11) as now:
            return referring.send(
                self.line.id,
                referring.Need(
                    crn=f"X{FIRST_CRN + self.line.id * 1000 + number}",
                    category_code=self.call_off.category,
                    need=scenes.NEEDS[number % len(scenes.NEEDS)],
                    outcome_codes=self.outcomes[:1],
                    complexity=list(Complexity)[number % 3],
                    rar_days=10 + number % 15,
                ),
                actor=self.officers[number % 2],
                now=now,
                or_wait=bool(self.call_off.waiting),
            )

    def _live(self, referral: Referral, number: int) -> None:
        """It is accepted, most have sessions, and after ten weeks it is over: completed, or for a few withdrawn."""
        sent = clock.london(referral.begun_at).date()
        if number % 14 == 9 and self.call_off.left_under_cap is None:
            with self.play.at(next_working_day(sent + timedelta(days=2)), 16) as now:
                referring.return_to_officer(
                    referral.id, reason="The person lives outside our area.", actor=self.manager, now=now
                )
            return
        with self.play.at(next_working_day(sent + timedelta(days=1 if number % 9 else 6)), 9) as now:
            referring.accept(referral.id, caseworker_id=self.caseworker.person, actor=self.manager, now=now)
        if number % 7 == 3:
            return  # nothing recorded
        for which, days in enumerate(SESSIONS):
            self._session(referral, sent + timedelta(days=days), missed=(number + which) % 6 == 4)
        ends = next_working_day(sent + timedelta(days=ENDS))
        if ends >= self.until:
            return
        with self.play.at(ends, 16) as now:
            if number % 11 == 6:
                referring.withdraw(
                    referral.id,
                    reason="The person has moved away.",
                    actor=next(one for one in self.officers if one.person == referral.officer_id),
                    now=now,
                )
                return
            reached = [one.code for one in referral.outcomes] if number % 4 else []
            referring.complete(referral.id, reached=reached, actor=self.caseworker, now=now)

    def _session(self, referral: Referral, day: date, *, missed: bool) -> None:
        day = next_working_day(day)
        if day >= self.until:
            return
        with self.play.at(day - timedelta(days=1), 15) as now:
            starts_at = clock.from_london(datetime.combine(day, time(14)))
            session = referring.offer_session(referral.id, starts_at=starts_at, actor=self.caseworker, now=now)
        with self.play.at(day, 15) as now:
            referring.record_session(
                session.id,
                attendance=Attendance.MISSED if missed else Attendance.ATTENDED,
                absence=AbsenceKind.ACCEPTABLE if missed else None,
                actor=self.caseworker,
                now=now,
            )


def _working_days(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if is_working_day(day)]
