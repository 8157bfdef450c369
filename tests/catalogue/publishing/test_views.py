from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session, scoped_session

from calloffs.awards.models import Award
from calloffs.competitions.rules import CompetitionStatus
from catalogue.publishing.rules import COLUMNS
from marketplace.accounts.rules import SupplierStatus
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_supplier
from tests.factories.agreements import DECIDED, make_award, make_signed_agreement
from tests.factories.counting import counted_queries
from tests.factories.evaluation import make_evaluated, make_recommended
from tests.factories.places import BARNSLEY, DOVER, KENT, KSS_REGION, SURREY, YORKSHIRE_REGION

Database = scoped_session[Session]


@pytest.fixture(autouse=True)
def _nine_o_clock(clock: StandingClock) -> None:
    """The factories' present."""


def award(
    session: Database,
    title: str,
    *,
    value: str = "300000.00",
    kind: SupplierStatus | None = SupplierStatus.VCSE,
    supplier: str | None = None,
    place: str = KENT,
    category: str = "ACC",
    days: int = 0,
) -> Award:
    """A published award."""
    firm = make_supplier(supplier, supplier_status=kind)
    firm.supplier_status = kind
    made = make_award(supplier=firm, title=title, places=[place], category=category)
    made.whole_life_value = Decimal(value)
    made.notice_published_at = DECIDED + timedelta(days=days)
    session.flush()
    return made


def titles(page: str) -> list[str]:
    return re.findall(r'<a class="govuk-link" href="/awards/DF-T[^"]*">([^<]+)</a>', page)


def test_the_register_shows_who_won_what_where_for_how_much(session: Database, client: Client) -> None:
    award(session, "Rooms in Kent", supplier="Harbour Trust", value="1234567.89")
    page = client.get("/awards").text
    assert titles(page) == ["Rooms in Kent"]
    for word in ("Harbour Trust", "£1,234,567.89", "Kent", "VCSE", "24 August 2026", "Accommodation"):
        assert word in page


def test_what_has_no_notice_is_not_there(session: Database, client: Client) -> None:
    made = make_evaluated()
    make_recommended(made)
    assert "No contract has been awarded yet" in client.get("/awards").text
    assert len(client.get("/awards.csv").text.splitlines()) == 1
    page = client.get(f"/awards/{made.competition.reference}").text
    assert "No award has been made yet" in page
    for secret in ("Supplier A", "Supplier B", "£200,000", "2 bids"):
        assert secret not in page


def test_a_draft_is_not_there_at_all(session: Database, client: Client) -> None:
    made = make_evaluated()
    made.competition.status = CompetitionStatus.DRAFT
    made.competition.published_at = None
    session.flush()
    assert client.get(f"/awards/{made.competition.reference}").status_code == 404
    assert client.get(f"/open-data/ocds/{made.competition.reference}.json").status_code == 404
    assert client.get("/open-data/ocds/DF-1999-0001.json").status_code == 404


def test_what_was_cancelled_after_its_award_counts_for_nothing_and_can_still_be_read(
    session: Database, client: Client
) -> None:
    made = award(session, "Rooms in Kent")
    competition = made.competition
    competition.status, competition.ended_at, competition.ended_reason = CompetitionStatus.CANCELLED, DECIDED, "Why"
    session.flush()
    assert titles(client.get("/awards").text) == []
    page = client.get(f"/awards/{competition.reference}").text
    assert "was cancelled" in page


def test_filters_alone_and_together(session: Database, client: Client) -> None:
    award(session, "A", place=KENT, category="ACC", kind=SupplierStatus.VCSE)
    award(session, "B", place=DOVER, category="ETE", kind=SupplierStatus.LARGE)
    award(session, "C", place=BARNSLEY, category="ACC", kind=SupplierStatus.SME)
    award(session, "D", place=SURREY, category="ETE", kind=None)

    def found(**asked: str) -> str:
        return "".join(sorted(titles(client.get("/awards", query_string=asked).text)))

    assert found() == "ABCD"
    assert found(category="ACC") == "AC"
    assert found(status="large") == "B"
    # A place takes what is inside it: Dover is in Kent, Kent in the region.
    assert found(place=KENT) == "AB"
    assert found(place=DOVER) == "B"
    assert found(place=KSS_REGION) == "ABD"
    assert found(place=YORKSHIRE_REGION, category="ACC") == "C"
    assert found(place=YORKSHIRE_REGION, status="vcse") == ""
    assert found(place="nowhere") == ""
    assert found(status="nonsense", sort="nonsense", page="x") == "ABCD"
    assert "No awards match" in client.get("/awards?place=nowhere").text
    assert len(client.get(f"/awards.csv?place={KSS_REGION}&category=ETE").text.splitlines()) == 3


def test_an_award_in_several_places_is_one_award(session: Database, client: Client) -> None:
    made = make_award(title="Both", places=[KENT, SURREY])
    session.flush()
    page = client.get(f"/awards?place={KSS_REGION}").text
    assert titles(page) == ["Both"]
    assert "1 award worth" in page
    assert "Kent and Surrey" in page
    assert made.whole_life_value is not None


