from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from contracts.agreements.rules import Side
from contracts.performance import actions, jobs, queries
from contracts.performance.models import MeasureTarget, Scorecard, ScorecardRow
from contracts.performance.rules import ActionStatus, Measure, Rating, TargetStatus
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.performance import AUGUST, MADE, SEPTEMBER, Performer, make_performer

pytestmark = pytest.mark.usefixtures("session", "clock")

OCTOBER = date(2026, 10, 1)


def _subjects() -> list[str]:
    return list(db.session.scalars(select(Letter.subject).order_by(Letter.id)))


def _applies(made: Performer, month: date, measure: Measure = Measure.ATTENDED) -> tuple[int, bool] | None:
    found = queries.targets_of([made.agreement.id], month)[made.agreement.id].get(measure)
    return (found.target.percent, found.is_agreed) if found else None


def test_a_target_counts_once_somebody_of_the_other_side_agrees_and_from_its_month() -> None:
    made = make_performer(categories=("DEP",))
    target = made.proposed(percent=70, from_month=OCTOBER)
    assert _applies(made, OCTOBER) == (65, False)
    for wrong in (
        made.manager,
        make_actor(made.agreement.commissioner, Role.CONTRACT_MANAGER),
        make_performer().deliverer,
    ):
        with pytest.raises(NotAllowed):
            actions.agree(target, actor=wrong, now=MADE)
    actions.agree(target, actor=made.deliverer, now=MADE)
    assert _applies(made, SEPTEMBER) == (65, False)
    assert _applies(made, OCTOBER) == _applies(made, date(2027, 5, 1)) == (70, True)
    with pytest.raises(AlreadyDone):
        actions.agree(target, actor=made.deliverer, now=MADE)
    assert _subjects()[0].startswith("Agree how the performance")
    assert f"Targets of {made.agreement.reference}: agreed" in _subjects()


def test_a_later_target_begins_later_and_history_stays() -> None:
    made = make_performer()
    for percent, month in ((80, SEPTEMBER), (85, date(2026, 12, 1)), (82, OCTOBER)):
        actions.agree(made.proposed(percent=percent, from_month=month), actor=made.deliverer, now=MADE)
    found = [_applies(made, month) for month in (AUGUST, SEPTEMBER, OCTOBER, date(2026, 12, 1))]
    assert found == [(75, False), (80, True), (82, True), (85, True)]
    again = made.proposed(percent=81, from_month=SEPTEMBER)
    actions.agree(again, actor=made.deliverer, now=MADE + timedelta(hours=1))
    assert _applies(made, SEPTEMBER) == (81, True)


def test_both_sides_may_agree_not_to_measure_something_and_to_measure_it_again() -> None:
    made = make_performer()
    _ = made.deliverer
    dropped = actions.propose(
        made.agreement, Measure.REACHED, None, from_month=SEPTEMBER, why="No.", actor=made.manager, now=MADE
    )
    actions.agree(dropped, actor=made.deliverer, now=MADE)
    assert _applies(made, SEPTEMBER, Measure.REACHED) is None
    with pytest.raises(Invalid, match="agreed already"):
        actions.propose(
            made.agreement, Measure.REACHED, None, from_month=OCTOBER, why="No.", actor=made.manager, now=MADE
        )
    actions.agree(made.proposed(Measure.REACHED, 40, from_month=OCTOBER), actor=made.deliverer, now=MADE)
    assert _applies(made, OCTOBER, Measure.REACHED) == (40, True)


