"""What the database counts is what one counts by hand, and by going through every referral."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.agreements.rules import last_of_month, months_after
from contracts.performance import queries
from contracts.performance.rules import IN_TOUCH_DAYS, Measure
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from contracts.referrals.rules import Attendance, ReferralStatus
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.extensions import db
from marketplace.framework.models import DesiredOutcome
from marketplace.working_days import add_working_days
from tests.factories.counting import counted_queries
from tests.factories.performance import AUGUST, Performer, make_performer

pytestmark = pytest.mark.usefixtures("session")

JULY = date(2026, 7, 1)
END = date(2026, 8, 31)


def at(day: int, hour: int = 9, month: int = 8) -> datetime:
    """An hour of a day of August 2026 (London is an hour ahead)."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def _counts(made: Performer, first: date = AUGUST, last: date = END) -> dict[Measure, tuple[int, int]]:
    return queries.counts([made.agreement.id], first, last).get(made.agreement.id, {})


def test_a_referral_is_answered_in_time_until_the_end_of_its_second_working_day() -> None:
    made = make_performer()
    # Friday 7 August: two working days end with Tuesday the 11th, at midnight in London.
    made.referral(at(7), accepted_at=at(11, 22))
    made.referral(at(7), accepted_at=at(11, 23))
    made.referral(at(7), ended_at=at(10), status=ReferralStatus.RETURNED)
    made.referral(at(7), ended_at=at(10), status=ReferralStatus.WITHDRAWN)  # no case: nothing was to be answered
    made.referral(at(7))
    assert _counts(made)[Measure.ANSWERED] == (2, 4)
    assert _counts(made)[Measure.TAKEN_ON] == (2, 3)
    # It counts on the day on which its clock runs out, and on no other.
    assert Measure.ANSWERED not in _counts(made, AUGUST, date(2026, 8, 10))
    assert _counts(made, date(2026, 8, 11), date(2026, 8, 11))[Measure.ANSWERED] == (2, 4)


def test_the_first_session_counts_whether_or_not_the_person_came() -> None:
    made = make_performer()
    # Monday 3 August: ten working days end with Monday the 17th.
    missed = made.referral(at(3), accepted_at=at(4))
    made.session(missed, at(17, 22), recorded_at=at(17, 22), came=False)
    late = made.referral(at(3), accepted_at=at(4))
    made.session(late, at(17, 23))
    back_dated = made.referral(at(3), accepted_at=at(4))
    made.session(back_dated, at(10), entered_at=at(17, 23))
    gone = made.referral(at(3), accepted_at=at(4), ended_at=at(10), status=ReferralStatus.WITHDRAWN)
    assert gone.sessions == []
    assert _counts(made)[Measure.FIRST_SESSION] == (1, 3)


def test_sessions_are_recorded_on_their_day_in_london_and_attended_if_somebody_came() -> None:
    made = make_performer()
    one = made.referral(at(20, month=7), accepted_at=at(21, month=7))
    made.session(one, at(5, 22), recorded_at=at(5, 22) + timedelta(minutes=59))  # 11.59pm in London
    made.session(one, at(6, 22), recorded_at=at(6, 23))  # midnight
    made.session(one, at(7), recorded_at=at(7, 10), came=False)
    made.session(one, at(8))
    made.session(one, at(31, 23))  # 1 September in London
    assert _counts(made)[Measure.RECORDED] == (2, 4)
    assert _counts(made)[Measure.ATTENDED] == (2, 3)
    # A session after the end was never held: nothing was to be recorded.
    over = made.referral(at(20, month=7), accepted_at=at(21, month=7), ended_at=at(9), status=ReferralStatus.COMPLETED)
    made.session(over, at(12))
    assert _counts(made)[Measure.RECORDED] == (2, 4)
    assert _counts(made)[Measure.COMPLETED] == (1, 1)


