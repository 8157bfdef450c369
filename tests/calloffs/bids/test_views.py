from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from calloffs.bids import actions, queries
from calloffs.competitions.models import Invitation
from calloffs.competitions.rules import CompetitionStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, sign_in
from tests.factories.competitions import CLOSES_AT, PHRASE, Tender, make_tender
from tests.factories.counting import counted_queries

pytestmark = pytest.mark.usefixtures("session", "clock")


def _form(made: Tender, **changes: str) -> dict[str, str]:
    psed, scored = made.competition.questions
    form = {"version": "0", "then": "save", f"answer_{psed.id}": "We will.", f"answer_{scored.id}": f"{PHRASE}."}
    form |= {f"price_{band.number}": "90000" for band in made.competition.bands}
    return form | changes


def _saved(made: Tender, clock: StandingClock) -> None:
    actions.save_draft(made.competition, content=made.content, base_version=0, actor=made.bidder, now=clock())
    db.session.commit()


def _submitted(made: Tender, clock: StandingClock) -> None:
    _saved(made, clock)
    actions.submit(made.competition, version=1, actor=made.bidder, now=clock())
    db.session.commit()


def test_a_supplier_bids_from_the_invitation_to_the_receipt(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender(bands=True)
    base = f"/bids/{made.competition.id}"
    sign_in(client, made.bidder)
    assert "You are invited to bid: Homes in Manchester" in client.get("/home").text
    assert "Not begun" in client.get("/bids").text
    assert "Begin your bid" in client.get(base).text
    assert db.session.query(Invitation).one().first_opened_at == clock()
    form = _form(made, then="check")
    check = client.post(f"{base}/edit", data=form, follow_redirects=True)
    assert "Check and submit your bid" in check.text
    assert "£90,000.00" in check.text
    assert "To put right" not in check.text
    receipt = client.post(f"{base}/submit", data={"version": "1"}, follow_redirects=True)
    assert receipt.request.path == f"{base}/receipts/1"
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.draft.digest() in receipt.text
    assert "You are invited to bid" not in client.get("/home").text


def test_words_are_counted_and_too_many_are_shown_at_the_field(client: FlaskClient) -> None:
    made = make_tender()
    scored = made.competition.questions[1]
    base = f"/bids/{made.competition.id}"
    sign_in(client, made.bidder)
    form = _form(made, **{f"answer_{scored.id}": "word " * 11, "price_1": "100000.01"})
    page = client.post(f"{base}/edit", data=form, follow_redirects=True).text
    assert 'data-maxwords="10"' in page
    assert "11 words when this page was shown, of at most 10" in page
    assert "must be 10 words or fewer. It has 11" in page
    assert "The annual price must be £100,000.00 or less a year" in page
    check = client.get(f"{base}/submit").text
    assert "To put right before you can submit" in check
    assert f"/bids/{made.competition.id}/edit#answer_{scored.id}" in check
    refused = client.post(f"{base}/submit", data={"version": "1"})
    assert refused.status_code == 422


def test_a_price_that_is_no_amount_is_shown_and_all_the_rest_is_saved(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, made.bidder)
    answer = client.post(f"/bids/{made.competition.id}/edit", data=_form(made, price_1="about 90k"))
    assert answer.status_code == 422
    assert "Enter an amount in pounds" in answer.text
    assert "about 90k" in answer.text
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert PHRASE in own.draft.answers[made.competition.questions[1].id]
    assert 'name="version" type="hidden" value="1"' in answer.text


def test_an_older_page_is_told_and_shows_both(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _saved(made, clock)
    sign_in(client, made.colleague)
    psed = made.competition.questions[0]
    typed = _form(made, **{f"answer_{psed.id}": "What the colleague typed."})
    answer = client.post(f"/bids/{made.competition.id}/edit", data=typed)
    assert answer.status_code == 409
    assert "A newer version of this bid was saved" in answer.text
    assert "What the colleague typed." in answer.text
    assert f"{PHRASE}, answer 1." in answer.text
    version = re.search(r'name="version" type="hidden" value="(\d+)"', answer.text)
    assert version
    again = client.post(f"/bids/{made.competition.id}/edit", data={**typed, "version": version[1]})
    assert again.status_code == 302
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.draft.answers[psed.id] == "What the colleague typed."


def test_after_closing_what_was_typed_is_shown_back(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _saved(made, clock)
    clock.set(CLOSES_AT)
    sign_in(client, made.bidder)
    psed = made.competition.questions[0]
    late = _form(made, **{"version": "1", f"answer_{psed.id}": "Typed a moment too late."})
    answer = client.post(f"/bids/{made.competition.id}/edit", data=late)
    assert answer.status_code == 409
    assert "This call-off closed on 5 October 2026 at midday" in answer.text
    assert "Typed a moment too late." in answer.text
    answer = client.post(f"/bids/{made.competition.id}/submit", data={"version": "1"})
    assert answer.status_code == 409
    assert "after closing nothing can be" in answer.text
    assert f"{PHRASE}, answer 1." in answer.text


def test_an_unqualified_supplier_finds_no_page(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, actor_with(Role.BID_MANAGER))
    base = f"/bids/{made.competition.id}"
    for path in ("", "/edit", "/submit", "/receipts/1"):
        assert client.get(base + path).status_code == 404, path
    assert client.post(f"{base}/edit", data=_form(made)).status_code == 404
    assert client.post(f"{base}/submit", data={"version": "1"}).status_code == 404
    assert "No invitations yet" in client.get("/bids").text


def test_a_bid_is_withdrawn(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _submitted(made, clock)
    sign_in(client, made.bidder)
    base = f"/bids/{made.competition.id}"
    assert f'href="{base}/withdraw"' in client.get(base).text
    asked = client.get(f"{base}/withdraw").text
    assert "Withdraw your bid?" in asked
    assert "not opened or considered" in asked
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.submitted is not None
    page = client.post(f"{base}/withdraw", follow_redirects=True).text
    assert "Your bid is withdrawn" in page
    assert "Withdrawn" in page
    assert f"{base}/withdraw" not in page
    assert "You have withdrawn this bid since" in client.get(f"{base}/receipts/1").text
    assert client.get(f"{base}/withdraw").location == base
    twice = client.post(f"{base}/withdraw")
    assert twice.status_code == 409
    assert "The bid is withdrawn already." in twice.text


def test_a_bid_withdrawn_too_late_stands(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _submitted(made, clock)
    clock.set(CLOSES_AT)
    sign_in(client, made.bidder)
    assert client.post(f"/bids/{made.competition.id}/withdraw").status_code == 409
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.submitted is not None


def test_two_officers_open_and_read(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _submitted(made, clock)
    base = f"/bids/{made.competition.id}"
    sign_in(client, made.partner)
    early = client.post(f"{base}/opening")
    assert early.status_code == 409
    assert "cannot be opened before" in early.text
    clock.set(CLOSES_AT)
    sign_in(client, made.partner)
    assert "Open the bids: Homes in Manchester" in client.get("/home").text
    assert client.get(f"{base}/opened").status_code == 403
    assert "Your key is turned" in client.post(f"{base}/opening", follow_redirects=True).text
    twice = client.post(f"{base}/opening")
    assert twice.status_code == 409
    assert "A different officer" in twice.text
    assert PHRASE not in client.get(f"{base}/opened").text

    sign_in(client, made.approver)
    page = client.post(f"{base}/opening", follow_redirects=True)
    assert page.request.path == f"{base}/opened"
    assert "Harbour Lights CIC" in page.text
    assert "Content matches the receipt" in page.text
    assert PHRASE in page.text
    sign_in(client, make_actor(made.lead, Role.EVALUATOR))
    assert client.get(f"{base}/opened").status_code == 403


def test_sealed_bids_show_nowhere_before_opening(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    _submitted(made, clock)
    clock.set(CLOSES_AT + timedelta(days=1))
    key = made.competition.id
    paths = (f"/bids/{key}/opened", f"/bids/{key}/opening", f"/call-offs/{key}", f"/call-offs/notices/{key}", "/home")
    evaluator = make_actor(made.lead, Role.EVALUATOR)
    for actor in (made.author, made.approver, evaluator, actor_with(Role.FRAMEWORK_TEAM)):
        sign_in(client, actor)
        for path in (*paths, f"/bids/{key}/edit", f"/bids/{key}/submit", f"/bids/{key}/receipts/1"):
            assert PHRASE not in client.get(path).text


def test_a_call_off_that_drew_no_bid_fails(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    clock.set(CLOSES_AT)
    for officer in (made.approver, made.author):
        actions.turn_key(made.competition, actor=officer, now=clock())
    sign_in(client, made.author)
    assert "No bid was submitted" in client.get(f"/bids/{made.competition.id}/opened").text
    page = client.post(f"/bids/{made.competition.id}/no-bids", follow_redirects=True).text
    assert "Failed" in page
    assert made.competition.status is CompetitionStatus.FAILED


def test_invitations_ask_as_often_for_many_as_for_one(client: FlaskClient, clock: StandingClock) -> None:
    made = make_tender()
    sign_in(client, made.bidder)
    with counted_queries() as one:
        client.get("/bids")
    for _ in range(4):
        other = make_tender()
        db.session.query(Invitation).filter_by(
            competition_id=other.competition.id
        ).one().organisation_id = made.supplier.id
    with counted_queries() as many:
        assert client.get("/bids").text.count("Homes in Manchester") == 5
    assert len(many) <= len(one) + 1
