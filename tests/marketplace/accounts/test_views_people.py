"""The pages of an organisation's people, and of letters."""

from __future__ import annotations

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from marketplace import outbox
from marketplace.access import Role
from marketplace.accounts import queries
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


class TestPeople:
    """An organisation's people."""

    def test_an_administrator_invites_and_the_person_joins(
        self, app: Flask, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        sign_in(client, make_actor(make_supplier("Open Doors"), Role.ADMINISTRATOR))
        answer = client.post(
            "/organisation/people/invite",
            data={"email": "new@example.org", "roles": ["caseworker", "service_manager"]},
            follow_redirects=True,
        )
        assert "We have sent an invitation to new@example.org" in answer.text
        assert "Caseworker and Service manager" in answer.text
        path, browser = link_in(session), app.test_client()
        assert "Join Open Doors" in browser.get(path).text
        answer = browser.post(path, data={"name": "Nell New", "password": PASSWORD}, follow_redirects=True)
        assert "Nell New, Open Doors" in answer.text
        assert "You now act for Open Doors" in answer.text
        assert "Nell New" in client.get("/organisation/people").text

    def test_somebody_here_already_signs_in_and_accepts(
        self, app: Flask, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        person, other = make_person(), make_person()
        give_role(person, make_supplier("Old"), Role.BID_MANAGER)
        give_role(other, make_supplier(), Role.BID_MANAGER)
        sign_in(client, make_actor(make_supplier("Open Doors"), Role.ADMINISTRATOR))
        client.post("/organisation/people/invite", data={"email": person.email, "roles": "caseworker"})
        path, browser = link_in(session), app.test_client()
        assert browser.get(path).location == f"/sign-in?next={path}"
        enter(browser, other.email)
        assert "another address" in browser.get(path).text
        assert browser.post(path).status_code == 200
        browser.post("/sign-out")
        enter(browser, person.email)
        assert "Open Doors invites you" in browser.get("/home").text
        answer = browser.post(path, follow_redirects=True)
        assert "You now act for Open Doors" in answer.text

    def test_an_administrator_clears_a_lost_authenticator_after_being_asked(
        self, app: Flask, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        body = make_commissioner()
        key = pyotp.random_base32()
        boss, pat = (make_person(name, totp_secret=key, totp_confirmed_at=clock()) for name in ("Bo Boss", "Pat Lost"))
        give_role(boss, body, Role.ADMINISTRATOR)
        give_role(pat, body, Role.EVALUATOR)
        sign_in(client, queries.actor_for(boss.id, body.id))
        theirs = sign_in(app.test_client(), queries.actor_for(pat.id, body.id))
        assert theirs.get("/home").status_code == 200
        path = f"/organisation/people/{pat.id}/clear-authenticator"
        page = client.get("/organisation/people").text
        assert path in page
        assert f"/{boss.id}/clear-authenticator" not in page
        asked = client.get(path).text
        assert "Clear the authenticator app of Pat Lost?" in asked
        assert "signed out everywhere" in asked
        assert theirs.get("/home").status_code == 200
        done = client.post(path, follow_redirects=True).text
        assert "The authenticator app of Pat Lost is cleared" in done
        assert path not in done
        assert theirs.get("/home").location.startswith("/sign-in")
        enter(theirs, pat.email)
        assert theirs.get("/home").location == "/account/second-factor"
        again = client.post(path)
        assert again.status_code == 409
        assert "Pat Lost has no authenticator app set up." in again.text
        own = client.post(f"/organisation/people/{boss.id}/clear-authenticator")
        assert (own.status_code, "on your account page" in own.text) == (403, True)
        assert client.post("/organisation/people/999999999/clear-authenticator").status_code == 404

    def test_refusals_stand_at_their_field(self, client: FlaskClient, session: Database) -> None:
        sign_in(client, make_actor(make_supplier(), Role.ADMINISTRATOR))
        page = client.post("/organisation/people/invite", data={"email": "a@example.org", "roles": "approver"}).text
        assert "Choose at least one role" in page

    def test_the_framework_team_hands_over_a_supplier_of_the_register(
        self, client: FlaskClient, session: Database
    ) -> None:
        supplier = make_supplier("Register Ltd", claimed=False)
        sign_in(client, actor_with(Role.FRAMEWORK_TEAM))
        assert "Register Ltd" in client.get("/organisations/without-people?name=register").text
        assert "None has" in client.get("/organisations/without-people?name=100%25").text
        path = f"/organisations/{supplier.id}/hand-over"
        assert client.get(path).status_code == 200
        assert client.post(path, data={"email": "a@example.org"}).location == "/organisations/without-people"


class TestLetters:
    """Letters to oneself."""

    def test_ones_own_letters_and_nobody_elses(
        self, client: FlaskClient, session: Database, clock: StandingClock
    ) -> None:
        ann, bob = actor_with(Role.BID_MANAGER), actor_with(Role.BID_MANAGER)
        for number in range(26):
            outbox.post(
                key=f"k{number}",
                email="ann@example.org",
                person_id=ann.person,
                subject=f"Subject {number}.",
                body="You won.\n\nSee the page.",
                now=clock(),
                holds_secret=number == 25,
            )
        sign_in(client, ann)
        page = client.get("/letters").text
        assert "Subject 25." in page
        assert "Subject 0." not in page
        assert "Subject 0." in client.get("/letters?page=2").text
        by_subject = {letter.subject: letter.id for letter in outbox.letters_to(ann.person)}
        assert "You won." in client.get(f"/letters/{by_subject['Subject 0.']}").text
        assert "You won." not in client.get(f"/letters/{by_subject['Subject 25.']}").text
        sign_in(client, bob)
        assert client.get(f"/letters/{by_subject['Subject 0.']}").status_code == 404
        assert "Nothing yet" in client.get("/letters").text
