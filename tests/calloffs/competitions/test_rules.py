from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.competitions.rules import (
    COMPETITION_MOVES,
    AskedQuestion,
    CompetitionStatus,
    QuestionKind,
    Requirement,
    Section,
    Stage,
    VolumeKind,
    faults,
    share_faults,
    stage_of,
    volume_faults,
    warnings,
    words_in_proportion,
)
from calloffs.plans.rules import Band, proposed_bands
from marketplace.money import split

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
CLOSES = datetime(2026, 10, 5, 11, 0, tzinfo=UTC)
PSED = AskedQuestion(QuestionKind.PSED, 0, 500)
WHOLE = Requirement(
    title="Homes",
    place_count=1,
    level_reason="Local",
    specification="Find homes",
    volume_kind=VolumeKind.CAP,
    bands=[Band(1, 0, 100, Decimal(100_000))],
    planned_band=1,
    questions=[PSED, AskedQuestion(QuestionKind.SCORED, 60, 500)],
    price_weight=40,
    shares=[Decimal(100)],
    closes_at=CLOSES,
    starts_on=date(2027, 1, 4),
    months=24,
)


def test_a_whole_draft_has_no_fault() -> None:
    assert faults(WHOLE, now=NOW) == []


@pytest.mark.parametrize(
    ("change", "section", "words"),
    [
        ({"title": ""}, Section.BASICS, "Enter a title"),
        ({"place_count": 0}, Section.BASICS, "Choose at least one area"),
        ({"level_reason": ""}, Section.BASICS, "Say why this level of area is right"),
        ({"specification": ""}, Section.SPECIFICATION, "Write the specification"),
        ({"bands": []}, Section.VOLUME, "Enter a volume cap or four volume bands"),
        ({"volume_kind": VolumeKind.BANDS}, Section.VOLUME, "Enter all four bands"),
        ({"questions": [WHOLE.questions[1]]}, Section.QUESTIONS, "The Public Sector Equality Duty question must be"),
        ({"questions": [PSED, PSED, WHOLE.questions[1]]}, Section.QUESTIONS, "The Public Sector Equality Duty"),
        ({"questions": [PSED], "price_weight": 100}, Section.QUESTIONS, "Add at least one scored question"),
        ({"price_weight": 39}, Section.QUESTIONS, "They total 99"),
        ({"shares": [Decimal("99.99")]}, Section.FUNDERS, "They total 99.99%"),
        ({"closes_at": None}, Section.DATES, "Enter when the call-off closes"),
        ({"closes_at": NOW}, Section.DATES, "The closing time must be in the future"),
        ({"starts_on": CLOSES.date()}, Section.DATES, "The service must start after"),
    ],
)
def test_each_fault_is_named_with_its_part(change: dict[str, Any], section: Section, words: str) -> None:
    found = faults(replace(WHOLE, **change), now=NOW)
    assert [(fault.section, words in fault.words) for fault in found] == [(section, True)]


def test_closing_is_exact() -> None:
    def stage(now: datetime) -> Stage:
        return stage_of(CompetitionStatus.PUBLISHED, closes_at=CLOSES, standstill_ends_at=None, now=now)

    assert stage(CLOSES - timedelta(microseconds=1)) is Stage.OPEN
    assert stage(CLOSES) is Stage.CLOSED


def test_every_status_has_its_moves_and_the_last_ones_have_none() -> None:
    assert COMPETITION_MOVES.keys() == set(CompetitionStatus)
    ends = {status for status, to in COMPETITION_MOVES.items() if not to}
    assert ends == {CompetitionStatus.CANCELLED, CompetitionStatus.FAILED}


@given(st.integers(10, 100_000), st.integers(1000, 5_000_000))
def test_proposed_bands_are_always_faultless(volume: int, budget: int) -> None:
    assert volume_faults(VolumeKind.BANDS, proposed_bands(volume, Decimal(budget)), 2) == []


@given(
    st.decimals(0, 10_000_000, places=2),
    st.lists(st.decimals("0.01", 100, places=2), min_size=1, max_size=5),
)
def test_a_split_by_shares_loses_no_penny(amount: Decimal, shares: list[Decimal]) -> None:
    assert sum(split(amount, shares)) == amount


@pytest.mark.parametrize(
    ("shares", "fine"),
    [
        ([100], True),
        ([60, 40], True),
        (["33.33", "33.33", "33.34"], True),
        (["33.33", "33.33", "33.33"], False),
        ([110, -10], False),
        ([], False),
    ],
)
def test_shares_make_a_hundred(shares: list[int | str], fine: bool) -> None:
    assert (share_faults([Decimal(one) for one in shares]) == []) is fine


def test_thirds_are_told_how_to_make_a_hundred() -> None:
    third = Decimal("33.33")
    assert "33.33, 33.33 and 33.34" in share_faults([third] * 3)[0]
    assert share_faults([third, third, Decimal("33.34")]) == []
    assert "33.34" not in share_faults([third, third])[0]


def test_warnings_of_few_bidders_much_effort_and_little_time() -> None:
    assert warnings(WHOLE, qualified=3, now=NOW) == []
    assert "Only 2 suppliers are qualified" in warnings(WHOLE, qualified=2, now=NOW)[0]
    assert "Only 1 supplier is qualified" in warnings(WHOLE, qualified=1, now=NOW)[0]
    assert "No supplier is qualified" in warnings(WHOLE, qualified=0, now=NOW)[0]
    long = replace(WHOLE, questions=[PSED, AskedQuestion(QuestionKind.SCORED, 60, 1501)])
    assert "up to 2,001 words" in warnings(long, qualified=3, now=NOW)[0]
    assert "less than 20 days" in warnings(WHOLE, qualified=3, now=CLOSES - timedelta(days=19))[0]


@pytest.mark.parametrize(("value", "words"), [(0, 2000), (200_000, 2000), (250_000, 2500), (1_000_000, 10_000)])
def test_effort_in_proportion_to_value(value: int, words: int) -> None:
    assert words_in_proportion(Decimal(value)) == words
