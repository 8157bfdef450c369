from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import percentage, pounds, split

amounts = st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2, allow_nan=False)
weights = st.lists(st.decimals(min_value=0, max_value=1000, allow_nan=False, allow_infinity=False), min_size=1).filter(
    lambda shares: sum(shares) > 0
)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("0.004", "0.00"), ("2.675", "2.68"), ("-0.005", "-0.01"), ("1e3", "1000.00"), (7, "7.00")],
)
def test_pounds_are_rounded_half_up(amount: str | int, rounded: str) -> None:
    assert str(pounds(amount)) == rounded


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(1, 3, "33.3"), (2, 3, "66.7"), (5, 0, "0"), (1, 16, "6.3"), (0, 9, "0.0"), (9, 9, "100.0")],
)
def test_percentages(part: int, whole: int, percent: str) -> None:
    assert str(percentage(part, whole)) == percent


def test_the_penny_left_over_goes_to_the_part_that_lost_most_the_earlier_among_equals() -> None:
    thirds = [Decimal(1)] * 3
    assert split(Decimal("100.00"), thirds) == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    assert split(Decimal("100.01"), thirds) == [Decimal("33.34"), Decimal("33.34"), Decimal("33.33")]
    # 0.02 of 1.00 at 33.33, 33.33 and 33.34: the last loses most.
    assert split(Decimal("0.01"), [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")])[2] == Decimal("0.01")


@given(amounts, weights)
def test_the_parts_always_make_the_whole(amount: Decimal, shares: list[Decimal]) -> None:
    parts = split(amount, shares)
    assert sum(parts) == amount
    assert all(str(part).partition(".")[2].__len__() == 2 for part in parts)


@given(amounts, weights)
def test_no_part_is_a_penny_or_more_away_from_its_exact_share(amount: Decimal, shares: list[Decimal]) -> None:
    for part, share in zip(split(amount, shares), shares, strict=True):
        assert abs(part - amount * share / sum(shares)) < Decimal("0.0100001")


@given(amounts, weights)
def test_nothing_is_split_to_who_has_no_share(amount: Decimal, shares: list[Decimal]) -> None:
    for part, share in zip(split(amount, shares), shares, strict=True):
        assert share or not part


@pytest.mark.parametrize("shares", [[], [Decimal(0)], [Decimal(2), Decimal(-1)]])
def test_shares_that_make_nothing_are_refused(shares: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="positive"):
        split(Decimal(1), shares)


def test_a_share_with_many_places_never_makes_the_parts_more_than_the_whole() -> None:
    shares = [Decimal("0.1111111111111111111111111111111"), Decimal("0.2222222222222222222222222222222")]
    assert split(Decimal("9999999999.99"), shares) == [Decimal("3333333333.33"), Decimal("6666666666.66")]
