"""Who is who: organisations, people, what they may do, and their letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask import current_app, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace import outbox
from marketplace.access import TABLE, Actor, Permission, Role
from marketplace.accounts.models import OneTimeLink, Organisation, Person, RoleGrant, SignInSession
from marketplace.accounts.rules import OrganisationKind
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.waiting import Waiting


def organisation(organisation_id: int) -> Organisation:
    """The organisation with this key."""
    found = db.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("There is no such organisation.")
    return found


def person(person_id: int) -> Person:
    """The person with this key."""
    found = db.session.get(Person, person_id)
    if found is None:
        raise NotFound("There is no such person.")
    return found


def person_by_email(email: str) -> Person | None:
    """Whose address this is, however its letters are written."""
    return db.session.scalar(select(Person).where(func.lower(Person.email) == email.strip().lower()))


def people_with(organisation_id: int, permission: Permission) -> Sequence[Person]:
    """Everybody at the organisation whose role holds the permission, by name."""
    holds = (
        select(RoleGrant.person_id)
        .where(RoleGrant.organisation_id == organisation_id, RoleGrant.role.in_(TABLE[permission]))
        .scalar_subquery()
    )
    return db.session.scalars(select(Person).where(Person.id.in_(holds)).order_by(Person.name, Person.id)).all()


def people_of(organisation_id: int) -> Sequence[Person]:
    """Everybody who holds a role for the organisation, by name, with only the grants for it loaded."""
    return (
        db.session.scalars(
            select(Person)
            .join(Person.grants)
            .where(RoleGrant.organisation_id == organisation_id)
            .options(contains_eager(Person.grants))
            .order_by(Person.name, Person.id, RoleGrant.role)
            .execution_options(populate_existing=True)
        )
        .unique()
        .all()
    )


def commissioners() -> Sequence[Organisation]:
    """Every body that may fund and run call-offs, by name."""
    kinds = [kind for kind in OrganisationKind if kind.is_commissioner]
    return db.session.scalars(
        select(Organisation).where(Organisation.kind.in_(kinds)).order_by(Organisation.name, Organisation.id)
    ).all()


def framework_teams() -> Sequence[Organisation]:
    """The organisations (in practice one) that admit suppliers to the framework."""
    return db.session.scalars(
        select(Organisation).where(Organisation.kind == OrganisationKind.FRAMEWORK_TEAM).order_by(Organisation.id)
    ).all()


def unclaimed(name: str, *, number: int) -> Page[Organisation]:
    """One page of the suppliers known only from the live register, whose name has this in it."""
    sought = (
        Organisation.kind == OrganisationKind.SUPPLIER,
        Organisation.claimed_at.is_(None),
        Organisation.name.icontains(name, autoescape=True),
    )
    count = db.session.scalar(select(func.count()).select_from(Organisation).where(*sought)) or 0
    number = nearest_page(number, count)
    found = db.session.scalars(
        select(Organisation)
        .where(*sought)
        .order_by(Organisation.name, Organisation.id)
        .limit(PAGE)
        .offset(before(number))
    ).all()
    return Page(found, count, number)


def organisation_with_number(*, company_number: str | None, charity_number: str | None) -> Organisation | None:
    """The organisation that bears either number already."""
    for column, number in (
        (Organisation.company_number, company_number),
        (Organisation.charity_number, charity_number),
    ):
        if number and (found := db.session.scalar(select(Organisation).where(column == number))):
            return found
    return None


def colleague(organisation_id: int, person_id: int, *, lock: bool = False) -> Person:
    """Somebody who holds a role for the organisation. Raises NotFound for anybody else."""
    holds = select(RoleGrant.id).where(RoleGrant.organisation_id == organisation_id, RoleGrant.person_id == Person.id)
    asked = select(Person).where(Person.id == person_id, holds.exists()).execution_options(populate_existing=True)
    found = db.session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise NotFound("There is no such person at your organisation.")
    return found


def is_staff(person_id: int) -> bool:
    """Whether the person holds any role outside suppliers: there the second factor guards more than their own work."""
    asked = (
        select(RoleGrant.id)
        .join(RoleGrant.organisation)
        .where(RoleGrant.person_id == person_id, Organisation.kind != OrganisationKind.SUPPLIER)
    )
    return db.session.scalar(asked.limit(1)) is not None


def as_actor(someone: Person, acts_for: Organisation | None, roles: Iterable[Role]) -> Actor:
    """A person acting for an organisation (or, before they have one, for none)."""
    return Actor(
        person_id=someone.id,
        name=someone.name,
        organisation_id=acts_for.id if acts_for else None,
        organisation_name=acts_for.name if acts_for else "",
        roles=frozenset(roles),
        is_supplier=bool(acts_for and acts_for.is_supplier),
    )


def actor_for(person_id: int, organisation_id: int) -> Actor:
    """This person as they act for this organisation. Refused if they hold no role for it."""
    grants = db.session.scalars(
        select(RoleGrant)
        .where(RoleGrant.person_id == person_id, RoleGrant.organisation_id == organisation_id)
        .options(joinedload(RoleGrant.person), joinedload(RoleGrant.organisation))
    ).all()
    if not grants:
        raise NotAllowed("This person holds no role for this organisation.")
    return as_actor(grants[0].person, grants[0].organisation, (grant.role for grant in grants))


def organisations_of(person_id: int) -> Sequence[Organisation]:
    """The organisations a person holds a role for, by name."""
    own = select(RoleGrant.organisation_id).where(RoleGrant.person_id == person_id).scalar_subquery()
    return db.session.scalars(
        select(Organisation).where(Organisation.id.in_(own)).order_by(Organisation.name, Organisation.id)
    ).all()


def demonstration_people() -> Sequence[Person]:
    """The invented people of the demonstration, with their roles, in the order they were made."""
    return db.session.scalars(
        select(Person)
        .where(Person.is_demonstration)
        .options(selectinload(Person.grants).joinedload(RoleGrant.organisation))
        .order_by(Person.id)
    ).all()


def sign_in_session(token_hash: str) -> SignInSession | None:
    """A signed-in browser with its person, roles and the organisation acted for: one query for a whole request."""
    return (
        db.session.scalars(
            select(SignInSession)
            .where(SignInSession.token_hash == token_hash, SignInSession.ended_at.is_(None))
            .options(
                joinedload(SignInSession.person, innerjoin=True)
                .joinedload(Person.grants)
                .joinedload(RoleGrant.organisation),
                joinedload(SignInSession.organisation),
            )
        )
        .unique()
        .one_or_none()
    )


def open_sessions(person_id: int) -> Sequence[SignInSession]:
    """Every browser in which a person has not signed out, latest first."""
    return db.session.scalars(
        select(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
        .order_by(SignInSession.last_seen_at.desc(), SignInSession.id.desc())
    ).all()


def one_time_link(kind: str, token_hash: str, *, now: datetime) -> OneTimeLink:
    """The link, if it still works. A used, old or invented one gets the same answer."""
    found = db.session.scalar(
        select(OneTimeLink)
        .where(OneTimeLink.kind == kind, OneTimeLink.token_hash == token_hash)
        .options(joinedload(OneTimeLink.organisation), selectinload(OneTimeLink.roles))
    )
    if found is None or not found.works_at(now):
        raise NotFound("This link has been used already, or is too old. Ask for a new one.")
    return found


def open_invitations(organisation_id: int, *, now: datetime) -> Sequence[OneTimeLink]:
    """The invitations an organisation has sent that can still be accepted, latest first."""
    return db.session.scalars(
        select(OneTimeLink)
        .where(
            OneTimeLink.kind == "invitation",
            OneTimeLink.organisation_id == organisation_id,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        .options(selectinload(OneTimeLink.roles))
        .order_by(OneTimeLink.id.desc())
    ).all()


def letter_for(actor: Actor, letter_id: int) -> outbox.Letter:
    """One letter sent to the person who asks."""
    found = db.session.scalar(
        select(outbox.Letter).where(outbox.Letter.id == letter_id, outbox.Letter.person_id == actor.person)
    )
    if found is None:
        raise NotFound("There is no such letter to you.")
    return found


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Invitations to accept; outside the demonstration, a second factor to set up."""
    someone = db.session.get(Person, actor.person)
    if someone is None:
        return []
    items = []
    if someone.totp_confirmed_at is None and not current_app.config["SETTINGS"].is_demonstration:
        items.append(
            Waiting("Protect your account with an authenticator app", url_for("accounts.second_factor_set_up"))
        )
    invitations = db.session.scalars(
        select(OneTimeLink)
        .where(
            OneTimeLink.kind == "invitation",
            func.lower(OneTimeLink.email) == someone.email.lower(),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        .options(joinedload(OneTimeLink.organisation))
    )
    for link in invitations:
        assert link.organisation is not None  # a constraint of the table
        items.append(
            Waiting(
                f"{link.organisation.name} invites you to join it: open the link in the email we sent you",
                url_for("accounts.letters"),
                link.expires_at,
            )
        )
    return items
