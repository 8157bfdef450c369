from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from contracts.agreements.models import ServiceLine, Suspension
from contracts.referrals import actions, jobs, queries, rules
from contracts.referrals.models import Referral
from contracts.referrals.queries import QueueOrder
from contracts.referrals.rules import Attendance, Complexity, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Full, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.agreements import make_terms, make_version
from tests.factories.referrals import (
    make_need,
    make_officer,
    make_referral,
    make_referrals,
    make_service,
    make_session,
)

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
Status = ReferralStatus
pytestmark = pytest.mark.usefixtures("session")


def _full(cap: int = 1, **line: object) -> tuple[ServiceLine, Actor, Referral]:
    """A full service, an officer, and that officer's referral to it."""
    service, officer = make_service(bands=((0, cap),), **line), make_officer()  # type: ignore[arg-type]
    make_referrals(service, cap - 1)
    return service, officer, make_referral(service, officer=officer)


def _wait(line: ServiceLine, officer: Actor, crn: str = "X000001", now: datetime = NOW) -> Referral:
    return actions.send(line.id, make_need(crn), actor=officer, now=now, or_wait=True)


def _letters(prefix: str) -> list[Letter]:
    return list(db.session.scalars(select(Letter).where(Letter.key.startswith(prefix))))


def test_a_full_service_puts_who_comes_on_its_waiting_list_and_the_supplier_reads_nothing_of_them() -> None:
    line, officer, _ = _full()
    manager = make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)
    waits = _wait(line, officer)
    assert (waits.status, waits.joined_at, waits.sent_at, waits.placed_at) == (Status.WAITING, NOW, None, None)
    assert queries.place_in_queue(waits) == 1
    assert queries.place_in_queue(_wait(line, officer, "X000002")) == 2
    assert _letters("referral-sent:") == []
    with pytest.raises(NotFound):
        actions.look(waits.id, actor=manager, now=NOW)
    assert queries.page_for(manager, status=None, mine=False, number=1).total == 1
    assert actions.look(waits.id, actor=officer, now=NOW).crn == "X000001"


def test_where_there_is_room_nobody_waits() -> None:
    line, officer = make_service(bands=((0, 1),)), make_officer()
    assert _wait(line, officer).status is Status.SENT


def test_one_person_has_one_place_on_a_waiting_list_and_may_wait_on_others() -> None:
    (line, officer, _), (other, *_) = _full(), _full()
    waits = _wait(line, officer)
    with pytest.raises(AlreadyDone, match="on the waiting list of this service already"):
        _wait(line, make_officer())
    _wait(other, officer)
    actions.leave(waits.id, actor=officer, now=NOW)
    assert _wait(line, officer).status is Status.WAITING


def test_a_place_given_back_is_offered_to_the_first_in_line_for_five_working_days() -> None:
    line, officer, sent = _full()
    first, second = _wait(line, officer, "X000001"), _wait(line, make_officer(), "X000002")
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW)
    assert (first.status, second.status) == (Status.OFFERED, Status.WAITING)
    assert queries.place_in_queue(second) == 1
    # Monday 7 September: Tuesday is the first working day after it, Monday the fifth.
    assert first.held_until == date(2026, 9, 14)
    assert first.offer_ends_at == datetime(2026, 9, 14, 23, 0, tzinfo=UTC)
    assert queries.room(line, NOW.date()) == 0
    (letter,) = _letters("referral-offered:")
    assert (letter.person_id, "14 September 2026" in letter.body) == (officer.person, True)
    assert "X000001" not in letter.body + letter.subject
    (item, *_) = queries.waiting(officer, NOW)
    assert "A place is free for" in item.text
    assert events_for(first)[0].what == "A place was offered"


def test_who_comes_later_does_not_go_before_those_who_wait_even_while_a_place_is_free() -> None:
    line, officer, _ = _full()
    waits = _wait(line, officer)
    # Room that nobody has seen yet: the contract year turns.
    next_year = datetime(2027, 4, 1, 8, tzinfo=UTC)
    with pytest.raises(Full):
        actions.send(line.id, make_need("X000002"), actor=officer, now=next_year)
    assert waits.status is Status.OFFERED
    assert _wait(line, officer, "X000003", now=next_year).status is Status.WAITING


