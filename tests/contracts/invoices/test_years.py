"""Contract years worked by hand, and what holds for every year."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import Band
from contracts.agreements.rules import contract_year, ends_on
from contracts.invoices.rules import (
    Span,
    YearDue,
    bands_of_year,
    last_of_month,
    month_charges,
    months_in_arrears,
    price_of,
    year_due,
    years_over,
)

# The contract of the tables below: from 1 April 2027, two years. Its first year has 366 days (29 February 2028).
STARTS, ENDS = date(2027, 4, 1), date(2029, 3, 31)
YEAR = (date(2027, 4, 1), date(2028, 3, 31))


def bands(*rows: tuple[int, int, str]) -> tuple[Band, ...]:
    return tuple(Band(number, low, high, Decimal(price)) for number, (low, high, price) in enumerate(rows, start=1))


# A twelfth: £6,666.67 eight times and £6,666.66 four times; £8,333.34 four times and £8,333.33 eight times; £9,500.00;
# £10,500.00. The planned band is the second.
FOUR = bands((60, 80, "80000.00"), (81, 100, "100000.00"), (101, 120, "114000.00"), (121, 140, "126000.00"))
# Another three, from a variation: twelfths of £10,000.00, £12,000.00 and £13,800.00, the second planned.
THREE = bands((90, 120, "120000.00"), (121, 150, "144000.00"), (151, 180, "165600.00"))
CAP = bands((0, 120, "96000.00"))


def year_of(*spans: Span, counted: int, ended: date = ENDS, year: tuple[date, date] = YEAR) -> YearDue:
    return year_due(spans, starts_on=STARTS, ends_on=ended, year=year, counted=counted)


def varied(
    before: tuple[Band, ...],
    planned_before: int,
    after: tuple[Band, ...],
    planned_after: int,
    *,
    changed: date = date(2027, 10, 1),
) -> tuple[Span, Span]:
    """The contract with other bands from a day on."""
    return Span(STARTS, changed - timedelta(days=1), before, planned_before), Span(changed, ENDS, after, planned_after)


@pytest.mark.parametrize(
    ("counted", "band", "due", "difference", "by_hand"),
    [
        (0, 1, "80000.00", "-20000.00", "nobody came: the guaranteed minimum all the same"),
        (59, 1, "80000.00", "-20000.00", "below every band: the guaranteed minimum"),
        (60, 1, "80000.00", "-20000.00", "the first band's low end"),
        (80, 1, "80000.00", "-20000.00", "the first band's high end"),
        (81, 2, "100000.00", "0.00", "the planned band's low end"),
        (100, 2, "100000.00", "0.00", "the planned band's high end"),
        (101, 3, "114000.00", "14000.00", "the third band: £114,000 less the £100,000 paid"),
        (120, 3, "114000.00", "14000.00", "its high end"),
        (121, 4, "126000.00", "26000.00", "the top band"),
        (140, 4, "126000.00", "26000.00", "exactly at the cap"),
        (141, 4, "126000.00", "26000.00", "over the top band: no more than the top band"),
        (900, 4, "126000.00", "26000.00", "far over it"),
    ],
)
def test_a_whole_year_by_hand(counted: int, band: int, due: str, difference: str, by_hand: str) -> None:
    found = year_of(Span(STARTS, ENDS, FOUR, 2), counted=counted)
    assert found.charged == Decimal("100000.00")
    assert (found.due, found.difference) == (Decimal(due), Decimal(difference)), by_hand
    assert [span.band for span in found.spans] == [band]
    assert (found.compared, found.is_part) == (counted, False)


@pytest.mark.parametrize("counted", [0, 1, 119, 120, 121])
def test_under_a_cap_alone_nothing_is_reconciled(counted: int) -> None:
    found = year_of(Span(STARTS, ENDS, CAP, 1), counted=counted)
    assert (found.charged, found.due, found.difference) == (Decimal("96000.00"), Decimal("96000.00"), Decimal(0))


@pytest.mark.parametrize(
    ("ended", "counted", "compared", "charged", "due", "difference", "by_hand"),
    [
        # 183 of 366 days. Charged: 4 × £8,333.34 + 2 × £8,333.33 = £50,000.02.
        ("2027-09-30", 55, 110, "50000.02", "57000.00", "6999.98", "55 × 366/183 = 110: band 3, 6 × £9,500.00"),
        ("2027-09-30", 45, 90, "50000.02", "50000.02", "0.00", "90: band 2, as planned"),
        ("2027-09-30", 25, 50, "50000.02", "40000.02", "-10000.00", "50: the minimum, 6 × £6,666.67"),
        ("2027-09-30", 75, 150, "50000.02", "63000.00", "12999.98", "150: over the top, 6 × £10,500.00"),
        # 168 days. Charged: 4 × £8,333.34 + £8,333.33 + 15/30 of £8,333.33 (£4,166.665, so £4,166.67) = £45,833.36.
        ("2027-09-15", 37, 81, "45833.36", "45833.36", "0.00", "37 × 366/168 = 80.6: 81, just band 2"),
        ("2027-09-15", 46, 100, "45833.36", "45833.36", "0.00", "46 × 366/168 = 100.2: 100, band 2"),
        ("2027-09-15", 47, 102, "45833.36", "52250.00", "6416.64", "102.4: 102, band 3: 5.5 × £9,500.00"),
        # One day: £8,333.34/30 = £277.778; £10,500.00/30 = £350.00.
        ("2027-04-01", 1, 366, "277.78", "350.00", "72.22", "1 a day is 366 a year"),
    ],
)
def test_a_year_cut_short_by_hand(
    ended: str, counted: int, compared: int, charged: str, due: str, difference: str, by_hand: str
) -> None:
    last = date.fromisoformat(ended)
    found = year_of(Span(STARTS, last, FOUR, 2), counted=counted, ended=last)
    assert (found.compared, found.is_part, found.last) == (compared, True, last)
    assert (found.charged, found.due) == (Decimal(charged), Decimal(due)), by_hand
    assert found.difference == Decimal(difference), by_hand


@pytest.mark.parametrize(
    ("counted", "reached", "due", "difference", "by_hand"),
    [
        # Half a year (183 days of 366) from 60, 81, 101 and 121, half from 120, 161, 201 and 241: the year's bands
        # begin at 90, 121, 151 and 181. Charged: £50,000.02 (4 × £8,333.34 + 2 × £8,333.33), and £99,999.98 of £200,000
        # (2 × £16,666.67 + 4 × £16,666.66), which are £150,000.00 together.
        (135, 2, "150000.00", "0.00", "45 and 90 came, as planned: paid as planned"),
        (121, 2, "150000.00", "0.00", "the second band's low end"),
        (150, 2, "150000.00", "0.00", "its high end"),
        (120, 1, "120000.00", "-30000.00", "the minimum: 6 × £6,666.67 and 6 × £13,333.33, £40,000.02 and £79,999.98"),
        (0, 1, "120000.00", "-30000.00", "nobody came: no less"),
        (151, 3, "171000.00", "21000.00", "6 × £9,500.00 and 6 × £19,000.00"),
        (180, 3, "171000.00", "21000.00", "its high end"),
        (181, 4, "189000.00", "39000.00", "6 × £10,500.00 and 6 × £21,000.00"),
    ],
)
def test_bands_that_double_within_the_year_by_hand(
    counted: int, reached: int, due: str, difference: str, by_hand: str
) -> None:
    doubled = bands((120, 160, "160000.00"), (161, 200, "200000.00"), (201, 240, "228000.00"), (241, 280, "252000.00"))
    found = year_of(*varied(FOUR, 2, doubled, 2), counted=counted)
    assert found.charged == Decimal("150000.00")
    assert [span.band for span in found.spans] == [reached, reached], by_hand
    assert (found.due, found.difference) == (Decimal(due), Decimal(difference)), by_hand


@pytest.mark.parametrize(
    ("counted", "bands_reached", "dues", "difference", "by_hand"),
    [
        # Six months by four bands, of which 100 are planned, charged £50,000.02; six by three, of which 150 are,
        # charged 6 × £12,000.00 = £72,000.00. The plan is 125. The four begin at 125 ÷ 100 of 60, 81, 101 and 121: 75,
        # 101.25, 126.25 and 151.25; the three at 125 ÷ 150 of 90, 121 and 151: 75, 100.83 and 125.83.
        (125, [2, 2], ["50000.02", "72000.00"], "0.00", "as planned: paid as planned"),
        (102, [2, 2], ["50000.02", "72000.00"], "0.00", "both planned bands' low end"),
        (101, [1, 2], ["40000.02", "72000.00"], "-10000.00", "below 101.25 and above 100.83: 6 × £6,666.67"),
        (100, [1, 1], ["40000.02", "60000.00"], "-22000.00", "both minimums: 6 × £6,666.67 and 6 × £10,000.00"),
        (10, [1, 1], ["40000.02", "60000.00"], "-22000.00", "hardly anybody: no less"),
        (126, [2, 3], ["50000.02", "82800.00"], "10800.00", "below 126.25 and above 125.83: 6 × £13,800.00"),
        (130, [3, 3], ["57000.00", "82800.00"], "17799.98", "6 × £9,500.00 and 6 × £13,800.00"),
        (152, [4, 3], ["63000.00", "82800.00"], "23799.98", "6 × £10,500.00; there is no fourth"),
        (900, [4, 3], ["63000.00", "82800.00"], "23799.98", "far over both"),
    ],
)
def test_other_bands_within_the_year_by_hand(
    counted: int, bands_reached: list[int], dues: list[str], difference: str, by_hand: str
) -> None:
    found = year_of(*varied(FOUR, 2, THREE, 2), counted=counted)
    assert [span.charged for span in found.spans] == [Decimal("50000.02"), Decimal("72000.00")]
    assert [span.band for span in found.spans] == bands_reached, by_hand
    assert [span.due for span in found.spans] == [Decimal(due) for due in dues], by_hand
    assert found.difference == Decimal(difference), by_hand


@pytest.mark.parametrize(
    ("counted", "band", "due", "difference", "by_hand"),
    [
        # Six months by a cap of 120 alone, £48,000.00 however many come; six by the four bands, charged 6 × £8,333.33.
        # The year's plan is 110 (the cap and 100): the four begin at 1.1 × 60, 81, 101 and 121: 66, 89.1, 111.1, 133.1.
        (110, 2, "97999.98", "0.00", "as planned"),
        (90, 2, "97999.98", "0.00", "the planned band's low end"),
        (89, 1, "87999.98", "-10000.00", "2 × £6,666.67 + 4 × £6,666.66 = £39,999.98"),
        (112, 3, "105000.00", "7000.02", "6 × £9,500.00"),
        (134, 4, "111000.00", "13000.02", "6 × £10,500.00"),
    ],
)
def test_a_cap_alone_and_then_bands_by_hand(counted: int, band: int, due: str, difference: str, by_hand: str) -> None:
    found = year_of(*varied(CAP, 1, FOUR, 2), counted=counted)
    assert [span.band for span in found.spans] == [1, band], by_hand
    assert (found.due, found.difference) == (Decimal(due), Decimal(difference)), by_hand


def test_a_span_counts_by_its_days() -> None:
    # 91 of 366 days from 60, 81, 101, 121 and 275 from 120, 161, 201, 241: 81 and 161 make 51,646 ÷ 366 = 141.1.
    doubled = bands((120, 160, "160000.00"), (161, 200, "200000.00"), (201, 240, "228000.00"), (241, 280, "252000.00"))
    spans = varied(FOUR, 2, doubled, 2, changed=date(2027, 7, 1))
    assert bands_of_year([spans[0], replace(spans[1], last=YEAR[1])]) == [[106, 142, 177, 212]] * 2
    found = year_of(*spans, counted=142)
    assert [(span.band, span.low, span.high) for span in found.spans] == [(2, 142, 176)] * 2
    assert [(span.low, span.high) for span in year_of(*spans, counted=0).spans] == [(0, 141)] * 2
    assert [(span.low, span.high) for span in year_of(*spans, counted=500).spans] == [(212, None)] * 2


def test_a_variation_within_a_month_by_hand() -> None:
    # October 2027 from the 16th: 15 of 31 days of £8,333.33 are £4,032.256; £12,000.00 less its 15 days, £5,806.451.
    spans = [Span(STARTS, date(2027, 10, 15), FOUR, 2), Span(date(2027, 10, 16), ENDS, THREE, 2)]
    october = month_charges(spans, starts_on=STARTS, month=date(2027, 10, 1))
    assert [(one.first.day, one.last.day, one.amount) for one in october] == [
        (1, 15, Decimal("4032.26")),
        (16, 31, Decimal("6193.55")),
    ]
    assert [len(month_charges(spans, starts_on=STARTS, month=date(2027, month, 1))) for month in (3, 9, 11)] == [
        0,
        1,
        1,
    ]


def test_the_second_year_is_reckoned_by_itself() -> None:
    second = (date(2028, 4, 1), date(2029, 3, 31))
    found = year_of(Span(STARTS, ENDS, FOUR, 2), counted=101, year=second)
    assert (found.first, found.whole_days, found.difference) == (second[0], 365, Decimal("14000.00"))


@pytest.mark.parametrize(
    ("today", "ended", "over"),
    [
        ("2028-03-31", ENDS, []),
        ("2028-04-01", ENDS, [YEAR]),
        ("2027-10-01", date(2027, 9, 30), [(STARTS, date(2027, 9, 30))]),
        ("2027-09-30", date(2027, 9, 30), []),
        ("2035-01-01", ENDS, [YEAR, (date(2028, 4, 1), ENDS)]),
        ("2028-04-01", None, [YEAR]),
    ],
)
def test_a_year_is_reconciled_when_it_is_over(today: str, ended: date | None, over: list[tuple[date, date]]) -> None:
    assert list(years_over(STARTS, ended, date.fromisoformat(today))) == over


# What holds for every year

prices = st.decimals(min_value=1, max_value=5_000_000, places=2)
starts = st.dates(date(2024, 1, 1), date(2031, 12, 31))


@st.composite
def sets_of_bands(draw: st.DrawFn) -> tuple[tuple[Band, ...], int]:
    """One to four bands, each worth no less than the one below it, and the planned one's number."""
    count = draw(st.integers(1, 4))
    edges = sorted(draw(st.lists(st.integers(0, 400), min_size=count + 1, max_size=count + 1, unique=True)))
    values = sorted(draw(st.lists(prices, min_size=count, max_size=count)))
    found = bands(*((low, high - 1, str(price)) for low, high, price in zip(edges, edges[1:], values, strict=False)))
    return found, draw(st.integers(1, count))


