from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Suspension
from contracts.referrals.queries import notices_of
from contracts.volumes import actions, jobs
from contracts.volumes.actions import Decision
from contracts.volumes.models import VolumeAction, VolumeReview
from contracts.volumes.rules import ACTION_MOVES, ActionKind, ActionStatus, AlertStatus, Verdict
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.contracts.volumes.acting import LATER, LATEST, NOW, ON, Case, in_a_database, letters_of
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.at_once import at_once
from tests.factories.places import NEWPORT


@in_a_database
def test_what_is_decided_answers_the_alert_and_the_others_who_can_act_are_told() -> None:
    case = Case()
    colleague = make_actor(case.body, Role.REGIONAL_COORDINATOR)
    action = case.decide()
    assert (action.alert_id, action.status) == (case.alert.id, ActionStatus.UNDER_WAY)
    assert case.alert.status is AlertStatus.ACTED_ON
    # What exactly is for those who sign in.
    assert not any("Visit the courts" in body for body in db.session.scalars(select(Letter.body)))
    assert sorted(letters_of("volume-action:")) == [
        ("Make the service known: Rooms", one.person) for one in (case.deliverer, colleague)
    ]


@in_a_database
def test_who_may_decide_and_what_is_refused() -> None:
    case = Case()
    for stranger in (
        case.deliverer,
        make_actor(case.body, Role.COMMERCIAL_PARTNER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
    ):
        with pytest.raises(NotAllowed):
            actions.decide(
                case.line.id, Decision(ActionKind.VARY, "x", stranger.person, LATER), actor=stranger, now=NOW
            )
    for wrong, field in (
        ({"what": " "}, "what"),
        ({"follow_up_on": ON}, "follow_up_on"),
        ({"follow_up_on": date(2027, 9, 8)}, "follow_up_on"),
        ({"owner_id": case.deliverer.person}, "owner"),
        ({"kind": ActionKind.SLOW, "message": ""}, "message"),
        ({"kind": ActionKind.SLOW, "message": "x", "message_until": date(2026, 9, 6)}, "message_until"),
        ({"kind": ActionKind.SLOW, "message": "x", "message_until": date(2026, 12, 9)}, "message_until"),
    ):
        with pytest.raises(Invalid) as refused:
            case.decide(**wrong)
        assert refused.value.field == field
    case.decide()
    with pytest.raises(AlreadyDone):
        case.decide()
    case.decide(ActionKind.VARY)


@in_a_database
def test_a_full_service_is_not_made_known() -> None:
    case = Case(bands=((0, 3),), referrals=3)
    with pytest.raises(Refused, match="no room"):
        case.decide()
    assert case.decide(ActionKind.WAITING_LIST).alert_id == case.alert.id


@in_a_database
def test_a_service_whose_referrals_are_stopped_is_not_made_known(client: FlaskClient) -> None:
    case = Case()
    make_actor(case.body, Role.RESPONSIBLE_OFFICER)
    warned = case.alert.id
    case.decide(writes_to_officers=True)
    stop = Suspension(agreement_id=case.line.agreement_id, from_on=ON, reason="Unsafe.", at=NOW, by=case.manager.person)
    db.session.add(stop)
    db.session.flush()
    jobs.write_to_officers()
    assert letters_of("volume-room:") == []
    action = db.session.scalars(select(VolumeAction)).one()
    case.follow_up(action, Verdict.NO_DIFFERENCE)
    with pytest.raises(Refused, match="are stopped"):
        case.decide()
    sign_in(client, case.manager)
    pages = (f"/volumes/{case.line.id}", f"/volumes/alerts/{warned}")
    assert all("New referrals are stopped" in client.get(path).text for path in pages)
    stop = db.session.scalars(select(Suspension)).one()
    stop.lifted_from, stop.lifted_at, stop.lifted_by, stop.lifted_reason = ON, NOW, case.manager.person, "Safe."
    db.session.flush()
    assert not any("New referrals are stopped" in client.get(path).text for path in pages)
    case.decide(writes_to_officers=True)
    jobs.write_to_officers()
    assert len(letters_of("volume-room:")) == 1


@in_a_database
def test_the_database_keeps_one_of_a_kind_under_way(session: scoped_session[Session]) -> None:
    case = Case()
    first = case.decide()
    values = {c.key: getattr(first, c.key) for c in VolumeAction.__table__.columns if c.key != "id"}
    with pytest.raises(IntegrityError, match="uq_volume_actions_one_under_way"):
        session.execute(VolumeAction.__table__.insert().values(**values))


@in_a_database
@pytest.mark.parametrize(
    ("verdict", "status", "alert"),
    [
        (Verdict.HELPED, ActionStatus.DONE, AlertStatus.CLOSED),
        (Verdict.PARTLY, ActionStatus.DONE, AlertStatus.CLOSED),
        (Verdict.NO_DIFFERENCE, ActionStatus.DONE, AlertStatus.OPEN),
        (Verdict.DROPPED, ActionStatus.DROPPED, AlertStatus.OPEN),
    ],
)
def test_what_it_brought_ends_it_and_settles_the_alert_or_not(
    verdict: Verdict, status: ActionStatus, alert: AlertStatus
) -> None:
    case = Case()
    action, warned = case.decide(), case.alert
    case.follow_up(action, verdict)
    assert (action.status, warned.status) == (status, alert)
    assert len(letters_of(f"volume-action:{action.id}:ended")) == 1
    with pytest.raises(AlreadyDone):
        case.follow_up(action, verdict)
    assert not ACTION_MOVES[status]


@in_a_database
def test_an_alert_waits_while_something_else_is_under_way_about_it() -> None:
    case = Case()
    first, second = case.decide(), case.decide(ActionKind.VARY)
    case.follow_up(first, Verdict.NO_DIFFERENCE)
    assert case.alert.status is AlertStatus.ACTED_ON
    case.follow_up(second, Verdict.DROPPED)
    assert case.alert.status is AlertStatus.OPEN


@in_a_database
def test_it_goes_on_until_another_day_and_every_time_is_kept() -> None:
    case = Case()
    action = case.decide()
    for wrong in (None, ON, LATER):
        with pytest.raises(Invalid):
            case.follow_up(action, Verdict.GOES_ON, next_on=wrong)
    with pytest.raises(Invalid):
        case.follow_up(action, Verdict.HELPED, words=" ")
    case.follow_up(action, Verdict.GOES_ON, next_on=LATEST)
    assert (action.status, action.follow_up_on) == (ActionStatus.UNDER_WAY, LATEST)
    # A second press of the same button.
    with pytest.raises(AlreadyDone):
        case.follow_up(action, Verdict.GOES_ON, next_on=LATEST + timedelta(days=7))
    case.follow_up(action, Verdict.HELPED, due_on=LATEST)
    rows = db.session.scalars(select(VolumeReview).order_by(VolumeReview.id)).all()
    assert [(one.due_on, one.verdict, one.next_on) for one in rows] == [
        (LATER, Verdict.GOES_ON, LATEST),
        (LATEST, Verdict.HELPED, None),
    ]


@in_a_database
def test_others_do_not_follow_it_up() -> None:
    case = Case()
    action = case.decide()
    with pytest.raises(NotAllowed):
        case.follow_up(action, Verdict.HELPED, actor=case.deliverer)


@in_a_database
@pytest.mark.parametrize("kind", [ActionKind.SLOW, ActionKind.WAITING_LIST])
def test_officers_see_the_message_until_its_day_or_until_it_is_over(
    client: FlaskClient, clock: StandingClock, kind: ActionKind
) -> None:
    case = Case()
    action = case.decide(kind, message="Only those in custody, please.", message_until=date(2026, 9, 30))
    # Not the public.
    for path in (f"/services/{case.line.id}", "/find/"):
        page = client.get(path).text
        assert "Rooms" in page
        assert "Only those in custody" not in page
    officer = make_actor(case.body, Role.RESPONSIBLE_OFFICER)
    sign_in(client, officer)
    for path in (f"/referrals/new/{case.line.id}", f"/services/{case.line.id}", "/find/"):
        assert "Only those in custody, please." in client.get(path).text
    assert notices_of([case.line.id], date(2026, 9, 30)) == {case.line.id: ["Only those in custody, please."]}
    assert notices_of([case.line.id], date(2026, 10, 1)) == {}
    case.follow_up(db.session.get_one(VolumeAction, action.id), Verdict.DROPPED)
    assert "Only those in custody" not in client.get(f"/services/{case.line.id}").text


@in_a_database
def test_a_service_made_known_is_marked_and_its_officers_get_one_letter(client: FlaskClient) -> None:
    case = Case()
    officers = [make_actor(case.body, Role.RESPONSIBLE_OFFICER) for _ in range(2)]
    make_actor(make_commissioner(place_code=NEWPORT), Role.RESPONSIBLE_OFFICER)
    make_actor(make_commissioner(), Role.RESPONSIBLE_OFFICER)
    assert "Has room now" not in client.get("/find/").text
    action = case.decide(writes_to_officers=True)
    assert "Has room now" in client.get("/find/").text
    assert "Has room now" in client.get(f"/services/{case.line.id}").text
    jobs.write_to_officers()
    jobs.write_to_officers()
    found = letters_of("volume-room:")
    assert sorted(one or 0 for _, one in found) == sorted(one.person for one in officers)
    body = db.session.scalars(select(Letter).where(Letter.key.startswith("volume-room:"))).first()
    assert body is not None
    assert "has room for 140 more people this contract year" in body.body
    case.follow_up(db.session.get_one(VolumeAction, action.id), Verdict.NO_DIFFERENCE)
    assert "Has room now" not in client.get("/find/").text
    # Made known again in the same contract year: nobody gets a second letter.
    case.decide(writes_to_officers=True)
    jobs.write_to_officers()
    assert len(letters_of("volume-room:")) == 2


@in_a_database
def test_no_letters_where_none_were_asked_for_or_it_was_dropped_before() -> None:
    case = Case()
    make_actor(case.body, Role.RESPONSIBLE_OFFICER)
    case.follow_up(case.decide(writes_to_officers=True), Verdict.DROPPED)
    case.decide()
    jobs.write_to_officers()
    assert letters_of("volume-room:") == []


@in_a_database
def test_the_day_that_it_is_looked_at_again_brings_one_letter_and_waits_at_home(
    client: FlaskClient, clock: StandingClock
) -> None:
    case = Case()
    action = case.decide()
    sign_in(client, case.manager)
    assert "Follow up" not in client.get("/home").text
    jobs.remind()
    assert letters_of(f"volume-action:{action.id}:follow_up") == []
    clock.set(datetime(2026, 10, 5, 7, tzinfo=UTC))
    sign_in(client, case.manager)
    for _ in range(2):
        jobs.remind()
    assert letters_of(f"volume-action:{action.id}:follow_up") == [
        ("Follow up: Make the service known, Rooms", case.manager.person)
    ]
    assert "Follow up: Make the service known, Rooms" in client.get("/home").text


@in_a_database
def test_what_is_to_be_followed_up_goes_with_the_lead(client: FlaskClient, clock: StandingClock) -> None:
    case = Case()
    case.decide()
    clock.set(datetime(2026, 10, 5, 7, tzinfo=UTC))
    new = make_commissioner()
    agreement = case.line.agreement
    agreement.commissioner = new
    for one in agreement.versions[-1].funders:
        one.organisation_id = new.id
    db.session.flush()
    sign_in(client, make_actor(new, Role.CONTRACT_MANAGER))
    assert "Follow up: Make the service known, Rooms" in client.get("/home").text
    sign_in(client, case.manager)
    assert "Follow up" not in client.get("/home").text


def test_the_same_decision_at_the_same_moment_is_made_once(committed_app: Flask, clock: StandingClock) -> None:
    with committed_app.app_context():
        case = Case()
        line, manager = case.line.id, case.manager
        db.session.commit()

    def decide(number: int) -> int:
        decision = Decision(ActionKind.MARKET, "Visit.", manager.person, LATER)
        return actions.decide(line, decision, actor=manager, now=NOW).id

    answers = at_once(committed_app, 8, decide)
    assert sum(isinstance(one, AlreadyDone) for one in answers) == 7
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(VolumeAction)) == 1
        action = db.session.scalars(select(VolumeAction)).one().id

    def review(number: int) -> int:
        verdict = [Verdict.HELPED, Verdict.DROPPED][number % 2]
        return actions.follow_up(
            action, due_on=LATER, verdict=verdict, words="x", next_on=None, actor=manager, now=NOW
        ).id

    answers = at_once(committed_app, 8, review)
    assert sum(isinstance(one, AlreadyDone) for one in answers) == 7
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(VolumeReview)) == 1
