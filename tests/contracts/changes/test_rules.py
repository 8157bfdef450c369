from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.rules import Side, price_of
from contracts.changes.rules import (
    AFTER,
    OPEN,
    TURN,
    VARIATION_MOVES,
    Payer,
    Span,
    VariationStatus,
    costs,
    priced,
    varied,
)

START, END = date(2026, 10, 1), date(2029, 9, 30)
A, B, C = Payer(1, "A"), Payer(2, "B"), Payer(3, "C")
HALVES = ((A, Decimal(50)), (B, Decimal(50)))
WHOLE = [Span(START, END, (Decimal(120_000),), HALVES)]


def test_every_status_has_its_moves_and_signing_follows_them() -> None:
    assert set(VARIATION_MOVES) == set(VariationStatus)
    assert set(VariationStatus) - {VariationStatus.AGREED, VariationStatus.WITHDRAWN} == OPEN
    assert set(TURN.values()) == set(AFTER) == set(Side)
    assert all(AFTER[side] in VARIATION_MOVES[status] for status, side in TURN.items())


def test_a_price_doubled_after_three_months_worked_by_hand() -> None:
    """Twelve payments of £10,000: three at that and nine of £20,000 in the first year, then two years of £240,000."""
    after = varied(WHOLE, Span(date(2027, 1, 1), END, (Decimal(240_000),), HALVES))
    (a, b) = priced(WHOLE, after, starts_on=START, year=(START, date(2027, 9, 30)))
    assert (a.year_before, a.year_after) == (Decimal("60000.00"), Decimal("105000.00"))
    assert (a.life_before, a.life_after) == (Decimal("180000.00"), Decimal("345000.00"))
    assert (b.year_before, b.year_after, b.life_before, b.life_after) == (
        a.year_before,
        a.year_after,
        a.life_before,
        a.life_after,
    )


def test_within_a_month_the_days_count() -> None:
    """From 16 January: 15 of 31 days of £10,000 are £4,838.71, 16 of 31 days of £20,000 are £10,322.58."""
    after = varied(WHOLE, Span(date(2027, 1, 16), END, (Decimal(240_000),), ((A, Decimal(100)),)))
    january = costs(after, starts_on=START, first=date(2027, 1, 1), last=date(2027, 1, 31))
    assert january[A] + january[B] == Decimal("15161.29")
    assert january[B] in (Decimal("2419.35"), Decimal("2419.36"))


def test_a_funder_who_leaves_and_one_who_joins_are_both_priced() -> None:
    after = varied(WHOLE, Span(date(2027, 10, 1), END, (Decimal(120_000),), ((A, Decimal(50)), (C, Decimal(50)))))
    found = {
        one.payer.name: one
        for one in priced(WHOLE, after, starts_on=START, year=(date(2027, 10, 1), date(2028, 9, 30)))
    }
    assert (found["B"].life_before, found["B"].life_after) == (Decimal(180_000), Decimal(60_000))
    assert (found["C"].life_before, found["C"].life_after) == (Decimal(0), Decimal(120_000))
    assert (found["B"].year_after, found["C"].year_after) == (Decimal(0), Decimal(60_000))


@given(
    st.dates(START, END),
    st.decimals(1, 10**7, places=2),
    st.decimals(1, 10**7, places=2),
    st.integers(1, 99),
)
def test_shares_sum_to_what_the_days_cost_and_an_unchanged_price_costs_no_penny(
    day: date, old: Decimal, new: Decimal, part: int
) -> None:
    shares = ((A, Decimal(part)), (B, Decimal(100 - part)))
    before = [Span(START, END, (old,), shares)]
    same = costs(varied(before, Span(day, END, (old,), shares)), starts_on=START, first=START, last=END)
    assert sum(same.values()) == 3 * old
    other = costs(varied(before, Span(day, END, (new,), shares)), starts_on=START, first=START, last=END)
    until = price_of(old, starts_on=START, first=START, last=day - timedelta(days=1)) if day > START else Decimal(0)
    assert sum(other.values()) == until + price_of(new, starts_on=START, first=day, last=END)