def test_what_is_over_outside_or_waiting_is_not_proposed() -> None:
    made = make_performer(ends_on=date(2027, 3, 31))
    for month in (AUGUST, date(2027, 4, 1)):
        with pytest.raises(Invalid) as refused:
            made.proposed(from_month=month)
        assert refused.value.field == "from_month"
    made.proposed()
    with pytest.raises(AlreadyDone):
        made.proposed(percent=81)
    with pytest.raises(NotAllowed):
        made.proposed(Measure.RECORDED, actor=make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
    with pytest.raises(TooLate):
        made.proposed(Measure.RECORDED, now=datetime(2027, 4, 1, tzinfo=UTC))


def test_a_target_for_a_month_that_is_over_by_then_cannot_be_agreed_but_declined() -> None:
    made = make_performer()
    target = made.proposed()
    with pytest.raises(TooLate, match="September 2026, which is over"):
        actions.agree(target, actor=made.deliverer, now=datetime(2026, 9, 30, 23, 0, tzinfo=UTC))
    with pytest.raises(Invalid):
        actions.decline(target, reason=" ", actor=made.deliverer, now=MADE)
    actions.decline(target, reason="Too high.", actor=made.deliverer, now=MADE)
    assert (target.status, target.reason) == (TargetStatus.DECLINED, "Too high.")
    other = made.proposed()
    with pytest.raises(NotAllowed):
        actions.take_back(other, actor=made.deliverer, now=MADE)
    actions.take_back(other, actor=made.manager, now=MADE)
    assert made.proposed().status is TargetStatus.PROPOSED


def test_the_usual_set_is_agreed_at_once_as_it_was_seen() -> None:
    made = make_performer()
    first = made.proposed()
    usual = actions.propose_usual(made.agreement, actor=made.manager, now=MADE)
    assert {one.measure for one in usual} == set(Measure) - {first.measure}
    seen = [one.id for one in [first, *usual]]
    for wrong in ([], seen[1:], [*seen, 0]):
        with pytest.raises(AlreadyDone, match="Look at it again"):
            actions.agree_all(made.agreement, seen=wrong, actor=made.deliverer, now=MADE)
    actions.agree_all(made.agreement, seen=seen, actor=made.deliverer, now=MADE)
    assert all(
        applied.is_agreed for applied in queries.targets_of([made.agreement.id], SEPTEMBER)[made.agreement.id].values()
    )
    with pytest.raises(AlreadyDone):
        actions.propose_usual(made.agreement, actor=made.manager, now=MADE)


def test_the_database_keeps_a_target_from_being_agreed_by_who_proposed_it() -> None:
    made = make_performer()
    target = made.proposed()
    target.status, target.answered_at, target.answered_by = TargetStatus.AGREED, MADE, made.manager.person
    with pytest.raises(Exception, match="agreed_by_another"):
        db.session.flush()


def test_a_scorecard_is_made_once_and_stays_whatever_is_recorded_later() -> None:
    made = make_performer()
    made.good_months()
    card = made.card()
    figures = {one.measure: (one.met, one.cases) for one in card.figures.figures}
    assert figures[Measure.FIRST_SESSION] == (5, 5)
    assert figures[Measure.RECORDED] == figures[Measure.ATTENDED] == (15, 15)
    assert figures[Measure.IN_TOUCH] == (5, 5)
    assert figures[Measure.COMPLETED] == (0, 0)
    assert (card.quality, card.outcomes, card.basics, card.overall) == (
        Rating.MET,
        Rating.TOO_FEW,
        Rating.MET,
        Rating.MET,
    )
    made.bad_months(20)
    assert actions.make_scorecards([made.agreement.id], AUGUST, now=MADE) == []
    db.session.expire_all()
    assert {one.measure: (one.met, one.cases) for one in card.figures.figures} == figures
    assert card.figures.overall is card.overall


def test_no_scorecard_of_a_month_that_runs() -> None:
    made = make_performer()
    with pytest.raises(TooLate):
        actions.make_scorecards([made.agreement.id], SEPTEMBER, now=datetime(2026, 9, 30, 22, 59, tzinfo=UTC))
    assert actions.make_scorecards([made.agreement.id], SEPTEMBER, now=datetime(2026, 9, 30, 23, 0, tzinfo=UTC))


def test_a_target_agreed_for_later_does_not_touch_a_month_that_is_over() -> None:
    made = make_performer()
    actions.agree(made.proposed(Measure.RECORDED, 50), actor=made.deliverer, now=MADE)
    card = made.card()
    row = next(one for one in card.rows if one.measure is Measure.RECORDED)
    assert (row.percent, row.is_agreed) == (95, False)


def test_the_job_makes_what_is_lacking_once_and_tells_of_the_latest_month(clock: StandingClock) -> None:
    made, ended = make_performer(), make_performer(ends_on=date(2026, 6, 30))
    _ = made.manager, made.deliverer
    clock.set(datetime(2026, 9, 7, 22, 0, tzinfo=UTC))
    jobs.make_due_scorecards()

    def months(one: Performer) -> list[date]:
        found = select(Scorecard.month).where(Scorecard.agreement_id == one.agreement.id)
        return list(db.session.scalars(found.order_by(Scorecard.month)))

    # August waits until five working days have passed: the 8th, because the 31st was a bank holiday.
    assert months(made) == [date(2026, month, 1) for month in (4, 5, 6, 7)]
    assert months(ended) == [date(2026, month, 1) for month in (4, 5, 6)]
    clock.move(hours=2)
    for _ in range(2):
        jobs.make_due_scorecards()
    assert months(made)[-1] == AUGUST
    assert len(months(made)) == 5
    told = [subject for subject in _subjects() if made.agreement.reference in subject]
    assert sorted(told) == sorted(
        f"How {made.agreement.reference} performed in {month} 2026" for month in ("July", "August") for _ in range(2)
    )
    rows = db.session.scalar(select(func.count()).select_from(ScorecardRow))
    assert rows == len(Measure) * 8


def test_the_supplier_comments_until_the_review_which_is_written_once() -> None:
    made = make_performer()
    card = made.card()
    with pytest.raises(NotAllowed):
        actions.comment(card, words="Ours.", actor=made.manager, now=MADE)
    with pytest.raises(NotAllowed):
        actions.review(card, words="Ours.", actor=made.deliverer, now=MADE)
    actions.comment(card, words="Snow.", actor=made.deliverer, now=MADE)
    actions.comment(card, words="Snow, and illness.", actor=made.deliverer, now=MADE)
    actions.review(card, words="Understood.", actor=made.manager, now=MADE)
    with pytest.raises(AlreadyDone):
        actions.review(card, words="Again.", actor=made.manager, now=MADE)
    with pytest.raises(TooLate):
        actions.comment(card, words="But.", actor=made.deliverer, now=MADE)
    assert (card.comment, card.review) == ("Snow, and illness.", "Understood.")
    told = [subject for subject in _subjects() if "commented" in subject or "review" in subject]
    assert len(told) == 2


def test_an_action_is_done_checked_reopened_and_closed(clock: StandingClock) -> None:
    made = make_performer()
    card = made.card()
    with pytest.raises(Invalid):
        actions.resolve(
            card, what="Record at once", side=Side.SUPPLIER, due_on=date(2026, 9, 7), actor=made.manager, now=MADE
        )
    one = actions.resolve(
        card, what="Record at once", side=Side.SUPPLIER, due_on=date(2026, 9, 30), actor=made.manager, now=MADE
    )
    with pytest.raises(NotAllowed):
        actions.say_done(one, shown="Done.", actor=made.manager, now=MADE)
    with pytest.raises(Refused):
        actions.close(one, actor=made.manager, now=MADE)
    actions.say_done(one, shown="Tablets bought.", actor=made.deliverer, now=MADE)
    with pytest.raises(AlreadyDone):
        actions.say_done(one, shown="Again.", actor=made.deliverer, now=MADE)
    actions.reopen(one, reason="Show the figures.", actor=made.manager, now=MADE)
    assert (one.status, one.shown) == (ActionStatus.OPEN, None)
    clock.set(datetime(2026, 10, 1, 6, 0, tzinfo=UTC))
    for _ in range(2):
        jobs.remind()
    assert sum("late" in subject for subject in _subjects()) == 2  # one to each side
    actions.say_done(one, shown="See October.", actor=made.deliverer, now=clock())
    actions.close(one, actor=made.manager, now=clock())
    assert one.closed_by == made.manager.person
    assert not any("Record at once" in body for body in db.session.scalars(select(Letter.body)))
    with pytest.raises(AlreadyDone):
        actions.close(one, actor=made.manager, now=clock())


def test_what_stands_in_the_database_is_what_the_rules_allow() -> None:
    made = make_performer()
    card = made.card()
    row = card.rows[0]
    row.met = row.cases + 1
    with pytest.raises(Exception, match="ck_scorecard_rows_met"):
        db.session.flush()


def test_every_row_of_targets_begins_with_a_month() -> None:
    made = make_performer()
    made.proposed(from_month=date(2026, 10, 17))
    assert db.session.scalars(select(MeasureTarget.from_month)).all() == [OCTOBER]
