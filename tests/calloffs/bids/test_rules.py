from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.bids.rules import BID_MOVES, Asked, BidContent, BidStatus, count_words, excesses, gaps

QUESTIONS = [Asked(7, 1, 3), Asked(9, 2, 500)]
MOST = {1: Decimal("100.00"), 2: Decimal("200.00")}
CONTENTS = st.builds(
    BidContent,
    st.dictionaries(st.integers(1, 99), st.text(st.characters(exclude_categories=["Cs"]))),
    st.dictionaries(st.integers(1, 4), st.decimals(0, 1_000_000, places=2)),
)


@given(CONTENTS)
def test_content_comes_back_as_it_was(content: BidContent) -> None:
    again = BidContent.from_bytes(content.to_bytes())
    assert again == content
    assert again.digest() == content.digest()


@given(CONTENTS, CONTENTS)
def test_different_contents_have_different_digests(one: BidContent, other: BidContent) -> None:
    assert (one.to_bytes() == other.to_bytes()) == (one.digest() == other.digest())


def test_neither_the_order_of_writing_nor_noughts_after_the_point_change_the_digest() -> None:
    assert BidContent({}, {1: Decimal(99)}).digest() == BidContent({}, {1: Decimal("99.00")}).digest()
    assert BidContent({1: "a", 2: "b"}).digest() == BidContent({2: "b", 1: "a"}).digest()


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("  \n ", 0), ("one", 1), ("one two\nthree\tfour", 4), ("well-made, isn’t it?", 3)]
)
def test_words_are_what_stands_between_blanks(text: str, words: int) -> None:
    assert count_words(text) == words


def test_a_whole_bid_within_its_limits_has_no_fault() -> None:
    content = BidContent({7: "one two three", 9: "x"}, {1: Decimal("100.00"), 2: Decimal("0.01")})
    assert excesses(content, questions=QUESTIONS, most=MOST) == []
    assert gaps(content, questions=QUESTIONS, most=MOST) == []


def test_too_many_words_and_too_dear_are_named_at_their_fields() -> None:
    content = BidContent({7: "one two three four"}, {1: Decimal("100.01"), 2: Decimal(0)})
    found = excesses(content, questions=QUESTIONS, most=MOST)
    assert [fault.field for fault in found] == ["answer_7", "price_1", "price_2"]
    assert "3 words or fewer. It has 4" in found[0].words
    assert "£100.00 or less" in found[1].words


def test_every_question_and_every_band_is_needed() -> None:
    found = gaps(BidContent({7: " "}, {2: Decimal(1)}), questions=QUESTIONS, most=MOST)
    assert [fault.field for fault in found] == ["answer_7", "answer_9", "price_1"]


def test_every_status_has_its_moves() -> None:
    assert BID_MOVES.keys() == set(BidStatus)
