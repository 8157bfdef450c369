"""What a person does with their own account: password, second factor."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
from sqlalchemy import func, select

from marketplace import audit
from marketplace.accounts import letters, queries
from marketplace.accounts.actions.passwords import set_password
from marketplace.accounts.actions.signing_in import check_password, end_sessions, use_code
from marketplace.accounts.models import OneTimeLink, Person, SignInSession
from marketplace.accounts.rules import RESET_EVERY, RESET_LASTS, token_hash
from marketplace.errors import AlreadyDone, Invalid, NotFound
from marketplace.extensions import db


def ask_for_reset(email: str, *, now: datetime) -> None:
    """Send a link for a new password, if this is somebody's address. The answer never says whether it is."""
    person = queries.person_by_email(email)
    if person is None:
        return
    lately = db.session.scalar(
        select(OneTimeLink.id).where(
            OneTimeLink.kind == "reset",
            func.lower(OneTimeLink.email) == person.email.lower(),
            OneTimeLink.created_at > now - RESET_EVERY,
        )
    )
    if lately is not None:
        return
    token = secrets.token_urlsafe(32)
    link = OneTimeLink(
        kind="reset", token_hash=token_hash(token), email=person.email, created_at=now, expires_at=now + RESET_LASTS
    )
    db.session.add(link)
    db.session.flush()
    letters.reset(person, link, token, now=now)


def reset_password(token: str, password: str, *, now: datetime) -> Person:
    """Choose a new password by the link. Ends every session and every lock; the second factor stays."""
    queries.one_time_link("reset", token_hash(token), now=now)
    link = take_link(token, now=now)
    person = queries.person_by_email(link.email)
    if person is None:
        raise NotFound("There is no account for this address any more.")
    set_password(person, password)
    person.failed_sign_ins, person.locked_until = 0, None
    end_sessions(person.id, now=now)
    _changed(person, "A new password was chosen", now)
    return person


def take_link(token: str, *, now: datetime) -> OneTimeLink:
    """Use up a one-time link. Two browsers at once: the row's lock lets one of them."""
    link = db.session.scalars(
        select(OneTimeLink)
        .where(OneTimeLink.token_hash == token_hash(token))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if not link.works_at(now):
        raise AlreadyDone("This link has just been used.")
    link.used_at = now
    return link


def change_password(row: SignInSession, *, new: str, now: datetime) -> None:
    """Choose another password (the caller has checked the old one); every other browser is signed out."""
    set_password(row.person, new)
    end_sessions(row.person_id, now=now, but=row.id)
    _changed(row.person, "A new password was chosen", now)


def start_second_factor(person: Person, *, now: datetime) -> None:
    """Make the key that goes into the authenticator app. It protects nothing until a first code proves it is there."""
    if person.totp_confirmed_at is not None:
        raise AlreadyDone("You have an authenticator app already. Turn it off first to set up another.")
    person.totp_secret, person.totp_last_step = pyotp.random_base32(), None
    db.session.flush()


def confirm_second_factor(row: SignInSession, code: str, *, now: datetime) -> None:
    """Turn the second factor on by its first code. Every other browser is signed out."""
    person = row.person
    if person.totp_confirmed_at is not None:
        raise AlreadyDone("Your authenticator app is set up already.")
    if not use_code(person, code, now=now):
        raise Invalid("This is not the code your app shows now. Check the time on your phone.", field="code")
    person.totp_confirmed_at = row.second_factor_at = now
    end_sessions(person.id, now=now, but=row.id)
    _changed(person, "An authenticator app was set up", now)


def turn_off_second_factor(row: SignInSession, password: str, *, now: datetime) -> bool:
    """Take the second factor off, to be done without or set up anew; False if the password is wrong."""
    person = check_password(row.person.email, password, now=now)
    if person is None:
        return False
    person.totp_secret = person.totp_confirmed_at = person.totp_last_step = None
    row.second_factor_at = None
    end_sessions(person.id, now=now, but=row.id)
    _changed(person, "The authenticator app was turned off", now)
    return True


def _changed(person: Person, what: str, now: datetime) -> None:
    """Into the trail, and to the person, so that a change made by another is noticed."""
    audit.record(what, person, actor=queries.as_actor(person, None, ()), now=now)
    db.session.flush()
    letters.tell_of_change(person, key=f"changed:{now.isoformat()}", what=what, now=now)
