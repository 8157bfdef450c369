from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from contracts.referrals import jobs
from contracts.referrals.rules import ReferralStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.referrals import make_officer, make_referral, make_referrals, make_service

pytestmark = pytest.mark.usefixtures("session", "clock")
Status = ReferralStatus
TYPED = {
    "crn": "x 123456",
    "category": "ACC",
    "outcomes": ["ACC-1", "ACC-3"],
    "need": "Sleeps in a car.",
    "complexity": "high",
    "rar_days": "12",
}


def test_after_the_refusal_one_press_puts_the_person_on_the_waiting_list_with_all_that_was_typed(
    client: FlaskClient,
) -> None:
    line = make_service(bands=((0, 2),))
    make_referrals(line, 2)
    make_referral(line, status=Status.WAITING)
    sign_in(client, make_officer())
    url = f"/referrals/new/{line.id}"
    assert "1 person waits for a place" in client.get(url).text
    refused = client.post(url, data={**TYPED, "step": "send"})
    assert refused.status_code == 409
    for words in ("all 2 people it can", "The person would be 2nd on it", "5 working days", "our own default"):
        assert words in refused.text, words
    assert "the next places come with the new contract year on 1 April 2027" in refused.text
    for kept in ('value="X123456"', 'value="ACC-3"', 'value="Sleeps in a car."', 'value="high"', 'value="12"'):
        assert kept in refused.text, kept
    waits = client.post(url, data={**TYPED, "step": "wait"}, follow_redirects=True)
    assert "is 2nd on the waiting list" in waits.text
    assert "It is 2nd on the waiting list. You get an email when a place is free." in waits.text
    assert "Take off the waiting list" in waits.text
    assert "No sessions yet" not in waits.text
    again = client.post(url, data={**TYPED, "step": "wait"})
    assert "on the waiting list of this service already" in again.text
    assert 'value="X123456"' in again.text


def test_what_was_typed_is_kept_when_answers_are_changed_after_the_refusal(client: FlaskClient) -> None:
    line = make_service(bands=((0, 1),))
    make_referrals(line, 1)
    sign_in(client, make_officer())
    page = client.post(f"/referrals/new/{line.id}", data={**TYPED, "step": "change"}).text
    assert "Sleeps in a car." in page
    assert "Nobody waits for a place" in page


def test_taking_a_place_corrects_the_need_and_sends(client: FlaskClient, clock: StandingClock) -> None:
    supplier, officer = make_supplier(), make_officer()
    referral = make_referral(make_service(supplier=supplier), officer=officer, status=Status.OFFERED, sent_at=clock())
    sign_in(client, officer)
    home = client.get("/home").text
    assert f"A place is free for {referral.reference}: take it" in home
    assert "by 14 September 2026" in home
    url = f"/referrals/{referral.id}/confirm"
    page = client.get(url).text
    assert "A need.</textarea>" in page
    assert "until the end of 14 September 2026" in page
    assert "Enter what the person needs" in client.post(url, data={"need": "", "complexity": "low"}).text
    sent = client.post(url, data={"need": "A room with a bath.", "complexity": "medium"}, follow_redirects=True)
    assert "Sent to the supplier" in sent.text
    assert "A room with a bath." in sent.text
    assert client.get(url).location == f"/referrals/{referral.id}"
    refused = client.post(url, data={"need": "Twice.", "complexity": "low"})
    assert (refused.status_code, "Twice." in refused.text) == (409, True)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    assert "1 new referral" in client.get("/home").text
    seen = client.get(f"/referrals/{referral.id}").text
    assert "A room with a bath." in seen
    assert "Joined the waiting list" not in seen.split("What has happened")[0]


