from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from contracts.agreements.models import Suspension
from contracts.volumes import queries
from contracts.volumes.queries import By
from contracts.volumes.rules import Standing
from marketplace.access import Role
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KENT, KSS_REGION, NEWPORT, make_places
from tests.factories.referrals import make_referrals, make_service

ON = date(2026, 9, 7)
pytestmark = pytest.mark.usefixtures("session", "clock")


def test_the_nation_counts_a_service_in_each_of_its_regions_and_once_in_all() -> None:
    make_places(KENT, NEWPORT)
    both = make_service(bands=((0, 251),), places=[KENT, NEWPORT])
    make_service(bands=((0, 2),), places=[DOVER], categories=["ETE"])
    make_referrals(both, 30)
    board = queries.nation(make_actor(make_commissioner(), Role.FRAMEWORK_TEAM), on=ON, by=By.AREA)
    sums = {row.area: (row.tally.services, row.tally.counted) for row in board.rows}
    assert sums == {"Kent, Surrey and Sussex": (2, 30), "Wales": (1, 30)}
    total = board.total
    # 109 of 251 working days are over by 7 September, and 109/251 of 2 is 1.
    assert (total.services, total.counted, total.expected, total.cap, total.room) == (2, 30, 110, 253, 223)
    # £251,000 and £2,000 a year, five months of each; 30 referrals at £1,000.
    assert total.used == Decimal("30000.00")
    assert total.paid == Decimal("105416.70")
    assert total.standings[Standing.BELOW_PROFILE] == 2
    by_category = queries.nation(make_actor(make_commissioner(), Role.FRAMEWORK_TEAM), on=ON, by=By.CATEGORY)
    assert sum(row.tally.services for row in by_category.rows) == 2
    assert {row.area for row in by_category.rows} == {""}
    with pytest.raises(NotAllowed):
        queries.nation(make_actor(make_commissioner(), Role.CONTRACT_MANAGER), on=ON, by=By.AREA)


def test_a_region_shows_what_concerns_the_body_by_police_force_area() -> None:
    make_places(KENT, NEWPORT)
    body = make_commissioner(place_code=KSS_REGION)
    make_service(commissioner=body, places=[DOVER])
    make_service(commissioner=body, places=[KSS_REGION])
    make_service(commissioner=body, places=[NEWPORT])
    make_service(places=[DOVER])
    manager = queries.region(make_actor(body, Role.CONTRACT_MANAGER), KSS_REGION, on=ON, by=By.AREA)
    assert {row.area: row.tally.services for row in manager.rows} == {"Kent": 1, "Whole regions": 1}
    # A regional co-ordinator also sees what other bodies buy there.
    assert (
        queries.region(make_actor(body, Role.REGIONAL_COORDINATOR), KSS_REGION, on=ON, by=By.AREA).total.services == 3
    )


def test_room_is_that_of_services_that_take_referrals_and_what_is_to_come_stands_apart() -> None:
    make_places(KENT)
    body = make_commissioner(place_code=KSS_REGION)
    stopped = make_service(commissioner=body, bands=((0, 10),))
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    by, at = manager.person, datetime(2026, 9, 1, tzinfo=UTC)
    db.session.add(Suspension(agreement_id=stopped.agreement_id, from_on=ON, reason="Unsafe.", at=at, by=by))
    make_service(commissioner=body, bands=((0, 20),), referrals_until=date(2026, 9, 6))
    make_service(commissioner=body, bands=((0, 40),), starts_on=date(2026, 10, 1))
    make_referrals(make_service(commissioner=body, bands=((0, 80),)), 5)
    total = queries.region(manager, KSS_REGION, on=ON, by=By.AREA).total
    assert (total.services, total.taking, total.to_come) == (4, 1, 1)
    assert (total.room, total.cap, total.cap_to_come, total.planned) == (75, 110, 40, 110)


def test_a_region_knows_its_own_areas_alone_and_says_which_services_go_beyond() -> None:
    make_places(KENT, NEWPORT)
    body = make_commissioner(place_code=KSS_REGION)
    make_referrals(make_service(commissioner=body, places=[DOVER, NEWPORT]), 3)
    make_service(commissioner=body, places=[KENT])
    actor = make_actor(body, Role.CONTRACT_MANAGER)
    board = queries.region(actor, KSS_REGION, on=ON, by=By.AREA)
    assert {row.area: (row.tally.services, row.tally.counted) for row in board.rows} == {"Kent": (2, 3)}
    assert board.beyond == 1
    # Of a place inside a force area, the force is the one around it.
    assert [row.area for row in queries.region(actor, DOVER, on=ON, by=By.AREA).rows] == ["Kent"]


def test_a_board_takes_as_many_queries_for_thirty_services_as_for_two() -> None:
    actor = make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)
    counts = []
    for more in (2, 28):
        for _ in range(more):
            make_referrals(make_service(with_manager=False), 1)
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            assert queries.nation(actor, on=ON, by=By.BOTH).total.services
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 5


@pytest.mark.parametrize("by", ["area", "category", "both"])
def test_the_page_and_the_file_give_the_same_figures(client: FlaskClient, by: str) -> None:
    body = make_commissioner(place_code=make_places(KENT)[KENT].parent_code)
    line = make_service(commissioner=body, bands=((0, 120),))
    make_referrals(line, 12)
    sign_in(client, make_actor(body, Role.CONTRACT_MANAGER))
    page = client.get(f"/volumes/places/{KSS_REGION}?by={by}").text
    assert "moved to the next supplier after coming to a session counts with both" in page
    assert "<desc id=" in page
    assert "12 of 52" in page
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"/volumes/places/{KSS_REGION}.csv?by={by}").data.decode("utf-8-sig")))
    )
    assert [row["referrals_to_date"] for row in rows] == ["12", "12"]
    assert [row["profile_to_date"] for row in rows] == ["52", "52"]
    assert rows[-1]["area"] == "All, each service once"
    assert "0 of 33" in client.get(f"/volumes/places/{KSS_REGION}?by={by}&on=2026-07-10").text


def test_a_place_without_services_says_so(client: FlaskClient) -> None:
    make_places(NEWPORT)
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert "No signed contract of yours serves this place" in client.get(f"/volumes/places/{NEWPORT}").text
    assert client.get("/volumes/places/nowhere").status_code == 404
    assert client.get("/volumes/nation").status_code == 403