def test_taking_the_place_sends_the_referral_with_the_need_as_it_is_now() -> None:
    line, officer, sent = _full()
    waits = _wait(line, officer)
    with pytest.raises(AlreadyDone):
        actions.confirm(waits.id, need="A room.", complexity=Complexity.LOW, actor=officer, now=NOW)
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW)
    with pytest.raises(NotFound):
        actions.confirm(waits.id, need="A room.", complexity=Complexity.LOW, actor=make_officer(), now=NOW)
    with pytest.raises(Invalid):
        actions.confirm(waits.id, need=" ", complexity=Complexity.LOW, actor=officer, now=NOW)
    later = NOW + timedelta(days=2)
    actions.confirm(waits.id, need="Needs furniture.", complexity=Complexity.LOW, actor=officer, now=later)
    assert (waits.status, waits.sent_at, waits.placed_at) == (Status.SENT, later, NOW)
    assert len(_letters("referral-sent:")) == 1
    manager = make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)
    assert actions.look(waits.id, actor=manager, now=later).need == "Needs furniture."
    assert queries.counted(line.id, date(2026, 4, 1), later.date()) == 1
    with pytest.raises(AlreadyDone):
        actions.confirm(waits.id, need="Again.", complexity=Complexity.LOW, actor=officer, now=later)


def test_a_place_not_taken_in_time_goes_to_the_next_and_says_so(clock: StandingClock) -> None:
    line, officer, sent = _full()
    first, second = _wait(line, officer, "X000001"), _wait(line, officer, "X000002")
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW)
    assert first.offer_ends_at is not None
    clock.set(first.offer_ends_at - timedelta(seconds=1))
    jobs.pass_places_on()
    assert first.status is Status.OFFERED
    over = clock.move(seconds=1)
    with pytest.raises(TooLate):
        actions.confirm(first.id, need="A room.", complexity=Complexity.LOW, actor=officer, now=over)
    for _ in range(2):  # a job may run twice
        jobs.pass_places_on()
    assert (first.status, first.has_lapsed, second.status) == (Status.WITHDRAWN, True, Status.OFFERED)
    assert second.held_until == date(2026, 9, 22)
    assert len(_letters("referral-lapsed:")) == 1
    assert f"The place for {first.reference} was not taken in time" in [
        one.text for one in queries.waiting(officer, over)
    ]
    assert queries.page_for(officer, status=None, mine=False, news=True, number=1).rows == [first]
    actions.look(first.id, actor=officer, now=over + timedelta(minutes=1))
    assert queries.page_for(officer, status=None, mine=False, news=True, number=1).rows == []
    assert queries.counted(line.id, date(2026, 4, 1), over.date()) == 1
    assert queries.differences(line) == []


def test_leaving_frees_the_place_for_the_next_and_only_its_officer_leaves() -> None:
    line, officer, sent = _full()
    first, second, third = (_wait(line, officer, f"X00000{number}") for number in (1, 2, 3))
    actions.leave(second.id, actor=officer, now=NOW)
    assert queries.place_in_queue(third) == 2
    with pytest.raises(NotFound):
        actions.leave(first.id, actor=make_officer(), now=NOW)
    with pytest.raises(Refused, match="off the waiting list"):
        actions.withdraw(first.id, reason="No", actor=officer, now=NOW)
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW)
    actions.leave(first.id, actor=officer, now=NOW)
    assert (first.status, first.has_lapsed, third.status) == (Status.WITHDRAWN, False, Status.OFFERED)
    with pytest.raises(AlreadyDone):
        actions.leave(first.id, actor=officer, now=NOW)
    actions.confirm(third.id, need="A room.", complexity=Complexity.LOW, actor=officer, now=NOW)
    with pytest.raises(AlreadyDone, match="sent to the supplier already"):
        actions.leave(third.id, actor=officer, now=NOW)


def test_a_new_contract_year_makes_room_at_midnight_in_london(clock: StandingClock) -> None:
    line, officer, _ = _full(cap=2)
    waits = [_wait(line, officer, f"X00000{number}") for number in range(3)]
    clock.set(datetime(2027, 3, 31, 22, 59, tzinfo=UTC))
    jobs.pass_places_on()
    assert {one.status for one in waits} == {Status.WAITING}
    clock.move(minutes=1)
    jobs.pass_places_on()
    assert [one.status for one in waits] == [Status.OFFERED, Status.OFFERED, Status.WAITING]
    # What is offered in the new year is counted in it, and the old one stays as it was.
    assert queries.counted(line.id, date(2026, 4, 1), date(2027, 3, 31)) == 2
    assert queries.counted(line.id, date(2027, 4, 1), date(2027, 4, 1)) == 2


