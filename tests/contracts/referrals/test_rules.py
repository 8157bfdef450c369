from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert rules.OPEN < rules.COUNTING
    assert not {ReferralStatus.RETURNED, ReferralStatus.WITHDRAWN} & rules.COUNTING


def test_the_words_of_a_full_service_say_how_many_and_what_to_do() -> None:
    assert "all 120 people" in rules.full_words(120)
    assert "the 1 person" in rules.full_words(1)
