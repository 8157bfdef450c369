"""What came of the awards: contracts signed, people referred, sessions kept and missed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from calloffs.awards.models import Award
from contracts.agreements import actions as agreeing
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.handovers import actions as handing_over
from contracts.invoices import actions as invoicing
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from contracts.referrals.rules import AbsenceKind, Attendance, Complexity
from contracts.volumes.queries import position
from marketplace import clock
from marketplace.access import SYSTEM, Actor, Permission, Role
from marketplace.accounts.queries import actor_for, people_with
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


def deliver(play: Play, call_off: CallOff, award: Award, *, starts: date) -> None:
    """Draw the contract, have both sides sign it, and make its referrals."""
    with play.at(starts - timedelta(days=20)) as now:
        agreement = agreeing.draw_agreement(award, actor=SYSTEM, now=now)
    winner = next(body for body, *_ in call_off.bidders if play.bodies[body.key].id == award.supplier_id)
    for days, signer in ((16, play.who(winner, Role.SIGNATORY)), (14, play.who(REGION, Role.APPROVER))):
        with play.at(starts - timedelta(days=days)) as now:
            agreeing.sign(agreement, digest=terms_digest(terms(agreement.versions[0])), actor=signer, now=now)
    _referrals(play, agreement.lines[0], call_off, winner, starts=starts)


def hand_over(play: Play, old: str, new: str) -> None:
    """A service goes to the supplier that won the next contract, on the day on which that begins."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    lines = [
        db.session.scalars(select(ServiceLine).join(ServiceLine.agreement).where(Agreement.title == title)).one()
        for title in (old, new)
    ]
    with play.at(play.today, 11) as now:
        handover = handing_over.plan(*lines, day=lines[1].agreement.starts_on, actor=manager, now=now)
        handing_over.agree(handover, actor=manager, now=now)


def approve_older() -> None:
    """Contract managers have approved every invoice but those of the month that ended last."""
    waiting = select(Invoice).where(Invoice.status == InvoiceStatus.AWAITING_APPROVAL)
    latest = db.session.scalar(select(func.max(Invoice.month)))
    for invoice in db.session.scalars(waiting.where(Invoice.month < latest)).all():
        body = invoice.agreement.commissioner_id
        manager = next(iter(people_with(body, Permission.APPROVE_INVOICES)), None)
        if manager is not None:
            invoicing.approve(invoice, actor=actor_for(manager.id, body), now=clock.now())


def _referrals(play: Play, line: ServiceLine, call_off: CallOff, winner: Body, *, starts: date) -> None:
    """Referrals spread over the working days since the contract began; most accepted, with sessions."""
    days = [
        starts + timedelta(days=offset)
        for offset in range((play.today - starts).days)
        if is_working_day(starts + timedelta(days=offset))
    ]
    officers = [play.who(REGION, Role.RESPONSIBLE_OFFICER, number) for number in (0, 1)]
    manager = play.who(winner, Role.SERVICE_MANAGER)
    caseworkers = [name for name, roles in winner.people if Role.CASEWORKER in roles]
    caseworker = play.who(winner, Role.CASEWORKER) if caseworkers else manager
    outcomes = db.session.scalars(
        select(DesiredOutcome.code).where(DesiredOutcome.category_code == call_off.category)
    ).all()
    expected = position(line, on=play.today).expected or 0
    wanted = expected * call_off.of_profile // 100 if days else 0
    if call_off.left_under_cap is not None:
        wanted = (line.terms_on(play.today).cap or 0) - call_off.left_under_cap
    for number in range(wanted):
        with play.at(days[number * len(days) // wanted], 11) as now:
            referral = referring.send(
                line.id,
                referring.Need(
                    crn=f"X{FIRST_CRN + line.id * 1000 + number}",
                    category_code=call_off.category,
                    need=scenes.NEEDS[number % len(scenes.NEEDS)],
                    outcome_codes=outcomes[:1],
                    complexity=list(Complexity)[number % 3],
                    rar_days=10 + number % 15,
                ),
                actor=officers[number % 2],
                now=now,
            )
        if number >= wanted - 2:
            continue  # the latest two wait to be accepted
        with play.at(next_working_day(clock.london(now).date() + timedelta(days=1)), 9) as now:
            referring.accept(referral.id, caseworker_id=caseworker.person, actor=manager, now=now)
        if number % 4 == 0:
            _session(play, referral, caseworker, after=clock.london(now).date(), missed=number % 8 == 4)


def _session(play: Play, referral: Referral, caseworker: Actor, *, after: date, missed: bool) -> None:
    day = next_working_day(after + timedelta(days=5))
    if day >= play.today:
        return
    with play.at(after, 15) as now:
        session = referring.offer_session(
            referral.id,
            starts_at=clock.from_london(datetime.combine(day, time(14))),
            actor=caseworker,
            now=now,
        )
    with play.at(day, 15) as now:
        referring.record_session(
            session.id,
            attendance=Attendance.MISSED if missed else Attendance.ATTENDED,
            absence=AbsenceKind.ACCEPTABLE if missed else None,
            actor=caseworker,
            now=now,
        )