def test_nobody_is_lost_sight_of_with_a_session_in_the_last_thirty_days() -> None:
    made = make_performer()
    seen = made.referral(at(1, month=6), accepted_at=at(2, month=6))
    made.session(seen, at(2), recorded_at=at(2, 10), came=False)
    lost = made.referral(at(1, month=6), accepted_at=at(2, month=6))
    made.session(lost, at(1, 22), recorded_at=at(1, 22))  # the last minute of 1 August is the first of thirty-one days
    made.session(lost, at(5))  # of which nobody said what became of it
    made.session(lost, at(2, month=9))
    new = made.referral(at(20), accepted_at=at(20))
    assert new.sessions == []
    assert _counts(made)[Measure.IN_TOUCH] == (1, 2)


def test_what_stands_at_a_months_end_is_taken_once_from_each_contracts_latest_month() -> None:
    made = make_performer()
    seen = made.referral(at(1, month=6), accepted_at=at(2, month=6))
    made.session(seen, at(3), recorded_at=at(3, 10))
    made.referral(at(1, month=6), accepted_at=at(2, month=6))
    for month in (7, 8):
        made.card(date(2026, month, 1), now=at(20, month=month + 1))
    july = {one.measure: one for one in queries.by_category(made.manager, until=date(2026, 7, 1))}
    together = {one.measure: one for one in queries.by_category(made.manager, until=AUGUST)}
    assert (july[Measure.IN_TOUCH].met, july[Measure.IN_TOUCH].cases) == (0, 2)
    assert (together[Measure.IN_TOUCH].met, together[Measure.IN_TOUCH].cases) == (1, 2)


def test_what_waits_for_a_place_does_not_count_against_a_supplier_that_does_not_know_of_it() -> None:
    made = make_performer()
    made.referral(at(3), status=ReferralStatus.WAITING)
    made.referral(at(3), status=ReferralStatus.OFFERED)
    assert _counts(made) == {}


def test_outcomes_are_reached_as_the_service_said_at_completion() -> None:
    made = make_performer()
    for reached in (["ACC-1"], [], None):
        one = made.referral(at(3), accepted_at=at(4))
        one.outcomes = [db.session.get_one(DesiredOutcome, code) for code in ("ACC-1", "ACC-2")]
        db.session.flush()
        referring.complete(one.id, reached=reached, actor=made.caseworker, now=at(20))
    assert _counts(made)[Measure.REACHED] == (1, 4)
    assert _counts(made)[Measure.COMPLETED] == (3, 3)


def test_performance_stays_with_whoever_earned_it_when_somebody_is_moved() -> None:
    old, new = make_performer(), make_performer()
    _ = new.deliverer
    one = old.referral(at(20, month=7), accepted_at=at(21, month=7))
    old.session(one, at(3), recorded_at=at(3, 11))
    moved = referring.transfer(one.id, new.line.id, actor=SYSTEM, now=at(10))
    # What was done before the move is the first supplier’s; that the person left is no failure of either.
    assert _counts(old) == {
        Measure.FIRST_SESSION: (1, 1),
        Measure.RECORDED: (1, 1),
        Measure.ATTENDED: (1, 1),
    }
    assert _counts(old, JULY, date(2026, 7, 31)) == {Measure.ANSWERED: (1, 1), Measure.TAKEN_ON: (1, 1)}
    # The clocks of a new referral are not held against whoever takes over; what it does is its own.
    assert _counts(new) == {}
    referring.accept(moved.id, caseworker_id=new.caseworker.person, actor=new.deliverer, now=at(20))
    db.session.refresh(moved)
    new.session(moved, at(25), recorded_at=at(26))
    assert _counts(new) == {
        Measure.TAKEN_ON: (1, 1),
        Measure.RECORDED: (0, 1),
        Measure.ATTENDED: (1, 1),
    }


