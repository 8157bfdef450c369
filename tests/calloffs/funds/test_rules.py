"""How a fund stands, and what a share takes from it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.funds.rules import STAGE_MOVES, Stage, part_of, purposes_of, standing

AMOUNTS = st.decimals(min_value=0, max_value=10_000_000, places=2)


def test_what_is_released_is_free_again() -> None:
    found = standing(
        Decimal(1000),
        [(Stage.HELD, Decimal(300)), (Stage.AGREED, Decimal(250)), (Stage.RELEASED, Decimal(400))],
    )
    assert (found.held, found.agreed, found.left) == (Decimal(300), Decimal(250), Decimal(450))
    assert found.share(found.agreed) == Decimal("25.0")


@given(AMOUNTS, st.lists(st.tuples(st.sampled_from(Stage), AMOUNTS)))
def test_what_is_set_aside_and_left_make_the_fund(amount: Decimal, commitments: list[tuple[Stage, Decimal]]) -> None:
    found = standing(amount, commitments)
    assert found.held + found.agreed + found.left == amount


@pytest.mark.parametrize(
    ("value", "percent", "part"),
    [("1080000.00", "60.00", "648000.00"), ("100.01", "33.33", "33.33"), ("0.01", "50.00", "0.01")],
)
def test_a_share_takes_its_percent_half_up(value: str, percent: str, part: str) -> None:
    assert part_of(Decimal(value), Decimal(percent)) == Decimal(part)


def test_purposes_are_one_a_line() -> None:
    assert purposes_of(" Homes \n\n Work\n") == ["Homes", "Work"]


def test_what_is_released_stays_released() -> None:
    assert STAGE_MOVES[Stage.RELEASED] == frozenset()
    assert set(STAGE_MOVES) == set(Stage)