def test_orders(session: Database, client: Client) -> None:
    award(session, "Old and dear", value="900.00", supplier="B", days=-30)
    award(session, "New and cheap", value="100.00", supplier="C")
    award(session, "Middling", value="500.00", supplier="A", days=-10)
    assert titles(client.get("/awards").text) == ["New and cheap", "Middling", "Old and dear"]
    assert titles(client.get("/awards?sort=value").text) == ["Old and dear", "Middling", "New and cheap"]
    assert titles(client.get("/awards?sort=supplier").text) == ["Middling", "Old and dear", "New and cheap"]


def test_the_shares_of_value_are_of_all_that_was_chosen(session: Database, client: Client) -> None:
    award(session, "A", value="600000.00", kind=SupplierStatus.VCSE)
    award(session, "B", value="100000.00", kind=SupplierStatus.VCSE, place=BARNSLEY)
    award(session, "C", value="300000.00", kind=SupplierStatus.LARGE)
    award(session, "D", value="50000.00", kind=None)
    page = client.get("/awards").text
    assert "4 awards worth £1,050,000" in page
    assert "(VCSE): £700,000 (67%)" in page
    assert "Large: £300,000 (29%)" in page
    assert "Not known: £50,000 (5%)" in page
    page = client.get(f"/awards?place={KSS_REGION}").text
    assert "3 awards worth £950,000" in page
    assert "(VCSE): £600,000 (63%)" in page


def test_pages_of_twenty_five_keep_what_was_chosen(session: Database, client: Client) -> None:
    for number in range(27):
        award(session, f"Award {number:02}", days=-number)
    first = client.get("/awards?category=ACC&sort=latest")
    assert (len(titles(first.text)), titles(first.text)[0]) == (25, "Award 00")
    assert "Page 1 of 2" in first.text
    onward = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert onward is not None
    second = client.get(onward[1].replace("&amp;", "&")).text
    assert titles(second) == ["Award 25", "Award 26"]
    assert '<option value="ACC" selected>' in second
    assert titles(client.get("/awards?page=99").text) == ["Award 25", "Award 26"]
    assert len(client.get("/awards.csv").text.splitlines()) == 28


def test_the_register_asks_the_database_as_often_however_long_it_is(session: Database, client: Client) -> None:
    def count() -> int:
        with counted_queries() as sent:
            assert client.get("/awards").status_code == 200
        return len(sent)

    award(session, "One")
    few = count()
    for number in range(5):
        award(session, f"More {number}")
    assert count() == few


def test_the_register_as_csv(session: Database, client: Client) -> None:
    made = award(session, "=Rooms, in “Kent”", supplier="@Harbour", value="1234567.80")
    answer = client.get("/awards.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert list(row) == list(COLUMNS)
    reference = made.competition.reference
    assert row == {
        "reference": reference,
        "title": "'=Rooms, in “Kent”",
        "category": "Accommodation",
        "places": "Kent",
        "place_codes": KENT,
        "commissioner": made.competition.organisation.name,
        "supplier": "'@Harbour",
        "supplier_status": "vcse",
        "whole_life_value_gbp": "1234567.80",
        "months": "36",
        "awarded_on": "2026-08-24",
        "standstill_ends_on": "2026-09-04",
        "ocid": f"ocds-dfm000-{reference}",
    }


def test_the_notice_of_an_award(session: Database, client: Client) -> None:
    agreement = make_signed_agreement()
    assert agreement.award is not None
    competition = agreement.award.competition
    page = client.get(f"/awards/{competition.reference}").text
    for word in (agreement.supplier.name, agreement.reference, "1 bid", "36 months", "24 August 2026"):
        assert word in page
    assert f"/open-data/ocds/{competition.reference}.json" in page


def test_a_contract_that_is_not_signed_is_not_told(session: Database, client: Client) -> None:
    made = award(session, "Rooms")
    assert "Not signed yet" in client.get(f"/awards/{made.competition.reference}").text


def test_open_data_can_be_read_by_other_peoples_pages(session: Database, client: Client) -> None:
    made = award(session, "Rooms")
    answer = client.get(f"/open-data/ocds/{made.competition.reference}.json")
    assert answer.content_type == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    package = json.loads(answer.text)
    assert package["uri"].endswith(f"/open-data/ocds/{made.competition.reference}.json")
    assert package["uri"].startswith("http")


def test_every_public_process_is_listed_with_its_address(session: Database, client: Client) -> None:
    reference = award(session, "Rooms").competition.reference
    draft = make_evaluated().competition
    draft.status, draft.published_at = CompetitionStatus.DRAFT, None
    session.flush()
    (one,) = json.loads(client.get("/open-data/ocds.json").text)["processes"]
    assert (one["reference"], one["ocid"]) == (reference, f"ocds-dfm000-{reference}")
    assert json.loads(client.get(one["uri"].partition("5000")[2]).text)["uri"] == one["uri"]


def test_what_is_published_is_explained(session: Database, client: Client) -> None:
    page = client.get("/open-data").text
    assert all(column in page for column in COLUMNS)
    assert "Open Government Licence" in page
