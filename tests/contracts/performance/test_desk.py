from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.performance import actions, queries
from contracts.performance.models import Chase
from contracts.performance.queries import DeskFilter, DeskOrder
from contracts.performance.rules import LateClock
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.performance import Performer, make_performer
from tests.factories.places import KENT

pytestmark = pytest.mark.usefixtures("session", "clock")

# Monday 7 September 2026, nine in London: the tests' clock.
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
TODAY = NOW.date()


def at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def coordinator() -> Actor:
    make_performer(places=(KENT,))  # the place is there
    return make_actor(make_commissioner(place_code=KENT), Role.REGIONAL_COORDINATOR, name="Bethan Rowe")


def _late(made: Performer, on: date = TODAY) -> dict[str, tuple[LateClock, date]]:
    return {one.reference: (one.clock, one.since) for one in queries.every_late_referral(made.line.id, on=on)}


def test_a_referral_is_late_from_the_day_after_its_clock_ran_out() -> None:
    made = make_performer()
    # Thursday 3 September: its two working days end with Monday the 7th.
    new, old = made.referral(at(9, 3)), made.referral(at(9, 2))
    assert _late(made) == {old.reference: (LateClock.ANSWER, date(2026, 9, 4))}
    assert new.reference in _late(made, TODAY + timedelta(days=1))


def test_each_clock_in_the_order_of_a_referrals_life() -> None:
    made = make_performer()
    # Ten working days from Thursday 20 August end with Friday 4 September: the 31st was a bank holiday.
    none = made.referral(at(8, 20), accepted_at=at(8, 21))
    planned = made.referral(at(8, 20), accepted_at=at(8, 21))
    made.session(planned, at(9, 9))
    in_time = made.referral(at(8, 21), accepted_at=at(8, 21))
    unrecorded = made.referral(at(8, 20), accepted_at=at(8, 21))
    made.session(unrecorded, at(9, 2))
    today = made.referral(at(8, 20), accepted_at=at(8, 21))
    made.session(today, NOW - timedelta(hours=1))
    lost = made.referral(at(7, 1), accepted_at=at(7, 2))
    made.session(lost, at(8, 7, 22), recorded_at=at(8, 7, 22))
    seen = made.referral(at(7, 1), accepted_at=at(7, 2))
    made.session(seen, at(8, 8), recorded_at=at(8, 8, 10))
    coming = made.referral(at(7, 1), accepted_at=at(7, 2))
    made.session(coming, at(7, 10), recorded_at=at(7, 10, 10))
    made.session(coming, at(9, 20))
    over = made.referral(at(7, 1), accepted_at=at(7, 2), ended_at=at(8, 1), status=ReferralStatus.COMPLETED)
    assert _late(made) == {
        none.reference: (LateClock.FIRST_SESSION, date(2026, 9, 4)),
        planned.reference: (LateClock.FIRST_SESSION, date(2026, 9, 4)),
        unrecorded.reference: (LateClock.RECORD, date(2026, 9, 2)),
        lost.reference: (LateClock.IN_TOUCH, date(2026, 9, 6)),
        coming.reference: (LateClock.IN_TOUCH, date(2026, 8, 9)),
    }
    assert not {in_time.reference, today.reference, seen.reference, over.reference} & _late(made).keys()


def test_whoever_takes_over_has_the_days_of_a_move() -> None:
    made, earlier = make_performer(), make_performer()
    old = earlier.referral(at(7, 1), ended_at=at(8, 10), status=ReferralStatus.TRANSFERRED)
    moved = made.referral(at(8, 10))
    moved.moved_from_id = old.id
    db.session.flush()
    # Twenty working days from Monday 10 August end with Tuesday 8 September.
    assert _late(made) == {}
    assert _late(made, date(2026, 9, 9)) == {moved.reference: (LateClock.ANSWER, date(2026, 9, 8))}


def test_what_took_place_before_a_move_is_still_to_be_recorded() -> None:
    made = make_performer()
    moved_at = at(9, 3, 12)
    left = made.referral(at(7, 1), accepted_at=at(7, 2), ended_at=moved_at, status=ReferralStatus.TRANSFERRED)
    made.session(left, at(9, 3))
    # What was planned for after the move is nobody's here, and what was recorded is done.
    for day, recorded in ((4, None), (2, at(9, 2, 10))):
        other = made.referral(at(7, 1), accepted_at=at(7, 2), ended_at=moved_at, status=ReferralStatus.TRANSFERRED)
        made.session(other, at(9, day), recorded_at=recorded)
    assert _late(made) == {left.reference: (LateClock.RECORD, date(2026, 9, 3))}
    # Once its old service no longer reads it, it cannot record it either.
    assert left.supplier_reads_until is not None
    assert left.reference in _late(made, left.supplier_reads_until)
    assert _late(made, left.supplier_reads_until + timedelta(days=1)) == {}


def test_the_desk_shows_the_region_its_services_and_a_supplier_its_own() -> None:
    desk = coordinator()
    made, far = make_performer(places=(KENT,)), make_performer(places=("E08000003",))
    made.referral(at(8, 3))
    made.referral(at(8, 3), accepted_at=at(8, 4))
    far.referral(at(8, 3))
    (row,) = queries.every_late_line(desk, DeskFilter(), on=TODAY)
    assert row.line is made.line
    assert (row.late[LateClock.ANSWER], row.late[LateClock.FIRST_SESSION], row.total) == (1, 1, 2)
    assert queries.count_late(desk, on=TODAY) == (2, 1)
    assert queries.count_late(far.deliverer, on=TODAY) == (1, 1)
    with pytest.raises(NotFound):
        queries.late_line(desk, far.line.id)
    with pytest.raises(NotAllowed):
        queries.every_late_line(make_actor(make_commissioner(), Role.COMMISSIONER_FINANCE), DeskFilter(), on=TODAY)


