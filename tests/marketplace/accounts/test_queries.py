from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, scoped_session

from marketplace.access import Permission, Role
from marketplace.accounts import queries
from marketplace.accounts.rules import OrganisationKind
from marketplace.errors import NotAllowed, NotFound
from tests.factories.accounts import (
    give_role,
    make_commissioner,
    make_framework_team,
    make_organisation,
    make_person,
    make_supplier,
)

Database = scoped_session[Session]


def test_people_with_a_permission_are_those_of_that_organisation_whose_role_holds_it(session: Database) -> None:
    ours, theirs = make_commissioner(), make_commissioner()
    buyer, other, stranger = make_person("Zed"), make_person("Ann"), make_person()
    give_role(buyer, ours, Role.COMMERCIAL_PARTNER, Role.APPROVER)
    give_role(other, ours, Role.APPROVER)
    give_role(stranger, theirs, Role.APPROVER)
    assert queries.people_with(ours.id, Permission.APPROVE_COMPETITION) == [other, buyer]
    assert queries.people_with(ours.id, Permission.DRAFT_COMPETITION) == [buyer]
    assert queries.people_with(ours.id, Permission.BID) == []


def test_an_actor_has_the_roles_of_the_organisation_acted_for_only(session: Database) -> None:
    supplier, buyer, person = make_supplier("Doors"), make_commissioner(), make_person("Sam")
    give_role(person, supplier, Role.BID_MANAGER, Role.SIGNATORY)
    give_role(person, buyer, Role.EVALUATOR)
    actor = queries.actor_for(person.id, supplier.id)
    assert (actor.name, actor.organisation_name, actor.is_supplier) == ("Sam", "Doors", True)
    assert actor.roles == {Role.BID_MANAGER, Role.SIGNATORY}
    assert not queries.actor_for(person.id, buyer.id).is_supplier
    with pytest.raises(NotAllowed):
        queries.actor_for(person.id, make_supplier().id)


def test_commissioners_are_bodies_that_buy(session: Database) -> None:
    make_supplier()
    make_framework_team()
    names = [
        make_organisation(kind, f"Body {number}").name
        for number, kind in enumerate(kind for kind in OrganisationKind if kind.is_commissioner)
    ]
    assert [body.name for body in queries.commissioners() if body.name.startswith("Body ")] == sorted(names)


def test_what_does_not_exist_is_not_found(session: Database) -> None:
    for ask in (queries.person, queries.organisation):
        with pytest.raises(NotFound):
            ask(0)


def test_an_address_is_the_same_in_capitals(session: Database) -> None:
    person = make_person(email="Maud@example.org")
    assert queries.person_by_email(" maud@EXAMPLE.org") is person
