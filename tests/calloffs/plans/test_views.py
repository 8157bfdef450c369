from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from marketplace.access import Role
from tests.factories.accounts import actor_with, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.competitions import make_plan
from tests.factories.counting import counted_queries
from tests.factories.framework import make_framework
from tests.factories.places import MANCHESTER, SALFORD, make_places
from tests.factories.suppliers import qualify

pytestmark = pytest.mark.usefixtures("session", "clock")


def test_a_need_is_planned_and_shows_its_bands_and_who_could_bid(client: FlaskClient) -> None:
    make_framework()
    make_places()
    lead = make_commissioner()
    qualify(make_supplier("Harbour Lights CIC"), "ACC", MANCHESTER)
    qualify(make_supplier("Elsewhere Ltd"), "ACC", SALFORD)
    sign_in(client, make_actor(lead, Role.COMMERCIAL_PARTNER))
    form = {
        "title": "Homes in Manchester",
        "category_code": "ACC",
        "place_code": MANCHESTER,
        "need": "Homes for people who leave prison.",
        "projected_annual_volume": "1,000",
        "annual_budget": "£250,000",
    }
    page = client.post("/plans/new", data=form, follow_redirects=True).text
    assert "Homes in Manchester" in page
    assert "801" in page and "1,400" in page
    assert "£250,000" in page
    assert "our default ‡" in page
    assert "<desc id=" in page
    assert "Harbour Lights CIC" in page and "Elsewhere Ltd" not in page
    assert "Start a call-off from this plan" in page


def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(client: FlaskClient) -> None:
    make_framework()
    make_places()
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    answer = client.post("/plans/new", data={"title": "A title typed", "projected_annual_volume": "0"})
    assert answer.status_code == 422
    assert "A title typed" in answer.text
    assert "Enter the budget in pounds a year" in answer.text
    assert "Enter a number that is 1 or more" in answer.text


def test_another_body_does_not_find_the_plan(client: FlaskClient) -> None:
    make_framework()
    make_places()
    owner = actor_with(Role.COMMERCIAL_PARTNER)
    plan = make_plan(make_commissioner(), owner)
    sign_in(client, owner)
    assert client.get(f"/plans/{plan.id}").status_code == 404


def test_the_list_asks_as_often_for_many_plans_as_for_one(client: FlaskClient) -> None:
    make_framework()
    make_places()
    lead = make_commissioner()
    author = make_actor(lead, Role.COMMERCIAL_PARTNER)
    sign_in(client, author)
    assert "No plans yet" in client.get("/plans").text
    make_plan(lead, author)
    with counted_queries() as one:
        client.get("/plans")
    for _ in range(30):
        make_plan(lead, author)
    with counted_queries() as many:
        assert "Page 1 of 2" in client.get("/plans").text
    assert len(many) <= len(one) + 1