@st.composite
def years(draw: st.DrawFn) -> tuple[date, date, list[Span]]:
    """A contract of at most a year, cut short anywhere, in up to three versions."""
    starts_on = draw(starts)
    days = (contract_year(starts_on, starts_on)[1] - starts_on).days
    ended = starts_on + timedelta(days=draw(st.integers(0, days)))
    length = (ended - starts_on).days
    cuts = sorted(draw(st.sets(st.integers(1, max(length, 1)), max_size=2))) if length else []
    firsts = [starts_on, *(starts_on + timedelta(days=cut) for cut in cuts)]
    lasts = [*(first - timedelta(days=1) for first in firsts[1:]), ended]
    return (
        starts_on,
        ended,
        [Span(first, last, *draw(sets_of_bands())) for first, last in zip(firsts, lasts, strict=True)],
    )


@given(years(), st.integers(0, 600))
def test_the_twelve_payments_and_the_reconciliation_are_the_years_price_and_never_below_the_minimum(
    made: tuple[date, date, list[Span]], counted: int
) -> None:
    starts_on, ended, spans = made
    year = contract_year(starts_on, starts_on)
    found = year_due(spans, starts_on=starts_on, ends_on=ended, year=year, counted=counted)
    paid = sum(
        charge.amount
        for month in months_in_arrears(starts_on, ended, ended + timedelta(days=1))
        for charge in month_charges(spans, starts_on=starts_on, month=month)
    )
    assert paid + found.difference == found.due
    least = sum(
        price_of(span.bands[0].annual_value, starts_on=starts_on, first=span.first, last=span.last) for span in spans
    )
    assert found.due >= least
    if (ended, len(spans)) == (year[1], 1):
        assert found.due in {band.annual_value for band in spans[0].bands}


