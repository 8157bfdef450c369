"""Writes of referrals: send, accept, return, offer sessions and record them, complete, withdraw.

What tells who somebody is or what they need goes into sealed columns and nowhere else: never into the audit trail,
a letter, a log or an address.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import letters, queries, rules
from contracts.referrals.models import Referral, Session
from contracts.referrals.queries import SealedWords
from contracts.referrals.rules import (
    REFERRAL_MOVES,
    AbsenceKind,
    Attendance,
    Complexity,
    ReferralStatus,
)
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Full, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.framework.models import DesiredOutcome
from marketplace.vault import vault

REFERENCE_LENGTH = 7


@dataclass(frozen=True, repr=False)
class Need:
    """What an officer writes about one person. Never shown by `repr`, so that no log or trace can hold it."""

    crn: str
    category_code: str
    need: str
    outcome_codes: Sequence[str]
    complexity: Complexity
    rar_days: int | None


def fingerprint(crn: str) -> str:
    """The fingerprint by which the same person is known again without their case reference being stored in clear."""
    return vault().fingerprint(f"crn:{crn}")


def send(line_id: int, written: Need, *, actor: Actor, now: datetime) -> Referral:
    """Refer a person to a service: takes one of its places in this contract year, and tells the service managers.

    Refused where the service is not open, nobody of the supplier is here to receive it, the person has an open
    referral to it, or it is full. The line's row is locked while places are counted, so that no two officers get
    the last one.
    """
    actor.must(Permission.REFER)
    on = clock.london(now).date()
    line = queries.open_line(line_id, on)
    db.session.execute(select(ServiceLine.id).where(ServiceLine.id == line.id).with_for_update(key_share=True))
    crn, outcomes = _check(line, written)
    _refuse_unreceived(line)
    mark = fingerprint(crn)
    _refuse_duplicate(line, mark)
    cap = line.terms_on(on).cap
    if cap is not None:
        first, last = contract_year(line.agreement.starts_on, on)
        if queries.counted(line.id, first, last) >= cap:
            raise Full(rules.full_words(cap))
    referral = Referral(
        reference=rules.reference([secrets.randbelow(1 << 16) for _ in range(REFERENCE_LENGTH)]),
        line=line,
        officer_id=actor.person,
        officer_organisation_id=actor.organisation,
        status=ReferralStatus.SENT,
        crn=crn,
        crn_fingerprint=mark,
        category_code=written.category_code,
        need=written.need,
        complexity=written.complexity,
        rar_days=written.rar_days,
        sent_at=now,
        officer_looked_at=now,
        outcomes=list(outcomes),
    )
    db.session.add(referral)
    try:
        db.session.flush()
    except IntegrityError as error:
        if "uq_referrals_one_open" not in str(error.orig):
            raise
        # The lock makes this all but impossible; the constraint stands all the same.
        raise AlreadyDone(_DUPLICATE, field="crn") from error
    audit.record("Sent to the supplier", referral, actor=actor, now=now, line=line.id)
    letters.sent(referral, now=now)
    return referral


def accept(referral_id: int, *, caseworker_id: int, actor: Actor, now: datetime) -> Referral:
    """Take the referral on and give it to a caseworker of the supplier. Service managers do."""
    referral = _to_be_moved(referral_id, ReferralStatus.ACCEPTED, actor=actor, needs_manager=True)
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
    referral = _to_be_moved(referral_id, ReferralStatus.RETURNED, actor=actor, needs_manager=True)
    _end(referral, ReferralStatus.RETURNED, reason, now=now)
    audit.record("Returned to the officer", referral, actor=actor, now=now)
    letters.returned(referral, now=now)
    db.session.flush()
    return referral


def withdraw(referral_id: int, *, reason: str, actor: Actor, now: datetime) -> Referral:
    """The officer takes the referral back; its place is free again and the supplier is told."""
    referral = _to_be_moved(referral_id, ReferralStatus.WITHDRAWN, actor=actor, needs_manager=False)
    if not queries.is_officer_of(actor, referral):
        raise NotAllowed("Only the officer who sent the referral can withdraw it.")
    _end(referral, ReferralStatus.WITHDRAWN, reason, now=now)
    audit.record("Withdrawn by the officer", referral, actor=actor, now=now)
    letters.withdrawn(referral, now=now)
    db.session.flush()
    return referral


def complete(referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """The service has done its part. Refused while a session that has been is not recorded."""
    referral = _to_be_moved(referral_id, ReferralStatus.COMPLETED, actor=actor, needs_manager=False)
    _must_deliver(actor)
    if any(session.recorded_at is None and session.starts_at <= now for session in referral.sessions):
        raise Refused("Record every session that has taken place first.")
    referral.status, referral.ended_at = ReferralStatus.COMPLETED, now
    audit.record("Completed", referral, actor=actor, now=now, sessions=len(referral.sessions))
    letters.completed(referral, now=now)
    db.session.flush()
    return referral


def offer_session(referral_id: int, *, starts_at: datetime, actor: Actor, now: datetime) -> Session:
    """Put an appointment on record, to come or just past.

    Refused before the referral is accepted, and where there is a session at that moment already.
    """
    referral = queries.referral_for(actor, referral_id, lock=True)
    _must_deliver(actor)
    if referral.status is not ReferralStatus.ACCEPTED or referral.accepted_at is None:
        raise Refused("Sessions can be added while a referral is accepted and not yet completed.")
    if starts_at < referral.sent_at:
        raise Invalid("The session cannot be before the referral was sent.", field="day")
    if db.session.scalar(select(Session.id).where(Session.referral_id == referral.id, Session.starts_at == starts_at)):
        raise AlreadyDone("There is a session at this time already.", field="day")
    last = db.session.scalar(select(func.max(Session.number)).where(Session.referral_id == referral.id)) or 0
    session = Session(referral_id=referral.id, number=last + 1, starts_at=starts_at)
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

    Refused before the session begins, and a second time.
    """
    actor.must(Permission.DELIVER)
    session = queries.session_for(actor, session_id, lock=True)
    referral = queries.referral_for(actor, session.referral_id)
    if session.recorded_at is not None:
        raise AlreadyDone(f"Session {session.number} has been recorded already.")
    if referral.status is not ReferralStatus.ACCEPTED:
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
    return session


