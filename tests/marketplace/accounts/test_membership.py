"""Coming to an organisation and leaving it."""

from __future__ import annotations

import pyotp
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from marketplace.access import Actor, Role
from marketplace.accounts import actions, queries
from marketplace.accounts.models import Organisation, Person, RoleGrant
from marketplace.accounts.rules import token_hash
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from tests.conftest import StandingClock
from tests.factories.accounts import (
    PASSWORD,
    actor_with,
    give_role,
    letter,
    make_actor,
    make_commissioner,
    make_person,
    make_supplier,
    token_in,
)

Database = scoped_session[Session]


class TestInvitations:
    """Joining an organisation."""

    def invite(self, session: Database, clock: StandingClock, email: str, *roles: Role) -> tuple[Organisation, str]:
        organisation = make_supplier("Open Doors")
        boss = make_actor(organisation, Role.ADMINISTRATOR, name="Bo Boss")
        actions.invite(email, roles, actor=boss, now=clock())
        return organisation, token_in(letter(session, "invites you").body)

    def test_somebody_new_joins_once_with_the_roles_offered(self, session: Database, clock: StandingClock) -> None:
        organisation, token = self.invite(session, clock, "new@example.org", Role.CASEWORKER, Role.SERVICE_MANAGER)
        sent = letter(session, "invites you")
        assert sent.holds_secret
        assert "Caseworker and Service manager" in sent.body
        person, joined = actions.join(token, name="Nell New", password=PASSWORD, now=clock.move(days=6))
        assert (joined, person.email) == (organisation, "new@example.org")
        assert queries.actor_for(person.id, joined.id).roles == {Role.CASEWORKER, Role.SERVICE_MANAGER}
        with pytest.raises(NotFound):
            actions.accept_invitation(token, person, now=clock())

    def test_an_invitation_works_for_seven_days(self, session: Database, clock: StandingClock) -> None:
        _, token = self.invite(session, clock, "new@example.org", Role.CASEWORKER)
        with pytest.raises(NotFound):
            actions.join(token, name="Nell New", password=PASSWORD, now=clock.move(days=7))

    def test_somebody_here_already_gains_the_role_and_keeps_their_own(
        self, session: Database, clock: StandingClock
    ) -> None:
        evaluator = actor_with(Role.EVALUATOR)
        person = queries.person(evaluator.person)
        organisation, token = self.invite(session, clock, person.email.upper(), Role.CASEWORKER)
        with pytest.raises(NotAllowed):
            actions.accept_invitation(token, make_person(), now=clock())
        actions.accept_invitation(token, person, now=clock())
        assert queries.actor_for(person.id, organisation.id).roles == {Role.CASEWORKER}
        assert queries.actor_for(person.id, evaluator.organisation).roles == {Role.EVALUATOR}

    def test_only_administrators_invite_and_only_to_roles_of_their_kind(
        self, session: Database, clock: StandingClock
    ) -> None:
        with pytest.raises(NotAllowed):
            actions.invite("a@example.org", [Role.CASEWORKER], actor=actor_with(Role.BID_MANAGER), now=clock())
        boss = make_actor(make_supplier(), Role.ADMINISTRATOR)
        for roles in ([Role.APPROVER], [Role.FRAMEWORK_TEAM], []):
            with pytest.raises(Invalid):
                actions.invite("a@example.org", roles, actor=boss, now=clock())

    def test_a_second_invitation_takes_the_place_of_the_first(self, session: Database, clock: StandingClock) -> None:
        boss = make_actor(make_supplier(), Role.ADMINISTRATOR)
        first = actions.invite("a@example.org", [Role.CASEWORKER], actor=boss, now=clock())
        second = actions.invite("A@example.org", [Role.CASEWORKER], actor=boss, now=clock.move(minutes=1))
        session.expire_all()
        assert not first.works_at(clock())
        assert queries.open_invitations(boss.organisation, now=clock()) == [second]

    def test_an_invitation_can_be_withdrawn_by_its_own_organisation(
        self, session: Database, clock: StandingClock
    ) -> None:
        boss = make_actor(make_supplier(), Role.ADMINISTRATOR)
        link = actions.invite("a@example.org", [Role.CASEWORKER], actor=boss, now=clock())
        with pytest.raises(NotFound):
            actions.withdraw_invitation(link.id, actor=make_actor(make_supplier(), Role.ADMINISTRATOR), now=clock())
        actions.withdraw_invitation(link.id, actor=boss, now=clock())
        assert not link.works_at(clock())

    def test_the_framework_team_hands_over_a_supplier_of_the_register(
        self, session: Database, clock: StandingClock
    ) -> None:
        team, supplier = actor_with(Role.FRAMEWORK_TEAM), make_supplier("Register Ltd", claimed=False)
        with pytest.raises(NotAllowed):
            actions.hand_over(supplier, "a@example.org", actor=actor_with(Role.APPROVER), now=clock())
        actions.hand_over(supplier, "a@example.org", actor=team, now=clock())
        person, _ = actions.join(
            token_in(letter(session, "Register Ltd").body), name="Ann", password=PASSWORD, now=clock()
        )
        assert supplier.claimed_at == clock()
        assert Role.ADMINISTRATOR in queries.actor_for(person.id, supplier.id).roles
        with pytest.raises(AlreadyDone):
            actions.hand_over(supplier, "b@example.org", actor=team, now=clock())


