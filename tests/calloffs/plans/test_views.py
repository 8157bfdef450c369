from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from calloffs.competitions.rules import CompetitionStatus
from calloffs.plans import actions as planning
from marketplace import clock
from marketplace.access import Role
from marketplace.audit import events_for
from marketplace.extensions import db
from tests.factories.accounts import actor_with, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.competitions import NEEDS_REASON, make_needs_data, make_plan, make_tender
from tests.factories.counting import counted_queries
from tests.factories.framework import make_framework
from tests.factories.places import MANCHESTER, SALFORD, make_places
from tests.factories.suppliers import qualify

pytestmark = pytest.mark.usefixtures("session", "clock")


NEED = {
    "title": "Homes in Manchester",
    "category_code": "ACC",
    "place_code": MANCHESTER,
    "need": "Homes for people who leave prison.",
    "starts_on-day": "1",
    "starts_on-month": "4",
    "starts_on-year": "2027",
    "months": "24",
}
PARTS: dict[str, dict[str, str]] = {
    "evidence": {"needs_data": "", "reason": "None is published for the city."},
    "volume": {
        "basis": "caseload",
        "year_1": "2025",
        "caseload_1": "4,000",
        "history_source": "Statistics",
        "eligible_percent": "25",
        "eligible_source": "Assessments",
    },
    "growth": {"first_police": "0", "later_police": "10", "source_police": "Police workforce"},
    "price": {
        "unit_low": "£500",
        "unit_medium": "700",
        "unit_high": "1,000",
        "source": "Contracts of 2025",
        "as_of-day": "31",
        "as_of-month": "3",
        "as_of-year": "2026",
        "mix_low": "50",
        "mix_medium": "50",
        "mix_high": "0",
    },
    "money": {
        "year_1": "600,000",
        "year_2": "600,000",
        "budget_reason": "Group work for people at low intensity.",
        "route": "contract",
    },
}


def test_a_need_is_planned_part_by_part_and_shows_what_it_comes_to(client: FlaskClient) -> None:
    make_framework()
    make_places()
    lead = make_commissioner()
    qualify(make_supplier("Harbour Lights CIC"), "ACC", MANCHESTER)
    qualify(make_supplier("Elsewhere Ltd"), "ACC", SALFORD)
    sign_in(client, make_actor(lead, Role.COMMERCIAL_PARTNER))
    where = client.post("/plans/new", data=NEED).location
    assert where.endswith("/draft")
    assert "After the rest" in client.get(where).text
    assert "Finish the plan “Homes in Manchester”" in client.get("/home").text
    check = client.get(f"{where}/check").text
    assert "Say what you assume of police officer numbers" in check
    assert "Settle the figures</button>" not in check
    for part, entered in PARTS.items():
        assert client.post(f"{where}/{part}", data=entered).location == where, part
    check = client.get(f"{where}/check").text
    # 1,000, then 1,100; half at £500 and half at £700 each.
    for figure in (
        "1,000",
        "1,100",
        "£600,000.00",
        "£660,000.00",
        "−£60,000.00",
        "£60,000.00 under",
        "Police workforce",
    ):
        assert figure in check, figure
    page = client.post(f"{where}/check", follow_redirects=True).text
    assert "The figures are settled" in page
    # An average year has 1,050 referrals for £600,000: four bands, as £1.2 million is larger.
    assert "841" in page and "1,470" in page
    assert "our default ‡" in page
    assert "<desc id=" in page
    assert "The plan rests on no published needs data" in page
    assert "Harbour Lights CIC" in page and "Elsewhere Ltd" not in page
    assert "Start a call-off from this plan" in page
    file = client.get(where.replace("/draft", ".csv")).text
    assert "2,12,1100,550,550,0,660000.00,-60000.00,600000.00" in file