def look(referral_id: int, *, actor: Actor, now: datetime) -> SealedWords:
    """Open what is sealed about a referral, and put on record that this person looked.

    The officer's look also marks as seen what had happened since their last one.
    """
    words = queries.sealed_words(actor, referral_id)
    referral = queries.referral_for(actor, referral_id)
    audit.record(LOOKED, referral, actor=actor, now=now)
    if queries.is_officer_of(actor, referral):
        referral.officer_looked_at = now
    db.session.flush()
    return words


LOOKED = "Looked at"
_DUPLICATE = (
    "You or a colleague have already referred this person to this service, and that referral is still open. "
    "Withdraw it first if it was a mistake."
)


def _check(line: ServiceLine, written: Need) -> tuple[str, Sequence[DesiredOutcome]]:
    crn = rules.crn(written.crn)
    if crn is None:
        raise Invalid("Enter a case reference number, like X123456", field="crn")
    if written.category_code not in {category.code for category in line.categories}:
        raise Invalid("Choose a kind of help that this service gives.", field="category")
    if not written.need.strip():
        raise Invalid("Enter what the person needs.", field="need")
    if written.rar_days is not None and not 1 <= written.rar_days <= 365:
        raise Invalid("Enter a number of RAR days between 1 and 365, or leave it empty.", field="rar_days")
    outcomes = db.session.scalars(
        select(DesiredOutcome).where(
            DesiredOutcome.code.in_(written.outcome_codes), DesiredOutcome.category_code == written.category_code
        )
    ).all()
    if len(outcomes) != len(set(written.outcome_codes)):
        raise Invalid("Choose outcomes that belong to the kind of help chosen.", field="outcomes")
    return crn, outcomes


def _refuse_unreceived(line: ServiceLine) -> None:
    if not queries.suppliers_with_somebody([line.agreement.supplier_id]):
        raise Refused(
            f"{line.agreement.supplier.name} does not receive referrals here yet, so nobody would see this one. "
            "Refer the way you do today."
        )


def _refuse_duplicate(line: ServiceLine, mark: str) -> None:
    """Asked before the count, so that a person referred twice is told so rather than that the service is full."""
    if db.session.scalar(
        select(Referral.id).where(
            Referral.line_id == line.id, Referral.crn_fingerprint == mark, Referral.status.in_(rules.OPEN)
        )
    ):
        raise AlreadyDone(_DUPLICATE, field="crn")


def _must_deliver(actor: Actor) -> None:
    if not (actor.is_supplier and actor.may(Permission.DELIVER)):
        raise NotAllowed("Only those who deliver the referral can do this.")


def _to_be_moved(referral_id: int, to: ReferralStatus, *, actor: Actor, needs_manager: bool) -> Referral:
    """The referral, locked, if this actor may see it and it may move to that status."""
    referral = queries.referral_for(actor, referral_id, lock=True)
    if needs_manager and not queries.is_manager_of(actor, referral):
        raise NotAllowed("Only a service manager of the supplier can do this.")
    if to not in REFERRAL_MOVES[referral.status]:
        raise AlreadyDone(f"This referral is {referral.status.value} now, so this can no longer be done.")
    return referral


def _end(referral: Referral, status: ReferralStatus, reason: str, *, now: datetime) -> None:
    if not reason.strip():
        raise Invalid("Enter a reason.", field="reason")
    referral.status, referral.ended_at, referral.ended_reason = status, now, reason.strip()