def test_no_place_is_offered_at_a_service_that_takes_no_more_referrals() -> None:
    line, officer, sent = _full(referrals_until=NOW.date())
    waits = _wait(line, officer)
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW + timedelta(days=1))
    assert waits.status is Status.WAITING
    assert queries.room(line, NOW.date() + timedelta(days=1)) == 1


def test_a_place_kept_by_somebody_who_came_is_offered_to_nobody() -> None:
    line, officer, begun = _full()
    session = make_session(begun, starts_at=NOW - timedelta(days=1))
    session.attendance, session.recorded_at = Attendance.ATTENDED, NOW
    waits = _wait(line, officer)
    actions.withdraw(begun.id, reason="Recalled", actor=officer, now=NOW)
    assert waits.status is Status.WAITING


def test_suppliers_do_not_move_what_was_never_sent() -> None:
    line, officer, _ = _full()
    waits = _wait(line, officer)
    manager = make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)
    for act in (
        lambda: actions.accept(waits.id, caseworker_id=manager.person, actor=manager, now=NOW),
        lambda: actions.return_to_officer(waits.id, reason="No", actor=manager, now=NOW),
        lambda: actions.complete(waits.id, actor=manager, now=NOW),
        lambda: actions.leave(waits.id, actor=manager, now=NOW),
    ):
        with pytest.raises((NotFound, NotAllowed)):
            act()


def test_who_is_responsible_sees_how_many_wait_and_how_long_and_nobody_else_does() -> None:
    lead = make_commissioner()
    line, officer, sent = _full(commissioner=lead)
    for days in (12, 6, 3):
        _wait(line, officer, f"X0000{days:02}", now=NOW - timedelta(days=days))
    actions.withdraw(sent.id, reason="Recalled", actor=officer, now=NOW)
    for actor in (make_actor(lead, Role.CONTRACT_MANAGER), make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)):
        (row,) = queries.waiting_lists(actor, text="", order=QueueOrder.WAITING, number=1).rows
        queue = row.queue
        assert (queue.waiting, queue.offered) == (2, 1)
        # Twelve days' wait has become an offer.
        assert (queue.longest_days(NOW.date()), queue.average_days(NOW.date())) == (6, 5)
    (item,) = queries.waiting(make_actor(lead, Role.CONTRACT_MANAGER), NOW)
    assert item.text == "2 people wait for a place at a full service, the longest 6 days"
    for stranger in (make_actor(make_supplier(), Role.SERVICE_MANAGER), make_actor(make_commissioner(), Role.APPROVER)):
        assert queries.waiting_lists(stranger, text="", order=QueueOrder.TITLE, number=1).total == 0
    assert queries.waiting(make_actor(make_commissioner(), Role.CONTRACT_MANAGER), NOW) == []


def test_the_database_knows_every_status_and_every_move_ends_in_one() -> None:
    line = make_service(bands=())
    for status in Status:
        make_referral(line, status=status)
    assert set(rules.REFERRAL_MOVES) == set(Status)
    assert {to for moves in rules.REFERRAL_MOVES.values() for to in moves} <= set(Status)
    with pytest.raises(Exception, match="ck_referrals_status"):
        db.session.execute(text("UPDATE referrals SET status = 'elsewhere'"))


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (Status.WAITING, "joined_at = NULL"),
        (Status.WAITING, "placed_at = joined_at"),
        (Status.WAITING, "sent_at = joined_at"),
        (Status.OFFERED, "placed_at = NULL"),
        (Status.OFFERED, "offered_at = NULL, offer_ends_at = NULL"),
        (Status.OFFERED, "offer_ends_at = NULL"),
        (Status.OFFERED, "released_at = placed_at"),
        (Status.SENT, "sent_at = NULL, joined_at = placed_at"),
        (Status.WITHDRAWN, "sent_at = NULL"),
    ],
)
def test_the_database_refuses_a_place_on_the_list_that_cannot_be(status: Status, change: str) -> None:
    referral = make_referral(make_service(), status=status)
    with pytest.raises(Exception, match="ck_referrals_"):
        db.session.execute(text(f"UPDATE referrals SET {change} WHERE id = {referral.id}"))