def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(client: FlaskClient) -> None:
    make_framework()
    make_places()
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    answer = client.post("/plans/new", data={"title": "A title typed", "months": "0"})
    assert answer.status_code == 422
    for words in ("A title typed", "Enter when the service should start", "Enter a number that is 1 or more"):
        assert words in answer.text
    where = client.post("/plans/new", data=NEED).location
    refused = [
        ("volume", {"basis": "caseload", "year_1": "2025"}, "Enter the caseload of this year"),
        ("volume", {**PARTS["volume"], "year_1": "", "caseload_1": ""}, "at least one past year"),
        ("volume", {**PARTS["volume"], "year_2": "2025", "caseload_2": "7"}, "Enter each year once"),
        ("volume", {**PARTS["volume"], "eligible_percent": "0"}, "Enter the share that is eligible"),
        ("volume", {**PARTS["volume"], "caseload_1": "0"}, "come to no referrals at all"),
        ("volume", {"basis": "stated", "stated_volume": "12"}, "Name the source"),
        ("growth", {"first_police": "3", "source_police": "x"}, "Police officer numbers: enter the change for each"),
        ("growth", {**PARTS["growth"], "first_other": "2"}, "Anything else: name the source"),
        ("growth", {**PARTS["growth"], "first_police": "lots"}, "Enter a change in percent from -100 to 100"),
        ("price", {**PARTS["price"], "mix_low": "60"}, "The mix must total 100%. It totals 110%"),
        ("price", {**PARTS["price"], "unit_low": "800"}, "cannot cost less"),
        ("price", {**PARTS["price"], "as_of-year": "2027"}, "cannot be in the future"),
        ("money", {**PARTS["money"], "year_2": "0"}, "The budget must be above £0"),
        ("money", {**PARTS["money"], "route": "elsewhere"}, "Say why this route"),
        ("bands", {"larger_from": "1", "fixed_percent": "30", "edge_1": "60"}, "Enter where band 1 ends"),
        ("evidence", {"needs_data": ""}, "Say why there is no needs data"),
        ("evidence", {"needs_data": "99"}, "Choose needs data of this area"),
    ]
    for part, entered, words in refused:
        answer = client.post(f"{where}/{part}", data=entered)
        assert answer.status_code == 422, (part, entered)
        assert words in answer.text, (part, words)
        for value in entered.values() if entered != {"needs_data": "99"} else ():
            assert value in answer.text


def test_figures_of_a_service_that_ran_come_with_the_plan(client: FlaskClient) -> None:
    make_framework()
    make_places()
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    source = "Contract DF-2024-0001, counted here"
    address = f"/plans/new?title=Homes&category=ACC&place={MANCHESTER}&history=2025:180,2026:210&source={source}"
    page = client.get(address).text
    assert "Contract year ending in 2026: 210 referrals" in page
    assert source in page
    where = client.post(address, data=NEED).location
    volume = client.get(f"{where}/volume").text
    for value in ('value="2025"', 'value="180"', 'value="210"', 'value="100"', source):
        assert value in volume
    assert "+16.7%" in volume
    assert client.get("/plans/new?history=x:1,2025:abc&source=y").status_code == 200


def test_what_changed_stands_old_beside_new(client: FlaskClient) -> None:
    made = make_tender()
    plan = make_plan(made.lead, made.author)
    sign_in(client, made.author)
    base = f"/plans/{plan.id}"
    assert "only one version yet" in client.get(f"{base}/versions").text
    assert client.get(f"{base}/draft").status_code == 409
    assert client.post(f"{base}/change", data={"reason": ""}).status_code == 422
    assert client.post(f"{base}/change", data={"reason": "A new forecast"}).location == f"{base}/draft"
    assert client.post(f"{base}/change", data={"reason": "Again"}).status_code == 422
    stated = {"basis": "stated", "stated_volume": "250", "stated_source": "Forecast of September"}
    client.post(f"{base}/draft/volume", data=stated)
    for page in (client.get(f"{base}/draft/check").text, client.get(f"{base}/versions").text):
        assert "A new forecast" in page
        assert "200 a year" in page and "250 a year" in page
    assert client.get(f"{base}/versions?before=2&after=2").text.count("Nothing is different") == 1
    assert client.get(f"{base}/versions?before=9").status_code == 404
    # The settled figures hold until the new ones are settled.
    assert "Go on with version 2" in client.get(base).text
    assert client.post(f"{base}/discard").location == base
    assert "Change the figures" in client.get(base).text


def test_needs_data_and_unit_costs_have_their_lists(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, made.author)
    assert "No needs data is entered yet" in client.get("/plans/needs-data").text
    assert "No unit costs yet" in client.get("/plans/unit-costs").text
    data = {"title": "Needs 2026", "source": "HMPPS", "place_code": MANCHESTER}
    data |= {"due_on-day": "1", "due_on-month": "8", "due_on-year": "2026"}
    data |= {"good_until-day": "1", "good_until-month": "8", "good_until-year": "2027"}
    assert client.post("/plans/needs-data/new", data=data).location == "/plans/needs-data"
    assert "there already" in client.post("/plans/needs-data/new", data=data).text
    page = client.get("/plans/needs-data?standing=late").text
    assert "Needs 2026" in page
    assert "None matches" in client.get("/plans/needs-data?standing=current").text
    file = client.get("/plans/needs-data.csv?standing=late").text
    assert "Needs 2026,HMPPS,Manchester,2026-08-01,,2027-08-01,late" in file
    assert "Needs 2026" not in client.get("/plans/needs-data.csv?standing=current").text
    assert "Needs data was due and is not published: Needs 2026" in client.get("/home").text
    days = {"published_on-day": "2", "published_on-month": "9", "published_on-year": "2026"}
    days |= {"good_until-day": "1", "good_until-month": "8", "good_until-year": "2027"}
    path = page.split('href="/plans/needs-data/')[2].split('"')[0]
    assert client.post(f"/plans/needs-data/{path}", data={**days, "published_on-year": "2027"}).status_code == 422
    assert client.post(f"/plans/needs-data/{path}", data=days).status_code == 302
    assert "Needs 2026" in client.get("/plans/needs-data?standing=current").text
    costs = {name: value for name, value in PARTS["price"].items() if not name.startswith("mix")}
    assert client.post("/plans/unit-costs/new", data={**costs, "category_code": "ACC"}).status_code == 302
    assert "entered already" in client.post("/plans/unit-costs/new", data={**costs, "category_code": "ACC"}).text
    assert "In use" in client.get("/plans/unit-costs").text
    assert "500.00,700.00,1000.00,Contracts of 2025,2026-03-31" in client.get("/plans/unit-costs.csv").text


