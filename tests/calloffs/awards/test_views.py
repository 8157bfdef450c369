"""Pages of awards, walked by the people they are for."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from calloffs.awards import queries
from marketplace.access import Role
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, make_supplier, sign_in
from tests.factories.evaluation import CallOff, make_evaluated, make_recommended, seat


@pytest.fixture
def made(clock: StandingClock, client: FlaskClient) -> CallOff:
    """Evaluated: A first with 88, B second, C failed the Public Sector Equality Duty."""
    return make_evaluated(100_000, 120_000, 90_000, marks=((4, 4, 1), (3, 3, 1), (5, 5, 0)))


def test_from_ranking_to_assessment(client: FlaskClient, made: CallOff, clock: StandingClock) -> None:
    base = f"/awards/{made.competition.id}"
    sign_in(client, made.partner)
    assert "No supplier has been recommended yet" in client.get(base).text
    page = client.get(f"{base}/recommend").text
    assert f'value="{made.bids[0].id}"' in page
    assert f'value="{made.bids[1].id}"' not in page
    assert f'value="{made.bids[2].id}"' not in page
    client.post(f"{base}/recommend", data={"bid_id": made.bids[0].id, "reason": "The best of both"})
    assert "waiting for somebody outside the panel" in client.get(base).text
    sign_in(client, made.bidders[0])
    assert client.get(f"{base}/assessment").status_code == 404
    sign_in(client, made.approver)
    page = client.get(f"{base}/approve").text
    assert "The best of both" in page
    assert "Say why you send it back" in client.post(f"{base}/approve", data={"decision": "send_back"}).text
    client.post(f"{base}/approve", data={"decision": "approve"})
    page = client.get(base).text
    assert "Standstill until the end of" in page
    assert "September 2026" in page
    assert "Not yet" in page
    sign_in(client, made.bidders[1])
    page = client.get(f"{base}/assessment").text
    assert "Your bid did not win this time" in page
    assert "Agreed of Supplier B" in page
    assert "Agreed of Supplier A" in page
    assert "Supplier C" not in page
    sign_in(client, made.bidders[2])
    page = client.get(f"{base}/assessment").text
    assert "failed a question that every bid must pass" in page
    assert "Agreed of Supplier B" not in page
    sign_in(client, made.bidders[0])
    page = client.get(f"{base}/assessment").text
    assert "Your bid won" in page
    assert "Agreed of Supplier B" not in page
    clock.move(days=30)
    sign_in(client, made.partner)
    page = client.get(base).text
    assert "The standstill ended" in page
    assert "7 September 2026" in page


def test_a_tampered_recommendation_is_refused(client: FlaskClient, made: CallOff) -> None:
    sign_in(client, made.partner)
    base = f"/awards/{made.competition.id}"
    answer = client.post(f"{base}/recommend", data={"bid_id": made.bids[2].id, "reason": "Cheapest"})
    assert "Choose the bid you recommend" in answer.text
    assert queries.award_of(made.competition) is None


def test_sent_back_and_reopened(client: FlaskClient, made: CallOff) -> None:
    base = f"/awards/{made.competition.id}"
    make_recommended(made)
    sign_in(client, made.approver)
    client.post(f"{base}/approve", data={"decision": "send_back", "reason": "Explain question 2"})
    sign_in(client, made.partner)
    assert "Explain question 2" in client.get(base).text
    assert client.post(f"{base}/reopen").location == f"/evaluation/{made.competition.id}/moderate"


def test_an_approver_on_the_panel_is_offered_nothing_and_refused(client: FlaskClient, made: CallOff) -> None:
    make_recommended(made)
    seat(made, made.approver)
    sign_in(client, made.approver)
    url = f"/awards/{made.competition.id}/approve"
    page = client.get(url).text
    assert "must decide it" in page
    assert "Confirm" not in page
    client.post(url, data={"decision": "approve"})
    award = queries.award_of(made.competition)
    assert award is not None
    assert award.approved_at is None


def test_every_bid_failed(client: FlaskClient) -> None:
    made = make_evaluated(marks=((5, 5, 0), (4, 4, 0)))
    sign_in(client, made.partner)
    assert "so none can win" in client.get(f"/awards/{made.competition.id}/recommend").text


@pytest.mark.parametrize("page", ["", "/recommend", "/approve", "/assessment"])
@pytest.mark.parametrize("role", list(Role))
def test_strangers_see_nothing(client: FlaskClient, made: CallOff, page: str, role: Role) -> None:
    make_recommended(made)
    sign_in(client, actor_with(role))
    answer = client.get(f"/awards/{made.competition.id}{page}")
    assert answer.status_code in (403, 404)
    assert "Supplier A" not in answer.text


def test_a_bidder_sees_no_page_of_the_commissioner(client: FlaskClient, made: CallOff) -> None:
    make_recommended(made)
    sign_in(client, made.bidders[0])
    for page in ("", "/recommend", "/approve"):
        assert client.get(f"/awards/{made.competition.id}{page}").status_code == 403
    sign_in(client, make_actor(make_supplier(), Role.SIGNATORY))
    assert client.get(f"/awards/{made.competition.id}/assessment").status_code == 404
