from __future__ import annotations

import re
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from calloffs.competitions import queries
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, sign_in
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, make_plan, make_tender
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, GREATER_MANCHESTER_REGION, MANCHESTER, SALFORD

pytestmark = pytest.mark.usefixtures("session", "clock")
DRAFT, AWAITING = CompetitionStatus.DRAFT, CompetitionStatus.AWAITING_APPROVAL


def test_a_call_off_is_drafted_from_a_plan_approved_by_another_and_published(client: FlaskClient) -> None:
    made = make_tender(DRAFT)
    plan = make_plan(made.lead, made.author)
    sign_in(client, made.author)
    page = client.post(f"/call-offs/from-plan/{plan.id}", follow_redirects=True)
    key = int(re.search(r"/call-offs/(\d+)/draft", page.request.path)[1])  # type: ignore[index]
    base = f"/call-offs/{key}/draft"
    assert "Say why this level of area is right" in page.text
    basics = {
        "instrument": "contract",
        "title": "Homes",
        "category_code": "ACC",
        "place_codes": [MANCHESTER, SALFORD],
        "level_reason": "Both cities house people together.",
    }
    question = {"kind": "scored", "text": "How?", "weight": "70", "word_limit": "400"}
    dates = {
        "closes_on-day": "5",
        "closes_on-month": "10",
        "closes_on-year": "2026",
        "closes_at": "12:00",
        "starts_on-day": "4",
        "starts_on-month": "1",
        "starts_on-year": "2027",
        "months": "24",
    }
    specification = {
        "open_to": "women",
        "minimum_age": "18",
        "maximum_age": "25",
        "specification": "Homes.\r\n\r\nTwo paragraphs.",
    }
    volume = {"kind": "cap", "cap_volume": "180", "cap_value": "120000"}
    funders = {"lead": "75", "body_1": str(made.funder.id), "percent_1": "25%"}
    for path, form in (
        ("basics", basics),
        ("questions/new", question),
        ("questions", {"price_weight": "30"}),
        ("volume", volume),
        ("funders", funders),
        ("dates", dates),
        ("specification", specification),
    ):
        assert client.post(f"{base}/{path}", data=form).status_code == 302, path
    again = client.post(f"{base}/specification", data={**specification, "maximum_age": "17"})
    assert again.status_code == 422
    assert 'value="17"' in again.text
    assert 'value="25"' in client.get(f"{base}/specification").text
    check = client.get(f"{base}/check").text
    assert "Women aged 18 to 25" in check
    assert "Only 1 supplier is qualified" in check
    assert "up to 900 words" in check
    assert "Greater Manchester Probation: 75%" in check
    assert "5 October 2026 at midday" in check
    page = client.post(f"{base}/check", follow_redirects=True)
    assert "Awaiting approval" in page.text
    assert client.post(f"/call-offs/{key}/approve").status_code == 403

    sign_in(client, made.approver)
    assert "Approve the call-off" in client.get("/home").text
    assert "Harbour Lights CIC" in client.get(f"/call-offs/{key}/decide").text
    page = client.post(f"/call-offs/{key}/approve", data={"needs_reason": NEEDS_REASON}, follow_redirects=True)
    assert "1 supplier invited" in page.text
    competition = db.session.get_one(Competition, key)
    assert competition.closes_at == CLOSES_AT
    assert [one.organisation_id for one in queries.invited(key)] == [made.supplier.id]


def test_an_author_with_both_roles_is_refused_in_plain_words(client: FlaskClient) -> None:
    made = make_tender(AWAITING)
    both = make_actor(made.lead, Role.COMMERCIAL_PARTNER, Role.APPROVER)
    made.competition.author_id = both.person
    sign_in(client, both)
    page = client.get(f"/call-offs/{made.competition.id}/decide").text
    assert "somebody else must decide" in page
    assert "Approve and publish now" not in page
    answer = client.post(f"/call-offs/{made.competition.id}/approve")
    assert answer.status_code == 403
    assert "You wrote this call-off" in answer.text


def test_the_approver_sends_it_back_with_a_reason(client: FlaskClient) -> None:
    made = make_tender(AWAITING)
    sign_in(client, made.approver)
    path = f"/call-offs/{made.competition.id}/send-back"
    assert "Give the reason" in client.post(path, data={}).text
    client.post(path, data={"reason": "Say more about women"})
    sign_in(client, made.author)
    assert "Change the call-off that was sent back" in client.get("/home").text
    assert "Say more about women" in client.get(f"/call-offs/{made.competition.id}/draft").text


def test_four_bands_by_hand_with_what_is_missing_at_its_field(client: FlaskClient) -> None:
    made = make_tender(DRAFT)
    sign_in(client, made.author)
    path = f"/call-offs/{made.competition.id}/draft/volume"
    form = {"kind": "bands", "planned_band": "2"}
    for number, (low, high) in enumerate(((60, 80), (81, 100), (101, 120), (121, 140)), start=1):
        form |= {f"low_{number}": str(low), f"high_{number}": str(high), f"value_{number}": str(1000 * number)}
    lacking = client.post(path, data={**form, "high_3": ""})
    assert lacking.status_code == 422
    assert "Band 3: enter where it ends" in lacking.text
    gap = client.post(path, data={**form, "low_4": "122"})
    assert "Band 4 must begin at 121" in gap.text
    assert client.post(path, data=form).status_code == 302
    assert "£2,000" in client.get(f"/call-offs/{made.competition.id}/draft/check").text


