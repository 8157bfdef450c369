"""Pages of funds."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from calloffs.competitions.rules import CompetitionStatus
from marketplace.access import Role
from tests.calloffs.funds.test_actions import WOMEN, make_fund
from tests.factories.accounts import actor_with, make_actor, make_commissioner, sign_in
from tests.factories.competitions import make_tender

pytestmark = pytest.mark.usefixtures("session")

NEW = {
    "name": "Regional Outcomes Fund 2026 to 2027",
    "kind": "outcomes",
    "amount": "£250,000",
    "purposes": "Homes\nWork",
    "starts_on-day": "1",
    "starts_on-month": "4",
    "starts_on-year": "2026",
    "ends_on-day": "31",
    "ends_on-month": "3",
    "ends_on-year": "2027",
}


def test_a_fund_is_set_up_and_shows_what_is_left(client: FlaskClient) -> None:
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    assert "No funds yet" in client.get("/funds").text
    page = client.post("/funds/new", data=NEW, follow_redirects=True).text
    assert "The fund is set up" in page
    assert "£250,000" in page and "Nothing is set aside yet" in page
    assert "Regional Outcomes Fund 2026 to 2027" in client.get("/funds").text


def test_nothing_typed_is_lost_where_something_is_wrong(client: FlaskClient) -> None:
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    answer = client.post("/funds/new", data=NEW | {"ends_on-year": "2025"})
    assert answer.status_code == 422
    assert "must end on or after" in answer.text
    assert "Regional Outcomes Fund 2026 to 2027" in answer.text and "Homes" in answer.text


def test_another_body_does_not_find_it(client: FlaskClient) -> None:
    fund = make_fund(actor_with(Role.COMMERCIAL_PARTNER))
    sign_in(client, make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER))
    assert client.get(f"/funds/{fund.id}").status_code == 404
    assert client.get(f"/funds/{fund.id}.csv").status_code == 404


def test_a_call_off_chooses_it_as_the_source_of_the_lead_bodys_share(client: FlaskClient) -> None:
    made = make_tender(CompetitionStatus.DRAFT)
    fund = make_fund(made.author)
    sign_in(client, made.author)
    path = f"/call-offs/{made.competition.id}/draft/funders"
    assert "Regional Outcomes Fund: Into work (£500,000 left)" in client.get(path).text
    client.post(path, data={"lead": "100", "source": f"{fund.id}:{WOMEN}"})
    share = made.competition.lead_share
    assert share is not None and (share.fund_id, share.fund_purpose) == (fund.id, WOMEN)
    assert "selected" in client.get(path).text.split(f"{fund.id}:{WOMEN}")[1][:20]


def test_the_change_is_kept_with_its_reason(client: FlaskClient) -> None:
    partner = actor_with(Role.COMMERCIAL_PARTNER)
    fund = make_fund(partner)
    sign_in(client, partner)
    change = {"amount": "600,000", "purposes": "Homes", "reason": "More money came."}
    page = client.post(f"/funds/{fund.id}/change", data=change, follow_redirects=True).text
    assert "£600,000" in page and "Changed the fund" in page
