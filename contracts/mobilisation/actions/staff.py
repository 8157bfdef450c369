"""People who deliver: entered by the supplier, by initials or staff number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation.actions.checks import must_be, must_last
from contracts.mobilisation.models import PrisonAccess, StaffMember
from contracts.mobilisation.rules import Dates, VettingLevel, is_staff_reference
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid
from marketplace.extensions import db


def enter_staff(
    agreement: Agreement,
    *,
    reference: str,
    role: str,
    level: VettingLevel,
    dates: Dates,
    actor: Actor,
    now: datetime,
) -> StaffMember:
    """One more person who delivers. Refused: a reference that may be a name, or that somebody here bears."""
    hold(agreement)
    must_be(Side.SUPPLIER, actor, agreement)
    must_last(agreement, now)
    _check_reference(agreement, reference)
    _check(dates, now)
    member = StaffMember(agreement_id=agreement.id, reference=reference, role=role, level=level)
    _put(member, dates)
    db.session.add(member)
    db.session.flush()
    # Neither reference nor role: the trail keeps no more of a person than that somebody was entered.
    audit.record("Entered somebody who delivers", agreement, actor=actor, now=now, staff_member=member.id)
    return member


def update_staff(
    member: StaffMember,
    *,
    reference: str,
    role: str,
    level: VettingLevel,
    dates: Dates,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what is known of somebody who delivers."""
    _editing(member, actor)
    if reference != member.reference:
        _check_reference(member.agreement, reference)
    _check(dates, now)
    member.reference, member.role, member.level = reference, role, level
    _put(member, dates)
    db.session.flush()
    audit.record("Changed somebody’s clearance", member.agreement, actor=actor, now=now, staff_member=member.id)


def has_left(member: StaffMember, *, actor: Actor, now: datetime) -> None:
    """They deliver no more: from today they count nowhere. Told twice, the first day stands."""
    _editing(member, actor)
    member.left_on = clock.london(now).date()
    db.session.flush()
    audit.record("Noted that somebody has left", member.agreement, actor=actor, now=now, staff_member=member.id)


def enter_access(member: StaffMember, *, prison: str, dates: Dates, actor: Actor, now: datetime) -> PrisonAccess:
    """Access of one person to one prison (or the prisons of a region); entered again, its dates are changed."""
    _editing(member, actor)
    _check(dates, now)
    access = next((one for one in member.access if one.prison.casefold() == prison.casefold()), None)
    if access is None:
        access = PrisonAccess(prison=prison)
        member.access.append(access)
    access.applied_on, access.granted_on, access.expires_on = dates.applied_on, dates.given_on, dates.expires_on
    db.session.flush()
    audit.record("Entered prison access", member.agreement, actor=actor, now=now, staff_member=member.id)
    return access


def remove_access(member: StaffMember, access: PrisonAccess, *, actor: Actor, now: datetime) -> None:
    """Somebody does not go to that prison any more."""
    _editing(member, actor)
    db.session.delete(access)
    db.session.flush()
    db.session.expire(member, ["access"])
    audit.record("Removed prison access", member.agreement, actor=actor, now=now, staff_member=member.id)


def _editing(member: StaffMember, actor: Actor) -> None:
    hold(member.agreement)
    must_be(Side.SUPPLIER, actor, member.agreement)
    db.session.refresh(member)
    if member.left_on is not None:
        raise AlreadyDone("This person has left the contract.")


def _put(member: StaffMember, dates: Dates) -> None:
    member.applied_on, member.cleared_on, member.expires_on = dates.applied_on, dates.given_on, dates.expires_on


def _check_reference(agreement: Agreement, reference: str) -> None:
    if not is_staff_reference(reference):
        raise Invalid(
            "Enter initials or a staff number of at most 12 letters and digits, not a name", field="reference"
        )
    taken = db.session.scalar(
        select(StaffMember.id).where(
            StaffMember.agreement_id == agreement.id,
            StaffMember.reference == reference,
            StaffMember.left_on.is_(None),
        )
    )
    if taken is not None:
        raise Invalid("Somebody on this contract has that reference already. Add a figure to it.", field="reference")


def _check(dates: Dates, now: datetime) -> None:
    today = clock.london(now).date()
    if dates.given_on is not None and dates.given_on > today:
        raise Invalid("Enter a day that is not in the future", field="given_on")
    if dates.applied_on is not None and dates.applied_on > today:
        raise Invalid("Enter a day that is not in the future", field="applied_on")
    if dates.applied_on and dates.given_on and dates.given_on < dates.applied_on:
        raise Invalid("It cannot be given before it was applied for", field="given_on")
    if dates.expires_on is not None:
        if dates.given_on is None:
            raise Invalid("Enter when it was given", field="given_on")
        if dates.expires_on < dates.given_on:
            raise Invalid("It cannot end before it was given", field="expires_on")
