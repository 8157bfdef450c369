from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import actions, jobs, queries
from contracts.referrals.models import HeldPlace, LineDay
from contracts.referrals.rules import Attendance, ReferralStatus
from marketplace.access import SYSTEM, Role
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import (
    a_wanderer,
    assert_counted_as_told,
    assert_nobody_waits_beside_room,
    earlier_by_chance,
)
from tests.factories.accounts import make_actor
from tests.factories.counting import counted_queries
from tests.factories.referrals import make_officer, make_referral, make_referrals, make_service, make_session

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
YEAR = contract_year(date(2026, 4, 1), TODAY)
SEED = 2026
once = pytest.mark.usefixtures("session")


def _three_lines() -> list[ServiceLine]:
    """One that began on a leap day, one with little room, one without a cap."""
    return [
        make_service(starts_on=date(2024, 2, 29), bands=((0, 40),)),
        make_service(starts_on=date(2023, 11, 15), bands=((0, 12),)),
        make_service(starts_on=date(2024, 7, 1), bands=()),
    ]


def _year_ends_soon(line: ServiceLine, now: datetime) -> bool:
    on = now.date()
    return contract_year(line.agreement.starts_on, on)[1] - on < timedelta(days=6)


@once
def test_after_a_thousand_random_actions_over_years_the_counters_say_what_the_referrals_say(
    clock: StandingClock,
) -> None:
    lines, random = _three_lines(), Random(SEED)
    wanderer = a_wanderer(SEED, lines)
    now = datetime(2024, 9, 1, 9, tzinfo=UTC)
    for number in range(1000):
        now += timedelta(hours=random.choice([0, 3, 9, 24, 40]))
        moment = earlier_by_chance(random, now)
        clock.set(moment)
        wanderer.step(moment, nobody_answers_at=next((one.id for one in lines if _year_ends_soon(one, now)), None))
        for line in lines:
            assert_nobody_waits_beside_room(line, moment)
        if number % 100 == 99:
            for line in lines:
                assert_counted_as_told(line)
    does = {"send", "join", "confirm", "leave", "accept", "give_back", "withdraw", "attend", "complete"}
    does |= {"offer", "record_late", "move", "move_queue", "undo_move"}
    assert does == set(wanderer.done)
    assert db.session.scalar(select(AuditEvent.id).where(AuditEvent.what.contains("not taken in time"))), "none lapsed"
    assert any("contract year" in refused.words for refused in wanderer.refused), "nothing was ever full"
    assert db.session.scalar(select(HeldPlace.id)), "no place was held when a contract year ended"
    years = {row.year_begins for line in lines for row in queries.running(line.id).values()}
    assert {date(2025, 3, 1), date(2026, 3, 1), date(2024, 11, 15), date(2025, 7, 1)} <= years


def test_the_counters_are_right_after_many_act_at_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        lines = _three_lines()
        wanderers = [a_wanderer(seed, lines) for seed in range(8)]
        db.session.commit()
        keys = [line.id for line in lines]
    gate = Barrier(8)

    def wander(number: int) -> int:
        """Each has a clock of its own, and all of them cross the turn of a contract year."""
        wanderer, random = wanderers[number], Random(number)
        now = datetime(2026, 2, 26, 9, tzinfo=UTC)
        gate.wait(30)
        for _ in range(50):
            now += timedelta(hours=random.choice([0, 1, 5]))
            with committed_app.app_context():
                try:
                    with transaction():
                        wanderer.step(now)
                finally:
                    db.session.remove()
        return len(wanderer.done)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(wander, range(8))) > 100
    with committed_app.app_context():
        for key in keys:
            assert_counted_as_told(db.session.get_one(ServiceLine, key), clocks_differ=True)


@once
def test_a_withdrawal_gives_the_place_back_only_if_nobody_has_come_to_a_session() -> None:
    line, officer = make_service(bands=((0, 10),)), make_officer()
    for attendance, left in ((Attendance.ATTENDED, 9), (Attendance.LATE, 8), (Attendance.MISSED, 8), (None, 8)):
        referral = make_referral(line, officer=officer, status=ReferralStatus.ACCEPTED)
        if attendance is not None:
            session = make_session(referral, starts_at=NOW - timedelta(days=1))
            session.attendance, session.recorded_at = attendance, NOW
            session.absence = None if attendance is not Attendance.MISSED else "POP_ACCEPTABLE"  # type: ignore[assignment]
            db.session.flush()
        actions.withdraw(referral.id, reason="Recalled", actor=officer, now=NOW)
        assert queries.room(line, TODAY) == left, attendance
        assert (referral.released_at is None) is (attendance in (Attendance.ATTENDED, Attendance.LATE))


