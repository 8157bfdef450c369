"""What people are told about handovers and moves. Letters name a referral by its reference only, never a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from contracts.agreements.models import ServiceLine
from contracts.handovers import queries
from contracts.handovers.models import Handover
from contracts.referrals.models import Referral
from contracts.referrals.queries import officers_with_open, service_managers
from marketplace.access import Permission
from marketplace.accounts.letters import write_to
from marketplace.accounts.models import Person
from marketplace.accounts.queries import people_with


def tell_agreed(handover: Handover, *, now: datetime) -> None:
    """To both suppliers, and to every officer with a referral open there: what is handed over, to whom, from when."""
    title = handover.from_line.title
    _write(handover, _suppliers(handover), "agreed", f"{title} is handed over", now=now)
    _write(handover, _officers(handover), "agreed", f"{title} is handed over", now=now, is_officer=True)


def tell_cancelled(handover: Handover, *, now: datetime) -> None:
    """To the same: it stays as it is."""
    title = handover.from_line.title
    _write(handover, _suppliers(handover), "cancelled", f"{title} is not handed over", now=now)
    _write(handover, _officers(handover), "cancelled", f"{title} is not handed over", now=now, is_officer=True)


def tell_done(handover: Handover, *, now: datetime) -> None:
    """To both suppliers and the lead's managers; and one letter to each officer, however many of theirs moved."""
    title = handover.from_line.title
    _write(handover, [*_suppliers(handover), *_leads(handover)], "done", f"{title} has been handed over", now=now)
    for person, count in queries.officers_moved(handover):
        _write(handover, [person], "moved", "Some of your referrals have moved", now=now, count=count)


def tell_undone(handover: Handover, *, now: datetime) -> None:
    """To all who were told that it was done."""
    subject = f"The handover of {handover.from_line.title} was undone"
    officers = [person for person, _ in queries.officers_moved(handover, and_undone=True)]
    _write(handover, [*_suppliers(handover), *_leads(handover), *officers], "undone", subject, now=now)


def tell_halted(handover: Handover, *, now: datetime) -> None:
    """To who planned it: nothing moves, and why. It can halt again, for another reason or after it went on."""
    subject = f"The handover of {handover.from_line.title} is halted"
    _write(handover, [handover.planner], "halted", subject, now=now, moment=now.isoformat())


def tell_moved(old: Referral, new: Referral, *, now: datetime) -> None:
    """Of one referral that its officer has moved: to the supplier it leaves, and the one it goes to if it is sent."""
    if old.sent_at is not None:
        _one(_delivers(old), "gone", old, f"Referral {old.reference} was moved", now=now, move=new.id)
    if new.sent_at is not None:
        _one(_managers(new.line), "came", new, f"Referral {new.reference} was moved to you", now=now)


def tell_move_undone(old: Referral, new: Referral, *, now: datetime) -> None:
    """Of one move: to the supplier that has the referral back, to the one that has it no more, and to the officer."""
    if old.sent_at is not None:
        _one(_delivers(old), "back", old, f"Referral {old.reference} is with you again", now=now, move=new.id)
    if new.sent_at is not None:
        _one(_managers(new.line), "taken_back", new, f"Referral {new.reference} is not with you any more", now=now)
    _one([old.officer], "back", old, f"The move of {old.reference} was undone", now=now, move=new.id)


def remind(line: ServiceLine, moved_on: date, count: int, *, due_on: date, is_late: bool, now: datetime) -> None:
    """To the next supplier's service managers, that people moved on a day wait to be taken on; late, also to those who
    manage the contract. Once each."""
    people = list(_managers(line))
    if is_late:
        people += people_with(line.agreement.commissioner_id, Permission.MANAGE_CONTRACTS)
    write_to(
        people,
        key=f"moves:{line.id}:{moved_on}:{'late' if is_late else 'near'}",
        subject=f"People moved to {line.title} wait to be taken on",
        template="emails/handovers/remind.txt",
        now=now,
        line=line,
        moved_on=moved_on,
        count=count,
        due_on=due_on,
        is_late=is_late,
    )


def _managers(line: ServiceLine) -> Iterable[Person]:
    return service_managers(line.agreement.supplier_id)


def _delivers(referral: Referral) -> list[Person]:
    """The service managers, and the caseworker if there is one."""
    return [one for one in (*_managers(referral.line), referral.caseworker) if one is not None]


def _suppliers(handover: Handover) -> list[Person]:
    sides = (handover.from_line.agreement.supplier_id, handover.to_line.agreement.supplier_id)
    return [
        person for side in sides for person in (*service_managers(side), *people_with(side, Permission.MANAGE_DELIVERY))
    ]


def _leads(handover: Handover) -> list[Person]:
    return list(people_with(handover.from_line.agreement.commissioner_id, Permission.MANAGE_CONTRACTS))


def _officers(handover: Handover) -> list[Person]:
    return list(officers_with_open(handover.from_line.agreement_id, handover.from_line_id))


def _write(
    handover: Handover,
    people: Iterable[Person],
    what: str,
    subject: str,
    *,
    now: datetime,
    moment: str | None = None,
    **more: Any,
) -> None:
    write_to(
        people,
        key=f"handover:{handover.id}:{what}" + (f":{moment}" if moment else ""),
        subject=subject,
        template="emails/handovers/handover.txt",
        now=now,
        handover=handover,
        what=what,
        **more,
    )


def _one(
    people: Iterable[Person], what: str, referral: Referral, subject: str, *, now: datetime, move: int | None = None
) -> None:
    write_to(
        people,
        key=f"referral-{what}:{referral.id}" + (f":{move}" if move else ""),
        subject=subject,
        template="emails/handovers/referral.txt",
        now=now,
        referral=referral,
        what=what,
    )
