from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import ServiceLine
from contracts.volumes import actions, jobs, letters, queries
from contracts.volumes.models import VolumeAlert
from contracts.volumes.queries import AlertFilter, AlertOrder
from contracts.volumes.rules import ALERT_MOVES, AlertKind, AlertStatus
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.agreements import make_terms, make_version
from tests.factories.at_once import at_once
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KSS_REGION, make_places
from tests.factories.referrals import FOUR_BANDS, make_referrals, make_service

ON = date(2026, 9, 7)
NOW = datetime(2026, 9, 7, 8, tzinfo=UTC)
in_a_database = pytest.mark.usefixtures("session", "clock")


def raised(line: ServiceLine) -> dict[AlertKind, AlertStatus]:
    rows = db.session.execute(select(VolumeAlert.kind, VolumeAlert.status).where(VolumeAlert.line_id == line.id))
    return {row.kind: row.status for row in rows}


def posted() -> list[str]:
    return sorted(db.session.scalars(select(Letter.subject).where(Letter.key.startswith("volume-alert:"))))


def one_alert(line: ServiceLine) -> VolumeAlert:
    return db.session.scalars(select(VolumeAlert).where(VolumeAlert.line_id == line.id)).one()


@in_a_database
def test_each_threshold_is_told_of_once_to_those_who_can_act() -> None:
    lead, funder, supplier = make_commissioner(), make_commissioner(), make_supplier()
    line = make_service(
        bands=((0, 20),),
        commissioner=lead,
        funders=[lead, funder],
        supplier=supplier,
        with_manager=False,
        title="Rooms",
    )
    told = [
        make_actor(lead, Role.CONTRACT_MANAGER),
        make_actor(funder, Role.REGIONAL_COORDINATOR),
        make_actor(supplier, Role.SERVICE_MANAGER),
    ]
    for organisation, role in ((lead, Role.COMMERCIAL_PARTNER), (supplier, Role.CASEWORKER)):
        make_actor(organisation, role)
    make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
    for count, kinds in (
        (15, {}),
        (1, {AlertKind.CAP_NEAR: AlertStatus.OPEN}),
        (3, {AlertKind.CAP_NEAR: AlertStatus.CLOSED, AlertKind.CAP_CLOSE: AlertStatus.OPEN}),
        (
            1,
            {
                AlertKind.CAP_NEAR: AlertStatus.CLOSED,
                AlertKind.CAP_CLOSE: AlertStatus.CLOSED,
                AlertKind.CAP_MET: AlertStatus.OPEN,
            },
        ),
    ):
        make_referrals(line, count)
        jobs.raise_due_alerts()
        jobs.raise_due_alerts()
        assert raised(line) == kinds
    assert posted() == ["80% of the cap used: Rooms"] * 3 + ["95% of the cap used: Rooms"] * 3 + ["Full: Rooms"] * 3
    found = db.session.scalars(select(Letter.person_id).where(Letter.subject == "Full: Rooms"))
    assert sorted(one or 0 for one in found) == sorted(one.person for one in told)


@in_a_database
def test_of_several_at_one_moment_the_gravest_is_told_and_the_lesser_are_on_record() -> None:
    body = make_commissioner()
    line = make_service(bands=((0, 3),), commissioner=body, with_manager=False, title="Rooms")
    make_actor(body, Role.CONTRACT_MANAGER)
    make_referrals(line, 3)
    jobs.raise_due_alerts()
    assert raised(line) == {
        AlertKind.CAP_MET: AlertStatus.OPEN,
        AlertKind.CAP_CLOSE: AlertStatus.CLOSED,
        AlertKind.CAP_NEAR: AlertStatus.CLOSED,
    }
    assert posted() == ["Full: Rooms"]


@in_a_database
def test_heading_under_the_minimum_is_told_of_once_with_its_figures() -> None:
    body = make_commissioner()
    line = make_service(bands=FOUR_BANDS, commissioner=body, title="Rooms")
    make_actor(body, Role.CONTRACT_MANAGER)
    make_referrals(line, 12)
    jobs.raise_due_alerts()
    alert = one_alert(line)
    # 12 by the end of 109 of 251 working days: 27.6 in the year, where the lowest band begins at 60.
    assert (alert.kind, alert.volume, alert.counted, alert.projected) == (AlertKind.UNDER_MINIMUM, 60, 12, 28)
    body_text = db.session.scalars(select(Letter).where(Letter.person_id.is_not(None))).first()
    assert body_text is not None
    assert "12 people have been referred this contract year; at this rate it ends with 28" in body_text.body
    assert "our own defaults" in body_text.body


