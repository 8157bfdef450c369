from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import Band
from contracts.volumes import rules
from tests.contracts.volumes.year import (
    BANDS,
    CAP,
    FIRST,
    LAST,
    YEAR,
    plan,
    position,
    volumes,
)


def paid_and_used(found: rules.Position) -> rules.PaidAgainstUsed:
    both = rules.paid_against_used(found)
    assert both is not None
    return both


def test_paid_against_used_is_measured_at_the_planned_unit_price() -> None:
    # £80,000 for 100: £800 a person. Six twelfths of £6,666.67 are over, 30 people came.
    found = paid_and_used(position(30, date(2026, 9, 30)))
    assert found == rules.PaidAgainstUsed(Decimal("40000.02"), Decimal("24000.00"), Decimal("800.00"))
    assert found.difference == Decimal("16000.02")
    assert paid_and_used(position(70, date(2026, 9, 30))).difference == Decimal("-15999.98")
    assert paid_and_used(position(10, date(2026, 9, 30), CAP, planned=1)).used == Decimal("7500.00")
    assert rules.paid_against_used(position(10, date(2026, 9, 30), [])) is None
    # £1,000 for three: two cost £666.67, and not twice £333.33.
    assert paid_and_used(position(2, date(2026, 9, 30), [Band(1, 0, 3, Decimal(1000))], planned=1)).used == Decimal(
        "666.67"
    )


@pytest.mark.parametrize(
    ("on", "paid"),
    [
        (date(2026, 3, 1), "0.00"),
        (date(2026, 4, 29), "0.00"),
        # £80,000 / 12 = £6,666.66 and 8 pennies over, which go to the first months.
        (date(2026, 4, 30), "6666.67"),
        (date(2026, 5, 30), "6666.67"),
        (date(2026, 5, 31), "13333.34"),
        (date(2027, 3, 30), "73333.34"),
        (date(2027, 3, 31), "80000.00"),
    ],
)
def test_paid_to_date_are_the_twelfths_of_months_that_are_over(on: date, paid: str) -> None:
    assert rules.paid_to_date(position(0, on)) == Decimal(paid)


def test_paid_to_date_follows_a_variation_and_an_early_end() -> None:
    changed = plan((FIRST, 100), (date(2026, 10, 1), 200))
    found = rules.assess(1, BANDS, 2, year=YEAR, on=date(2026, 12, 31), counted=0, plan=changed)
    # Six of £6,666.67 and, of £160,000, three of £13,333.33: its four odd pennies fell in the year's first months.
    assert rules.paid_to_date(found) == Decimal("80000.01")
    ends = rules.profile(FIRST, LAST, ends_on=date(2026, 9, 15))
    # Five twelfths and 15 of 30 days of September.
    assert rules.paid_to_date(position(0, date(2026, 9, 15), year=ends)) == Decimal("36666.69")
    assert rules.paid_to_date(position(0, date(2026, 9, 14), year=ends)) == Decimal("33333.35")


@pytest.mark.parametrize(
    ("counted", "people", "amount"),
    # By 30 September 251 / 126 of what came: 22.6 gives 45; 30 gives 60. £1,000 for each of the lowest band's 60.
    [(0, 60, "60000.00"), (23, 14, "14000.00"), (29, 2, "2000.00"), (30, 0, "0.00"), (90, 0, "0.00")],
)
def test_what_of_the_guaranteed_minimum_is_paid_for_nobody(counted: int, people: int, amount: str) -> None:
    assert rules.at_stake(position(counted, date(2026, 9, 30))) == rules.AtStake(people, Decimal(amount))


def test_under_a_cap_alone_there_is_no_minimum_at_stake() -> None:
    assert rules.at_stake(position(3, date(2026, 9, 30), CAP, planned=1)) is None
    assert rules.at_stake(position(3, date(2026, 3, 1))) is None


@pytest.mark.parametrize(
    ("counted", "reaches", "meets", "room", "change"),
    [
        (30, None, False, 109, "0.00"),
        # The lowest band is paid for anyway.
        (59, 1, False, 80, "0.00"),
        (80, 2, False, 59, "20000.00"),
        (81, None, False, 58, "0.00"),
        (120, 4, False, 19, "15000.00"),
        (139, None, True, 0, "0.00"),
    ],
)
def test_what_one_more_referral_does(counted: int, reaches: int | None, meets: bool, room: int, change: str) -> None:
    found = rules.one_more(position(counted, date(2026, 9, 30)))
    assert found is not None
    assert (found.reaches_band, found.meets_cap, found.room_after) == (reaches, meets, room)
    assert found.change == Decimal(change)


def test_a_year_cut_short_is_read_by_the_rule_by_which_it_is_paid() -> None:
    ends = rules.profile(FIRST, LAST, ends_on=date(2026, 9, 30))
    # 183 days of 365: 50 x 365 / 183 = 99.7, one more 101.7; 40 are 79.8 and 41 are 81.8; 30 are 59.8.
    found = position(50, date(2026, 8, 31), year=ends)
    assert (found.is_part, found.compared, found.band, found.room) == (True, 100, 2, 90)
    assert found.next_edge is not None
    assert (found.next_edge.band, found.next_edge.volume) == (3, 51)
    assert list(found.begins_at) == [30, 41, 51, 61]
    # Six of £6,666.67 and of £7,916.67.
    assert rules.one_more(found) == rules.OneMore(3, False, 89, Decimal("40000.02"), Decimal("47500.02"))
    nobody = position(0, date(2026, 8, 31), year=ends)
    assert nobody.band is None
    assert rules.at_stake(nobody) == rules.AtStake(30, Decimal("30000.00"))


@given(volume=volumes, days=st.integers(1, 365))
def test_what_reaches_a_volume_of_a_whole_year_is_the_fewest_that_do(volume: int, days: int) -> None:
    year = (FIRST, FIRST + timedelta(days=days - 1), LAST)
    fewest = rules.scaled_down(volume, *year)
    assert rules.scaled_up(fewest, *year) >= volume
    assert not fewest or rules.scaled_up(fewest - 1, *year) < volume


def test_a_full_service_takes_no_more() -> None:
    assert rules.one_more(position(140, date(2026, 9, 30))) is None
    assert rules.one_more(position(1, date(2026, 9, 30), [])) is None