def test_whoever_sees_volumes_finds_what_is_late_and_a_contract_manager_asks(client: FlaskClient) -> None:
    made = make_performer(places=(KENT,), title="One home")
    made.referral(at(8, 3))
    body, supplier = made.line.agreement.commissioner, made.line.agreement.supplier
    for owner, role in ((body, Role.APPROVER), (supplier, Role.SIGNATORY), (supplier, Role.SERVICE_MANAGER)):
        sign_in(client, make_actor(owner, role))
        assert 'href="/contracts/late"' in client.get("/volumes/").text
        assert "One home" in client.get("/contracts/late").text
        assert client.post(f"/contracts/late/{made.line.id}/chase").status_code == 403
        assert client.get("/volumes/chasing").status_code == 404
    sign_in(client, made.manager)
    assert client.post(f"/contracts/late/{made.line.id}/chase").status_code == 302
    assert "One home" in client.get("/contracts/late").text


def test_the_supplier_is_asked_once_a_day_by_reference_only() -> None:
    desk, made = coordinator(), make_performer(places=(KENT,))
    one = made.referral(at(8, 3))
    _ = made.deliverer
    with pytest.raises(NotAllowed):
        actions.chase(made.line, actor=made.deliverer, now=NOW)
    actions.chase(made.line, actor=desk, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.chase(made.line, actor=desk, now=NOW + timedelta(hours=14))
    letter = db.session.scalars(select(Letter).where(Letter.subject.startswith("Late referrals"))).one()
    assert one.reference in letter.body
    assert one.crn_fingerprint not in letter.body
    assert "not answered, was due on 5 August 2026" in letter.body
    actions.chase(made.line, actor=desk, now=NOW + timedelta(days=1))
    (row,) = queries.every_late_line(desk, DeskFilter(), on=TODAY)
    assert row.chased_on == TODAY + timedelta(days=1)
    quiet = make_performer(places=(KENT,))
    with pytest.raises(Refused, match="No referral"):
        actions.chase(quiet.line, actor=desk, now=NOW)


def test_the_desk_on_its_pages(client: FlaskClient, clock: StandingClock) -> None:
    desk = coordinator()
    sign_in(client, desk)
    assert "No referral is late" in client.get("/contracts/late").text
    made, more = (make_performer(places=(KENT,), title=title) for title in ("One home", "Two homes"))
    one = made.referral(at(8, 3))
    for _ in range(2):
        more.referral(at(8, 20), accepted_at=at(8, 20))
    assert "3 referrals of 2 services past a clock" in client.get("/home").text
    page = client.get("/contracts/late").text
    assert page.index("Two homes") < page.index("One home")
    page = client.get(f"/contracts/late?sort={DeskOrder.OLDEST}").text
    assert page.index("One home") < page.index("Two homes")
    assert "Two homes" not in client.get("/contracts/late?clock=answer").text
    assert "No service matches" in client.get("/contracts/late?text=zzz").text
    rows = list(csv.DictReader(io.StringIO(client.get("/contracts/late.csv").text.removeprefix("\ufeff"))))
    assert [(row["service"], row["answer"], row["first_session"]) for row in rows] == [
        ("Two homes", "0", "2"),
        ("One home", "1", "0"),
    ]
    path = f"/contracts/late/{made.line.id}"
    page = client.get(path).text
    assert one.reference in page
    assert f"/referrals/{one.id}" not in page
    assert "have been asked about these referrals" in client.post(f"{path}/chase", follow_redirects=True).text
    assert "Ask the supplier" not in client.get(path).text
    assert client.post(f"{path}/chase").status_code == 409
    assert one.reference in client.get(f"{path}.csv").text
    sign_in(client, made.deliverer)
    page = client.get(path).text
    assert f"/referrals/{one.id}" in page
    assert re.search(r"about 1 referral, by Bethan Rowe", page)
    assert client.post(f"{path}/chase").status_code == 403
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert client.get(path).status_code == client.get(f"{path}.csv").status_code == 404


def test_the_desk_pages_and_asks_as_often_for_many_as_for_few(client: FlaskClient) -> None:
    desk = coordinator()
    sign_in(client, desk)
    counts = []
    for more in (1, 26):
        for _ in range(more):
            made = make_performer(places=(KENT,))
            made.referral(at(8, 3))
        db.session.commit()
        with counted_queries() as sent:
            page = client.get("/contracts/late").text
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert "27 services" in page
    assert "Page 1 of 2" in page


def test_the_database_keeps_one_chase_a_day() -> None:
    made = make_performer()
    for _ in range(2):
        db.session.add(Chase(line_id=made.line.id, day=TODAY, late=1, at=NOW, chased_by=made.manager.person))
    with pytest.raises(Exception, match="uq_chases_line_id_day"):
        db.session.flush()


def test_what_waits_for_a_place_is_nobodys_lateness() -> None:
    made = make_performer()
    made.referral(at(7, 1), status=ReferralStatus.WAITING)
    assert _late(made) == {}
    assert db.session.scalars(select(Referral.status)).all() == [ReferralStatus.WAITING]
