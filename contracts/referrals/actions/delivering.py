"""What suppliers do with referrals: accept or return them, offer sessions, record them, complete.

What tells who somebody is or what they need goes into sealed columns and nowhere else: never into the audit trail,
a letter, a log or an address.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from contracts.referrals import letters, queries, rules
from contracts.referrals.actions import counting, waiting
from contracts.referrals.actions.moving import end, to_be_moved
from contracts.referrals.models import Referral, ReferralOutcome, Session
from contracts.referrals.rules import AbsenceKind, Attendance, ReferralStatus
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db


def accept(referral_id: int, *, caseworker_id: int, actor: Actor, now: datetime) -> Referral:
    """Take the referral on and give it to a caseworker of the supplier. Service managers do."""
    referral = to_be_moved(referral_id, ReferralStatus.ACCEPTED, actor=actor, needs_manager=True)
    supplier_id = referral.line.agreement.supplier_id
    chosen = next((one for one in queries.caseworkers(supplier_id) if one.id == caseworker_id), None)
    if chosen is None:
        raise Invalid("Choose one of your organisation’s caseworkers.", field="caseworker")
    referral.caseworker, referral.accepted_at = chosen, now
    referral.status = ReferralStatus.ACCEPTED
    audit.record("Accepted and given to a caseworker", referral, actor=actor, now=now, caseworker=chosen.id)
    letters.accepted(referral, now=now)
    db.session.flush()
    return referral


def return_to_officer(referral_id: int, *, reason: str, actor: Actor, now: datetime) -> Referral:
    """Give the referral back with a reason; its place is free again and the officer is told."""
    referral = to_be_moved(referral_id, ReferralStatus.RETURNED, actor=actor, needs_manager=True, counts=True)
    end(referral, ReferralStatus.RETURNED, reason, now=now)
    counting.give_back(referral, now=now)
    audit.record("Returned to the officer", referral, actor=actor, now=now)
    letters.returned(referral, now=now)
    db.session.flush()
    waiting.pass_on(referral.line_id, now=now)
    return referral


def complete(referral_id: int, *, reached: Collection[str] | None = None, actor: Actor, now: datetime) -> Referral:
    """The service has done its part, and says which of the desired outcomes were reached; None says nothing of them.

    Refused while a session that has been is not recorded, and for an outcome that was not desired.
    """
    referral = to_be_moved(referral_id, ReferralStatus.COMPLETED, actor=actor, counts=True)
    _must_deliver(actor)
    if any(session.recorded_at is None and session.starts_at <= now for session in referral.sessions):
        raise Refused("Record every session that has taken place first.")
    if reached is not None:
        if not set(reached) <= {one.code for one in referral.outcomes}:
            raise Invalid("Choose among the outcomes that were desired.", field="reached")
        db.session.execute(
            update(ReferralOutcome)
            .where(ReferralOutcome.referral_id == referral.id)
            .values(reached=ReferralOutcome.outcome_code.in_(reached))
        )
    referral.status, referral.ended_at = ReferralStatus.COMPLETED, now
    counting.see_through(referral)
    audit.record("Completed", referral, actor=actor, now=now, sessions=len(referral.sessions))
    letters.completed(referral, now=now)
    db.session.flush()
    return referral


def offer_session(referral_id: int, *, starts_at: datetime, actor: Actor, now: datetime) -> Session:
    """Put an appointment on record, to come or just past.

    Refused before the referral is accepted, more than a year ahead, and where there is a session at that moment.
    """
    referral = queries.referral_for(actor, referral_id, lock=True)
    _must_deliver(actor)
    if referral.status is not ReferralStatus.ACCEPTED:
        raise Refused("Sessions can be added while a referral is accepted and not yet completed.")
    if starts_at < referral.begun_at:
        raise Invalid("The session cannot be before the referral was sent.", field="day")
    if starts_at > now + timedelta(days=rules.SESSION_DAYS_AHEAD):
        raise Invalid("The session must be within a year from today.", field="day")
    if db.session.scalar(select(Session.id).where(Session.referral_id == referral.id, Session.starts_at == starts_at)):
        raise AlreadyDone("There is a session at this time already.", field="day")
    last = db.session.scalar(select(func.max(Session.number)).where(Session.referral_id == referral.id)) or 0
    session = Session(referral_id=referral.id, number=last + 1, starts_at=starts_at, entered_at=now)
    db.session.add(session)
    db.session.flush()
    audit.record(f"Added session {session.number}", referral, actor=actor, now=now, session=session.id)
    return session


def record_session(
    session_id: int,
    *,
    attendance: Attendance,
    absence: AbsenceKind | None = None,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> Session:
    """Say whether the person came. A miss tells the officer at once (R87); it stays with them to act on it.

    If that was what the old supplier of somebody who was moved had still to say, and the person never came, its place
    is given back. Refused before the session begins, and a second time.
    """
    actor.must(Permission.DELIVER)
    # The referral is held first, so that it cannot be withdrawn as not begun while an attendance is recorded.
    referral_id = queries.session_for(actor, session_id).referral_id
    counting.hold(queries.line_of(actor, referral_id))
    referral = queries.referral_for(actor, referral_id, lock=True)
    session = queries.session_for(actor, session_id, lock=True)
    if session.recorded_at is not None:
        raise AlreadyDone(f"Session {session.number} has been recorded already.")
    if not queries.may_be_recorded(referral, session):
        raise Refused("This referral has ended, so its sessions can no longer be recorded.")
    if now < session.starts_at:
        raise Invalid("A session can be recorded once it has begun.", field="attendance")
    if attendance is Attendance.MISSED and absence is None:
        raise Invalid("Choose whether the absence was acceptable.", field="absence")
    session.attendance = attendance
    session.absence = absence if attendance is Attendance.MISSED else None
    session.note = note or None
    session.recorded_at, session.recorded_by = now, actor.person
    db.session.flush()
    audit.record(
        f"Recorded session {session.number}: {attendance.label.lower()}",
        referral,
        actor=actor,
        now=now,
        session=session.id,
    )
    if attendance is Attendance.MISSED:
        oversight = session.absence is AbsenceKind.ACCEPTABLE and rules.calls_for_oversight(
            one.absence for one in referral.sessions
        )
        if oversight:
            audit.record("Three acceptable absences: a manager must look at this case", referral, actor=actor, now=now)
        letters.missed(referral, session, oversight=oversight, now=now)
        db.session.flush()
        if referral.status is ReferralStatus.TRANSFERRED and not queries.was_worked_on(referral, now):
            counting.give_back(referral, now=now)
            waiting.pass_on(referral.line_id, now=now)
    return session


def _must_deliver(actor: Actor) -> None:
    if not (actor.is_supplier and actor.may(Permission.DELIVER)):
        raise NotAllowed("Only those who deliver the referral can do this.")
