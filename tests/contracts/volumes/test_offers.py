from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from contracts.referrals import queries as referrals
from contracts.referrals.actions import counting
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from contracts.volumes import queries
from contracts.volumes.queries import By, Group, Narrowed, RateOrder
from marketplace.access import Role
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from marketplace.framework.queries import categories
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KENT, KSS_REGION, NEWPORT, make_places
from tests.factories.referrals import FOUR_BANDS, SENT, make_referral, make_referrals, make_service

ON = date(2026, 9, 7)
pytestmark = pytest.mark.usefixtures("session", "clock")


def _completed(line: object, sent_at: datetime, ended_at: datetime) -> Referral:
    made = make_referral(line, status=ReferralStatus.ACCEPTED, sent_at=sent_at)  # type: ignore[arg-type]
    made.status, made.ended_at = ReferralStatus.COMPLETED, ended_at
    counting.see_through(made)
    db.session.flush()
    return made


def test_delivered_are_the_completed_of_those_that_count_in_the_year_by_the_day() -> None:
    line, other = make_service(), make_service()
    _completed(line, SENT, datetime(2026, 9, 7, 22, 59, tzinfo=UTC))
    # Completed after midnight in London; placed in the contract year before; another line; not completed.
    _completed(line, SENT, datetime(2026, 9, 7, 23, 1, tzinfo=UTC))
    _completed(line, datetime(2026, 3, 31, 22, 59, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    _completed(line, datetime(2026, 3, 31, 23, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    make_referral(other, status=ReferralStatus.ACCEPTED)
    make_referral(line)
    # Placed in the contract year before and completed in this one: in neither.
    _completed(line, datetime(2026, 3, 31, 22, 58, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
    on = (ON, date(2026, 9, 8), date(2026, 3, 31))
    assert [queries.position(line, on=day).delivered for day in on] == [2, 3, 0]
    assert queries.position(other, on=ON).delivered == 0
    assert referrals.differences(line) == []


def test_the_nation_says_what_was_commissioned_referred_and_delivered_and_who_waits(client: FlaskClient) -> None:
    make_places(KENT, NEWPORT)
    line = make_service(bands=((0, 3),), places=[DOVER])
    _completed(line, SENT, SENT)
    make_referrals(line, 2)
    for _ in range(2):
        make_referral(line, status=ReferralStatus.WAITING)
    team = make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)
    board = queries.nation(team, on=ON, by=By.BOTH)
    (row,) = board.rows
    for tally in (row.tally, board.total):
        assert (tally.planned, tally.counted, tally.delivered, tally.waiting) == (3, 3, 1, 2)
        assert tally.delivered_percent == 33
    sign_in(client, team)
    page = client.get("/volumes/nation?by=category").text
    for words in ("Planned this year", "Referrals", "Delivered", "Waiting", "Due by contract"):
        assert words in page
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/nation.csv").data.decode("utf-8-sig"))))
    assert (rows[-1]["delivered_to_date"], rows[-1]["waiting_now"]) == ("1", "2")
    # Who waited on a past day is not known.
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/nation.csv?on=2026-09-01").data.decode("utf-8-sig"))))
    assert rows[-1]["waiting_now"] == ""


def test_a_long_board_comes_in_pages(client: FlaskClient) -> None:
    there = [KENT, NEWPORT]
    make_places(*there)
    team = make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)
    make_service(places=there, categories=["ACC"])
    every = [one.code for one in categories()]
    make_service(places=there, categories=every)
    sign_in(client, team)
    first, second = (client.get(f"/volumes/nation?by=both&page={page}").text for page in (1, 2))
    assert "Page 1 of 2" in first
    assert first.count('<th scope="row"') == 2 * 26
    assert second.count('<th scope="row"') == 2 * 4
    assert "Page 2 of 2" in client.get("/volumes/nation?by=both&page=99").text


def test_the_rate_card_gives_the_price_of_a_year_and_of_one_referral_by_area(client: FlaskClient) -> None:
    make_places(NEWPORT)
    body = make_commissioner()
    # £100,000 for 100; £3,000 for 3; nothing known.
    banded = make_service(commissioner=body, bands=FOUR_BANDS, places=[DOVER], title="B")
    make_service(commissioner=body, bands=((0, 3),), places=[NEWPORT], categories=["ETE"], title="A")
    make_service(commissioner=body, bands=(), title="C")
    make_service(bands=((0, 3),), title="Elsewhere")
    banded.terms[0].bands[1].annual_price = Decimal("123456.78")
    db.session.flush()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    page = queries.rate_card(manager, Narrowed(), RateOrder.TITLE, on=ON, number=1)
    assert [(one.line.title, one.places, one.annual, one.volume, one.unit) for one in page.rows] == [
        ("A", ["Newport"], Decimal("3000.00"), 3, Decimal("1000.00")),
        ("B", ["Dover"], Decimal("123456.78"), 100, Decimal("1234.57")),
    ]
    for order, titles in ((RateOrder.CHEAPEST, ["A", "B"]), (RateOrder.DEAREST, ["B", "A"])):
        rows = queries.every_rate(manager, Narrowed(), order, on=ON)
        assert [one.line.title for one in rows] == titles
    assert queries.rate_card(manager, Narrowed(place=KSS_REGION), RateOrder.TITLE, on=ON, number=1).total == 1
    team = make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)
    assert queries.rate_card(team, Narrowed(), RateOrder.TITLE, on=ON, number=1).total == 3
    sign_in(client, manager)
    shown = client.get(f"/volumes/rate-card?place={KENT}").text
    assert "£1,234.57" in shown
    assert "1 service." in shown
    assert "No service with a price matches" in client.get("/volumes/rate-card?text=nothing").text
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/rate-card.csv").data.decode("utf-8-sig"))))
    assert [row["price_of_one_referral"] for row in rows] == ["1000.00", "1234.57"]
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert "No service of yours has a price yet" in client.get("/volumes/rate-card").text


def test_the_rate_card_takes_as_many_queries_for_twenty_services_as_for_two() -> None:
    body = make_commissioner()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    counts = []
    for more in (2, 18):
        for _ in range(more):
            make_service(commissioner=body, with_manager=False)
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            assert queries.rate_card(manager, Narrowed(), RateOrder.TITLE, on=ON, number=1).total
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 4


def test_regions_are_compared_by_kind_of_help_and_by_whom_it_is_for(client: FlaskClient) -> None:
    make_places(KENT, NEWPORT)
    women = make_service(bands=((0, 251),), places=[DOVER], open_to_men=False)
    both = make_service(bands=((0, 100),), places=[DOVER, NEWPORT])
    young = make_service(bands=((0, 100),), places=[NEWPORT], categories=["ETE"], maximum_age=25)
    make_referrals(women, 5)
    make_referral(both, status=ReferralStatus.WAITING)
    team = make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)

    def offers(category: str = "", group: Group = Group.ANYBODY) -> dict[str, tuple[int, int, int, int]]:
        return {
            one.region: (one.services, one.women_only, one.counted, one.waiting)
            for one in queries.comparison(team, category=category, group=group, on=ON)
        }

    kss, wales = "Kent, Surrey and Sussex", "Wales"
    assert offers() == {kss: (2, 1, 5, 1), wales: (2, 0, 0, 1)}
    assert offers(category="ETE") == {kss: (0, 0, 0, 0), wales: (1, 0, 0, 0)}
    assert offers(group=Group.WOMEN_ONLY) == {kss: (1, 1, 5, 0), wales: (0, 0, 0, 0)}
    assert offers(group=Group.YOUNG_ADULTS)[wales] == (1, 0, 0, 0)
    assert offers(group=Group.MEN_ONLY)[wales] == (0, 0, 0, 0)
    here = queries.comparison(team, category="", group=Group.ANYBODY, on=ON)[0]
    # £351,000 a year for 351; 109 of 251 working days of 251 and of 100.
    assert (here.unit, here.planned, here.expected) == (Decimal("1000.00"), 351, 152)
    assert young.maximum_age == 25
    with pytest.raises(NotAllowed):
        queries.comparison(
            make_actor(make_commissioner(), Role.CONTRACT_MANAGER), category="", group=Group.ANYBODY, on=ON
        )
    sign_in(client, team)
    assert kss in client.get("/volumes/comparison?group=women_only").text
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/comparison.csv").data.decode("utf-8-sig"))))
    assert [row["region"] for row in rows] == [kss, wales]


def test_the_list_is_narrowed_sorted_and_a_file(client: FlaskClient) -> None:
    make_places(NEWPORT)
    body = make_commissioner()
    rooms = make_service(commissioner=body, bands=((0, 100),), places=[DOVER], title="Rooms")
    make_service(commissioner=body, bands=((0, 100),), places=[NEWPORT], categories=["ETE"], title="Work")
    make_referrals(rooms, 44)
    sign_in(client, make_actor(body, Role.CONTRACT_MANAGER))
    for query, found in (
        ("category=ETE", ["Work"]),
        (f"place={KENT}", ["Rooms"]),
        ("standing=on_profile", ["Rooms"]),
        ("sort=room", ["Work", "Rooms"]),
        ("sort=used", ["Rooms", "Work"]),
        # What is not known narrows nothing.
        ("category=none-such&place=nowhere&standing=x&sort=x", ["Work", "Rooms"]),
    ):
        rows = csv.DictReader(io.StringIO(client.get(f"/volumes/services.csv?{query}").data.decode("utf-8-sig")))
        assert [row["service"] for row in rows] == found, query
        page = client.get(f"/volumes/?{query}").text
        assert [title for title in ("Rooms", "Work") if f">{title}</a>" in page] == sorted(found), query
    (row,) = csv.DictReader(io.StringIO(client.get("/volumes/services.csv?category=ACC").data.decode("utf-8-sig")))
    # 44 where 109/251 of 100 are expected; £100,000 in twelfths, five months over; £1,000 each.
    assert (row["referrals_to_date"], row["profile_to_date"], row["room"]) == ("44", "43", "56")
    assert (row["due_to_date"], row["used_to_date"]) == ("41666.69", "44000.00")
    assert int(row["likely_from"]) < int(row["year_end_at_this_rate"]) < int(row["likely_to"])
    assert "/referrals/waiting-lists" in client.get("/volumes/").text
    assert "No service matches" in client.get("/volumes/?category=FBD").text


def test_the_chart_of_a_service_shows_where_the_year_is_likely_to_end(client: FlaskClient) -> None:
    body = make_commissioner()
    line = make_service(commissioner=body)
    make_referrals(line, 30)
    sign_in(client, make_actor(body, Role.CONTRACT_MANAGER))
    page = client.get(f"/volumes/{line.id}").text
    assert "Likely year end" in page
    assert "<polygon" in page
    # In the first weeks a rate says little.
    assert "<polygon" not in client.get(f"/volumes/{line.id}?on=2026-04-29").text