@in_a_database
def test_a_variation_that_moves_the_cap_warns_anew_and_ends_what_was_said_of_the_old_one() -> None:
    line = make_service(bands=((0, 10),))
    make_referrals(line, 10)
    jobs.raise_due_alerts()
    make_terms(make_version(line.agreement, in_force_from=date(2026, 9, 1)), line, bands=[(0, 12, Decimal(1000))])
    db.session.expire_all()
    jobs.raise_due_alerts()
    rows = db.session.scalars(select(VolumeAlert).order_by(VolumeAlert.volume, VolumeAlert.kind)).all()
    assert [(one.volume, one.kind, one.status) for one in rows] == [
        (10, AlertKind.CAP_CLOSE, AlertStatus.CLOSED),
        (10, AlertKind.CAP_MET, AlertStatus.CLOSED),
        (10, AlertKind.CAP_NEAR, AlertStatus.CLOSED),
        (12, AlertKind.CAP_NEAR, AlertStatus.OPEN),
    ]
    assert rows[1].closed_why == "The contract was changed."


@in_a_database
def test_a_new_contract_year_ends_the_alerts_of_the_old_one_and_warns_anew(clock: StandingClock) -> None:
    line = make_service(bands=((0, 10),))
    make_referrals(line, 8)
    jobs.raise_due_alerts()
    clock.set(datetime(2027, 4, 2, 9, tzinfo=UTC))
    jobs.raise_due_alerts()
    assert one_alert(line).closed_why == "The contract year is over."
    make_referrals(line, 8, sent_at=clock())
    jobs.raise_due_alerts()
    years = db.session.scalars(select(VolumeAlert.year_begins).order_by(VolumeAlert.id)).all()
    assert years == [date(2026, 4, 1), date(2027, 4, 1)]


@in_a_database
def test_the_alerts_of_a_contract_that_has_ended_are_over(clock: StandingClock) -> None:
    line = make_service(bands=((0, 10),), ends_on=date(2026, 9, 30))
    make_referrals(line, 8)
    jobs.raise_due_alerts()
    clock.set(datetime(2026, 10, 1, 9, tzinfo=UTC))
    jobs.raise_due_alerts()
    assert one_alert(line).closed_why == "The contract has ended."


@in_a_database
def test_a_job_that_is_killed_and_begun_again_raises_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    body = make_commissioner()
    make_actor(body, Role.CONTRACT_MANAGER)
    for title in ("A", "B", "C"):
        make_referrals(make_service(bands=((0, 3),), commissioner=body, title=title, with_manager=False), 3)
    tell, calls = letters.alert, []

    def killed(*args: object, **kwargs: object) -> None:
        calls.append(args)
        tell(*args, **kwargs)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(letters, "alert", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.raise_due_alerts()
    assert posted() == ["Full: A"]
    jobs.raise_due_alerts()
    assert posted() == ["Full: A", "Full: B", "Full: C"]
    assert db.session.scalar(select(func.count()).select_from(VolumeAlert)) == 9


def test_jobs_at_the_same_moment_raise_each_once(committed_app: Flask, clock: StandingClock) -> None:
    with committed_app.app_context():
        body = make_commissioner()
        make_actor(body, Role.CONTRACT_MANAGER)
        lines = [make_service(bands=((0, 3),), commissioner=body, with_manager=False) for _ in range(3)]
        for line in lines:
            make_referrals(line, 3)
        keys = [line.id for line in lines]
        db.session.commit()

    def raise_all(number: int) -> int:
        found = queries.due(ON).to_raise
        return sum(len(actions.raise_alerts(one, now=clock())) for one in found)

    answers = at_once(committed_app, 8, raise_all)
    assert sum(answers) == 9  # type: ignore[arg-type]
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(VolumeAlert)) == 9
        assert db.session.scalar(select(func.count()).select_from(Letter)) == len(keys)


@in_a_database
def test_looking_for_what_is_due_takes_three_queries_and_nothing_more_once_all_is_raised() -> None:
    for _ in range(4):
        make_referrals(make_service(bands=((0, 3),)), 3)
    jobs.raise_due_alerts()
    db.session.commit()
    with counted_queries() as sent:
        jobs.raise_due_alerts()
    assert len(sent) == 3