class TestRoles:
    """Roles given and taken."""

    def test_a_role_is_taken_but_never_the_last_administrators(self, session: Database, clock: StandingClock) -> None:
        organisation = make_supplier()
        boss = make_actor(organisation, Role.ADMINISTRATOR, Role.SIGNATORY)
        actions.remove_role(boss.person, Role.SIGNATORY, actor=boss, now=clock())
        with pytest.raises(Refused, match="last administrator"):
            actions.remove_role(boss.person, Role.ADMINISTRATOR, actor=boss, now=clock())
        other = make_actor(organisation, Role.ADMINISTRATOR)
        actions.remove_role(boss.person, Role.ADMINISTRATOR, actor=other, now=clock())
        assert [grant.person_id for grant in session.scalars(select(RoleGrant))] == [other.person]

    def test_another_organisations_people_are_out_of_reach(self, session: Database, clock: StandingClock) -> None:
        stranger = actor_with(Role.ADMINISTRATOR)
        with pytest.raises(NotFound):
            actions.remove_role(stranger.person, Role.ADMINISTRATOR, actor=actor_with(Role.ADMINISTRATOR), now=clock())

    def test_a_role_must_fit_the_organisation(self, session: Database, clock: StandingClock) -> None:
        with pytest.raises(Invalid):
            actions.grant_role(make_person(), make_supplier(), Role.APPROVER, now=clock())

    def test_granting_twice_changes_nothing(self, session: Database, clock: StandingClock) -> None:
        person, organisation = make_person(), make_supplier()
        for _ in range(2):
            actions.grant_role(person, organisation, Role.CASEWORKER, now=clock())
        assert len(session.scalars(select(RoleGrant)).all()) == 1


class TestLostAuthenticator:
    """An administrator clears a colleague's second factor."""

    def protected(self, organisation: Organisation, clock: StandingClock, *roles: Role) -> tuple[Person, Actor]:
        """Somebody with an authenticator app."""
        person = make_person(totp_secret=pyotp.random_base32(), totp_confirmed_at=clock(), totp_last_step=1)
        give_role(person, organisation, *roles)
        return person, queries.actor_for(person.id, organisation.id)

    def test_it_is_cleared_the_person_is_signed_out_and_told(self, session: Database, clock: StandingClock) -> None:
        body = make_commissioner("Probation North")
        _, boss = self.protected(body, clock, Role.ADMINISTRATOR)
        pat, _ = self.protected(body, clock, Role.APPROVER)
        entry = actions.begin(pat, now=clock())
        assert not entry.is_whole
        actions.clear_second_factor(pat.id, actor=boss, now=clock())
        session.expire_all()
        assert (pat.totp_secret, pat.totp_confirmed_at, pat.totp_last_step) == (None, None, None)
        assert queries.sign_in_session(token_hash(entry.token)) is None
        sent = letter(session, "authenticator app was cleared")
        assert sent.person_id == pat.id
        assert f"{boss.name}, an administrator of Probation North" in sent.body
        for subject in (body, pat):
            (event,) = events_for(subject)
            assert (event.person_id, event.at) == (boss.person, clock())
        with pytest.raises(AlreadyDone):
            actions.clear_second_factor(pat.id, actor=boss, now=clock())
        actions.start_second_factor(pat, now=clock())

    def test_not_ones_own_nor_a_strangers_nor_by_whoever_is_no_administrator(
        self, session: Database, clock: StandingClock
    ) -> None:
        supplier = make_supplier()
        ann, boss = self.protected(supplier, clock, Role.ADMINISTRATOR)
        bob, colleague = self.protected(supplier, clock, Role.BID_MANAGER)
        stranger, _ = self.protected(make_supplier(), clock, Role.BID_MANAGER)
        for who, by, kind in ((ann, boss, NotAllowed), (stranger, boss, NotFound), (ann, colleague, NotAllowed)):
            with pytest.raises(kind):
                actions.clear_second_factor(who.id, actor=by, now=clock())
        assert all(person.totp_confirmed_at for person in (ann, bob, stranger))

    def test_a_password_alone_does_not_clear_anothers(self, session: Database, clock: StandingClock) -> None:
        supplier = make_supplier()
        bob, _ = self.protected(supplier, clock, Role.BID_MANAGER)
        with pytest.raises(NotAllowed, match="on your own account first"):
            actions.clear_second_factor(bob.id, actor=make_actor(supplier, Role.ADMINISTRATOR), now=clock())
        assert bob.totp_confirmed_at

    def test_a_supplier_does_not_clear_that_of_somebody_who_works_for_a_body_too(
        self, session: Database, clock: StandingClock
    ) -> None:
        supplier, body = make_supplier(), make_commissioner()
        _, boss = self.protected(supplier, clock, Role.ADMINISTRATOR)
        _, officer = self.protected(body, clock, Role.ADMINISTRATOR)
        both, _ = self.protected(supplier, clock, Role.BID_MANAGER)
        give_role(both, body, Role.EVALUATOR)
        with pytest.raises(NotAllowed, match="Only an administrator there"):
            actions.clear_second_factor(both.id, actor=boss, now=clock())
        actions.clear_second_factor(both.id, actor=officer, now=clock())
        assert both.totp_confirmed_at is None
