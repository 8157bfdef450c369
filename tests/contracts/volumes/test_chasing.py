from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from contracts.referrals.models import Referral
from contracts.referrals.rules import AbsenceKind, Attendance, ReferralStatus
from contracts.volumes import actions, queries, rules
from marketplace.access import Role
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.at_once import at_once
from tests.factories.referrals import make_referral, make_service, make_session

# Monday 7 September 2026, nine in London. Two working days before is Thursday, ten are Monday 24 August (31 August is a
# bank holiday: 21 August is the tenth).
NOW = datetime(2026, 9, 7, 8, tzinfo=UTC)
ON = date(2026, 9, 7)
in_a_database = pytest.mark.usefixtures("session", "clock")


@pytest.mark.parametrize(
    ("on", "working_days", "day"),
    [
        (ON, 0, ON),
        (ON, 2, date(2026, 9, 3)),
        (ON, 10, date(2026, 8, 21)),
        # A Sunday: Friday and Thursday.
        (date(2026, 9, 6), 2, date(2026, 9, 3)),
    ],
)
def test_from_which_day_back_something_is_late(on: date, working_days: int, day: date) -> None:
    assert rules.late_before(on, working_days) == day


@in_a_database
def test_what_is_late_at_a_service() -> None:
    body = make_commissioner()
    line = make_service(commissioner=body)
    manager = make_actor(body, Role.REGIONAL_COORDINATOR)

    def accepted(day: date) -> Referral:
        return make_referral(
            line, status=ReferralStatus.ACCEPTED, sent_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        )

    # In London it was Thursday already; and still Wednesday.
    make_referral(line, sent_at=datetime(2026, 9, 2, 23, 1, tzinfo=UTC))
    assert queries.late_at(manager, line.id, ON) is None
    make_referral(line, sent_at=datetime(2026, 9, 2, 22, 59, tzinfo=UTC))
    accepted(date(2026, 8, 21))
    late = accepted(date(2026, 8, 20))
    missed = make_session(late, starts_at=NOW - timedelta(days=5))
    missed.attendance, missed.absence, missed.recorded_at = Attendance.MISSED, AbsenceKind.ACCEPTABLE, NOW
    db.session.flush()
    came = accepted(date(2026, 8, 1))
    session = make_session(came, starts_at=NOW - timedelta(days=9))
    session.attendance, session.recorded_at = Attendance.LATE, NOW
    # Two sessions of one referral that are not recorded, and one of today.
    for number, day in ((2, 3), (3, 1)):
        make_session(came, starts_at=NOW - timedelta(days=day), number=number)
    make_session(accepted(ON - timedelta(days=1)), starts_at=NOW - timedelta(hours=1))
    make_referral(line, status=ReferralStatus.RETURNED, sent_at=datetime(2026, 8, 1, tzinfo=UTC))
    found = queries.late_at(manager, line.id, ON)
    assert found is not None
    assert (found.unaccepted, found.unassessed, found.unrecorded, found.longest_days(ON)) == (1, 1, 1, 18)


@in_a_database
def test_it_is_chased_once_a_day_in_numbers(clock: StandingClock) -> None:
    body, supplier = make_commissioner(), make_supplier()
    line = make_service(commissioner=body, supplier=supplier, with_manager=False, title="Rooms")
    told = make_actor(supplier, Role.SERVICE_MANAGER)
    manager = make_actor(body, Role.CONTRACT_MANAGER, name="Ada")
    with pytest.raises(Refused, match="Nothing is late"):
        actions.chase(line.id, actor=manager, now=NOW)
    referral = make_referral(line, sent_at=NOW - timedelta(days=10))
    with pytest.raises(NotAllowed):
        actions.chase(line.id, actor=told, now=NOW)
    with pytest.raises(NotFound):
        actions.chase(line.id, actor=make_actor(make_commissioner(), Role.CONTRACT_MANAGER), now=NOW)
    actions.chase(line.id, actor=manager, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.chase(line.id, actor=manager, now=NOW + timedelta(hours=3))
    actions.chase(line.id, actor=manager, now=NOW + timedelta(days=1))
    first, _ = db.session.scalars(select(Letter).where(Letter.key.startswith("volume-chase:"))).all()
    assert first.person_id == told.person
    assert "1 referral not accepted or returned in time" in first.body
    assert "session" not in first.body
    assert referral.reference not in first.body


def test_chased_at_the_same_moment_it_is_chased_once(committed_app: Flask, clock: StandingClock) -> None:
    with committed_app.app_context():
        body = make_commissioner()
        line = make_service(commissioner=body)
        make_referral(line, sent_at=NOW - timedelta(days=10))
        manager, key = make_actor(body, Role.CONTRACT_MANAGER), line.id
        db.session.commit()
    answers = at_once(committed_app, 6, lambda number: actions.chase(key, actor=manager, now=NOW).unaccepted)
    assert sum(isinstance(one, AlreadyDone) for one in answers) == 5
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Letter)) == 1


@in_a_database
def test_the_list_its_file_and_its_button(client: FlaskClient) -> None:
    body = make_commissioner()
    worse = make_service(commissioner=body, title="Rooms")
    for _ in range(2):
        make_referral(worse, sent_at=NOW - timedelta(days=10))
    make_referral(make_service(commissioner=body, title="Work"), sent_at=NOW - timedelta(days=20))
    make_referral(make_service(title="Elsewhere"), sent_at=NOW - timedelta(days=20))
    sign_in(client, make_actor(body, Role.COMMERCIAL_PARTNER))
    page = client.get("/volumes/chasing").text
    assert page.index("Rooms") < page.index("Work")
    assert "Elsewhere" not in page
    assert "Write to them" not in page
    assert "No service with late referrals matches" in client.get("/volumes/chasing?text=nothing").text
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/chasing.csv").data.decode("utf-8-sig"))))
    assert [(row["service"], row["not_accepted"], row["longest_days"]) for row in rows] == [
        ("Rooms", "2", "10"),
        ("Work", "1", "20"),
    ]
    sign_in(client, make_actor(body, Role.REGIONAL_COORDINATOR))
    assert "Write to them" in client.get("/volumes/chasing").text
    assert client.post(f"/volumes/{worse.id}/chase").location == "/volumes/chasing"
    assert "is written to about Rooms" in client.get("/volumes/chasing").text
    assert client.post(f"/volumes/{worse.id}/chase").status_code == 409
    sign_in(client, make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
    assert "Nothing is late at your services" in client.get("/volumes/chasing").text
