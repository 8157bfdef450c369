"""Signing in and out: passwords, lock-out, second factor, sessions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import func, select, update

from marketplace import audit
from marketplace.accounts import queries
from marketplace.accounts.actions.passwords import password_matches
from marketplace.accounts.models import Person, SignInSession
from marketplace.accounts.rules import SECOND_FACTOR_WITHIN, lock_after, token_hash
from marketplace.errors import NotAllowed
from marketplace.extensions import db


@dataclass(frozen=True)
class Entry:
    """A session begun. `token` goes into the browser's cookie; `is_whole` is false while the second factor is owed."""

    token: str
    is_whole: bool


def check_password(email: str, password: str, *, now: datetime, invented_people: bool = True) -> Person | None:
    """The person whose address and password these are; None if they are not, or the account is locked just now.

    The answer is the same for all of these and takes as long, so that nobody learns who has an account. A wrong
    password is counted: the caller commits in either case. Without `invented_people` (production), nobody of the
    demonstration, whose password is known to all, gets in.
    """
    person = db.session.scalar(
        select(Person)
        .where(func.lower(Person.email) == email.strip().lower())
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    matches = password_matches(person, password)
    if person is None or _is_locked(person, now):
        return None
    if not matches or (person.is_demonstration and not invented_people):
        _count_failure(person, now)
        return None
    return person


def _is_locked(person: Person, now: datetime) -> bool:
    return person.locked_until is not None and now < person.locked_until


def _count_failure(person: Person, now: datetime) -> None:
    """Count a wrong password or code. From the fifth in a row on, the account is locked, for longer each time."""
    person.failed_sign_ins += 1
    lock = lock_after(person.failed_sign_ins)
    if lock is not None:
        person.locked_until = now + lock
        audit.record(
            "Locked after wrong passwords or codes",
            person,
            actor=queries.as_actor(person, None, ()),
            now=now,
            failures=person.failed_sign_ins,
            minutes=int(lock.total_seconds() // 60),
        )
    db.session.flush()


def begin(person: Person, *, now: datetime, organisation_id: int | None = None) -> Entry:
    """Begin a session for somebody who has proved their password; it opens nothing while the second factor is owed.

    It acts for the organisation named, else the one the person acted for last, else the first by name.
    """
    if person.totp_confirmed_at is None:
        _forget_failures(person)
    return _new_session(person, organisation_id or _usual_organisation(person), now=now)


def _new_session(
    person: Person,
    organisation_id: int | None,
    *,
    now: datetime,
    second_factor_at: datetime | None = None,
    began_at: datetime | None = None,
) -> Entry:
    token = secrets.token_urlsafe(32)
    row = SignInSession(
        token_hash=token_hash(token),
        person=person,
        organisation_id=organisation_id,
        second_factor_at=second_factor_at,
        created_at=began_at or now,
        last_seen_at=now,
    )
    db.session.add(row)
    db.session.flush()
    return Entry(token, row.is_whole)


def _usual_organisation(person: Person) -> int | None:
    own = [organisation.id for organisation in queries.organisations_of(person.id)]
    last = db.session.scalar(
        select(SignInSession.organisation_id)
        .where(SignInSession.person_id == person.id, SignInSession.organisation_id.in_(own))
        .order_by(SignInSession.id.desc())
        .limit(1)
    )
    return last or (own[0] if own else None)


def _forget_failures(person: Person) -> None:
    person.failed_sign_ins, person.locked_until = 0, None


def half_session(token: str, *, now: datetime) -> SignInSession | None:
    """The session that waits for its second factor, if it has not waited too long."""
    row = queries.sign_in_session(token_hash(token))
    if row is None or row.is_whole or now >= row.created_at + SECOND_FACTOR_WITHIN:
        return None
    return row


def give_second_factor(half: SignInSession, code: str, *, now: datetime) -> Entry | None:
    """Turn a half session into a whole one with a new token; None if the code is wrong or the account locked.

    Wrong codes count as wrong passwords do: the caller commits in either case.
    """
    person = _locked_row(half.person_id)
    if _is_locked(person, now):
        return None
    if not use_code(person, code, now=now):
        _count_failure(person, now)
        return None
    _forget_failures(person)
    half.ended_at = now
    return _new_session(person, half.organisation_id, now=now, second_factor_at=now)


def _locked_row(person_id: int) -> Person:
    return db.session.scalars(
        select(Person).where(Person.id == person_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def use_code(person: Person, code: str, *, now: datetime) -> bool:
    """Whether this is the authenticator's code of now (or half a minute either side), not used before."""
    if person.totp_secret is None:
        return False
    totp = pyotp.TOTP(person.totp_secret)
    present = totp.timecode(now)
    given = "".join(code.split())
    for step in (present - 1, present, present + 1):
        fresh = person.totp_last_step is None or step > person.totp_last_step
        if secrets.compare_digest(totp.generate_otp(step).encode(), given.encode()) and fresh:
            person.totp_last_step = step
            return True
    return False


def act_for(row: SignInSession, organisation_id: int, *, now: datetime) -> Entry:
    """Act for another of one's organisations: the same sign-in, under a new token, for no longer than before."""
    if organisation_id not in [organisation.id for organisation in queries.organisations_of(row.person_id)]:
        raise NotAllowed("You hold no role for this organisation.")
    row.ended_at = now
    return _new_session(
        row.person, organisation_id, now=now, second_factor_at=row.second_factor_at, began_at=row.created_at
    )


def end_sessions(person_id: int, *, now: datetime, only: int | None = None, but: int | None = None) -> None:
    """Sign a person out everywhere; in one browser `only`; or everywhere `but` in one."""
    ending = update(SignInSession).where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
    if only is not None:
        ending = ending.where(SignInSession.id == only)
    if but is not None:
        ending = ending.where(SignInSession.id != but)
    db.session.execute(ending.values(ended_at=now))


def seen(session_id: int, *, now: datetime) -> None:
    """Note that a browser is in use."""
    db.session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.last_seen_at < now)
        .values(last_seen_at=now)
        .execution_options(synchronize_session=False)
    )
