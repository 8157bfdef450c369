from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.agreements.rules import contract_year
from contracts.referrals import rules
from contracts.referrals.rules import AbsenceKind, ReferralStatus


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("X123456", "X123456"),
        (" x12 3456 ", "X123456"),
        ("X12345", None),
        ("XX12345", None),
        ("X1234567", None),
        ("", None),
        ("Ä123456", None),
    ],
)
def test_a_case_reference_is_a_letter_and_six_digits(typed: str, read: str | None) -> None:
    assert rules.crn(typed) == read


@given(st.lists(st.integers(min_value=0), min_size=7, max_size=7))
def test_a_reference_holds_nothing_that_could_be_read_wrongly_or_as_a_word(picks: list[int]) -> None:
    made = rules.reference(picks)
    assert made.startswith("R-")
    assert len(made) == 9
    assert not set(made[2:]) & set("01AEIOUSLY")


@pytest.mark.parametrize(
    ("absences", "calls"),
    [
        ([], False),
        ([AbsenceKind.ACCEPTABLE] * 2 + [AbsenceKind.UNACCEPTABLE] * 4, False),
        ([AbsenceKind.ACCEPTABLE, None, AbsenceKind.ACCEPTABLE, AbsenceKind.ACCEPTABLE], True),
    ],
)
def test_three_acceptable_absences_call_for_oversight(absences: list[AbsenceKind | None], calls: bool) -> None:
    assert rules.calls_for_oversight(absences) is calls


def test_what_has_ended_moves_no_more_and_every_status_has_its_moves() -> None:
    assert set(rules.REFERRAL_MOVES) == set(ReferralStatus)
    assert {one for one, moves in rules.REFERRAL_MOVES.items() if moves} == rules.OPEN


def test_the_words_of_a_full_service_say_how_many_and_what_to_do() -> None:
    assert "all 120 people" in rules.full_words(120)
    assert "the 1 person" in rules.full_words(1)


days = st.dates(date(2024, 2, 1), date(2027, 4, 1))
spans = st.lists(
    st.tuples(days, st.none() | st.integers(0, 400), st.integers(1, 3)).map(
        lambda one: (one[0], None if one[1] is None else one[0] + timedelta(days=one[1]), one[2])
    ),
    max_size=30,
)


@given(starts_on=st.dates(date(2024, 1, 1), date(2024, 12, 31)), spans=spans, on=days)
@example(starts_on=date(2024, 2, 29), spans=[(date(2025, 2, 28), date(2025, 3, 1), 1)], on=date(2025, 2, 28))
def test_what_counts_on_a_day_is_what_was_placed_in_its_contract_year_and_not_given_back_by_its_end(
    starts_on: date, spans: list[tuple[date, date | None, int]], on: date
) -> None:
    first, _ = contract_year(starts_on, on)
    counts = sum(n for placed, released, n in spans if first <= placed <= on and (released is None or released > on))
    found = rules.tally(starts_on, spans)
    upto = [day for day in found if first <= day <= on]
    assert (found[max(upto)].total if upto else 0) == counts
    assert sum(found[day].placed - found[day].released for day in upto) == counts
    assert all(one.year_begins == contract_year(starts_on, day)[0] for day, one in found.items())


def test_a_place_given_back_in_a_later_contract_year_stays_counted_in_its_own() -> None:
    found = rules.tally(date(2025, 4, 1), [(date(2026, 3, 31), date(2026, 4, 1), 1), (date(2026, 3, 1), None, 2)])
    assert {day: one.total for day, one in found.items()} == {date(2026, 3, 1): 2, date(2026, 3, 31): 3}
