"""The pages of accounts, as a browser meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from marketplace import outbox
from marketplace.access import Role
from marketplace.accounts import queries
from marketplace.accounts.models import Organisation, SignInSession
from marketplace.app import create_app
from marketplace.config import Mode
from marketplace.extensions import db, limiter
from tests.conftest import StandingClock
from tests.factories.accounts import (
    PASSWORD,
    actor_with,
    enter,
    give_role,
    link_in,
    make_actor,
    make_commissioner,
    make_person,
    make_supplier,
    sign_in,
)

Database = scoped_session[Session]


@pytest.fixture
def demonstration(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mode=Mode.DEMONSTRATION))


def supplier_person(**more: object) -> str:
    person = make_person(**more)  # type: ignore[arg-type]
    give_role(person, make_supplier("Open Doors"), Role.ADMINISTRATOR, Role.BID_MANAGER)
    return person.email


def test_a_supplier_signs_up_and_is_in(client: FlaskClient, session: Database, clock: StandingClock) -> None:
    answer = client.post(
        "/sign-up",
        data={
            "organisation_name": "Open Doors",
            "supplier_status": "vcse",
            "charity_number": "1234567",
            "name": "Maud Mills",
            "email": "maud@example.org",
            "password": PASSWORD,
        },
        follow_redirects=True,
    )
    assert answer.request.path == "/home"
    assert "Maud Mills, Open Doors" in answer.text
    assert "Your organisation has its account" in answer.text


def test_a_refused_sign_up_keeps_what_was_typed_but_the_password(client: FlaskClient, session: Database) -> None:
    answer = client.post(
        "/sign-up",
        data={
            "organisation_name": "Open Doors",
            "supplier_status": "sme",
            "company_number": "12-34",
            "name": "Maud Mills",
            "email": "maud@example.org",
            "password": PASSWORD,
        },
    )
    assert "Enter a real company number" in answer.text
    assert 'value="Maud Mills"' in answer.text
    assert PASSWORD not in answer.text
    assert session.scalars(select(Organisation).where(Organisation.name == "Open Doors")).all() == []


def test_signing_in_and_out(client: FlaskClient, session: Database, clock: StandingClock) -> None:
    email = supplier_person()
    answer = enter(client, email, onward="/account")
    assert answer.location == "/account"
    token = cookie_token(client)
    assert client.get("/account").status_code == 200
    assert client.post("/sign-out").location == "/sign-in"
    assert client.get("/account").status_code == 302
    with client.session_transaction() as browser:
        browser["_user_id"] = token
    assert client.get("/account").status_code == 302, "the old token is worth nothing after signing out"


def cookie_token(client: FlaskClient) -> str:
    with client.session_transaction() as browser:
        return str(browser["_user_id"])


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_led_off_the_site(client: FlaskClient, session: Database, onward: str) -> None:
    assert enter(client, supplier_person(), onward=onward).location == "/home"


def test_the_answer_is_the_same_for_a_stranger_a_wrong_password_and_a_lock(
    client: FlaskClient, session: Database, clock: StandingClock
) -> None:
    email = supplier_person()

    def words(answer: TestResponse) -> str:
        assert answer.status_code == 200
        found = re.search(r"The email address or the password is wrong[^<]*", answer.text)
        assert found
        return found[0]

    first = words(enter(client, email, "wrong"))
    for _ in range(4):
        enter(client, email, "wrong")
    assert first == words(enter(client, email)) == words(enter(client, "nobody@example.org"))
    clock.move(minutes=1)
    assert enter(client, email).location == "/home"


def test_the_answer_to_a_forgotten_password_is_the_same_for_everybody(client: FlaskClient, session: Database) -> None:
    email = supplier_person()
    pages = [
        re.sub(r"nonce[^ ]*", "", client.post("/forgotten-password", data={"email": one}, follow_redirects=True).text)
        for one in (email, "nobody@example.org")
    ]
    assert pages[0] == pages[1]
    assert len(session.scalars(select(outbox.Letter)).all()) == 1


def test_a_reset_link_leads_to_a_new_password(client: FlaskClient, session: Database) -> None:
    email = supplier_person()
    client.post("/forgotten-password", data={"email": email})
    path = link_in(session)
    assert client.get(path).status_code == 200
    assert "12 characters or more" in client.post(path, data={"password": "short"}).text
    assert client.post(path, data={"password": "another long password"}).location == "/sign-in"
    assert client.get(path).status_code == 404
    assert enter(client, email, "another long password").location == "/home"


class TestSession:
    """How long a browser is signed in, and as whom."""

    def test_an_unused_browser_is_signed_out_after_two_hours(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        enter(client, supplier_person())
        for _ in range(3):
            clock.move(minutes=119)
            assert client.get("/account").status_code == 200
        clock.move(minutes=120)
        assert client.get("/account").status_code == 302

    def test_no_browser_stays_signed_in_for_more_than_twelve_hours(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        enter(client, supplier_person())
        for _ in range(7):
            clock.move(minutes=100)
            assert client.get("/account").status_code == 200
        clock.move(minutes=20)
        assert client.get("/account").status_code == 302

    def test_who_is_asking_costs_one_query_and_a_write_at_most_once_a_minute(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        sign_in(client, actor_with(Role.BID_MANAGER))
        asked: list[str] = []
        connection = db.session.connection()

        def note(*arguments: object) -> None:
            statement = str(arguments[2])
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                asked.append(statement)

        event.listen(connection.engine, "before_cursor_execute", note)
        try:
            client.get("/help")
            assert len(asked) == 1, asked
            asked.clear()
            clock.move(seconds=61)
            client.get("/help")
            client.get("/help")
        finally:
            event.remove(connection.engine, "before_cursor_execute", note)
        assert len([statement for statement in asked if statement.startswith("UPDATE")]) == 1
        assert session.scalars(select(SignInSession.last_seen_at)).all() == [clock()]

    def test_acting_for_another_organisation_changes_roles_and_token(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        person, first, second = make_person(), make_supplier("A first"), make_supplier("B second")
        give_role(person, first, Role.ADMINISTRATOR)
        give_role(person, second, Role.BID_MANAGER)
        enter(client, person.email)
        token = cookie_token(client)
        assert client.get("/organisation/people").status_code == 200
        assert "Act for B second" in client.get("/account").text
        assert client.post("/account/act-for", data={"organisation": second.id}).location == "/home"
        assert cookie_token(client) != token
        assert client.get("/organisation/people").status_code == 403
        assert client.post("/account/act-for", data={"organisation": make_supplier().id}).status_code == 403
        with client.session_transaction() as browser:
            browser["_user_id"] = token
        assert client.get("/account").status_code == 302

    def test_signing_out_everywhere(self, app: Flask, client: FlaskClient, session: Database) -> None:
        email, other = supplier_person(), app.test_client()
        enter(client, email)
        enter(other, email)
        assert client.post("/account/sign-out-everywhere").location == "/sign-in"
        assert other.get("/account").status_code == 302

    def test_a_role_taken_is_gone_with_the_next_page(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        organisation = make_supplier()
        boss, other = make_actor(organisation, Role.ADMINISTRATOR), make_actor(organisation, Role.ADMINISTRATOR)
        sign_in(client, other)
        answer = client.post(
            f"/organisation/people/{other.person}/remove-role", data={"role": "administrator"}, follow_redirects=True
        )
        assert answer.status_code == 403
        assert queries.actor_for(boss.person, organisation.id).roles == {Role.ADMINISTRATOR}

    def test_changing_the_password_needs_the_old_one(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        email = supplier_person()
        enter(client, email)
        data = {"old": "wrong", "password": "another long password"}
        assert "This is not your password" in client.post("/account/password", data=data).text
        person = queries.person_by_email(email)
        assert person is not None
        assert person.failed_sign_ins == 1
        assert client.post("/account/password", data=data | {"old": PASSWORD}).location == "/account"
        assert client.get("/account").status_code == 200


class TestSecondFactor:
    """Codes of the authenticator app."""

    @pytest.mark.parametrize(("body", "owed"), [(make_commissioner, True), (make_supplier, False)])
    def test_administrators_of_public_bodies_are_staff_too(
        self, client: FlaskClient, clock: StandingClock, body: Callable[[], Organisation], owed: bool
    ) -> None:
        person = make_person()
        give_role(person, body(), Role.ADMINISTRATOR)
        enter(client, person.email)
        assert (client.get("/organisation/people").location == "/account/second-factor") is owed

    def test_staff_set_it_up_before_anything_else(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        person = make_person()
        give_role(person, make_commissioner(), Role.COMMERCIAL_PARTNER)
        enter(client, person.email)
        for path in ("/home", "/account", "/letters", "/"):
            assert client.get(path).location == "/account/second-factor"
        assert "Your role needs a second proof" in client.get("/account/second-factor").text
        client.post("/account/second-factor/start")
        page = client.get("/account/second-factor").text
        assert '<img class="dfm-qr" src="data:image/svg+xml' in page
        session.refresh(person)
        secret = str(person.totp_secret)
        assert secret in page.replace(" ", "")
        assert "not the code" in client.post("/account/second-factor", data={"code": "1"}).text
        answer = client.post("/account/second-factor", data={"code": pyotp.TOTP(secret).at(clock())})
        assert answer.location == "/home"
        assert client.get("/home").status_code == 200

    def test_it_is_asked_at_every_sign_in_and_opens_nothing_before(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        secret = pyotp.random_base32()
        email = supplier_person(totp_secret=secret, totp_confirmed_at=clock())
        assert enter(client, email, onward="/letters").location == "/sign-in/code?next=/letters"
        with client.session_transaction() as browser:
            half = browser["half_signed_in"]
            assert "_user_id" not in browser
        assert client.get("/account").status_code == 302
        assert "This code is wrong" in client.post("/sign-in/code", data={"code": "1"}).text
        code = pyotp.TOTP(secret).at(clock())
        assert client.post("/sign-in/code?next=/letters", data={"code": code}).location == "/letters"
        assert cookie_token(client) != half
        with client.session_transaction() as browser:
            browser["_user_id"] = half
        assert client.get("/account").status_code == 302

    def test_a_half_session_in_the_cookie_is_nobody(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        enter(client, supplier_person(totp_secret=pyotp.random_base32(), totp_confirmed_at=clock()))
        with client.session_transaction() as browser:
            browser["_user_id"] = browser["half_signed_in"]
        assert client.get("/account").status_code == 302

    def test_suppliers_are_free_to_and_reminded(self, client: FlaskClient, session: Database) -> None:
        enter(client, supplier_person())
        assert "Protect your account" in client.get("/home").text

    def test_it_is_replaced_by_proving_the_password(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        actor = actor_with(Role.BID_MANAGER)
        person = queries.person(actor.person)
        person.totp_secret, person.totp_confirmed_at = pyotp.random_base32(), clock()
        sign_in(client, actor)
        assert "not your password" in client.post("/account/second-factor/off", data={"password": "no"}).text
        answer = client.post("/account/second-factor/off", data={"password": PASSWORD})
        assert answer.location == "/account/second-factor"
        session.refresh(person)
        assert person.totp_secret is None


class TestDemonstration:
    """Invented people, in their place only."""

    def test_invented_people_are_listed_and_sign_in_by_a_button(
        self, client: FlaskClient, session: Database, demonstration: None
    ) -> None:
        invented, real = make_person("Ida Invented", is_demonstration=True), make_person("Rita Real")
        organisation = make_commissioner("North East")
        give_role(invented, organisation, Role.APPROVER)
        give_role(real, organisation, Role.APPROVER)
        page = client.get("/sign-in").text
        assert "Ida Invented" in page
        assert "Rita Real" not in page
        assert client.post("/sign-in/demonstration", data={"person": real.id}).status_code == 404
        answer = client.post("/sign-in/demonstration", data={"person": invented.id}, follow_redirects=True)
        assert "Ida Invented, North East" in answer.text

    def test_elsewhere_there_is_neither_list_nor_button(self, client: FlaskClient, session: Database) -> None:
        invented = make_person("Ida Invented", is_demonstration=True)
        give_role(invented, make_supplier(), Role.BID_MANAGER)
        assert "Ida Invented" not in client.get("/sign-in").text
        assert client.post("/sign-in/demonstration", data={"person": invented.id}).status_code == 404

    def test_in_production_they_cannot_sign_in_at_all(
        self, app: Flask, client: FlaskClient, session: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mode=Mode.PRODUCTION))
        invented = make_person(is_demonstration=True)
        give_role(invented, make_supplier(), Role.BID_MANAGER)
        assert enter(client, invented.email).status_code == 200


def test_machines_that_try_and_try_are_stopped_by_address(committed_app: Flask) -> None:
    settings = replace(committed_app.config["SETTINGS"], mode=Mode.DEMONSTRATION)
    try:
        limited = create_app(settings)
        limited.config["WTF_CSRF_ENABLED"] = False
        machine = limited.test_client()
        answers = [machine.post("/sign-in").status_code for _ in range(31)]
        assert answers == [200] * 30 + [429]
        assert [machine.post("/sign-up").status_code for _ in range(11)][-2:] == [200, 429]
        assert [machine.post("/forgotten-password").status_code for _ in range(11)][-2:] == [200, 429]
        assert [machine.post("/sign-in/code").status_code for _ in range(31)][-2:] == [302, 429]
        other = machine.post("/sign-in", environ_overrides={"REMOTE_ADDR": "127.0.0.2"})
        assert other.status_code == 200
        with limited.app_context():
            db.engine.dispose()
    finally:
        limiter.enabled = False
