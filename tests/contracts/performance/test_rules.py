from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.performance.rules import (
    ACTION_MOVES,
    FEW,
    TARGET_MOVES,
    ActionStatus,
    Figure,
    Measure,
    Part,
    Rating,
    Scorecard,
    Target,
    TargetStatus,
    days_due,
    freezes_on,
    last_day_past,
    rating_of,
    usual_targets,
)
from marketplace.working_days import add_working_days, is_working_day

TARGET = Target(90, 5)


@pytest.mark.parametrize(
    ("met", "cases", "rating"),
    [
        (9, 10, Rating.MET),
        (10, 10, Rating.MET),
        (17, 19, Rating.NEAR),  # 89.47 %
        (17, 20, Rating.NEAR),  # exactly 85 %
        (16, 19, Rating.MISSED),  # 84.2 %
        (0, FEW, Rating.MISSED),
        (0, FEW - 1, Rating.TOO_FEW),
        (4, 4, Rating.TOO_FEW),
        (0, 0, Rating.TOO_FEW),
    ],
)
def test_a_measure_is_rated_against_its_target(met: int, cases: int, rating: Rating) -> None:
    assert rating_of(met, cases, TARGET) is rating


@settings(deadline=None)
@given(
    cases=st.integers(FEW, 10_000),
    share=st.floats(0, 1),
    percent=st.integers(1, 100),
    tolerance=st.integers(0, 50),
)
def test_the_percent_shown_reaches_the_target_only_if_the_cases_do(
    cases: int, share: float, percent: int, tolerance: int
) -> None:
    figure = Figure(Measure.ATTENDED, int(cases * share), cases, Target(percent, min(tolerance, percent)), True)
    assert figure.percent is not None
    assert (figure.percent >= percent) is (figure.rating is Rating.MET)


def _card(**ratings: Rating) -> Scorecard:
    met = {Rating.MET: 10, Rating.NEAR: 9, Rating.MISSED: 0}
    return Scorecard(
        tuple(
            Figure(Measure(name), met.get(rating, 0), 0 if rating is Rating.TOO_FEW else 10, Target(100, 10), True)
            for name, rating in ratings.items()
        )
    )


def test_nothing_makes_up_for_a_target_missed() -> None:
    card = _card(answered=Rating.MET, recorded=Rating.MET, taken_on=Rating.MISSED, attended=Rating.NEAR)
    assert card.rating(Part.BASICS) is Rating.MISSED
    assert card.rating(Part.QUALITY) is Rating.NEAR
    assert card.rating(Part.OUTCOMES) is Rating.TOO_FEW
    assert card.overall is Rating.MISSED
    few_beside_met = _card(answered=Rating.MET, recorded=Rating.TOO_FEW)
    assert few_beside_met.overall is Rating.MET


def test_of_several_kinds_of_help_the_lowest_usual_target_applies() -> None:
    assert usual_targets([])[Measure.ATTENDED] == usual_targets(["FBD"])[Measure.ATTENDED] == Target(75, 10)
    assert usual_targets(["FBD", "DEP"])[Measure.ATTENDED] == Target(65, 10)
    assert set(usual_targets(["ACC"])) == set(Measure)


@settings(deadline=None)
@given(st.dates(date(2024, 1, 1), date(2027, 12, 1)), st.integers(0, 60), st.integers(1, 15))
def test_days_due_leaves_no_day_out_and_takes_none_in_twice(first: date, length: int, working_days: int) -> None:
    last = first + timedelta(days=length)
    found = days_due(first, last, working_days)
    far = first - timedelta(days=60)
    wanted = [
        (day, due)
        for day in (far + timedelta(days=more) for more in range(length + 61))
        if first <= (due := add_working_days(day, working_days)) <= last
    ]
    assert found == wanted


@settings(deadline=None)
@given(st.dates(date(2024, 1, 1), date(2027, 12, 1)), st.integers(1, 15))
def test_the_last_day_past_is_the_last(on: date, working_days: int) -> None:
    day = last_day_past(on, working_days)
    assert add_working_days(day, working_days) < on <= add_working_days(day + timedelta(days=1), working_days)


def test_a_month_is_made_five_working_days_after_its_end() -> None:
    # 28 and 29 December 2026: a substitute bank holiday, and the first working day after it.
    assert freezes_on(date(2026, 11, 1)) == date(2026, 12, 7)
    assert is_working_day(freezes_on(date(2026, 12, 1)))


def test_what_is_answered_or_closed_moves_no_more() -> None:
    assert set(TARGET_MOVES) == set(TargetStatus)
    assert [status for status, moves in TARGET_MOVES.items() if moves] == [TargetStatus.PROPOSED]
    assert set(ACTION_MOVES) == set(ActionStatus)
    assert ACTION_MOVES[ActionStatus.CLOSED] == frozenset()


def test_every_measure_says_what_it_counts_and_stands_in_one_part() -> None:
    for measure in Measure:
        assert measure.definition.cases.endswith(".") and measure.definition.met
    assert {measure.definition.part for measure in Measure} == set(Part)
