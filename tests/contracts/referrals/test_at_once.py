"""What happens at the cap, and on the waiting list, when many come at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Lock

from flask import Flask
from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.referrals import actions, queries
from contracts.referrals.models import Referral
from contracts.referrals.rules import Complexity, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, Full, Refused
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import assert_counted_as_told, assert_nobody_waits_beside_room
from tests.factories.accounts import make_actor, sign_in
from tests.factories.at_once import at_once
from tests.factories.referrals import make_need, make_officer, make_referral, make_referrals, make_service

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 4, 1)
Status = ReferralStatus


def _statuses(line_id: int) -> dict[Status, list[Referral]]:
    """The line's referrals by status, those that waited in their order."""
    found: dict[Status, list[Referral]] = {one: [] for one in Status}
    for one in db.session.scalars(
        select(Referral).where(Referral.line_id == line_id).order_by(Referral.joined_at, Referral.id)
    ):
        found[one.status].append(one)
    return found


def _assert_whole(line_id: int) -> dict[Status, list[Referral]]:
    """Counters, cap and queue agree: positions run from 1 without gap or double."""
    line = db.session.get_one(ServiceLine, line_id)
    assert_counted_as_told(line)
    assert_nobody_waits_beside_room(line, NOW)
    found = _statuses(line_id)
    assert [queries.place_in_queue(one) for one in found[Status.WAITING]] == [
        number + 1 for number in range(len(found[Status.WAITING]))
    ]
    return found


def _queue(app: Flask, *, cap: int, waiting: int) -> tuple[int, Actor, list[int], list[int]]:
    """A full service and its waiting list, everybody referred by one officer: line, officer, those sent, those who
    wait in their order."""
    with app.app_context():
        line, officer = make_service(bands=((0, cap),)), make_officer()
        sent = [make_referral(line, officer=officer).id for _ in range(cap)]
        waits = [
            make_referral(
                line, officer=officer, status=Status.WAITING, sent_at=NOW - timedelta(hours=waiting - number)
            ).id
            for number in range(waiting)
        ]
        key = line.id
        db.session.commit()
    return key, officer, sent, waits


def test_fifty_officers_at_once_get_the_last_ten_places_and_no_more(committed_app: Flask) -> None:
    with committed_app.app_context():
        line = make_service(bands=((0, 20),))
        make_referrals(line, 10)
        officers = [make_officer() for _ in range(50)]
        line_id = line.id
        db.session.commit()

    def refer(number: int) -> str:
        return actions.send(line_id, make_need(f"X{number:06}"), actor=officers[number], now=NOW).reference

    answers = at_once(committed_app, 50, refer)
    refusals = [one for one in answers if isinstance(one, Full)]
    assert len(refusals) == 40
    assert all("all 20 people" in one.words for one in refusals)
    with committed_app.app_context():
        assert queries.counted(line_id, FIRST_DAY, NOW.date()) == 20


def test_fifty_officers_at_once_for_ten_places_the_others_wait_in_places_one_to_forty(committed_app: Flask) -> None:
    with committed_app.app_context():
        line = make_service(bands=((0, 20),))
        make_referrals(line, 10)
        officers = [make_officer() for _ in range(50)]
        line_id = line.id
        db.session.commit()
    order, told = Lock(), []

    def refer_or_wait(number: int) -> Status:
        # Everybody's clock says something else; what decides is who comes first.
        now = NOW + timedelta(seconds=number * 7 % 11)
        made = actions.send(line_id, make_need(f"X{number:06}"), actor=officers[number], now=now, or_wait=True)
        if made.status is Status.WAITING:
            with order:
                told.append((queries.place_in_queue(made), made.id))
        return made.status

    answers = at_once(committed_app, 50, refer_or_wait)
    assert (answers.count(Status.SENT), answers.count(Status.WAITING)) == (10, 40)
    with committed_app.app_context():
        waits = _assert_whole(line_id)[Status.WAITING]
        # What each was told at once is what stays true.
        assert sorted(told) == [(number, one.id) for number, one in enumerate(waits, start=1)]


