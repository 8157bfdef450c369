from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from contracts.volumes import rules
from tests.contracts.volumes.year import (
    CAP,
    LAST,
    position,
    year_days,
)


def test_the_steps_of_the_chart_cut_the_month_that_runs() -> None:
    days = {date(2026, 4, 1): 3, date(2026, 4, 30): 1, date(2026, 5, 4): 2}
    made = rules.steps(position(6, date(2026, 5, 11)), days)
    assert [(step.ends_on, step.referrals, step.actual) for step in made[:4]] == [
        (date(2026, 4, 30), 4, 4),
        (date(2026, 5, 11), 2, 6),
        (date(2026, 5, 31), None, None),
        (date(2026, 6, 30), None, None),
    ]
    assert len(made) == 13
    assert made[-1].ends_on == LAST
    assert made[-1].profile == 100
    assert made[-1].through == 1


def test_a_year_that_begins_within_a_month_has_its_odd_months_at_both_ends() -> None:
    year = rules.profile(date(2026, 4, 15), date(2027, 4, 14))
    found = rules.assess(1, CAP, 1, year=year, on=date(2026, 4, 20), counted=0)
    ends = [step.ends_on for step in rules.steps(found, {})]
    assert ends[:3] == [date(2026, 4, 20), date(2026, 4, 30), date(2026, 5, 31)]
    assert ends[-1] == date(2027, 4, 14)


@given(days=st.dictionaries(year_days, st.integers(0, 20), max_size=30), on=year_days)
def test_the_steps_sum_to_what_came_by_the_day_asked_about(days: dict[date, int], on: date) -> None:
    came = {day: count for day, count in days.items() if day <= on}
    made = rules.steps(position(sum(came.values()), on), came)
    known = [step for step in made if step.actual is not None]
    assert known[-1].ends_on == on
    assert known[-1].actual == sum(came.values())
    assert sum(step.referrals or 0 for step in known) == known[-1].actual