def test_leaving_asks_once_more_and_says_what_was_left(client: FlaskClient, clock: StandingClock) -> None:
    officer, line = make_officer(), make_service(bands=((0, 1),))
    offered = make_referral(line, officer=officer, status=Status.OFFERED, sent_at=clock())
    waits = make_referral(line, officer=officer, status=Status.WAITING, sent_at=clock())
    last = make_referral(line, officer=officer, status=Status.WAITING, sent_at=clock.move(minutes=1))
    sign_in(client, officer)
    for referral, asked, told in (
        (last, "off the waiting list?", "Taken off the waiting list."),
        (offered, "Leave the place to the next in line?", "Left to the next in line."),
    ):
        url = f"/referrals/{referral.id}/leave"
        assert asked in client.get(url).text
        assert told in client.post(url, follow_redirects=True).text
        assert client.get(url).status_code == 302
        assert client.post(url).status_code == 409
    assert waits.status is Status.OFFERED
    assert "It left the waiting list" in client.get(f"/referrals/{last.id}").text


def test_a_lapsed_offer_says_so_and_leads_to_referring_again(client: FlaskClient, clock: StandingClock) -> None:
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer, status=Status.OFFERED, sent_at=clock())
    clock.move(days=8)
    sign_in(client, officer)
    jobs.pass_places_on()
    page = client.get(f"/referrals/{referral.id}").text
    assert "not taken in time and went to the next in line" in page
    assert f'href="/referrals/new/{referral.line_id}"' in page


def test_strangers_find_no_place_to_take_or_leave(client: FlaskClient, clock: StandingClock) -> None:
    referral = make_referral(make_service(), status=Status.OFFERED, sent_at=clock())
    sign_in(client, make_officer())
    for path in ("confirm", "leave", ""):
        assert client.get(f"/referrals/{referral.id}/{path}".rstrip("/")).status_code == 404
    assert client.post(f"/referrals/{referral.id}/leave").status_code == 404


def test_waiting_lists_are_numbers_to_filter_sort_and_download(client: FlaskClient, clock: StandingClock) -> None:
    lead = make_commissioner()
    first = make_service(commissioner=lead, title="Rooms", bands=((0, 1),))
    second = make_service(commissioner=lead, title="Debts", bands=((0, 1),))
    sign_in(client, make_actor(lead, Role.CONTRACT_MANAGER))
    assert "Nobody waits for a place at your services" in client.get("/referrals/waiting-lists").text
    for line, days in ((first, (20, 2)), (second, (9,))):
        make_referral(line, status=Status.OFFERED, sent_at=clock())
        for ago in days:
            crn = f"Q9135{line.id % 10}{ago % 10}"
            make_referral(line, status=Status.WAITING, crn=crn, sent_at=clock.move(days=-ago))
            clock.move(days=ago)
    page = client.get("/referrals/waiting-lists").text
    assert page.index("Rooms") < page.index("Debts")
    assert "20 days" in page
    assert "11 days" in page
    assert "Q9135" not in page
    by_title = client.get("/referrals/waiting-lists?order=title").text
    assert by_title.index("Debts") < by_title.index("Rooms")
    assert "Debts" not in client.get("/referrals/waiting-lists?text=rooms").text
    assert "No waiting list matches" in client.get("/referrals/waiting-lists?text=nothing").text
    rows = client.get("/referrals/waiting-lists.csv").text.splitlines()
    assert rows[0].endswith("contract,service,supplier,waiting,places_held,longest_days,average_days")
    assert rows[1].endswith(",2,1,20,11")
    sign_in(client, make_actor(first.agreement.supplier, Role.SERVICE_MANAGER))
    page = client.get("/referrals/waiting-lists").text
    assert "Rooms" in page
    assert "Debts" not in page


def test_the_list_of_waiting_lists_takes_as_many_queries_for_thirty_as_for_two(client: FlaskClient) -> None:
    supplier = make_supplier()
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    counts = []
    for more in (2, 28):
        for _ in range(more):
            make_referral(make_service(supplier=supplier, with_manager=False), status=Status.WAITING)
        db.session.commit()
        with counted_queries() as sent:
            page = client.get("/referrals/waiting-lists").text
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 6
    assert "Page 1 of 2" in page