def test_the_same_person_put_on_the_list_by_ten_officers_at_once_waits_once(committed_app: Flask) -> None:
    line_id, officer, *_ = _queue(committed_app, cap=1, waiting=0)

    def wait(number: int) -> int:
        return actions.send(line_id, make_need("X777777"), actor=officer, now=NOW, or_wait=True).id

    answers = at_once(committed_app, 10, wait)
    assert sum(isinstance(one, AlreadyDone) for one in answers) == 9
    with committed_app.app_context():
        assert len(_assert_whole(line_id)[Status.WAITING]) == 1


def test_twelve_places_freed_at_once_are_offered_to_exactly_the_first_twelve(committed_app: Flask) -> None:
    line_id, officer, sent, waits = _queue(committed_app, cap=20, waiting=30)
    with committed_app.app_context():
        manager = make_actor(db.session.get_one(ServiceLine, line_id).agreement.supplier, Role.SERVICE_MANAGER)
        db.session.commit()

    def free(number: int) -> None:
        if number % 2:
            actions.withdraw(sent[number], reason="Recalled", actor=officer, now=NOW)
        else:
            actions.return_to_officer(sent[number], reason="Moved", actor=manager, now=NOW)

    assert at_once(committed_app, 12, free) == [None] * 12
    with committed_app.app_context():
        found = _assert_whole(line_id)
        assert [one.id for one in found[Status.OFFERED]] == waits[:12]
        assert [one.id for one in found[Status.WAITING]] == waits[12:]


def test_fifty_confirm_and_decline_at_once_and_each_place_has_one_owner(committed_app: Flask) -> None:
    line_id, officer, sent, waits = _queue(committed_app, cap=20, waiting=40)
    with committed_app.app_context(), transaction():
        for referral in sent:
            actions.withdraw(referral, reason="Recalled", actor=officer, now=NOW)

    # Of twenty offers ten are taken twice, four left twice, and six taken and left: fifty answers.
    contested = list(range(14, 20))
    plan = [(n, True) for n in range(10)] * 2 + [(n, False) for n in range(10, 14)] * 2
    plan += [(n, True) for n in contested] * 2 + [(n, False) for n in contested] + [(n, False) for n in contested[:4]]

    def answer(number: int) -> str:
        offer, take = plan[number]
        if take:
            actions.confirm(waits[offer], need="A room.", complexity=Complexity.HIGH, actor=officer, now=NOW)
            return f"taken {offer}"
        actions.leave(waits[offer], actor=officer, now=NOW)
        return f"left {offer}"

    answers = at_once(committed_app, 50, answer)
    done = [one for one in answers if isinstance(one, str)]
    assert len(done) == len(set(done)) == 20, "an offer was answered twice, or not at all"
    assert all(isinstance(one, str | Refused) for one in answers)
    left = sum(one.startswith("left") for one in done)
    assert left >= 4
    with committed_app.app_context():
        found = _assert_whole(line_id)
        assert len(found[Status.SENT]) == 20 - left
        assert [one.id for one in found[Status.OFFERED]] == waits[20 : 20 + left]
        assert [one.id for one in found[Status.WAITING]] == waits[20 + left :]


def test_over_the_pages_thirty_officers_at_once_share_five_places_and_a_waiting_list(
    committed_app: Flask, clock: StandingClock
) -> None:
    committed_app.config["WTF_CSRF_ENABLED"] = False
    with committed_app.app_context():
        line = make_service(bands=((0, 5),))
        line_id = line.id
        browsers = [sign_in(committed_app.test_client(), make_officer()) for _ in range(30)]
        db.session.commit()
    url = f"/referrals/new/{line_id}"
    typed = {"category": "ACC", "outcomes": ["ACC-1"], "need": "Sleeps in a car.", "complexity": "high", "rar_days": ""}

    def refer(number: int) -> str:
        form = {**typed, "crn": f"X{number:06}"}
        answer = browsers[number].post(url, data={**form, "step": "send"})
        if answer.status_code == 409:
            assert "Add to the waiting list" in answer.text
            assert f'value="X{number:06}"' in answer.text
            answer = browsers[number].post(url, data={**form, "step": "wait"})
        assert answer.status_code == 302, answer.text
        return answer.location

    assert len(set(at_once(committed_app, 30, refer))) == 30
    with committed_app.app_context():
        found = _assert_whole(line_id)
        assert (len(found[Status.SENT]), len(found[Status.WAITING])) == (5, 25)