def test_the_approver_reads_of_late_needs_data_before_approving_and_the_trail_says_so(client: FlaskClient) -> None:
    made = make_tender(CompetitionStatus.AWAITING_APPROVAL)
    plan = make_plan(made.lead, made.author, settled=False)
    needs = make_needs_data(made.author)
    planning.rest_on(plan, needs_data_id=needs.id, reason="", actor=made.author, now=clock.now())
    made.competition.plan_version = planning.settle(plan, actor=made.author, now=clock.now())
    db.session.flush()
    sign_in(client, made.approver)
    page = client.get(f"/call-offs/{made.competition.id}/decide").text
    assert "The needs data that the plan rests on was due and is not published: Needs of people in Manchester" in page
    assert "How the volume and the budget were worked out" in page
    assert '<a href="#needs_reason">' in client.post(f"/call-offs/{made.competition.id}/approve").text
    answer = client.post(f"/call-offs/{made.competition.id}/approve", data={"needs_reason": f" {NEEDS_REASON} "})
    assert answer.status_code == 302
    approved = next(one for one in events_for(made.competition) if one.what == "Approved and published")
    assert approved.details == {"needs_data": "late", "reason": NEEDS_REASON}
    page = client.get(f"/call-offs/{made.competition.id}").text
    assert "Published without current needs data" in page
    assert NEEDS_REASON in page
    sign_in(client, make_actor(made.funder, Role.CONTRACT_MANAGER))
    assert NEEDS_REASON in client.get(f"/call-offs/{made.competition.id}").text


def test_on_current_needs_data_the_approver_is_asked_for_no_reason(client: FlaskClient) -> None:
    made = make_tender(CompetitionStatus.AWAITING_APPROVAL)
    plan = make_plan(made.lead, made.author, settled=False)
    needs, today = make_needs_data(made.author), clock.today()
    planning.publish_needs_data(
        needs, published_on=today, good_until=date(2027, 1, 1), actor=made.author, now=clock.now()
    )
    planning.rest_on(plan, needs_data_id=needs.id, reason="", actor=made.author, now=clock.now())
    made.competition.plan_version = planning.settle(plan, actor=made.author, now=clock.now())
    db.session.flush()
    sign_in(client, made.approver)
    assert "needs_reason" not in client.get(f"/call-offs/{made.competition.id}/decide").text
    assert client.post(f"/call-offs/{made.competition.id}/approve").status_code == 302
    assert "Published without current needs data" not in client.get(f"/call-offs/{made.competition.id}").text


def test_sending_back_says_its_own_refusal_and_not_that_of_approving(client: FlaskClient) -> None:
    made = make_tender(CompetitionStatus.AWAITING_APPROVAL)
    sign_in(client, made.approver)
    answer = client.post(f"/call-offs/{made.competition.id}/send-back", data={"needs_reason": "x"})
    assert answer.status_code == 422
    assert "Give the reason" in answer.text
    assert "not begun from a plan" in answer.text
    assert "Say why this is published" not in answer.text


def test_the_list_narrows_sorts_and_is_a_file(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, made.author)
    wide, covered = make_plan(made.lead, made.author, annual_budget=50_000), make_plan(made.lead, made.author)
    wide.title, covered.title = "Wide gap", "Covered"
    page = client.get("/plans?sort=gap").text
    assert page.index("Wide gap") < page.index("Covered")
    page = client.get("/plans?sort=title").text
    assert page.index("Covered") < page.index("Wide gap")
    assert "Wide gap" not in client.get("/plans?text=cov").text
    assert "No plan matches" in client.get("/plans?needs_data=current").text
    assert "Wide gap" in client.get("/plans?needs_data=none&category=ACC&place=" + MANCHESTER).text
    assert "No plan matches" in client.get("/plans?place=" + SALFORD).text
    rows = client.get("/plans/plans.csv?sort=gap").text.splitlines()
    assert rows[0].lstrip("\ufeff").split(",")[-2:] == ["gap_gbp", "needs_data"]
    # 200 a year for two years at 100 × £400, 60 × £600 and 40 × £900: £224,000, of which £100,000 is there.
    assert rows[1].endswith("200,24,224000.00,100000.00,124000.00,none")
    assert rows[2].endswith("224000.00,240000.00,0.00,none")


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
