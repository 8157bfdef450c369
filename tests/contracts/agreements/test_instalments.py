"""The rules of a grant's instalments, for any schedule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.rules.instalments import (
    INSTALMENT_MOVES,
    InstalmentStatus,
    InstalmentTerm,
    left_by_ending,
    outside,
    total,
    touched,
)

DAYS = st.dates(min_value=date(2026, 1, 1), max_value=date(2032, 12, 31))
SCHEDULES = st.lists(
    st.builds(
        InstalmentTerm,
        number=st.integers(1, 12),
        milestone=st.sampled_from(["Opened", "Twenty people"]),
        amount=st.integers(1, 10_000_000).map(lambda pence: Decimal(pence) / 100),
        due_on=DAYS,
    ),
    max_size=8,
    unique_by=lambda one: one.number,
)


@given(SCHEDULES, st.sets(st.integers(1, 12)), DAYS)
def test_an_ending_keeps_what_is_fixed_and_what_is_expected_by_then_and_never_costs_more(
    schedule: list[InstalmentTerm], fixed: set[int], last_day: date
) -> None:
    left = left_by_ending(schedule, fixed=[*fixed], last_day=last_day)
    assert touched([one for one in schedule if one.number in fixed], left) == []
    assert total(left) <= total(schedule)
    gone = set(schedule) - set(left)
    assert all(one.due_on > last_day and one.number not in fixed for one in gone)
    assert outside([one for one in left if one.number not in fixed], starts_on=date.min, ends_on=last_day) == []


@given(SCHEDULES, SCHEDULES)
def test_what_is_touched_is_what_is_not_there_as_it_was(
    fixed: list[InstalmentTerm], schedule: list[InstalmentTerm]
) -> None:
    assert (touched(fixed, schedule) == []) == (set(fixed) <= set(schedule))


def test_both_days_of_the_term_are_within_it() -> None:
    first, last = date(2026, 10, 1), date(2029, 9, 30)
    one, other = (InstalmentTerm(1, "x", Decimal(1), day) for day in (first, last))
    assert outside([one, other], starts_on=first, ends_on=last) == []
    assert outside([other], starts_on=first, ends_on=None) == []
    assert outside([one, other], starts_on=last, ends_on=first) == [one, other]


def test_what_is_accepted_is_final() -> None:
    assert {one for one, to in INSTALMENT_MOVES.items() if not to} == {InstalmentStatus.ACCEPTED}
    assert all(one.label for one in InstalmentStatus)
