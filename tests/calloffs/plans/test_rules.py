from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import PLANNED_BAND, Band, faults, proposed_bands


def test_the_default_bands_of_a_hundred_referrals_for_a_hundred_thousand_pounds() -> None:
    assert proposed_bands(100, Decimal(100_000)) == [
        Band(1, 60, 80, Decimal("77777.78")),
        Band(2, 81, 100, Decimal("100000.00")),
        Band(3, 101, 120, Decimal("122222.22")),
        Band(4, 121, 140, Decimal("144444.44")),
    ]


@given(st.integers(10, 1_000_000), st.decimals(1000, 10_000_000, places=2))
def test_proposed_bands_leave_no_gap_and_the_planned_band_holds_the_projection(volume: int, budget: Decimal) -> None:
    bands = proposed_bands(volume, budget)
    assert faults(bands) == []
    assert all(after.low == before.high + 1 for before, after in pairwise(bands))
    planned = bands[PLANNED_BAND - 1]
    assert planned.low <= volume == planned.high
    assert planned.annual_value == budget


def test_faults_name_the_band_and_what_is_wrong() -> None:
    bands = [
        Band(1, 60, 80, Decimal(100)),
        Band(2, 90, 85, Decimal(90)),
        Band(3, 86, 100, Decimal(0)),
    ]
    assert faults(bands) == [
        "Band 2 must end at or above where it begins",
        "Band 3 must have a value above £0",
        "Band 2 must begin at 81, one above where band 1 ends",
        "Band 2 must not be worth less than band 1",
        "Band 3 must not be worth less than band 2",
    ]