@once
def test_a_past_day_is_counted_as_it_stood_then() -> None:
    line, officer = make_service(bands=((0, 10),)), make_officer()
    early = make_referral(line, officer=officer, sent_at=NOW - timedelta(days=30))
    make_referrals(line, 2, sent_at=NOW - timedelta(days=10))
    actions.withdraw(early.id, reason="Recalled", actor=officer, now=NOW)
    ago = [queries.counted(line.id, YEAR[0], TODAY - timedelta(days=days)) for days in (31, 30, 10, 1, 0)]
    assert ago == [0, 1, 3, 3, 2]
    assert sum(queries.counted_by_day(line.id, *YEAR).values()) == 2
    assert queries.counted_by_day(line.id, *YEAR)[TODAY] == -1


@once
def test_a_place_given_back_after_its_contract_year_frees_none_in_the_next() -> None:
    line, officer = make_service(bands=((0, 1),), starts_on=date(2025, 9, 7)), make_officer()
    last_year = make_referral(line, officer=officer, sent_at=NOW - timedelta(days=1))
    this_year = make_referral(line, officer=officer, sent_at=NOW)
    actions.withdraw(last_year.id, reason="Recalled", actor=officer, now=NOW)
    assert queries.room(line, TODAY) == 0
    assert queries.counted(line.id, date(2025, 9, 7), date(2026, 9, 6)) == 1
    actions.withdraw(this_year.id, reason="Recalled", actor=officer, now=NOW)
    assert queries.room(line, TODAY) == 1


@once
def test_one_count_reads_one_row_whatever_there_is() -> None:
    line = make_service(bands=())
    key = line.id
    for more in (3, 40):
        make_referrals(line, more)
        db.session.commit()
        with counted_queries() as sent:
            queries.counted(key, *YEAR)
        assert len(sent) == 1
        assert "referrals" not in sent[0]


@once
def test_the_nightly_comparison_puts_a_difference_on_record_and_leaves_it(caplog: pytest.LogCaptureFixture) -> None:
    right, wrong = make_service(), make_service()
    for line in (right, wrong):
        make_referrals(line, 3)
    jobs.compare_counters()
    assert not db.session.scalars(select(AuditEvent.id).where(AuditEvent.what.contains("running count"))).all()
    db.session.execute(update(LineDay).where(LineDay.line_id == wrong.id).values(total=LineDay.total + 1))
    jobs.compare_counters()
    (event,) = [one for one in events_for(wrong) if "differs" in one.what]
    assert event.details == {"days": 1, "first_day": "2026-09-01"}
    assert f"running count of line {wrong.id} on 2026-09-01" in caplog.text
    assert not events_for(right)
    assert queries.counted(wrong.id, *YEAR) == 4, "it was put right in silence"


@once
def test_a_count_is_put_right_where_somebody_says_so_and_those_who_wait_are_offered_the_room() -> None:
    line = make_service(bands=((0, 3),))
    make_referrals(line, 2)
    waits = make_referral(line, status=ReferralStatus.WAITING)
    db.session.execute(update(LineDay).where(LineDay.line_id == line.id).values(total=3, placed=3))
    db.session.add(LineDay(line_id=line.id, day=date(2026, 9, 3), year_begins=YEAR[0], placed=0, released=0, total=3))
    db.session.flush()
    found = actions.put_right(line.id, actor=SYSTEM, now=NOW)
    assert [one.words for one in found] == [
        "2026-09-01: 3 (0 completed) kept, 2 (0 completed) counted again",
        "2026-09-03: 3 (0 completed) kept, no row counted again",
    ]
    assert not queries.differences(line)
    assert waits.status is ReferralStatus.OFFERED
    assert queries.counted(line.id, *YEAR) == 3
    assert [one.what for one in events_for(line)] == [
        "The running count was put right",
        "The running count differs from the referrals",
    ]
    assert actions.put_right(line.id, actor=SYSTEM, now=NOW) == []


@once
@pytest.mark.parametrize(
    "change",
    [
        "placed_at = NULL",
        "status = 'returned'",
        "released_at = placed_at",
        "status = 'withdrawn', placed_at = NULL, released_at = sent_at",
        "status = 'withdrawn', released_at = placed_at - interval '1 second'",
    ],
)
def test_the_database_keeps_place_and_status_in_step(change: str) -> None:
    referral = make_referral(make_service())
    with pytest.raises(Exception, match=r"ck_referrals_(placed|place|released)"):
        db.session.execute(text(f"UPDATE referrals SET {change} WHERE id = {referral.id}"))


@once
def test_an_attendance_cannot_be_recorded_beside_a_withdrawal() -> None:
    """The other way round than above: once it is withdrawn, the place that was given back stays so."""
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer, status=ReferralStatus.ACCEPTED)
    session = make_session(referral, starts_at=NOW - timedelta(hours=1))
    actions.withdraw(referral.id, reason="Recalled", actor=officer, now=NOW)
    manager = make_actor(referral.line.agreement.supplier, Role.SERVICE_MANAGER)
    with pytest.raises(Refused, match="has ended"):
        actions.record_session(session.id, attendance=Attendance.ATTENDED, actor=manager, now=NOW)
