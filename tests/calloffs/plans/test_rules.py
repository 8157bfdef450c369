from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import PLANNED_BAND, Band, edge_faults, faults, planned_band, proposed_bands


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


def test_economies_of_scale_worked_by_hand() -> None:
    # 30 of 100 stay the same. Band 1's middle is 70% against the planned band's 90%: 0.30 + 0.70 × 70/90 = 0.8444…
    found = proposed_bands(100, Decimal(100_000), fixed_percent=Decimal(30))
    assert [band.annual_value for band in found] == [
        Decimal("84444.44"),
        Decimal("100000.00"),
        Decimal("115555.56"),
        Decimal("131111.11"),
    ]
    assert [band.cost_of_one for band in found] == [
        Decimal("1055.56"),
        Decimal("1000.00"),
        Decimal("962.96"),
        Decimal("936.51"),
    ]


@given(
    st.integers(50, 100_000),
    st.decimals(10_000, 10_000_000, places=2),
    st.decimals(1, 100, places=2),
    st.tuples(st.integers(10, 60), st.integers(61, 99), st.just(100), st.integers(101, 150), st.integers(151, 300)),
)
def test_whatever_the_widths_a_higher_band_costs_more_in_all_and_no_more_a_referral(
    volume: int, budget: Decimal, fixed: Decimal, edges: tuple[int, ...]
) -> None:
    assert edge_faults(edges) == []
    bands = proposed_bands(volume, budget, edges=edges, fixed_percent=fixed)
    planned = bands[planned_band(edges) - 1]
    assert planned.annual_value == budget
    assert planned.high == volume
    middles = [low + high for low, high in pairwise(edges)]
    for (before, after), (lower, higher) in zip(pairwise(bands), pairwise(middles), strict=True):
        assert after.annual_value >= before.annual_value
        # Up to the penny that each is rounded by.
        assert (after.annual_value - 1) / higher <= (before.annual_value + 1) / lower


def test_edges_that_cannot_be() -> None:
    assert edge_faults((60, 80, 100, 120)) == ["Enter where each of the four bands begins and ends"]
    assert edge_faults((60, 80, 80, 120, 140)) == ["Each band must end above where it begins"]
    assert edge_faults((100, 110, 120, 130, 140)) == ["One band must hold the projection itself: 100%"]
    assert edge_faults((20, 40, 60, 80, 99)) == ["One band must hold the projection itself: 100%"]
    assert planned_band((20, 40, 60, 80, 100)) == 4
