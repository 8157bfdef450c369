from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contracts.volumes import queries
from contracts.volumes.rules import Standing
from marketplace.access import Actor, Role
from marketplace.errors import NotFound
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KSS_REGION, NEWPORT, make_places
from tests.factories.referrals import make_referrals, make_service

ON = date(2026, 9, 7)
pytestmark = pytest.mark.usefixtures("session")


def _rows(actor: Actor) -> set[int]:
    return {row.line.id for row in queries.lines_for(actor, on=ON, standing=None, text="", number=1).rows}


def test_a_position_counts_the_contract_year_that_holds_the_day() -> None:
    line = make_service(bands=((0, 120),), starts_on=date(2025, 4, 1))
    make_referrals(line, 5)
    make_referrals(line, 2, sent_at=datetime(2026, 3, 30, 9, tzinfo=UTC))
    assert queries.position(line, on=ON).counted == 5
    assert queries.position(line, on=date(2026, 3, 31)).counted == 2
    assert queries.room_by_line([line.id], on=ON) == {line.id: 115}


def test_a_position_of_a_past_day_knows_nothing_that_came_after() -> None:
    line = make_service()
    make_referrals(line, 5)
    assert queries.position(line, on=date(2026, 8, 31)).counted == 0


def test_who_sees_which_lines() -> None:
    supplier, lead, funder = make_supplier(), make_commissioner(), make_commissioner()
    make_places()
    line = make_service(supplier=supplier, commissioner=lead, funders=[lead, funder], places=[DOVER])
    region = make_commissioner(place_code=KSS_REGION)
    for allowed in (
        make_actor(supplier, Role.SERVICE_MANAGER),
        make_actor(lead, Role.CONTRACT_MANAGER),
        make_actor(funder, Role.COMMERCIAL_PARTNER),
        make_actor(region, Role.REGIONAL_COORDINATOR),
    ):
        assert _rows(allowed) == {line.id}
        assert queries.line_for(allowed, line.id) is line
    elsewhere = make_commissioner(place_code=make_places(NEWPORT)[NEWPORT].code)
    for stranger in (
        make_actor(make_supplier(), Role.SERVICE_MANAGER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
        make_actor(region, Role.CONTRACT_MANAGER),
        make_actor(elsewhere, Role.REGIONAL_COORDINATOR),
    ):
        assert _rows(stranger) == set()
        with pytest.raises(NotFound):
            queries.line_for(stranger, line.id)


def test_the_list_begins_with_what_is_most_urgent_and_can_be_narrowed() -> None:
    supplier = make_supplier()
    calm = make_service(supplier=supplier, bands=((0, 100),), title="Calm")
    full = make_service(supplier=supplier, bands=((0, 3),), title="Full up")
    make_referrals(calm, 44)
    make_referrals(full, 3)
    actor = make_actor(supplier, Role.SERVICE_MANAGER)
    page = queries.lines_for(actor, on=ON, standing=None, text="", number=1)
    assert [row.line.id for row in page.rows] == [full.id, calm.id]
    assert page.standings[Standing.FULL] == 1
    assert [row.line.id for row in queries.lines_for(actor, on=ON, standing=Standing.FULL, text="", number=1).rows] == [
        full.id
    ]
    assert [row.line.id for row in queries.lines_for(actor, on=ON, standing=None, text="calm", number=1).rows] == [
        calm.id
    ]


def test_the_list_takes_as_many_queries_for_thirty_services_as_for_two() -> None:
    supplier = make_supplier()
    actor = make_actor(supplier, Role.SERVICE_MANAGER)
    counts = []
    for more in (2, 28):
        for _ in range(more):
            make_referrals(make_service(supplier=supplier, with_manager=False), 1)
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            page = queries.lines_for(actor, on=ON, standing=None, text="", number=1)
            assert all(row.line.agreement.supplier.name for row in page.rows)
        counts.append(len(sent))
    assert page.total == 30
    assert len(page.rows) == 25
    assert counts[0] == counts[1] <= 5
