"""Organisations, people, and the roles they hold."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace import audit
from marketplace.access import SYSTEM, Actor, Role
from marketplace.accounts.actions.passwords import set_password
from marketplace.accounts.models import Organisation, Person, RoleGrant
from marketplace.accounts.queries import (
    organisation_with_number,
    person_by_email,
)
from marketplace.accounts.rules import (
    OrganisationKind,
    SupplierStatus,
    charity_number,
    company_number,
)
from marketplace.errors import AlreadyDone, Invalid
from marketplace.extensions import db


def add_organisation(
    *,
    name: str,
    kind: OrganisationKind,
    now: datetime,
    actor: Actor = SYSTEM,
    supplier_status: SupplierStatus | None = None,
    company: str | None = None,
    charity: str | None = None,
    place_code: str | None = None,
    name_cy: str | None = None,
    register_name: str | None = None,
    claimed: bool = True,
    is_demonstration: bool = False,
) -> Organisation:
    """Add an organisation. A number is checked for its form; one that another organisation bears is refused.

    `claimed=False`: read from the live register, its people have yet to come.
    """
    numbers = {
        "company_number": _checked(company, company_number, "company_number", "company number, like 01234567"),
        "charity_number": _checked(charity, charity_number, "charity_number", "charity number, like 1234567"),
    }
    holder = organisation_with_number(**numbers)
    if holder is not None:
        same = "company_number" if numbers["company_number"] == holder.company_number else "charity_number"
        raise AlreadyDone(_taken(holder), field=same)
    added = Organisation(
        kind=kind,
        name=name,
        name_cy=name_cy,
        supplier_status=supplier_status,
        place_code=place_code,
        register_name=register_name,
        claimed_at=now if claimed else None,
        created_at=now,
        is_demonstration=is_demonstration,
        **numbers,
    )
    try:
        with db.session.begin_nested():
            db.session.add(added)
    except IntegrityError as error:
        # Two sign-ups at once: the index decides which came first.
        raise AlreadyDone(
            "This organisation has just been signed up by somebody else.", field="organisation_name"
        ) from error
    audit.record("Added the organisation", added, actor=actor, now=now)
    return added


def _checked(text: str | None, form: object, field: str, words: str) -> str | None:
    if not text or not text.strip():
        return None
    number: str | None = form(text)  # type: ignore[operator]
    if number is None:
        raise Invalid(f"Enter a real {words}", field=field)
    return number


def _taken(holder: Organisation) -> str:
    """What somebody is told who signs up an organisation that is here already. It is never handed over silently."""
    if holder.claimed_at is None:
        return (
            f"{holder.name} is known here from the register of contracts, but nobody has taken charge of it yet. "
            "Ask the framework team to invite you to it."
        )
    return f"{holder.name} has an account with this number already. Ask its administrator to invite you."


def add_person(
    *, name: str, email: str, now: datetime, password: str | None = None, is_demonstration: bool = False
) -> Person:
    """Add a person who can sign in once they have a password. An address belongs to one person only."""
    words = "There is an account with this email address already. Sign in, or choose a new password."
    if person_by_email(email) is not None:
        raise AlreadyDone(words, field="email")
    person = Person(email=email.strip(), name=name.strip(), created_at=now, is_demonstration=is_demonstration)
    if password is not None:
        set_password(person, password)
    try:
        with db.session.begin_nested():
            db.session.add(person)
    except IntegrityError as error:
        raise AlreadyDone(words, field="email") from error
    return person


def grant_role(person: Person, organisation: Organisation, role: Role, *, now: datetime, actor: Actor = SYSTEM) -> None:
    """Let the person hold the role for the organisation. Holding it already changes nothing."""
    if role not in organisation.kind.roles:
        raise Invalid(f"{organisation.kind.label}: nobody can be {role.label.lower()} there.", field="roles")
    held = db.session.scalar(
        select(RoleGrant.id).where(
            RoleGrant.person_id == person.id,
            RoleGrant.organisation_id == organisation.id,
            RoleGrant.role == role,
        )
    )
    if held is None:
        db.session.add(RoleGrant(person=person, organisation=organisation, role=role, granted_at=now))
        what = f"Gave a person the role: {role.label}"
        audit.record(what, organisation, actor=actor, now=now, person=person.id, role=role.value)
        db.session.flush()
