from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.referrals.models import Referral
from contracts.referrals.rules import Attendance, ReferralStatus
from marketplace.access import Role
from marketplace.audit import AuditEvent
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.referrals import make_officer, make_referral, make_referrals, make_service, make_session

pytestmark = pytest.mark.usefixtures("session", "clock")
TYPED = {
    "crn": "x 123456",
    "category": "ACC",
    "outcomes": ["ACC-1", "ACC-3"],
    "need": "Sleeps in a car.\nNeeds a room.",
    "complexity": "high",
    "rar_days": "",
}


def test_an_officer_writes_checks_and_sends(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = make_service(title="Rooms for Kent")
    sign_in(client, make_officer())
    assert "Refer someone to Rooms for Kent" in client.get(f"/referrals/new/{line.id}").text
    check = client.post(f"/referrals/new/{line.id}", data={**TYPED, "step": "check"}).text
    assert "Check before you send" in check
    assert "X123456" in check
    assert "Prevented from losing" not in check
    assert "Sleeps in a car.<br>Needs a room." in check
    assert db.session.scalar(select(Referral.id)) is None
    again = client.post(f"/referrals/new/{line.id}", data={**TYPED, "step": "change"}).text
    assert 'value="X123456"' in again
    sent = client.post(f"/referrals/new/{line.id}", data={**TYPED, "step": "send"})
    assert sent.status_code == 302
    assert "123456" not in sent.location
    page = client.get(sent.location).text
    assert "X123456" in page
    assert "<title>Referral R-" in page
    assert "123456" not in page.split("</title>")[0]
    assert "123456" not in caplog.text
    assert "Sleeps in a car" not in caplog.text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"crn": "12"}, "Enter a case reference number, like X123456"),
        ({"crn": ""}, "Enter the case reference number"),
        ({"outcomes": []}, "Choose at least one outcome"),
        ({"need": ""}, "Enter what the person needs"),
        ({"need": "word " * 301}, "300 words or fewer"),
        ({"complexity": ""}, "Choose low, medium or high"),
        ({"rar_days": "400"}, "365 or less"),
        ({"category": "ETE"}, "Choose a kind of help"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    client: FlaskClient, changed: dict[str, object], words: str
) -> None:
    line = make_service(categories=["ACC", "DEP"])
    sign_in(client, make_officer())
    page = client.post(f"/referrals/new/{line.id}", data={**TYPED, **changed, "step": "check"}).text
    assert "There is a problem" in page
    assert words in page
    if "need" not in changed:
        assert "Sleeps in a car." in page


def test_a_service_that_fills_up_meanwhile_says_so(client: FlaskClient) -> None:
    line = make_service(bands=((0, 2),))
    make_referrals(line, 2)
    sign_in(client, make_officer())
    answer = client.post(f"/referrals/new/{line.id}", data={**TYPED, "step": "send"})
    assert answer.status_code == 409
    assert "all 2 people it can this contract year" in answer.text


def test_a_category_without_outcomes_asks_for_none(client: FlaskClient) -> None:
    line = make_service(categories=["WOM"])
    sign_in(client, make_officer())
    typed = {**TYPED, "category": "WOM", "outcomes": [], "step": "send"}
    assert client.post(f"/referrals/new/{line.id}", data=typed).status_code == 302


def test_the_supplier_accepts_offers_a_session_and_records_a_miss(client: FlaskClient, clock: StandingClock) -> None:
    supplier = make_supplier()
    officer = make_officer()
    referral = make_referral(make_service(supplier=supplier), officer=officer)
    manager = make_actor(supplier, Role.SERVICE_MANAGER)
    caseworker = make_actor(supplier, Role.CASEWORKER, name="Casey")
    url = f"/referrals/{referral.id}"
    sign_in(client, manager)
    assert "1 new referral to accept or return" in client.get("/home").text
    assert "Casey" in client.get(f"{url}/accept").text
    assert "Choose a caseworker" in client.post(f"{url}/accept", data={"caseworker": ""}).text
    assert client.post(f"{url}/accept", data={"caseworker": caseworker.person}).status_code == 302
    sign_in(client, caseworker)
    added = client.post(f"{url}/sessions/new", data={"day-day": "7", "day-month": "9", "day-year": "2026", "at": "9am"})
    assert added.status_code == 302
    home = client.get("/home").text
    assert "Record whether session 1" in home
    session_url = home.split('href="/referrals/sessions/')[1].split('"')[0]
    record = f"/referrals/sessions/{session_url}"
    assert "acceptable" in client.post(record, data={"attendance": "NO"}).text
    answer = client.post(record, data={"attendance": "NO", "absence": "POP_UNACCEPTABLE", "note": ""})
    assert answer.status_code == 302
    sign_in(client, officer)
    clock.move(minutes=1)
    assert f"A session of {referral.reference} was missed" in client.get("/home").text
    assert "1 session missed" in client.get(url).text
    assert "was missed" not in client.get("/home").text


