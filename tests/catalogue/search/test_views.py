from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from contracts.agreements.rules import AgreementStatus
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.places import (
    BARNSLEY,
    DOVER,
    GREATER_MANCHESTER_REGION,
    KENT,
    KSS_REGION,
    MANCHESTER,
    SALFORD,
    make_places,
)
from tests.factories.referrals import make_officer, make_referrals, make_service

ASHFORD, BOLTON = "E07000105", "E08000001"
pytestmark = pytest.mark.usefixtures("session", "clock")


def test_a_signed_contracts_service_is_found_by_itself_and_no_other(client: FlaskClient) -> None:
    make_service(title="Rooms for Kent")
    make_service(title="Not signed", status=AgreementStatus.AWAITING_COMMISSIONER)
    make_service(title="Over", ends_on=date(2026, 9, 6))
    make_service(title="Not yet open", referrals_from=date(2026, 9, 8))
    page = client.get("/find/").text
    assert "Rooms for Kent" in page
    assert "1 service" in page
    for hidden in ("Not signed", "Over</a>", "Not yet open"):
        assert hidden not in page


def test_it_leaves_the_catalogue_when_the_day_comes(client: FlaskClient, clock: StandingClock) -> None:
    make_service(title="Rooms for Kent", referrals_until=date(2026, 9, 7))
    assert "Rooms for Kent" in client.get("/find/").text
    clock.move(days=1)
    assert "Rooms for Kent" not in client.get("/find/").text


def test_by_place_it_says_whether_all_or_a_part_is_covered(client: FlaskClient) -> None:
    make_places()
    make_places(ASHFORD)
    make_service(title="Regional", places=[KSS_REGION])
    make_service(title="Dover only", places=[DOVER])
    make_service(title="Elsewhere", places=[BARNSLEY])
    page = client.get("/find/?place=kent").text
    assert "Covers all of Kent" in page
    assert "In part of Kent: Dover" in page
    assert "Elsewhere" not in page
    assert page.index("Regional") < page.index("Dover only")
    dover = client.get("/find/?place=dover").text
    assert dover.count("Covers all of Dover") == 2


def test_a_region_asked_for_shows_what_is_given_in_parts_of_it(client: FlaskClient) -> None:
    make_places()
    make_places(BOLTON)
    make_service(title="Two towns", places=[MANCHESTER, SALFORD])
    page = client.get(f"/find/?place={GREATER_MANCHESTER_REGION}").text
    assert "In part of Greater Manchester: Manchester and Salford" in page


def test_an_unclear_place_is_asked_back_and_an_unknown_one_said(client: FlaskClient) -> None:
    make_places(KENT, "E07000110", "E06000035")
    make_places(MANCHESTER, SALFORD)
    page = client.get("/find/?place=manch").text
    assert "Which place do you mean?" in page
    assert "Manchester (local authority)" in page
    unknown = client.get("/find/?place=Atlantis").text
    assert "is called “Atlantis”" in unknown


def test_by_need_outcome_and_words(client: FlaskClient) -> None:
    make_service(title="Alpha", categories=["ACC"])
    make_service(title="Beta", categories=["DEP"], supplier=make_supplier("Turning Leaf"))
    for query, wanted in {
        "need=ACC": {"Alpha"},
        "need=ACC-2": {"Alpha"},
        "need=nonsense": set(),
        "words=homeless": {"Alpha"},
        "words=turning+leaf": {"Beta"},
        "words=bet": {"Beta"},
        "words=dependency": {"Beta"},
        "words=%25": set(),
        "": {"Alpha", "Beta"},
    }.items():
        page = client.get(f"/find/?{query}").text
        found = {title for title in ("Alpha", "Beta") if f">{title}</a>" in page}
        assert found == wanted, query


def test_by_group(client: FlaskClient) -> None:
    make_service(title="For women", categories=["WOM"], open_to_men=False)
    make_service(title="For men", open_to_women=False)
    make_service(title="For all")
    make_service(title="For older people", minimum_age=50)
    make_service(title="For the young", categories=["YAD"], maximum_age=25)
    titles = ["For women", "For men", "For all", "For older people", "For the young"]
    for who, wanted in {
        "women": {"For women", "For all", "For older people", "For the young"},
        "men": {"For men", "For all", "For older people", "For the young"},
        "young_adults": {"For women", "For men", "For all", "For the young"},
        "minority_ethnic": set(),
    }.items():
        page = client.get(f"/find/?who={who}").text
        assert {title for title in titles if f">{title}</a>" in page} == wanted, who
    women = client.get("/find/?who=women").text
    assert women.index(">For women<") < women.index(">For all<")
    assert women.count("(tailored for them)") == 1


def test_room_is_said_in_words_and_only_officers_are_offered_to_refer(client: FlaskClient) -> None:
    roomy = make_service(title="Roomy", bands=((0, 15),))
    full = make_service(title="Full up", bands=((0, 3),))
    make_service(title="Nothing known", bands=())
    nobody = make_service(title="Nobody there", with_manager=False)
    make_referrals(roomy, 3)
    make_referrals(full, 3)
    page = client.get("/find/").text
    assert "Room for 12 more this contract year" in page
    assert ">Full: waiting list, nobody waiting</strong>" in page
    assert "No cap recorded" in page
    assert "Refer someone" not in page
    sign_in(client, make_officer())
    page = client.get("/find/").text
    assert f"/referrals/new/{roomy.id}" in page
    assert f'/referrals/new/{full.id}">Refer someone' not in page
    assert f'/referrals/new/{full.id}">Add someone to the waiting list' in page
    assert f"/referrals/new/{nobody.id}" not in page
    assert "Not referred to through this service yet" in page


def test_nothing_found_says_what_to_do_next(client: FlaskClient) -> None:
    make_places()
    page = client.get("/find/?place=dover&who=women&words=boats").text
    assert "look in all of Kent (police force area)" in page
    assert "leave out the words" in page
    assert "services for anybody" in page


def test_thirty_services_come_in_two_pages_with_as_many_queries_as_three(client: FlaskClient) -> None:
    make_places()
    counts = []
    for more in (3, 27):
        for _ in range(more):
            make_service(with_manager=False)
        db.session.commit()
        with counted_queries() as sent:
            page = client.get("/find/?place=kent&need=ACC&words=service")
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 12
    assert page.text.count('class="dfm-result"') == 25
    assert "Page 1 of 2" in page.text
    # Filters stay in the addresses of the other pages.
    assert "need=ACC" in page.text.split('rel="next" href="')[1].split('"')[0]
    assert client.get("/find/?place=kent&page=2").text.count('class="dfm-result"') == 5
    assert client.get("/find/?place=kent&page=99").text.count('class="dfm-result"') == 25


def test_a_days_search_does_not_depend_on_the_hour(client: FlaskClient, clock: StandingClock) -> None:
    make_service(title="Rooms for Kent", referrals_from=(clock.moment + timedelta(days=1)).date())
    # 23:30 in London on 7 September is 22:30 in UTC; a minute past midnight there is still the 7th in UTC.
    clock.move(hours=14, minutes=30)
    assert "Rooms for Kent" not in client.get("/find/").text
    clock.move(minutes=31)
    assert "Rooms for Kent" in client.get("/find/").text
