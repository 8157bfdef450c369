"""What accounts do and refuse, on the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import Mock

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text
from sqlalchemy.orm import Session, scoped_session

from marketplace.access import Role
from marketplace.accounts import actions, jobs, queries
from marketplace.accounts.actions import organisations, passwords
from marketplace.accounts.models import OneTimeLink, Organisation, Person, SignInSession
from marketplace.accounts.rules import OrganisationKind, SupplierStatus, token_hash
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound
from tests.conftest import StandingClock
from tests.factories.accounts import (
    PASSWORD,
    actor_with,
    give_role,
    letter,
    make_actor,
    make_person,
    make_supplier,
    token_in,
)

Database = scoped_session[Session]
NEW = "another long password"


def sign_up(clock: StandingClock, **other: object) -> tuple[Person, Organisation]:
    details: dict[str, object] = {
        "name": "Maud Mills",
        "email": "maud@example.org",
        "password": PASSWORD,
        "organisation_name": "Open Doors",
        "supplier_status": SupplierStatus.VCSE,
        "company": "123456",
        "charity": "",
    }
    return actions.sign_up(**(details | other), now=clock())  # type: ignore[arg-type]


class TestSignUp:
    """A supplier comes."""

    def test_the_first_person_can_do_all_up_to_the_contract(self, session: Database, clock: StandingClock) -> None:
        person, organisation = sign_up(clock)
        assert organisation.company_number == "00123456"
        assert organisation.claimed_at == clock()
        roles = queries.actor_for(person.id, organisation.id).roles
        assert roles == {Role.ADMINISTRATOR, Role.BID_MANAGER, Role.SIGNATORY}
        assert PASSWORD not in str(person.password_hash)
        assert str(person.password_hash).startswith("$argon2id$")

    @pytest.mark.parametrize(
        ("other", "field"),
        [
            ({"company": "", "charity": ""}, "company_number"),
            ({"company": "12-34"}, "company_number"),
            ({"charity": "12"}, "charity_number"),
            ({"password": "short"}, "password"),
        ],
    )
    def test_what_cannot_be_right_is_refused_at_its_field(
        self, session: Database, clock: StandingClock, other: dict[str, object], field: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            sign_up(clock, **other)
        assert refused.value.field == field

    def test_a_number_that_is_here_already_is_refused(self, session: Database, clock: StandingClock) -> None:
        sign_up(clock)
        with pytest.raises(AlreadyDone, match=r"Open Doors has an account .* Ask its administrator"):
            sign_up(clock, email="other@example.org", company="00123456")

    def test_an_organisation_of_the_register_is_not_taken_over(self, session: Database, clock: StandingClock) -> None:
        make_supplier("Register Ltd", claimed=False, register_name="REGISTER LTD", company_number="07654321")
        with pytest.raises(AlreadyDone, match="Ask the framework team"):
            sign_up(clock, company="7654321")

    def test_of_two_at_once_the_database_lets_one_in(
        self, session: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_up(clock)
        monkeypatch.setattr(organisations, "organisation_with_number", lambda **numbers: None)
        monkeypatch.setattr(organisations, "person_by_email", lambda email: None)
        with pytest.raises(AlreadyDone):
            sign_up(clock, email="other@example.org")
        with pytest.raises(AlreadyDone):
            sign_up(clock, company="7654321")

    def test_an_address_has_one_account(self, session: Database, clock: StandingClock) -> None:
        make_person(email="Maud@Example.org")
        with pytest.raises(AlreadyDone, match="Sign in"):
            sign_up(clock)


class TestSigningIn:
    """Passwords, lock-out, sessions."""

    def test_the_right_password_signs_in_and_a_wrong_one_does_not(
        self, session: Database, clock: StandingClock
    ) -> None:
        person = make_person(email="ann@example.org")
        assert actions.check_password("ANN@example.org ", PASSWORD, now=clock()) is person
        assert actions.check_password("ann@example.org", "wrong", now=clock()) is None
        assert actions.check_password("nobody@example.org", PASSWORD, now=clock()) is None

    def test_nobody_costs_as_much_as_somebody(
        self, session: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        class Counting:
            def verify(self, kept: str, password: str) -> bool:
                asked.append(kept)
                return True

        monkeypatch.setattr(passwords, "_of_nobody", Mock(return_value="of nobody"))
        monkeypatch.setattr(passwords, "_hasher", Counting())
        assert actions.check_password("nobody@example.org", PASSWORD, now=clock()) is None
        make_person(email="no-password@example.org").password_hash = None
        assert actions.check_password("no-password@example.org", PASSWORD, now=clock()) is None
        assert asked == ["of nobody", "of nobody"]

    def test_five_wrong_passwords_lock_the_account_for_longer_and_longer(
        self, session: Database, clock: StandingClock
    ) -> None:
        person = make_person(email="ann@example.org")
        for _ in range(5):
            assert actions.check_password(person.email, "wrong", now=clock()) is None
        assert actions.check_password(person.email, PASSWORD, now=clock()) is None
        assert actions.check_password(person.email, PASSWORD, now=clock.move(seconds=59)) is None
        assert actions.check_password(person.email, "wrong", now=clock.move(seconds=1)) is None
        assert actions.check_password(person.email, PASSWORD, now=clock.move(seconds=119)) is None
        assert actions.check_password(person.email, PASSWORD, now=clock.move(seconds=1)) is person
        actions.begin(person, now=clock())
        assert (person.failed_sign_ins, person.locked_until) == (0, None)

    def test_the_right_password_alone_forgives_no_wrong_codes(self, session: Database, clock: StandingClock) -> None:
        person = make_person(totp_secret=pyotp.random_base32(), totp_confirmed_at=clock())
        person.failed_sign_ins = 3
        assert not actions.begin(person, now=clock()).is_whole
        assert person.failed_sign_ins == 3

    def test_invented_people_stay_out_where_they_do_not_belong(self, session: Database, clock: StandingClock) -> None:
        person = make_person(is_demonstration=True)
        assert actions.check_password(person.email, PASSWORD, now=clock(), invented_people=False) is None
        assert actions.check_password(person.email, PASSWORD, now=clock()) is person

    def test_a_session_is_kept_as_a_hash_only(self, session: Database, clock: StandingClock) -> None:
        entry = actions.begin(make_person(), now=clock())
        row = queries.sign_in_session(token_hash(entry.token))
        assert row is not None
        dumped = session.execute(text("SELECT s::text FROM sign_in_sessions s")).scalars().all()
        assert not [line for line in dumped if entry.token in line]

    def test_a_session_ends_when_unused_and_at_the_latest(self, session: Database, clock: StandingClock) -> None:
        row = queries.sign_in_session(token_hash(actions.begin(make_person(), now=clock()).token))
        assert row is not None
        start = clock()
        assert row.lasts_at(start + timedelta(minutes=119))
        assert not row.lasts_at(start + timedelta(hours=2))
        row.last_seen_at = start + timedelta(hours=11, minutes=59)
        assert row.lasts_at(start + timedelta(hours=11, minutes=59))
        assert not row.lasts_at(start + timedelta(hours=12))

    def test_it_acts_for_the_organisation_acted_for_last(self, session: Database, clock: StandingClock) -> None:
        person, first, second = make_person(), make_supplier("A"), make_supplier("B")
        give_role(person, first, Role.BID_MANAGER)
        give_role(person, second, Role.BID_MANAGER)

        def begun() -> SignInSession:
            row = queries.sign_in_session(token_hash(actions.begin(person, now=clock()).token))
            assert row is not None
            return row

        row = begun()
        assert row.organisation_id == first.id
        began = row.created_at
        entry = actions.act_for(row, second.id, now=clock.move(hours=1))
        assert row.ended_at is not None
        switched = queries.sign_in_session(token_hash(entry.token))
        assert switched is not None
        assert (switched.organisation_id, switched.created_at) == (second.id, began)
        assert begun().organisation_id == second.id
        with pytest.raises(NotAllowed):
            actions.act_for(switched, make_supplier().id, now=clock())

    def test_an_old_hash_is_made_anew_when_its_password_is_given(
        self, session: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = make_person()
        old = person.password_hash
        monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
        assert actions.check_password(person.email, "wrong", now=clock()) is None
        assert person.password_hash == old
        assert actions.check_password(person.email, PASSWORD, now=clock()) is person
        assert "t=2" in str(person.password_hash)
        assert actions.check_password(person.email, PASSWORD, now=clock()) is person


class TestSecondFactor:
    """Codes of the authenticator app."""

    @pytest.fixture
    def person(self, session: Database, clock: StandingClock) -> Person:
        return make_person(totp_secret=pyotp.random_base32(), totp_confirmed_at=clock())

    def half(self, person: Person, clock: StandingClock) -> SignInSession:
        entry = actions.begin(person, now=clock())
        row = actions.half_session(entry.token, now=clock())
        assert row is not None
        return row

    def code(self, person: Person, clock: StandingClock) -> str:
        return pyotp.TOTP(str(person.totp_secret)).at(clock())

    def test_a_code_makes_a_half_session_whole_under_a_new_token(self, person: Person, clock: StandingClock) -> None:
        half = self.half(person, clock)
        entry = actions.give_second_factor(half, self.code(person, clock), now=clock())
        assert entry is not None
        assert entry.is_whole
        assert half.ended_at == clock()
        assert token_hash(entry.token) != half.token_hash

    def test_a_code_works_once(self, person: Person, clock: StandingClock) -> None:
        code = self.code(person, clock)
        assert actions.give_second_factor(self.half(person, clock), code, now=clock())
        assert actions.give_second_factor(self.half(person, clock), code, now=clock()) is None
        clock.move(seconds=30)
        assert actions.give_second_factor(self.half(person, clock), self.code(person, clock), now=clock())

    def test_wrong_codes_lock_as_wrong_passwords_do(self, person: Person, clock: StandingClock) -> None:
        half = self.half(person, clock)
        for _ in range(5):
            assert actions.give_second_factor(half, "000", now=clock()) is None
        assert actions.give_second_factor(half, self.code(person, clock), now=clock()) is None
        clock.move(minutes=1)
        assert actions.give_second_factor(half, self.code(person, clock), now=clock())

    def test_a_half_session_waits_ten_minutes(self, person: Person, clock: StandingClock) -> None:
        token = actions.begin(person, now=clock()).token
        assert actions.half_session(token, now=clock.move(minutes=9))
        assert actions.half_session(token, now=clock.move(minutes=1)) is None
        assert actions.half_session("", now=clock()) is None

    def test_setting_up_needs_a_code_and_ends_other_sessions(self, session: Database, clock: StandingClock) -> None:
        person = make_person()
        here, there = (queries.sign_in_session(token_hash(actions.begin(person, now=clock()).token)) for _ in range(2))
        assert here is not None
        assert there is not None
        actions.start_second_factor(person, now=clock())
        with pytest.raises(Invalid):
            actions.confirm_second_factor(here, "123", now=clock())
        assert person.totp_confirmed_at is None
        actions.confirm_second_factor(here, self.code(person, clock), now=clock())
        session.expire_all()
        assert (here.ended_at, there.ended_at) == (None, clock())
        assert here.is_whole
        with pytest.raises(AlreadyDone):
            actions.start_second_factor(person, now=clock())
        kept = session.execute(text("SELECT totp_secret FROM people WHERE id = :id"), {"id": person.id}).scalar_one()
        assert str(person.totp_secret).encode() not in bytes(kept)

    def test_turning_it_off_needs_the_password(self, person: Person, clock: StandingClock) -> None:
        entry = actions.give_second_factor(self.half(person, clock), self.code(person, clock), now=clock())
        assert entry
        row = queries.sign_in_session(token_hash(entry.token))
        assert row is not None
        assert not actions.turn_off_second_factor(row, "wrong", now=clock())
        assert person.totp_secret
        assert actions.turn_off_second_factor(row, PASSWORD, now=clock())
        assert (person.totp_secret, person.totp_confirmed_at, row.second_factor_at) == (None, None, None)


class TestPasswords:
    """Forgotten and changed passwords."""

    def test_a_reset_link_changes_the_password_once_and_signs_out_everywhere(
        self, session: Database, clock: StandingClock
    ) -> None:
        person = make_person(email="ann@example.org")
        person.failed_sign_ins, person.locked_until = 9, clock() + timedelta(hours=1)
        row = queries.sign_in_session(token_hash(actions.begin(person, now=clock()).token))
        assert row is not None
        actions.ask_for_reset("Ann@example.org", now=clock())
        sent = letter(session, "Choose a new password")
        assert (sent.holds_secret, sent.person_id) == (True, person.id)
        token = token_in(sent.body)
        with pytest.raises(Invalid), session.begin_nested():
            actions.reset_password(token, "short", now=clock())
        actions.reset_password(token, NEW, now=clock.move(minutes=59))
        session.expire_all()
        assert row.ended_at == clock()
        assert actions.check_password(person.email, NEW, now=clock()) is person
        with pytest.raises(NotFound, match="used already"):
            actions.reset_password(token, NEW, now=clock())

    def test_a_reset_link_works_for_an_hour(self, session: Database, clock: StandingClock) -> None:
        person = make_person()
        actions.ask_for_reset(person.email, now=clock())
        token = token_in(letter(session, "Choose a new password").body)
        with pytest.raises(NotFound):
            actions.reset_password(token, NEW, now=clock.move(hours=1))

    def test_a_stranger_gets_no_letter_and_nobody_gets_many(self, session: Database, clock: StandingClock) -> None:
        person = make_person()
        actions.ask_for_reset("nobody@example.org", now=clock())
        for _ in range(3):
            actions.ask_for_reset(person.email, now=clock())
        assert len(session.scalars(select(OneTimeLink)).all()) == 1
        actions.ask_for_reset(person.email, now=clock.move(minutes=3))
        assert len(session.scalars(select(OneTimeLink)).all()) == 2

    def test_changing_the_password_ends_the_other_sessions_and_tells_the_person(
        self, session: Database, clock: StandingClock
    ) -> None:
        person = make_person()
        here, there = (queries.sign_in_session(token_hash(actions.begin(person, now=clock()).token)) for _ in range(2))
        assert here is not None
        assert there is not None
        actions.change_password(here, new=NEW, now=clock())
        session.expire_all()
        assert (here.ended_at, there.ended_at) == (None, clock())
        assert letter(session, "A new password was chosen").person_id == person.id


def test_what_ended_a_month_ago_is_forgotten(
    session: Database, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    person = make_person()
    actions.begin(person, now=clock())
    actions.ask_for_reset(person.email, now=clock())
    boss = make_actor(make_supplier(), Role.ADMINISTRATOR)
    actions.invite("a@example.org", [Role.CASEWORKER], actor=boss, now=clock())
    clock.move(days=20)
    actions.begin(person, now=clock())
    clock.move(days=18)
    jobs.clear_away()
    assert len(session.scalars(select(SignInSession)).all()) == 1
    assert session.scalars(select(OneTimeLink)).all() == []


def test_organisations_are_of_every_kind_the_database_knows(session: Database, clock: StandingClock) -> None:
    for number, kind in enumerate(OrganisationKind):
        actions.add_organisation(name=f"Body {number}", kind=kind, now=clock())
    for role in Role:
        assert actor_with(role).roles == {role}