def test_returning_gives_the_reason_to_the_officer(client: FlaskClient) -> None:
    supplier, officer = make_supplier(), make_officer()
    referral = make_referral(make_service(supplier=supplier), officer=officer)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    url = f"/referrals/{referral.id}"
    assert "Enter a reason" in client.post(f"{url}/return", data={"reason": ""}).text
    assert client.post(f"{url}/return", data={"reason": "Lives in Wales"}).status_code == 302
    sign_in(client, officer)
    page = client.get(url).text
    assert "Lives in Wales" in page
    assert "Find another service" in page


def test_withdrawing_says_whether_the_place_is_free_again(client: FlaskClient, clock: StandingClock) -> None:
    officer, line = make_officer(), make_service()
    new, begun = (make_referral(line, officer=officer, status=ReferralStatus.ACCEPTED) for _ in range(2))
    session = make_session(begun, starts_at=clock.moment)
    session.attendance, session.recorded_at = Attendance.LATE, clock.moment
    sign_in(client, officer)
    for referral, words in ((new, "the place is free again"), (begun, "so the place stays used")):
        url = f"/referrals/{referral.id}/withdraw"
        assert words in client.get(url).text
        answer = client.post(url, data={"reason": "Recalled to prison"}, follow_redirects=True)
        assert ("and the place is free again" in answer.text) is (referral is new)


def test_a_stranger_gets_the_same_answer_as_for_no_referral_and_leaves_no_look(client: FlaskClient) -> None:
    referral = make_referral(make_service())
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    stranger, nothing = client.get(f"/referrals/{referral.id}"), client.get("/referrals/999999")
    assert stranger.status_code == nothing.status_code == 404
    assert referral.reference not in stranger.text
    for path in ("accept", "return", "sessions/new"):
        assert client.get(f"/referrals/{referral.id}/{path}").status_code == 404
    assert db.session.scalar(select(AuditEvent.id).where(AuditEvent.what == "Looked at")) is None


def test_lists_hold_nothing_sealed_and_filter_by_status_and_person(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier)
    caseworker = make_actor(supplier, Role.CASEWORKER)
    mine = make_referral(line, status=ReferralStatus.ACCEPTED, caseworker=caseworker, crn="X765432")
    other = make_referral(line)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    page = client.get("/referrals/").text
    assert mine.reference in page
    assert other.reference in page
    assert "X765432" not in page
    page = client.get("/referrals/?status=accepted").text
    assert mine.reference in page
    assert other.reference not in page
    found = client.post("/referrals/find", data={"crn": "x765432"}).text
    assert "1 referral of the person" in found
    assert mine.reference in found
    assert other.reference not in found
    sign_in(client, caseworker)
    page = client.get("/referrals/?mine=yes").text
    assert mine.reference in page
    assert other.reference not in page


def test_the_list_takes_as_many_queries_for_thirty_as_for_two(client: FlaskClient) -> None:
    supplier = make_supplier()
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    counts = []
    for more in (2, 28):
        for _ in range(more):
            make_referral(make_service(supplier=supplier, with_manager=False))
        db.session.commit()
        with counted_queries() as sent:
            page = client.get("/referrals/").text
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 6
    assert "Page 1 of 2" in page


def test_completing_with_an_unrecorded_session_is_refused_in_words(client: FlaskClient, clock: StandingClock) -> None:
    supplier = make_supplier()
    referral = make_referral(make_service(supplier=supplier), status=ReferralStatus.ACCEPTED)
    session = make_session(referral, starts_at=clock.moment)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    assert f'href="/referrals/{referral.id}/complete"' in client.get(f"/referrals/{referral.id}").text
    asked = client.get(f"/referrals/{referral.id}/complete").text
    assert "The officer is told at once" in asked
    assert "It has 1 session." in asked
    answer = client.post(f"/referrals/{referral.id}/complete")
    assert answer.status_code == 409
    assert "Record every session" in answer.text
    client.post(f"/referrals/sessions/{session.id}", data={"attendance": "YES"})
    assert referral.status is ReferralStatus.ACCEPTED
    assert client.post(f"/referrals/{referral.id}/complete").status_code == 302
    assert referral.status is ReferralStatus.COMPLETED
    assert client.get(f"/referrals/{referral.id}/complete").location == f"/referrals/{referral.id}"


@pytest.mark.parametrize("role", [Role.CONTRACT_MANAGER, Role.COMMERCIAL_PARTNER, Role.REGIONAL_COORDINATOR])
def test_commissioners_see_no_referrals(client: FlaskClient, role: Role) -> None:
    referral = make_referral(make_service())
    sign_in(client, make_actor(referral.line.agreement.commissioner, role))
    assert client.get("/referrals/").status_code == 403
    assert client.get(f"/referrals/{referral.id}").status_code == 403


def test_much_news_is_one_line_of_the_home_page_that_leads_to_it(client: FlaskClient) -> None:
    line, officer = make_service(), make_officer()
    returned = [make_referral(line, officer=officer, status=ReferralStatus.RETURNED) for _ in range(6)]
    for one in returned:
        one.ended_at = one.sent_at + timedelta(hours=1)
    quiet = make_referral(line, officer=officer)
    sign_in(client, officer)
    home = client.get("/home").text
    assert "6 referrals returned, moved, not taken in time or with a session missed" in home
    assert returned[0].reference not in home
    page = client.get("/referrals/?news=yes").text
    assert all(one.reference in page for one in returned)
    assert quiet.reference not in page