# A contract year ends on 31 March; the first minutes of the next, in London.
EVE, TURN = datetime(2027, 3, 30, 9, tzinfo=UTC), datetime(2027, 3, 31, 23, 5, tzinfo=UTC)
OLD, NEW = (date(2026, 4, 1), date(2027, 3, 31)), (date(2027, 4, 1), date(2028, 3, 31))


def _held_on_the_eve(**line: object) -> tuple[ServiceLine, Actor, Referral]:
    """A place came free on the last day but one of a contract year, and is held."""
    service, officer, first = _full(**line)  # type: ignore[arg-type]
    waits = _wait(service, officer)
    actions.withdraw(first.id, reason="Recalled", actor=officer, now=EVE)
    assert (waits.status, queries.counted(service.id, *OLD)) == (Status.OFFERED, 1)
    return service, officer, waits


@pytest.mark.parametrize("ends", ["settle", "confirm", "leave", "lapse"])
def test_a_place_held_when_its_contract_year_ends_counts_in_that_year_no_more(ends: str) -> None:
    line, officer, waits = _held_on_the_eve()
    held_until = waits.offer_ends_at
    assert held_until is not None
    if ends in ("settle", "lapse"):
        for _ in range(2):
            actions.settle(line.id, now=TURN)
        assert (waits.status, waits.placed_at, waits.offer_ends_at) == (Status.OFFERED, TURN, held_until)
    if ends == "confirm":
        actions.confirm(waits.id, need="As before.", complexity=Complexity.LOW, actor=officer, now=TURN)
    if ends == "leave":
        actions.leave(waits.id, actor=officer, now=TURN)
    if ends == "lapse":
        actions.settle(line.id, now=held_until)
    assert queries.counted(line.id, *OLD) == 0
    assert queries.counted(line.id, *NEW) == (ends in ("settle", "confirm"))
    # What was said of the eve stays.
    assert queries.counted(line.id, OLD[0], EVE.date()) == 1
    assert queries.differences(line) == []
    assert len(_letters(f"referral-offered:{waits.id}")) == 1


def test_a_place_stays_held_over_the_turn_of_the_year_while_referrals_are_stopped() -> None:
    line, _, waits = _held_on_the_eve()
    by = make_actor(line.agreement.commissioner, Role.CONTRACT_MANAGER).person
    db.session.add(Suspension(agreement_id=line.agreement_id, from_on=EVE.date(), reason="Unsafe.", at=EVE, by=by))
    db.session.flush()
    actions.settle(line.id, now=TURN)
    assert (waits.status, queries.counted(line.id, *OLD), queries.counted(line.id, *NEW)) == (Status.OFFERED, 0, 1)


def test_who_finds_no_room_in_the_new_year_waits_first_and_is_offered_the_next_place() -> None:
    line, officer, waits = _held_on_the_eve()
    later = make_version(line.agreement, in_force_from=NEW[0])
    make_terms(later, line, bands=[(0, 0, Decimal(1))])
    db.session.expire_all()
    with pytest.raises(Refused, match="no room left"), db.session.begin_nested():
        actions.confirm(waits.id, need="As before.", complexity=Complexity.LOW, actor=officer, now=TURN)
    actions.settle(line.id, now=TURN)
    assert (waits.status, waits.placed_at, waits.offered_at) == (Status.WAITING, None, None)
    assert queries.place_in_queue(waits) == 1
    more = make_version(line.agreement, in_force_from=date(2027, 5, 1))
    make_terms(more, line, bands=[(0, 1, Decimal(1))])
    db.session.expire_all()
    actions.settle(line.id, now=datetime(2027, 5, 1, 9, tzinfo=UTC))
    assert waits.status is Status.OFFERED
    assert len(_letters(f"referral-offered:{waits.id}")) == 2
    assert queries.differences(line) == []


def test_the_end_of_the_contract_ends_what_is_held() -> None:
    line, officer, waits = _held_on_the_eve(ends_on=date(2027, 3, 30))
    now = datetime(2027, 3, 31, 9, tzinfo=UTC)
    with pytest.raises(Refused):
        actions.confirm(waits.id, need="As before.", complexity=Complexity.LOW, actor=officer, now=now)
    jobs_would_look_at = queries.lines_to_look_at()
    assert line.id in jobs_would_look_at
    actions.settle(line.id, now=now)
    assert (waits.status, queries.counted(line.id, *OLD)) == (Status.WITHDRAWN, 0)
    assert len(_letters(f"referral-lapsed:{waits.id}")) == 1