@given(years(), st.integers(0, 600), st.integers(0, 100))
def test_more_referrals_never_cost_less(made: tuple[date, date, list[Span]], counted: int, more: int) -> None:
    starts_on, ended, spans = made
    year = contract_year(starts_on, starts_on)
    few, many = (
        year_due(spans, starts_on=starts_on, ends_on=ended, year=year, counted=count).due
        for count in (counted, counted + more)
    )
    assert few <= many


@given(years(), st.integers(0, 600))
def test_days_with_as_many_bands_are_paid_by_the_same_band_and_what_was_planned_by_no_higher_one(
    made: tuple[date, date, list[Span]], counted: int
) -> None:
    starts_on, ended, spans = made
    year = contract_year(starts_on, starts_on)
    same = len({len(span.bands) for span in spans}) == 1
    found = year_due(spans, starts_on=starts_on, ends_on=ended, year=year, counted=counted)
    assert len({span.band for span in found.spans}) == 1 or not same
    for span in found.spans:
        assert span.low <= found.compared or span.band == 1
        assert span.high is None or found.compared <= span.high
    planned = sum(span.planned_volume * span.days for span in spans) // sum(span.days for span in spans)
    for span, lows in zip(spans, bands_of_year(spans), strict=True):
        assert same or all(low > planned for low in lows[span.planned_band :]) or not span.planned_volume