@in_a_database
def test_an_alert_is_closed_with_a_reason_by_those_who_can_act() -> None:
    body, supplier = make_commissioner(), make_supplier()
    line = make_service(bands=((0, 3),), commissioner=body, supplier=supplier)
    make_referrals(line, 3)
    jobs.raise_due_alerts()
    alert = db.session.scalars(select(VolumeAlert).where(VolumeAlert.kind == AlertKind.CAP_MET)).one()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    for stranger in (
        make_actor(supplier, Role.SERVICE_MANAGER),
        make_actor(body, Role.COMMERCIAL_PARTNER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
    ):
        with pytest.raises(NotAllowed):
            actions.close(alert.id, why="Because.", actor=stranger, now=NOW)
    with pytest.raises(Invalid):
        actions.close(alert.id, why=" ", actor=manager, now=NOW)
    closed = actions.close(alert.id, why="The year ends next week.", actor=manager, now=NOW)
    assert (closed.status, closed.closed_by) == (AlertStatus.CLOSED, manager.person)
    with pytest.raises(AlreadyDone):
        actions.close(alert.id, why="Again.", actor=manager, now=NOW)
    assert AlertStatus.OPEN in ALERT_MOVES[AlertStatus.ACTED_ON]
    assert not ALERT_MOVES[AlertStatus.CLOSED]


@in_a_database
def test_the_list_is_narrowed_sorted_and_a_file_and_shows_nobody_elses(client: FlaskClient) -> None:
    body = make_commissioner()
    full = make_service(bands=((0, 3),), commissioner=body, title="Rooms")
    make_referrals(full, 3)
    make_service(bands=FOUR_BANDS, commissioner=body, title="Work")
    make_referrals(make_service(bands=((0, 3),), title="Elsewhere"), 3)
    jobs.raise_due_alerts()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    assert queries.alerts(manager, AlertFilter(), number=1).total == 4
    assert queries.alerts(manager, AlertFilter(status=AlertStatus.OPEN), number=1).total == 2
    by_title = queries.alerts(manager, AlertFilter(order=AlertOrder.TITLE), number=1).rows
    assert [one.line.title for one in by_title] == ["Rooms", "Rooms", "Rooms", "Work"]
    gravest = queries.alerts(manager, AlertFilter(order=AlertOrder.GRAVEST), number=1).rows
    assert [one.kind for one in gravest] == list(AlertKind)
    sign_in(client, manager)
    page = client.get("/volumes/alerts?kind=cap_met").text
    assert "1 alert." in page
    assert "Rooms" in page
    assert "Elsewhere" not in client.get("/volumes/alerts").text
    assert "No alert matches" in client.get("/volumes/alerts?text=nothing").text
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/alerts.csv").data.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert {row["status"] for row in rows} == {"open", "closed"}


@in_a_database
def test_the_list_takes_as_many_queries_for_twenty_alerts_as_for_two() -> None:
    body = make_commissioner()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    counts = []
    for more in (2, 18):
        for _ in range(more):
            make_service(bands=FOUR_BANDS, commissioner=body, with_manager=False)
        jobs.raise_due_alerts()
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            rows = queries.alerts(manager, AlertFilter(), number=1).rows
            assert all(row.line.agreement.supplier.name for row in rows)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 2


@in_a_database
def test_its_page_has_then_and_now_and_closes_it(client: FlaskClient, session: scoped_session[Session]) -> None:
    body = make_commissioner()
    line = make_service(bands=FOUR_BANDS, commissioner=body, title="Work")
    jobs.raise_due_alerts()
    alert = one_alert(line)
    sign_in(client, make_actor(body, Role.CONTRACT_MANAGER))
    page = client.get(f"/volumes/alerts/{alert.id}").text
    assert "Heading under its minimum: Work" in page
    assert "Then and now" in page
    refused = client.post(f"/volumes/alerts/{alert.id}", data={"why": ""})
    assert refused.status_code == 422
    assert "Say why nothing more is done about it" in refused.text
    assert client.post(f"/volumes/alerts/{alert.id}", data={"why": "A new court opens."}).status_code == 302
    page = client.get(f"/volumes/alerts/{alert.id}").text
    assert "A new court opens." in page
    assert "Close the alert" not in page
    again = client.post(f"/volumes/alerts/{alert.id}", data={"why": "Twice."})
    assert again.status_code == 409
    assert "closed already" in again.text
    sign_in(client, make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
    assert client.get(f"/volumes/alerts/{alert.id}").status_code == 404


@in_a_database
def test_an_alert_waits_for_those_alone_who_can_act_on_it(client: FlaskClient) -> None:
    make_places(DOVER)
    lead, funder = make_commissioner(), make_commissioner()
    around = make_commissioner(place_code=KSS_REGION)
    line = make_service(bands=FOUR_BANDS, commissioner=lead, funders=[lead, funder], places=[DOVER], title="Work")
    people = {body: make_actor(body, Role.REGIONAL_COORDINATOR) for body in (lead, funder, around)}
    for raised in (False, True):
        if raised:
            jobs.raise_due_alerts()
        for body, actor in people.items():
            sign_in(client, actor)
            home = client.get("/home").text
            assert ("Heading under its minimum: Work" in home) is (body is not around)
            assert client.get(f"/volumes/{line.id}").status_code == 200


@in_a_database
def test_what_waits_is_the_alert_until_somebody_deals_with_it(client: FlaskClient) -> None:
    make_places(DOVER)
    body = make_commissioner(place_code=KSS_REGION)
    line = make_service(bands=FOUR_BANDS, commissioner=body, places=[DOVER], title="Work")
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    sign_in(client, manager)
    assert f'href="/volumes/{line.id}"' in client.get("/home").text
    jobs.raise_due_alerts()
    alert = one_alert(line)
    home = client.get("/home").text
    assert f'href="/volumes/alerts/{alert.id}"' in home
    assert home.count("Heading under its minimum: Work") == 1
    actions.close(alert.id, why="It is known.", actor=manager, now=NOW)
    assert "Work" not in client.get("/home").text
