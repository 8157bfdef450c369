"""People, organisations, and clients that are signed in as them. Rows are made directly, without the actions."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
from datetime import UTC, datetime
from functools import cache

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from marketplace import clock, outbox
from marketplace.access import COMMISSIONER_ROLES, FRAMEWORK_ROLES, SUPPLIER_ROLES, Actor, Role
from marketplace.accounts.models import Organisation, Person, RoleGrant, SignInSession
from marketplace.accounts.queries import as_actor
from marketplace.accounts.rules import OrganisationKind, SupplierStatus
from marketplace.extensions import db

PASSWORD = "a password for the tests"
LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


@cache
def _hash() -> str:
    """Weak on purpose: tests make many people."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def make_organisation(
    kind: OrganisationKind = OrganisationKind.SUPPLIER,
    name: str | None = None,
    *,
    supplier_status: SupplierStatus | None = None,
    place_code: str | None = None,
    claimed: bool = True,
    **more: object,
) -> Organisation:
    """An organisation of any kind; a supplier is a VCSE unless said."""
    number = next(_numbers)
    if kind is OrganisationKind.SUPPLIER and supplier_status is None:
        supplier_status = SupplierStatus.VCSE
    made = Organisation(
        kind=kind,
        name=name or f"{kind.label} {number}",
        supplier_status=supplier_status,
        place_code=place_code,
        claimed_at=LONG_AGO if claimed else None,
        created_at=LONG_AGO,
        **more,
    )
    db.session.add(made)
    db.session.flush()
    return made


def make_supplier(name: str | None = None, **more: object) -> Organisation:
    """A supplier."""
    return make_organisation(OrganisationKind.SUPPLIER, name, **more)  # type: ignore[arg-type]


def make_commissioner(name: str | None = None, **more: object) -> Organisation:
    """A probation region, unless another kind is asked for with `kind`."""
    kind = more.pop("kind", OrganisationKind.PROBATION_REGION)
    return make_organisation(kind, name, **more)  # type: ignore[arg-type]


def make_framework_team() -> Organisation:
    """The framework team."""
    return make_organisation(OrganisationKind.FRAMEWORK_TEAM, "Framework team")


def make_person(name: str | None = None, email: str | None = None, **more: object) -> Person:
    """Somebody with the tests' password and no role."""
    number = next(_numbers)
    made = Person(
        name=name or f"Person {number}",
        email=email or f"person{number}@example.org",
        password_hash=_hash(),
        created_at=LONG_AGO,
        **more,
    )
    db.session.add(made)
    db.session.flush()
    return made


def give_role(person: Person, organisation: Organisation, *roles: Role) -> None:
    """Let the person hold these roles for the organisation."""
    for role in roles:
        db.session.add(RoleGrant(person=person, organisation=organisation, role=role, granted_at=LONG_AGO))
    db.session.flush()


def make_actor(organisation: Organisation, *roles: Role, name: str | None = None) -> Actor:
    """A new person with these roles at the organisation, as the actor of an action."""
    person = make_person(name)
    give_role(person, organisation, *roles)
    return as_actor(person, organisation, roles)


def actor_with(role: Role) -> Actor:
    """A new person with this role at a new organisation of the fitting kind."""
    if role in SUPPLIER_ROLES:
        return make_actor(make_supplier(), role)
    if role in COMMISSIONER_ROLES:
        return make_actor(make_commissioner(), role)
    assert role in FRAMEWORK_ROLES
    return make_actor(make_framework_team(), role)


def sign_in(client: FlaskClient, actor: Actor) -> FlaskClient:
    """Sign the client in as this actor, second factor given; commits, as a browser comes with its own request."""
    token, now = secrets.token_urlsafe(32), clock.now()
    db.session.add(
        SignInSession(
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            person_id=actor.person,
            organisation_id=actor.organisation_id,
            second_factor_at=now,
            created_at=now,
            last_seen_at=now,
        )
    )
    db.session.commit()
    with client.session_transaction() as session:
        session.clear()
        session["_user_id"] = token
        session["_fresh"] = True
    return client


def letter(session: scoped_session[Session], subject: str) -> outbox.Letter:
    """The one letter whose subject has this in it."""
    return session.scalars(select(outbox.Letter).where(outbox.Letter.subject.contains(subject))).one()


def token_in(body: str) -> str:
    """The token of the one-time link in a letter."""
    found = re.search(r"/(?:invitations|forgotten-password)/(\S+)", body)
    assert found
    return found[1]


def enter(client: FlaskClient, email: str, password: str = PASSWORD, onward: str = "") -> TestResponse:
    """Sign in as a person does, by address and password; the answer to that."""
    path = "/sign-in" + (f"?next={onward}" if onward else "")
    return client.post(path, data={"email": email, "password": password})


def link_in(session: scoped_session[Session]) -> str:
    """The path of the link in the latest letter."""
    latest = session.scalars(select(outbox.Letter).order_by(outbox.Letter.id.desc())).first()
    assert latest is not None
    found = re.search(r"http://[^/]+(/\S+)", latest.body)
    assert found
    return found[1]
