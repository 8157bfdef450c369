"""Scores and ranking: tables worked by hand, and properties."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.evaluation.rules import (
    FAIL,
    MARK_WORDS,
    PASS,
    Criterion,
    Offer,
    faults_of_mark,
    mark_words,
    price_score,
    question_score,
    rank,
    two_places,
    whole_life_price,
)

# Question 1 weighs 40, question 2 weighs 20, price 40; question 9 is the Public Sector Equality Duty.
CRITERIA = [Criterion(1, 40), Criterion(2, 20), Criterion(9, 0, is_gate=True)]


def offer(bid: int, first: int, second: int, price: int | Fraction, psed: int = PASS) -> Offer:
    return Offer(bid, {1: first, 2: second, 9: psed}, Fraction(price))


def figures(offers: list[Offer], price_weight: int = 40) -> list[tuple[int, int | None, str, str, str]]:
    return [
        (
            s.bid_id,
            s.rank,
            str(two_places(s.quality)),
            "" if s.price_score is None else str(two_places(s.price_score)),
            "" if s.total is None else str(two_places(s.total)),
        )
        for s in rank(CRITERIA, offers, price_weight)
    ]


def test_scores_as_worked_by_hand() -> None:
    # Bid 1: 4/5×40 + 3/5×20 = 32 + 12 = 44; price 240,000 is the lowest: 40. Total 84.
    # Bid 2: 5/5×40 + 4/5×20 = 40 + 16 = 56; 240,000/300,000×40 = 32. Total 88.
    # Bid 3: 2/5×40 + 5/5×20 = 16 + 20 = 36; 240,000/270,000×40 = 35.555… Total 71.555…
    assert figures([offer(1, 4, 3, 240_000), offer(2, 5, 4, 300_000), offer(3, 2, 5, 270_000)]) == [
        (2, 1, "56.00", "32.00", "88.00"),
        (1, 2, "44.00", "40.00", "84.00"),
        (3, 3, "36.00", "35.56", "71.56"),
    ]


def test_a_failed_gate_is_out_of_the_ranking_and_its_price_is_not_the_lowest() -> None:
    # Bid 3 has the best answers and the lowest price, and fails: bid 1's 200,000 becomes the lowest.
    assert figures([offer(1, 3, 3, 200_000), offer(2, 4, 4, 250_000), offer(3, 5, 5, 1_000, psed=FAIL)]) == [
        (2, 1, "48.00", "32.00", "80.00"),
        (1, 2, "36.00", "40.00", "76.00"),
        (3, None, "60.00", "", ""),
    ]


def test_a_failed_bid_names_the_gates_it_failed() -> None:
    assert rank(CRITERIA, [offer(1, 5, 5, 10, psed=FAIL)], 40)[0].failed_gates == (9,)


def test_equal_totals_go_to_the_higher_quality() -> None:
    # Bid 1: 40 + 20 = 60, and 100/200×40 = 20. Bid 2: 4/5×40 + 2/5×20 = 40, and the lowest price: 40.
    assert figures([offer(2, 4, 2, 100), offer(1, 5, 5, 200)]) == [
        (1, 1, "60.00", "20.00", "80.00"),
        (2, 2, "40.00", "40.00", "80.00"),
    ]


def test_equal_totals_and_quality_go_to_the_lower_price() -> None:
    # Price weighs nothing here: fixed price and quality only.
    assert figures([offer(1, 4, 4, 300), offer(2, 4, 4, 200)], price_weight=0) == [
        (2, 1, "48.00", "0.00", "48.00"),
        (1, 2, "48.00", "0.00", "48.00"),
    ]


def test_bids_equal_in_everything_share_their_rank() -> None:
    found = rank(CRITERIA, [offer(1, 4, 4, 300), offer(2, 4, 4, 300), offer(3, 1, 1, 300)], 40)
    assert [(s.bid_id, s.rank, s.level_with) for s in found] == [(1, 1, (2,)), (2, 1, (1,)), (3, 3, ())]


def test_order_follows_exact_scores_that_look_the_same_when_rounded() -> None:
    # 100/300×40 = 13.3333…; 10000/30001×40 = 13.33288…: both 13.33, and not equal.
    found = figures([offer(1, 5, 5, Fraction(30001, 100)), offer(2, 5, 5, 300), offer(3, 0, 0, 100)])
    assert found[:2] == [(2, 1, "60.00", "13.33", "73.33"), (1, 2, "60.00", "13.33", "73.33")]


def test_no_bid_and_a_lone_bid() -> None:
    assert figures([]) == []
    assert figures([offer(1, 0, 0, 99)]) == [(1, 1, "0.00", "40.00", "40.00")]


def test_a_price_of_nothing_has_the_full_weight() -> None:
    assert [row[3] for row in figures([offer(1, 1, 1, 0), offer(2, 1, 1, 5)])] == ["40.00", "0.00"]


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Fraction(1, 3), "0.33"),
        (Fraction(2, 3), "0.67"),
        (Fraction(1, 200), "0.01"),
        (Fraction(49, 10000), "0.00"),
        (Fraction(1005, 1000), "1.01"),
        (Fraction(100), "100.00"),
        (Fraction(0), "0.00"),
    ],
)
def test_rounds_half_up_to_two_places(figure: Fraction, shown: str) -> None:
    assert str(two_places(figure)) == shown


@given(st.integers(-(10**6), 10**6))
def test_rounds_as_decimal_does(thousandths: int) -> None:
    expected = (Decimal(thousandths) / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert two_places(Fraction(thousandths, 1000)) == expected


def test_whole_life_price_is_exact() -> None:
    # 100,000.01 × 18 ÷ 12 = 150,000.015
    assert whole_life_price(Decimal("100000.01"), 18) == Fraction(150_000_015, 1000)
    assert two_places(whole_life_price(Decimal("100000.01"), 18)) == Decimal("150000.02")


marks = st.integers(0, 5)
prices = st.integers(1, 10**8).map(lambda pence: Fraction(pence, 100))
bids = st.lists(st.tuples(marks, marks, prices, st.sampled_from([PASS, PASS, FAIL])), max_size=6)


def offers_of(rows: list[tuple[int, int, Fraction, int]]) -> list[Offer]:
    return [offer(number, a, b, price, psed) for number, (a, b, price, psed) in enumerate(rows)]


@given(bids)
def test_ranking_is_complete_and_in_order(rows: list[tuple[int, int, Fraction, int]]) -> None:
    offers = offers_of(rows)
    found = rank(CRITERIA, offers, 40)
    assert sorted(s.bid_id for s in found) == list(range(len(rows)))
    placed = [s for s in found if s.rank is not None]
    assert {s.bid_id for s in placed} == {o.bid_id for o in offers if o.marks[9] == PASS}
    totals = [s.total for s in placed if s.total is not None]
    assert totals == sorted(totals, reverse=True)
    assert all(0 <= total <= 100 for total in totals)
    assert all(s.total == s.quality + (s.price_score or 0) for s in placed)
    if placed:
        assert placed[0].rank == 1
        assert max(s.price_score or 0 for s in placed) == 40


@given(bids, st.randoms())
def test_the_order_bids_come_in_changes_no_rank(rows: list[tuple[int, int, Fraction, int]], shuffled: object) -> None:
    offers = offers_of(rows)
    before = {s.bid_id: s.rank for s in rank(CRITERIA, offers, 40)}
    shuffled.shuffle(offers)  # type: ignore[attr-defined]
    assert {s.bid_id: s.rank for s in rank(CRITERIA, offers, 40)} == before


@given(bids)
def test_a_failed_bid_changes_nothing_for_the_others(
    rows: list[tuple[int, int, Fraction, int]],
) -> None:
    offers = offers_of(rows)
    failed = [offer(99, 5, 5, 1, psed=FAIL)]
    assert rank(CRITERIA, offers + failed, 40)[: len([o for o in offers if o.marks[9]])] == [
        s for s in rank(CRITERIA, offers, 40) if s.passes
    ]


@given(marks, st.integers(0, 100), prices, prices)
def test_scores_stay_within_their_weight(mark: int, weight: int, price: Fraction, other: Fraction) -> None:
    assert 0 <= question_score(mark, weight) <= weight
    assert 0 <= price_score(max(price, other), min(price, other), weight) <= weight


@given(bids, prices)
def test_a_dearer_bid_never_does_better(rows: list[tuple[int, int, Fraction, int]], more: Fraction) -> None:
    offers = offers_of([*rows, (3, 3, Fraction(5000), PASS)])
    mine = offers[-1]
    dearer = [*offers[:-1], Offer(mine.bid_id, mine.marks, mine.price + more)]
    before = next(s.rank for s in rank(CRITERIA, offers, 40) if s.bid_id == mine.bid_id)
    after = next(s.rank for s in rank(CRITERIA, dearer, 40) if s.bid_id == mine.bid_id)
    assert before is not None
    assert after is not None
    assert after >= before


def test_a_mark_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 5"):
        question_score(6, 10)
    with pytest.raises(ValueError, match="lowest"):
        price_score(Fraction(1), Fraction(2), 10)


@pytest.mark.parametrize(
    ("mark", "reason", "is_gate", "fields"),
    [
        (3, "Clear", False, []),
        (0, "Nothing said", False, []),
        (None, "Clear", False, ["mark"]),
        (3, "  ", False, ["reason"]),
        (6, "Clear", False, ["mark"]),
        (-1, "Clear", False, ["mark"]),
        (1, "Meets it", True, []),
        (2, "Meets it", True, ["mark"]),
        (None, "", True, ["mark", "reason"]),
    ],
)
def test_a_mark_needs_its_scale_and_its_reason(mark: int | None, reason: str, is_gate: bool, fields: list[str]) -> None:
    assert [name for name, _ in faults_of_mark(mark, reason, is_gate=is_gate)] == fields


def test_every_mark_has_its_words() -> None:
    assert sorted(MARK_WORDS) == [0, 1, 2, 3, 4, 5]
    assert mark_words(4, is_gate=False) == "4, good"
    assert mark_words(0, is_gate=True) == "Fail"