def test_only_the_part_that_was_chosen_counts_and_each_part_says_whose_it_is(client: FlaskClient) -> None:
    made = make_tender(DRAFT)
    sign_in(client, made.author)
    path = f"/call-offs/{made.competition.id}/draft/volume"
    page = client.get(path).text
    in_order = ["How volume is set", "If you chose a volume cap", 'name="cap_volume"', 'name="cap_value"']
    in_order += ["If you chose four volume bands", 'name="low_1"', 'name="value_4"', 'name="planned_band"']
    places = [page.index(words) for words in in_order]
    assert places == sorted(places)
    assert page.count("</fieldset>") == 4  # the choice, two parts, and the planned band within the second
    form = {"kind": "cap", "cap_volume": "180", "cap_value": "120000", "low_1": "7", "planned_band": "3"}
    assert client.post(path, data=form).status_code == 302
    db.session.refresh(made.competition)
    assert [(one.high, one.annual_value) for one in made.competition.bands] == [(180, Decimal(120000))]
    assert made.competition.planned_band == 1


def test_the_psed_question_cannot_be_removed(client: FlaskClient) -> None:
    made = make_tender(DRAFT)
    sign_in(client, made.author)
    psed = made.competition.questions[0].id
    base = f"/call-offs/{made.competition.id}/draft/questions"
    page = client.get(base).text
    assert f"/{psed}/remove" not in page
    assert "Remove question 2" in page
    assert client.post(f"{base}/{psed}/remove").status_code == 422
    assert client.post(f"{base}/{psed}", data={"word_limit": "250"}).status_code == 302
    assert "Up to 250 words" in client.get(base).text


def test_a_colleague_reads_the_file_but_not_the_draft(client: FlaskClient) -> None:
    made = make_tender(DRAFT)
    sign_in(client, made.partner)
    assert client.get(f"/call-offs/{made.competition.id}").status_code == 200
    assert client.get(f"/call-offs/{made.competition.id}/draft").status_code == 403


def test_another_body_finds_nothing(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    for path in ("", "/draft", "/cancel"):
        assert client.get(f"/call-offs/{made.competition.id}{path}").status_code == 404


def test_a_co_commissioner_reads_the_file(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, make_actor(made.funder, Role.COMMERCIAL_PARTNER))
    assert "Led by Greater Manchester Probation" in client.get(f"/call-offs/{made.competition.id}").text
    assert client.get(f"/call-offs/{made.competition.id}/cancel").status_code == 404


def test_anyone_reads_the_notice_and_it_tells_nobody_who_was_invited(client: FlaskClient) -> None:
    made = make_tender(bands=True)
    page = client.get(f"/call-offs/notices/{made.competition.id}").text
    assert "Homes in Manchester" in page
    assert "Keep it." in page
    assert "£200,000" in page
    assert "Harbour Lights" not in page
    assert "Ann Author" not in page


@pytest.mark.parametrize("status", [DRAFT, AWAITING])
def test_what_is_not_published_has_no_notice(client: FlaskClient, status: CompetitionStatus) -> None:
    made = make_tender(status)
    assert client.get(f"/call-offs/notices/{made.competition.id}").status_code == 404
    assert made.competition.title not in client.get("/call-offs/notices").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("?category=ACC", True),
        ("?category=ETE", False),
        (f"?place={MANCHESTER}", True),
        (f"?place={GREATER_MANCHESTER_REGION}", True),
        (f"?place={SALFORD}", False),
        (f"?place={DOVER}", False),
        ("?show=closed", False),
        ("?page=nonsense", True),
    ],
)
def test_notices_by_category_and_area(client: FlaskClient, query: str, found: bool) -> None:
    make_tender()
    page = client.get(f"/call-offs/notices{query}").text
    assert ("Homes in Manchester" in page) is found
    assert ("Nothing is" in page) is not found


def test_a_notice_leaves_the_open_list_at_the_instant_of_closing(client: FlaskClient, clock: StandingClock) -> None:
    make_tender()
    clock.set(CLOSES_AT)
    assert "Homes in Manchester" not in client.get("/call-offs/notices").text
    assert "Homes in Manchester" in client.get("/call-offs/notices?show=closed").text


@pytest.mark.parametrize("path", ["/call-offs/notices", "/call-offs"])
def test_lists_ask_as_often_for_many_as_for_one(client: FlaskClient, path: str) -> None:
    made = make_tender()
    sign_in(client, made.author)
    with counted_queries() as one:
        client.get(path)
    for _ in range(4):
        other = make_tender().competition
        other.organisation_id = made.lead.id
    with counted_queries() as many:
        assert client.get(path).text.count("Homes in Manchester") == 5
    assert len(many) <= len(one) + 1


def test_the_list_by_stage_and_its_empty_states(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, made.author)
    assert "Homes in Manchester" in client.get("/call-offs?stage=open").text
    assert "No call-off is at this stage" in client.get("/call-offs?stage=awarded").text
    assert "Homes in Manchester" in client.get("/call-offs?stage=nonsense").text
    sign_in(client, actor_with(Role.COMMERCIAL_PARTNER))
    assert "No call-offs yet" in client.get("/call-offs").text


def test_cancelling_by_its_page(client: FlaskClient) -> None:
    made = make_tender()
    sign_in(client, made.author)
    path = f"/call-offs/{made.competition.id}/cancel"
    assert "Give the reason" in client.post(path, data={"reason": " "}).text
    assert "Cancelled" in client.post(path, data={"reason": "No money"}, follow_redirects=True).text
    assert "No money" in client.get(f"/call-offs/notices/{made.competition.id}").text
