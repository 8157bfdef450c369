"""After a move: the officer’s single case, who takes somebody on in time, and who is told when nobody does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.handovers import actions, jobs, queries
from contracts.handovers.queries import CaseOrder
from contracts.handovers.rules import (
    Fate,
    is_near,
    late_if_moved_by,
)
from contracts.referrals import queries as referrals
from contracts.referrals.rules import ReferralStatus, taken_on_by
from marketplace.access import Role
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.contracts.handovers.test_actions import _letters
from tests.factories.accounts import make_actor
from tests.factories.handovers import Handing
from tests.factories.places import GREATER_MANCHESTER_REGION
from tests.factories.referrals import make_officer, make_service

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
Status = ReferralStatus
pytestmark = pytest.mark.usefixtures("session", "clock")


def test_the_officer_moves_one_case_to_where_the_person_now_lives_and_takes_that_back(handing: Handing) -> None:
    elsewhere = make_service(places=(GREATER_MANCHESTER_REGION,))
    old = handing.referral()
    for actor in (make_officer(), handing.old_manager, handing.lead):
        with pytest.raises((NotFound, NotAllowed)):
            actions.move_single(old.id, elsewhere.id, actor=actor, now=NOW)
    new = actions.move_single(old.id, elsewhere.id, actor=handing.officer, now=NOW)
    assert (old.status, new.status) == (Status.TRANSFERRED, Status.SENT)
    assert _letters(f"referral-gone:{old.id}:")
    assert _letters(f"referral-came:{new.id}:")
    # The old supplier learns that it was moved, not where to.
    assert elsewhere.title not in _letters(f"referral-gone:{old.id}:")[0].body
    with pytest.raises(NotAllowed):
        actions.undo_single(new.id, actor=make_actor(elsewhere.agreement.supplier, Role.SERVICE_MANAGER), now=NOW)
    assert actions.undo_single(new.id, actor=handing.officer, now=NOW).status is Status.ACCEPTED
    assert _letters(f"referral-taken_back:{new.id}:")


def test_a_second_move_and_a_second_halt_are_told_as_the_first_was(handing: Handing, clock: StandingClock) -> None:
    old = handing.referral()
    elsewhere = make_service(places=(GREATER_MANCHESTER_REGION,))
    told = []
    for _ in range(2):
        new = actions.move_single(old.id, elsewhere.id, actor=handing.officer, now=NOW)
        told.append(len(_letters(f"referral-gone:{old.id}:")))
        actions.undo_single(new.id, actor=handing.officer, now=NOW)
    assert told[1] == 2 * told[0] > 0
    handover = handing.fixed()
    actions.begin(handover.id, now=NOW)
    for words in ("It is full.", "It is full.", "It has ended."):
        clock.set(clock() + timedelta(minutes=1))
        actions.halt(handover.id, words, now=clock())
    assert [one.person_id for one in _letters(f"handover:{handover.id}:halted:")] == [handing.lead.person] * 2


def test_what_moved_with_the_service_is_not_the_officers_to_undo(handing: Handing) -> None:
    old = handing.referral()
    handing.run()
    new = referrals.goes_on_as(old)
    assert new
    with pytest.raises(NotAllowed, match="with the whole service"):
        actions.undo_single(new.id, actor=handing.officer, now=NOW)


def test_who_is_not_taken_on_is_chased_shortly_before_the_last_day_and_once_after_it(
    handing: Handing, clock: StandingClock
) -> None:
    handing.referral()
    handing.referral()
    handing.run()
    due = taken_on_by(NOW.date())
    assert due == date(2026, 10, 5)
    for day, near, late in (
        (date(2026, 9, 25), 0, 0),
        (date(2026, 9, 28), 1, 0),
        (due, 1, 0),
        (date(2026, 10, 6), 1, 1),
    ):
        clock.set(datetime(day.year, day.month, day.day, 8, tzinfo=UTC))
        jobs.chase()
        jobs.chase()
        key = f"moves:{handing.new.id}:2026-09-07"
        to_supplier = [
            {one.person_id for one in _letters(f"{key}:{stage}:")} & {handing.new_manager.person}
            for stage in ("near", "late")
        ]
        assert [len(one) for one in to_supplier] == [near, late], day
        # Late, the contract manager knows too, and both find it on their home pages.
        told = {one.person_id for one in _letters(f"{key}:late:")}
        assert (handing.lead.person in told) is bool(late)
        for actor in (handing.lead, handing.new_manager):
            words = [one.text for one in queries.waiting(actor, clock())]
            assert any("2 people moved" in one for one in words) is bool(late), (day, words)
        assert queries.moved_here(handing.new.agreement, day) == (2, 2 if late else 0)
        assert queries.moved_here(handing.old.agreement, day) == (0, 0)


def test_the_days_to_take_somebody_on_begin_once_there_is_a_place(handing: Handing, clock: StandingClock) -> None:
    old = handing.referral(Status.WAITING)
    handing.new.terms_on(TODAY).bands[-1].high = 0
    db.session.flush()
    handover = handing.run()
    new = referrals.goes_on_as(old)
    assert new
    clock.set(NOW + timedelta(days=60))
    on = clock().date()

    def late() -> tuple[int, int, bool]:
        page = queries.cases(handover, fate=Fate.MOVED, order=CaseOrder.MOVED, number=1)
        moved = queries.every_moved(handing.officer, text="", waiting=True)
        assert [one.is_late(on) for one in moved] == [one.is_late(on) for one in page.rows]
        return (
            queries.moved_here(handing.new.agreement, on)[1],
            queries.tally_of(handover, on).late,
            page.rows[0].is_late(on),
        )

    assert (new.status, queries.not_taken_on(), late()) == (Status.WAITING, [], (0, 0, False))
    new.status, new.placed_at, new.sent_at = Status.SENT, clock(), clock()
    db.session.flush()
    assert late() == (0, 0, False)
    assert [(one.id, day, count) for one, day, count in queries.not_taken_on()] == [(handing.new.id, on, 1)]
    clock.set(clock() + timedelta(days=40))
    on = clock().date()
    assert late() == (1, 1, True)


@pytest.mark.parametrize("on", [date(2026, 10, 5), date(2026, 10, 6), date(2027, 1, 4), date(2027, 1, 20)])
def test_who_is_late_is_told_by_the_day_of_the_move(on: date) -> None:
    last = late_if_moved_by(on)
    assert taken_on_by(last) < on <= taken_on_by(last + timedelta(days=1))
    assert not is_near(last, on)
