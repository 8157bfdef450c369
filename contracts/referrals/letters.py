"""Letters about referrals. They name the referral by its reference only: nothing in them tells who somebody is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts.agreements.models import Suspension
from contracts.referrals.models import Referral, Session
from contracts.referrals.queries import service_managers, stopped_key
from marketplace.accounts.letters import write_to
from marketplace.accounts.models import Person


def sent(referral: Referral, *, now: datetime) -> None:
    """To the supplier's service managers: a new referral."""
    _write(_managers(referral), referral, "sent", f"New referral {referral.reference}", now=now)


def offered(referral: Referral, *, now: datetime) -> None:
    """To the officer: a place has come free and is held for the person."""
    # One who had to wait again is offered another place later.
    offered_on = f":{referral.offered_at:%Y%m%d}" if referral.offered_at else ""
    subject = f"A place is free for {referral.reference}"
    _write([referral.officer], referral, "offered", subject, now=now, again=offered_on)


def lapsed(referral: Referral, *, now: datetime) -> None:
    """To the officer: the place was not taken in time, and went to the next in line."""
    _write([referral.officer], referral, "lapsed", f"The place for {referral.reference} was not taken in time", now=now)


def accepted(referral: Referral, *, now: datetime) -> None:
    """To the officer, that it was taken on; to the caseworker, that it is theirs."""
    _write([referral.officer], referral, "accepted", f"Referral {referral.reference} was accepted", now=now)
    if referral.caseworker is not None:
        subject = f"Referral {referral.reference} is yours"
        _write([referral.caseworker], referral, "assigned", subject, now=now)


def returned(referral: Referral, *, now: datetime) -> None:
    """To the officer: it came back, and why can be read on its page."""
    _write([referral.officer], referral, "returned", f"Referral {referral.reference} was returned", now=now)


def withdrawn(referral: Referral, *, now: datetime) -> None:
    """To the service managers and the caseworker: the officer took it back."""
    people = [one for one in (*_managers(referral), referral.caseworker) if one is not None]
    _write(people, referral, "withdrawn", f"Referral {referral.reference} was withdrawn", now=now)


def completed(referral: Referral, *, now: datetime) -> None:
    """To the officer: the service has done its part."""
    _write([referral.officer], referral, "completed", f"Referral {referral.reference} is completed", now=now)


def missed(referral: Referral, session: Session, *, oversight: bool, now: datetime) -> None:
    """To the officer at once: a session was missed (R87); and whether a manager must now look at the case (R88)."""
    write_to(
        [referral.officer],
        key=f"referral-missed:{session.id}",
        subject=f"Session {session.number} of {referral.reference} was missed",
        template="emails/referrals/missed.txt",
        now=now,
        referral=referral,
        session=session,
        oversight=oversight,
    )


def tell_officers(suspension: Suspension, officers: Iterable[Person], *, lifted: bool, now: datetime) -> None:
    """To officers with open referrals there: that no new ones are taken, or are taken again."""
    title = suspension.line.title if suspension.line else suspension.agreement.title
    write_to(
        officers,
        key=f"suspension:{suspension.id}:taken-again" if lifted else stopped_key(suspension.id),
        subject=f"{title} takes {'referrals again' if lifted else 'no new referrals for now'}",
        template="emails/referrals/suspension.txt",
        now=now,
        title=title,
        suspension=suspension,
        lifted=lifted,
    )


def _managers(referral: Referral) -> Iterable[Person]:
    return service_managers(referral.line.agreement.supplier_id)


def _write(
    people: Iterable[Person], referral: Referral, what: str, subject: str, *, now: datetime, again: str = ""
) -> None:
    write_to(
        people,
        key=f"referral-{what}:{referral.id}{again}",
        subject=subject,
        template=f"emails/referrals/{what}.txt",
        now=now,
        referral=referral,
    )
