"""A referral moves to another service: what goes with it, what stays, what counts where, and undoing it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import actions, queries, rules
from contracts.referrals.models import Referral
from contracts.referrals.rules import (
    OPEN,
    UNSENT,
    AbsenceKind,
    Attendance,
    Complexity,
    Obstacle,
    ReferralStatus,
)
from marketplace.access import SYSTEM, Actor, Role
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import AlreadyDone, NotFound, Refused, TooLate
from marketplace.extensions import db
from tests.contracts.referrals.wandering import assert_counted_as_told, assert_nobody_waits_beside_room
from tests.factories.accounts import make_actor
from tests.factories.at_once import at_once
from tests.factories.referrals import (
    make_need,
    make_officer,
    make_referral,
    make_referrals,
    make_service,
    make_session,
)

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
YEAR = contract_year(date(2026, 4, 1), TODAY)
Status = ReferralStatus
once = pytest.mark.usefixtures("session", "clock")


def _manager(line: ServiceLine) -> Actor:
    return make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)


def _move(referral: Referral, to: ServiceLine, now: datetime = NOW) -> Referral:
    return actions.transfer(referral.id, to.id, actor=SYSTEM, now=now)


@once
def test_a_referral_goes_on_as_a_new_one_and_the_old_keeps_its_sessions_and_its_place_in_the_count() -> None:
    old_line, to, officer = make_service(), make_service(), make_officer()
    old = actions.send(old_line.id, make_need("X000001"), actor=officer, now=NOW)
    caseworker = make_actor(old_line.agreement.supplier, Role.CASEWORKER)
    actions.accept(old.id, caseworker_id=caseworker.person, actor=_manager(old_line), now=NOW)
    session = actions.offer_session(old.id, starts_at=NOW, actor=caseworker, now=NOW)
    actions.record_session(session.id, attendance=Attendance.ATTENDED, actor=caseworker, now=NOW)
    new = _move(old, to, NOW + timedelta(days=1))
    assert (old.status, new.status, new.moved_from_id) == (Status.TRANSFERRED, Status.SENT, old.id)
    assert (old.released_at, old.supplier_reads_until) == (None, date(2027, 3, 9))
    assert new.caseworker_id is None
    assert new.reference != old.reference
    assert [one.id for one in old.sessions] == [session.id]
    assert new.sessions == []
    words = actions.look(new.id, actor=_manager(to), now=NOW)
    assert (words.crn, words.need) == ("X000001", "Sleeps in a car; needs a room.")
    assert [one.code for one in new.outcomes] == ["ACC-1"]
    assert (new.complexity, new.rar_days, new.officer_id) == (Complexity.MEDIUM, 10, officer.person)
    # Each is counted once, with the one who did the work, from the day on which it was placed there.
    assert queries.counted(old_line.id, YEAR[0], TODAY) == 1
    assert [queries.counted(to.id, YEAR[0], TODAY + timedelta(days=days)) for days in (0, 1)] == [0, 1]
    assert_counted_as_told(old_line)
    assert_counted_as_told(to)


@once
@pytest.mark.parametrize("status", [Status.SENT, Status.ACCEPTED])
def test_whom_nobody_has_seen_counts_with_the_next_supplier_alone_and_again_here_if_the_move_is_undone(
    status: Status,
) -> None:
    old_line, to, officer = make_service(bands=((0, 1),)), make_service(), make_officer()
    old = make_referral(old_line, status=status)
    make_session(old, starts_at=NOW + timedelta(days=1))
    new = _move(old, to)
    assert [queries.counted(line.id, YEAR[0], TODAY) for line in (old_line, to)] == [0, 1]
    actions.undo_transfer(new.id, actor=SYSTEM, now=NOW + timedelta(hours=1))
    assert [queries.counted(line.id, YEAR[0], TODAY) for line in (old_line, to)] == [1, 0]
    for line in (old_line, to):
        assert_counted_as_told(line)
    # The place that came free has gone to somebody else: the move stays.
    again = _move(old, to, NOW + timedelta(hours=2))
    actions.send(old_line.id, make_need("X000007"), actor=officer, now=NOW + timedelta(hours=3))
    with pytest.raises(Refused, match="gone to somebody else"):
        actions.undo_transfer(again.id, actor=SYSTEM, now=NOW + timedelta(hours=4))
    assert (old.status, again.status) == (Status.TRANSFERRED, Status.SENT)


@once
def test_the_place_that_a_move_frees_is_offered_to_who_waits_there() -> None:
    old_line, to = make_service(bands=((0, 1),)), make_service()
    old = make_referral(old_line)
    waits = make_referral(old_line, status=Status.WAITING)
    _move(old, to)
    assert db.session.get_one(Referral, waits.id).status is Status.OFFERED


@once
@pytest.mark.parametrize(("attendance", "counts"), [(Attendance.LATE, 1), (Attendance.MISSED, 0)])
def test_a_session_not_recorded_before_the_move_says_later_whether_the_place_was_used(
    attendance: Attendance, counts: int
) -> None:
    old_line, to = make_service(), make_service()
    old = make_referral(old_line, status=Status.ACCEPTED)
    session = make_session(old, starts_at=NOW - timedelta(days=1))
    _move(old, to)
    assert queries.counted(old_line.id, YEAR[0], TODAY) == 1
    absence = AbsenceKind.ACCEPTABLE if attendance is Attendance.MISSED else None
    actions.record_session(session.id, attendance=attendance, absence=absence, actor=_manager(old_line), now=NOW)
    assert queries.counted(old_line.id, YEAR[0], TODAY) == counts
    assert_counted_as_told(old_line)


@once
def test_a_move_is_not_undone_into_a_contract_year_that_is_over() -> None:
    old_line, to = make_service(starts_on=date(2025, 9, 8)), make_service()
    new = _move(make_referral(old_line), to)
    with pytest.raises(TooLate, match="contract year"):
        actions.undo_transfer(new.id, actor=SYSTEM, now=NOW + timedelta(days=1))
    # A place taken in an earlier contract year was given back without changing a figure.
    old = make_referral(old_line, sent_at=datetime(2025, 9, 7, 9, tzinfo=UTC))
    again = _move(old, to, NOW + timedelta(days=1))
    actions.undo_transfer(again.id, actor=SYSTEM, now=NOW + timedelta(days=1))
    assert (old.status, old.released_at) == (Status.SENT, None)


@once
def test_what_was_sealed_is_copied_unopened() -> None:
    old, to = make_referral(make_service()), make_service()
    new = _move(old, to)
    kept = {
        key: db.session.execute(text(f"SELECT crn, need FROM referrals WHERE id = {key}")).one()
        for key in (old.id, new.id)
    }
    assert kept[old.id] == kept[new.id]
    assert not [one for one in (*events_for(old), *events_for(new)) if one.what == actions.LOOKED]


@once
def test_a_place_held_is_given_back_and_who_waited_keeps_the_time_they_have_waited() -> None:
    old_line, to, officer = make_service(bands=((0, 2),)), make_service(bands=((0, 1),)), make_officer()
    held = make_referral(old_line, officer=officer, status=Status.OFFERED)
    make_referral(old_line, officer=officer)
    waits = make_referral(old_line, officer=officer, status=Status.WAITING, sent_at=NOW - timedelta(days=3))
    make_referral(to)
    there = make_referral(to, status=Status.WAITING, sent_at=NOW - timedelta(days=1))
    first = _move(held, to)
    assert held.released_at == NOW
    # The place went to the next in line at the old service.
    assert db.session.get_one(Referral, waits.id).status is Status.OFFERED
    second = _move(waits, to)
    assert [one.status for one in (first, second, there)] == [Status.WAITING] * 3
    assert [queries.place_in_queue(one) for one in (first, second, there)] == [1, 2, 3]
    for line in (old_line, to):
        assert_counted_as_told(line)
        assert_nobody_waits_beside_room(line, NOW)


@once
def test_a_waiting_list_moves_in_one_piece_and_the_first_are_offered_what_is_free() -> None:
    old_line, to, officer = make_service(bands=((0, 1),)), make_service(bands=((0, 2),)), make_officer()
    held = make_referral(old_line, officer=officer, status=Status.OFFERED, sent_at=NOW - timedelta(days=9))
    waits = [
        make_referral(old_line, officer=officer, status=Status.WAITING, sent_at=NOW - timedelta(days=8 - number))
        for number in range(4)
    ]
    stays = waits.pop(1)
    asked = [one.id for one in reversed([held, *waits])]
    moved = actions.transfer_queue(old_line.id, to.id, asked, actor=SYSTEM, now=NOW)
    assert [one.moved_from_id for one in moved] == [held.id, *(one.id for one in waits)]
    assert [one.status for one in moved] == [Status.OFFERED, Status.OFFERED, Status.WAITING, Status.WAITING]
    # The one who stays is offered the place that was held; nobody else was offered one here and moved at once.
    assert db.session.get_one(Referral, stays.id).status is Status.OFFERED
    offered = db.session.scalars(select(AuditEvent.subject_id).where(AuditEvent.what == "A place was offered")).all()
    assert sorted(offered) == sorted([moved[0].id, moved[1].id, stays.id])
    assert actions.transfer_queue(old_line.id, to.id, asked, actor=SYSTEM, now=NOW) == []
    for line in (old_line, to):
        assert_counted_as_told(line)


@once
def test_somebody_in_service_joins_the_list_of_a_full_one_and_nobody_is_passed() -> None:
    old, to = make_referral(make_service(), status=Status.ACCEPTED), make_service(bands=((0, 2),))
    placed = make_referral(to)
    make_referral(to)
    earlier = make_referral(to, status=Status.WAITING, sent_at=old.sent_at - timedelta(days=1))  # type: ignore[operator]
    new = _move(old, to)
    assert (new.status, new.joined_at) == (Status.WAITING, old.sent_at)
    assert [queries.place_in_queue(one) for one in (earlier, new)] == [1, 2]
    actions.return_to_officer(placed.id, reason="No", actor=_manager(to), now=NOW)
    assert (earlier.status, new.status) == (Status.OFFERED, Status.WAITING)


@once
@pytest.mark.parametrize("status", [one for one in Status if one not in OPEN])
def test_what_has_ended_does_not_move(status: Status) -> None:
    with pytest.raises(AlreadyDone, match="can no longer be moved"):
        _move(make_referral(make_service(), status=status), make_service())


@once
def test_what_keeps_a_referral_from_moving_is_said() -> None:
    old_line = make_service()
    old = make_referral(old_line, crn="X000009")
    with pytest.raises(AlreadyDone, match="with this service already"):
        _move(old, old_line)
    with pytest.raises(Refused, match="takes no referrals now"):
        _move(old, make_service(starts_on=TODAY + timedelta(days=1)))
    with pytest.raises(Refused, match="does not receive referrals here"):
        _move(old, make_service(with_manager=False))
    with pytest.raises(Refused, match="does not give this kind of help"):
        _move(old, make_service(categories=("ETE",)))
    to = make_service()
    make_referral(to, crn="X000009")
    assert queries.obstacle_for(old.id, to.id) is Obstacle.ALREADY_THERE
    with pytest.raises(Refused, match="open referral to the new service already"):
        _move(old, to)
    assert old.status is Status.SENT


@once
def test_the_database_lets_a_referral_go_on_once_only() -> None:
    old, to = make_referral(make_service()), make_service()
    new = _move(old, to)
    with pytest.raises(AlreadyDone):
        _move(old, make_service())
    other = make_referral(to)
    with pytest.raises(IntegrityError, match="uq_referrals_moved_once"), db.session.begin_nested():
        db.session.execute(text(f"UPDATE referrals SET moved_from_id = {old.id} WHERE id = {other.id}"))
    for change, name in (
        (f"ended_at = NULL WHERE id = {old.id}", "transferred"),
        (f"move_undone_at = sent_at WHERE id = {new.id}", "move_undone"),
        (f"moved_from_id = id WHERE id = {new.id}", "moved_from_another"),
        (f"consent = 'given' WHERE id = {old.id}", "consent_recorded"),
    ):
        with pytest.raises(IntegrityError, match=f"ck_referrals_{name}"), db.session.begin_nested():
            db.session.execute(text(f"UPDATE referrals SET {change}"))


@once
@pytest.mark.parametrize("status", [Status.SENT, Status.ACCEPTED, Status.WAITING])
def test_a_move_is_undone_and_all_is_as_before(status: Status) -> None:
    old_line, to = make_service(), make_service()
    if status is Status.WAITING:
        old_line = make_service(bands=((0, 0),))
    old = make_referral(old_line, status=status)
    new = _move(old, to)
    assert actions.undo_transfer(new.id, actor=SYSTEM, now=NOW + timedelta(hours=1)).id == old.id
    assert (old.status, old.ended_at) == (status, None)
    assert (new.status, new.move_undone_at) == (Status.WITHDRAWN, NOW + timedelta(hours=1))
    assert queries.counted(to.id, *YEAR) == 0
    with pytest.raises(NotFound):
        queries.referral_for(_manager(to), new.id)
    with pytest.raises(AlreadyDone, match="undone already"):
        actions.undo_transfer(new.id, actor=SYSTEM, now=NOW)
    for line in (old_line, to):
        assert_counted_as_told(line)
    # It can be moved again.
    assert _move(old, to, NOW + timedelta(hours=2)).moved_from_id == old.id


@once
def test_a_move_is_not_undone_once_it_was_answered_or_late_or_the_place_has_gone() -> None:
    to = make_service()
    new = _move(make_referral(make_service()), to)
    # Moved on a Monday: until the end of Tuesday.
    with pytest.raises(TooLate):
        actions.undo_transfer(new.id, actor=SYSTEM, now=datetime(2026, 9, 8, 23, 0, tzinfo=UTC))
    actions.accept(new.id, caseworker_id=_manager(to).person, actor=_manager(to), now=NOW)
    with pytest.raises(AlreadyDone, match="answered already"):
        actions.undo_transfer(new.id, actor=SYSTEM, now=NOW)
    held = _move(make_referral(make_service(), status=Status.OFFERED), to)
    with pytest.raises(Refused, match="gone to the next in line"):
        actions.undo_transfer(held.id, actor=SYSTEM, now=NOW)
    old_line = make_service()
    again = _move(make_referral(old_line, crn="X000008"), to)
    make_referral(old_line, crn="X000008")
    with pytest.raises(AlreadyDone, match="referred to the earlier service again"):
        actions.undo_transfer(again.id, actor=SYSTEM, now=NOW)
    with pytest.raises(Refused, match="was not moved here"):
        actions.undo_transfer(make_referral(to).id, actor=SYSTEM, now=NOW)


def test_the_days_of_a_move_are_working_days() -> None:
    friday = date(2026, 12, 18)
    assert rules.undone_by(friday) == date(2026, 12, 21)
    # Christmas Day, Boxing Day (taken on Monday the 28th) and New Year's Day do not count.
    assert rules.taken_on_by(friday) == date(2027, 1, 20)


def test_a_supplier_reads_on_for_the_same_weeks_counted_from_either_end() -> None:
    ended = date(2026, 8, 31)
    assert rules.read_until(ended) == date(2027, 3, 1)
    assert rules.still_read_if_ended(date(2027, 3, 1)) == ended


def test_fifty_referrals_and_forty_moves_at_once_keep_the_cap_and_the_order(committed_app: Flask) -> None:
    with committed_app.app_context():
        old_line, to, officer = make_service(bands=((0, 40),)), make_service(bands=((0, 30),)), make_officer()
        make_referrals(to, 10)
        old = [make_referral(old_line, officer=officer).id for _ in range(30)]
        waits = [
            make_referral(old_line, officer=officer, status=Status.WAITING, sent_at=NOW - timedelta(hours=20 - n)).id
            for n in range(10)
        ]
        keys = old_line.id, to.id
        db.session.commit()

    def work(number: int) -> object:
        if number < 50:
            made = actions.send(keys[1], make_need(f"X{number:06}"), actor=officer, now=NOW, or_wait=True)
            return made.status
        if number < 80:
            return actions.transfer(old[number - 50], keys[1], actor=SYSTEM, now=NOW).status
        # The waiting list ten times at once: once it moves.
        return len(actions.transfer_queue(keys[0], keys[1], waits, actor=SYSTEM, now=NOW))

    answers = at_once(committed_app, 90, work)
    assert sorted(one for one in answers[80:] if isinstance(one, int)) == [0] * 9 + [10]
    assert not [one for one in answers if isinstance(one, Refused)]
    with committed_app.app_context():
        lines = [db.session.get_one(ServiceLine, key) for key in keys]
        for line in lines:
            assert_counted_as_told(line)
            assert_nobody_waits_beside_room(line, NOW)
        assert queries.counted(keys[1], *YEAR) == 30
        open_there = select(func.count()).where(Referral.line_id == keys[1], Referral.status.in_(OPEN))
        assert db.session.scalar(open_there) == 10 + 50 + 40
        queue = db.session.scalars(
            select(Referral)
            .where(Referral.line_id == keys[1], Referral.status.in_(UNSENT))
            .order_by(Referral.joined_at, Referral.id)
        ).all()
        assert [queries.place_in_queue(one) for one in queue if one.status is Status.WAITING] == list(
            range(1, sum(one.status is Status.WAITING for one in queue) + 1)
        )
        moved = [one.moved_from_id for one in queue if one.moved_from_id in waits]
        assert moved == [one for one in waits if one in moved]