@given(prices, starts, st.lists(st.integers(0, 1500), min_size=2, max_size=5, unique=True))
def test_wherever_a_period_is_cut_its_parts_sum_to_it(annual: Decimal, starts_on: date, cuts: list[int]) -> None:
    days = [starts_on + timedelta(days=cut) for cut in sorted(cuts)]
    whole = price_of(annual, starts_on=starts_on, first=days[0], last=days[-1] - timedelta(days=1))
    parts = [
        price_of(annual, starts_on=starts_on, first=first, last=following - timedelta(days=1))
        for first, following in itertools.pairwise(days)
    ]
    assert sum(parts) == whole
    assert all(part >= 0 for part in parts)


@given(sets_of_bands(), starts, st.integers(1, 364), st.integers(0, 600))
def test_a_variation_that_changes_nothing_costs_nothing(
    kept: tuple[tuple[Band, ...], int], starts_on: date, cut: int, counted: int
) -> None:
    last = ends_on(starts_on, 12)
    changed = starts_on + timedelta(days=cut)
    one = [Span(starts_on, last, *kept)]
    two = [Span(starts_on, changed - timedelta(days=1), *kept), Span(changed, last, *kept)]
    for month in months_in_arrears(starts_on, last, last + timedelta(days=1)):
        assert last_of_month(month) >= starts_on
        whole, parts = (sum(c.amount for c in month_charges(s, starts_on=starts_on, month=month)) for s in (one, two))
        assert whole == parts
    whole_year, in_parts = (
        year_due(s, starts_on=starts_on, ends_on=last, year=(starts_on, last), counted=counted) for s in (one, two)
    )
    assert (whole_year.due, whole_year.charged) == (in_parts.due, in_parts.charged)
