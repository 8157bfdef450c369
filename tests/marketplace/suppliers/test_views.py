"""Joining the framework through its pages, as a browser without JavaScript posts them."""

import re
from typing import Any

import pytest
from sqlalchemy.orm import Session, scoped_session

from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.framework import queries as framework
from marketplace.suppliers import queries
from marketplace.suppliers.rules import ApplicationStatus
from tests.factories.accounts import actor_with, make_actor, make_supplier, sign_in
from tests.factories.framework import make_framework
from tests.factories.places import BARNSLEY, DOVER, KENT, KSS_REGION, SURREY, make_places
from tests.factories.suppliers import make_application, qualify

Db = scoped_session[Session]
# A form with nothing ticked still brings its token.
NOTHING = {"csrf_token": ""}


@pytest.fixture
def supplier(session: Db) -> Organisation:
    make_places()
    make_framework()
    return make_supplier("Bridge Street Trust")


@pytest.fixture
def bidder(supplier: Organisation) -> Actor:
    return make_actor(supplier, Role.BID_MANAGER)


@pytest.fixture
def team(supplier: Organisation) -> Actor:
    return actor_with(Role.FRAMEWORK_TEAM)


def answers_of(section: int) -> dict[str, str]:
    """Passing answers, by what the section's questions ask."""
    wanted = {"pass_if_yes": "yes", "pass_if_no": "no"}
    sections = list(dict.fromkeys(one.section for one in framework.selection_questions()))
    return {
        one.code: wanted.get(one.rule.value, "What we do, in words.")
        for one in framework.selection_questions()
        if one.section == sections[section - 1]
    }


def test_from_start_to_submitted(client: Any, bidder: Actor) -> None:
    sign_in(client, bidder)
    assert "Start your application" in client.get("/framework/application").text
    client.post("/framework/application/start")
    page = client.get("/framework/application").text
    assert "Cannot start yet" in page
    for number in (1, 2, 3):
        answer = client.post(f"/framework/application/questions/{number}", data=answers_of(number))
        assert answer.headers["Location"] == "/framework/application"
    to_areas = client.post("/framework/application/categories", data={"categories": ["ACC", "ETE"]})
    assert to_areas.headers["Location"] == "/framework/application/areas/ACC"
    next_one = client.post("/framework/application/areas/ACC", data={"places": [KSS_REGION, DOVER]})
    assert next_one.headers["Location"] == "/framework/application/areas/ETE"
    assert "Dover is inside a wider area you chose" in client.get("/framework/application/areas/ETE").text
    client.post("/framework/application/areas/ETE", data={"places": [BARNSLEY]})
    client.post("/framework/application/cohorts", data={"cohorts": ["women"]})
    checked = client.get("/framework/application/check").text
    assert "Kent, Surrey and Sussex (probation region)" in checked
    refused = client.post("/framework/application/check").text
    assert "Confirm that you are allowed to apply" in refused
    done = client.post("/framework/application/check", data={"declared": "y"})
    assert "Application submitted" in client.get(done.headers["Location"]).text
    again = client.post("/framework/application/check", data={"declared": "y"})
    assert again.headers["Location"] == done.headers["Location"]
    found = queries.open_application(bidder.organisation)
    assert found is not None
    assert found.status is ApplicationStatus.SUBMITTED
    # The pages of the draft now say so.
    assert client.get("/framework/application/questions/1").status_code == 409


def test_what_is_typed_is_kept_even_where_it_is_too_long(client: Any, supplier: Organisation, bidder: Actor) -> None:
    make_application(supplier)
    sign_in(client, bidder)
    long = "We did this. " * 200
    page = client.post("/framework/application/questions/3", data={"delivery-experience": long}).text
    assert "must be 300 words or fewer. It has 600." in page
    assert "We did this. We did this." in page
    assert "We did this. We did this." in client.get("/framework/application/questions/3").text
    assert "1 of 2 answered" in client.get("/framework/application").text


def test_a_section_may_be_left_half_answered(client: Any, supplier: Organisation, bidder: Actor) -> None:
    sign_in(client, bidder)
    client.post("/framework/application/start")
    answer = client.post("/framework/application/questions/2", data={"insurance": "yes"})
    assert answer.status_code == 302
    page = client.get("/framework/application").text
    assert "1 of 5 answered" in page
    assert "In progress" in page


def test_without_javascript_every_place_can_be_ticked(client: Any, supplier: Organisation, bidder: Actor) -> None:
    make_application(supplier, wanted={"ACC": [DOVER]})
    sign_in(client, bidder)
    page = client.get("/framework/application/areas/ACC").text
    boxes = re.findall(r'name="places" value="(\w+)"', page)
    assert sorted(boxes) == sorted(code for code in make_places())
    assert re.search(rf'value="{DOVER}" id="[^"]+" checked', page)
    # The branches that hold what is chosen stand open, no others.
    assert page.count(" open>") == 2
    assert "Choose at least one area" in client.post("/framework/application/areas/ACC", data=NOTHING).text