def _by_hand(referrals: list[Referral], first: date, last: date) -> dict[Measure, tuple[int, int]]:
    """The definitions once more, going through every referral."""
    cases: dict[Measure, list[bool]] = {measure: [] for measure in Measure}

    def day(moment: datetime | None) -> date | None:
        return clock.london(moment).date() if moment else None

    def within(moment: datetime | None) -> bool:
        return moment is not None and first <= clock.london(moment).date() <= last

    for one in referrals:
        sent = day(one.sent_at)
        assert sent is not None
        accepted, ended = day(one.accepted_at), day(one.ended_at)
        returned = one.status is ReferralStatus.RETURNED
        due = add_working_days(sent, 2)
        if first <= due <= last and not (accepted is None and not returned and ended and ended <= due):
            in_time = bool(accepted and accepted <= due) or bool(returned and ended and ended <= due)
            cases[Measure.ANSWERED].append(in_time)
        if within(one.accepted_at) or (returned and within(one.ended_at)):
            cases[Measure.TAKEN_ON].append(within(one.accepted_at))
        due = add_working_days(sent, 10)
        begun = any(clock.london(max(session.starts_at, session.entered_at)).date() <= due for session in one.sessions)
        if first <= due <= last and (begun or ended is None or ended > due):
            cases[Measure.FIRST_SESSION].append(begun)
        for session in one.sessions:
            if within(session.starts_at):
                if session.recorded_at or one.ended_at is None or one.ended_at > session.starts_at:
                    cases[Measure.RECORDED].append(day(session.recorded_at) == day(session.starts_at))
                if session.recorded_at:
                    cases[Measure.ATTENDED].append(session.attendance is not Attendance.MISSED)
        if accepted and within(one.ended_at):
            cases[Measure.COMPLETED].append(one.status is ReferralStatus.COMPLETED)
        since = last - timedelta(days=IN_TOUCH_DAYS - 1)
        if accepted and accepted < since and (ended is None or ended > last):
            seen = any(
                since <= clock.london(session.starts_at).date() <= last and session.recorded_at
                for session in one.sessions
            )
            cases[Measure.IN_TOUCH].append(seen)
    return {measure: (sum(found), len(found)) for measure, found in cases.items() if found}


def _wander(made: Performer, rolls: random.Random, count: int) -> list[Referral]:
    found = []
    for _ in range(count):
        sent = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=rolls.randrange(100 * 24 * 60))
        accepted = sent + timedelta(hours=rolls.randrange(1, 120)) if rolls.random() < 0.8 else None
        ended = (accepted or sent) + timedelta(hours=rolls.randrange(1, 1200)) if rolls.random() < 0.6 else None
        status = None
        if ended is not None:
            ends = (ReferralStatus.COMPLETED, ReferralStatus.WITHDRAWN)
            status = rolls.choice(ends if accepted else (ReferralStatus.RETURNED, ReferralStatus.WITHDRAWN))
        one = made.referral(sent, accepted_at=accepted, ended_at=ended, status=status)
        found.append(one)
        for _ in range(rolls.randrange(5) if accepted else 0):
            begins = sent + timedelta(minutes=rolls.randrange(40 * 24 * 60))
            recorded = begins + timedelta(minutes=rolls.randrange(30 * 60)) if rolls.random() < 0.7 else None
            entered = begins + timedelta(hours=rolls.randrange(-200, 200))
            made.session(one, begins, entered_at=entered, recorded_at=recorded, came=rolls.random() < 0.7)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_the_database_counts_what_going_through_every_referral_counts(seed: int) -> None:
    rolls, made = random.Random(seed), make_performer()
    referrals = _wander(made, rolls, 80)
    spans = [(month, last_of_month(month)) for month in (months_after(JULY, more) for more in range(-1, 4))]
    for first, last in [*spans, (date(2026, 8, 4), date(2026, 8, 19)), (date(2026, 8, 9), date(2026, 8, 9))]:
        assert _counts(made, first, last) == _by_hand(referrals, first, last), (first, last)
    # Each case counts in one month and in no other; only who is lost sight of is asked at every month's end.
    parts = [_counts(made, first, last) for first, last in spans]
    whole = _counts(made, spans[0][0], spans[-1][1])
    for measure in whole.keys() - {Measure.IN_TOUCH}:
        assert whole[measure] == tuple(map(sum, zip(*(one[measure] for one in parts if measure in one), strict=True)))


def test_many_contracts_are_counted_in_as_many_questions_as_one() -> None:
    keys, sent_by = [], []
    for count in (1, 4):
        for _ in range(count):
            made = make_performer()
            made.good_months(1)
            keys.append(made.agreement.id)
        with counted_queries() as sent:
            found = queries.figures(keys, AUGUST, until=END)
        sent_by.append(len(sent))
        assert all(found[key].figures for key in keys)
    assert sent_by[0] == sent_by[1] <= 9