def test_refusals_stand_at_their_field(client: Any, supplier: Organisation, bidder: Actor) -> None:
    qualify(supplier, "ACC", KENT)
    make_application(supplier, wanted={"ACC": [SURREY]})
    sign_in(client, bidder)
    page = client.post("/framework/application/areas/ACC", data={"places": [KENT, SURREY]}).text
    assert "You hold Accommodation in Kent already. Untick it." in page
    assert 'href="#places"' in page
    assert "Choose at least one category" in client.post("/framework/application/categories", data=NOTHING).text
    both = client.post("/framework/application/cohorts", data={"cohorts": ["women", "none"]}).text
    assert "but not both" in both


def test_withdrawing_asks_first(client: Any, supplier: Organisation, bidder: Actor) -> None:
    make_application(supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]})
    sign_in(client, bidder)
    assert "we will tell them" in client.get("/framework/application/withdraw").text
    client.post("/framework/application/withdraw")
    assert "has been withdrawn" in client.get("/framework/application").text
    client.post("/framework/application/withdraw")
    assert "no open application to withdraw" in client.get("/framework/application").text


def test_the_team_decides_and_the_supplier_reads_it(
    client: Any, supplier: Organisation, bidder: Actor, team: Actor
) -> None:
    application = make_application(
        supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT], "ETE": [KENT, BARNSLEY]}
    )
    sign_in(client, team)
    assert "Bridge Street Trust" in client.get("/framework/decisions").text
    address = f"/framework/decisions/{application.id}"
    page = client.get(address).text
    assert "A person must judge" in page
    assert "Decide area by area" in page
    assert "<details" in page
    missing = client.post(address, data={"category_ACC": "declined", "category_ETE": "each"}).text
    for words in (
        "Say whether this answer passes",
        "Say why. The supplier reads it.",
        "Decide about Education, Training and Employment in Kent",
    ):
        assert words in missing
    done = client.post(
        address,
        data={
            "judged_delivery-experience": "yes",
            "category_ACC": "qualified",
            "category_ETE": "each",
            f"area_ETE_{KENT}": "declined",
            f"area_ETE_{KENT}_reason": "You have not worked in Kent.",
            f"area_ETE_{BARNSLEY}": "qualified",
            "note": "Welcome to the framework.",
        },
    )
    assert done.headers["Location"] == "/framework/decisions"
    assert "2 of 3 qualified" in client.get("/framework/decisions?status=admitted").text
    client.post(address, data={"category_ACC": "declined"})
    assert "can no longer be decided" in client.get(address).text
    sign_in(client, bidder)
    read = client.get(f"/framework/applications/{application.id}").text
    for words in ("You have been admitted", "You have not worked in Kent.", "Welcome to the framework."):
        assert words in read
    start = client.get("/framework/application").text
    assert "Where you are qualified" in start
    assert "Barnsley (local authority)" in start


def test_the_team_is_told_when_an_answer_fails(client: Any, supplier: Organisation, team: Actor) -> None:
    application = make_application(
        supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]}, answers={"insurance": "no"}
    )
    sign_in(client, team)
    address = f"/framework/decisions/{application.id}"
    assert "1 answer fails" in client.get(address).text
    page = client.post(address, data={"judged_delivery-experience": "yes", "category_ACC": "qualified"}).text
    assert "cannot be qualified while one of its answers fails" in page


def test_a_withdrawn_application_is_still_readable_and_cannot_be_decided(
    client: Any, supplier: Organisation, bidder: Actor, team: Actor
) -> None:
    application = make_application(supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]})
    sign_in(client, bidder)
    client.post("/framework/application/withdraw")
    sign_in(client, team)
    assert "Decide and tell" not in client.get(f"/framework/decisions/{application.id}").text
    assert "Bridge Street Trust" in client.get("/framework/decisions?status=withdrawn").text


def test_the_list_says_what_to_do_when_it_is_empty_and_turns_pages(client: Any, team: Actor) -> None:
    sign_in(client, team)
    assert "No application waits" in client.get("/framework/decisions").text
    for number in range(27):
        make_application(make_supplier(f"Supplier {number:02}"), ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]})
    first, second = (client.get(f"/framework/decisions?page={page}").text for page in (1, 2))
    assert "Page 1 of 2" in first
    assert "Supplier 24" in first
    assert "Supplier 25" in second
    assert "Supplier 26" in client.get("/framework/decisions?page=99").text
    assert client.get("/framework/decisions?status=nonsense&page=x").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/framework/application",
        "/framework/application/questions/1",
        "/framework/application/categories",
        "/framework/application/areas/ACC",
        "/framework/application/cohorts",
        "/framework/application/check",
        "/framework/application/withdraw",
    ],
)
@pytest.mark.parametrize("role", [Role.FRAMEWORK_TEAM, Role.CASEWORKER, Role.COMMERCIAL_PARTNER])
def test_others_are_kept_out(client: Any, supplier: Organisation, address: str, role: Role) -> None:
    sign_in(client, actor_with(role))
    assert client.get(address).status_code == 403


def test_another_suppliers_application_is_not_found(client: Any, supplier: Organisation) -> None:
    theirs = make_application(supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]})
    sign_in(client, actor_with(Role.BID_MANAGER))
    assert client.get(f"/framework/applications/{theirs.id}").status_code == 404
    assert client.get(f"/framework/applications/{theirs.id}/submitted").status_code == 404
    assert client.get(f"/framework/decisions/{theirs.id}").status_code == 403
