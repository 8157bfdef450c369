from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.rules import contract_year, ends_on
from contracts.invoices.rules import (
    INVOICE_MOVES,
    InvoiceStatus,
    due_on,
    first_of_month,
    invoice_number,
    last_of_month,
    month_price,
    months_in_arrears,
    next_month,
)

prices = st.decimals(min_value=1, max_value=5_000_000, places=2)
starts = st.dates(date(2024, 1, 1), date(2031, 12, 31))


def months(starts_on: date, ended: date) -> list[date]:
    return list(months_in_arrears(starts_on, ended, ended + timedelta(days=1)))


def all_prices(annual: str | Decimal, starts_on: date, ended: date) -> list[Decimal]:
    return [
        month_price(Decimal(annual), starts_on=starts_on, ends_on=ended, month=month)
        for month in months(starts_on, ended)
    ]


@pytest.mark.parametrize(
    ("annual", "month", "price"),
    [
        ("120000.00", date(2027, 4, 1), "10000.00"),
        ("120000.00", date(2028, 3, 1), "10000.00"),
        # £100,000.00 is 12 × £8,333.33 and 4 pence, which fall in the first four months.
        ("100000.00", date(2027, 4, 1), "8333.34"),
        ("100000.00", date(2027, 7, 1), "8333.34"),
        ("100000.00", date(2027, 8, 1), "8333.33"),
        ("100000.00", date(2028, 3, 1), "8333.33"),
        # The second contract year begins with its own odd pennies.
        ("100000.00", date(2028, 4, 1), "8333.34"),
        # Before it begins and after it has ended nothing is owed.
        ("100000.00", date(2027, 3, 1), "0"),
        ("100000.00", date(2029, 4, 1), "0"),
    ],
)
def test_a_whole_month_is_a_twelfth(annual: str, month: date, price: str) -> None:
    found = month_price(Decimal(annual), starts_on=date(2027, 4, 1), ends_on=date(2029, 3, 31), month=month)
    assert found == Decimal(price)


@pytest.mark.parametrize(
    ("starts_on", "ended", "month", "price", "by_hand"),
    [
        (date(2027, 4, 16), date(2028, 4, 15), date(2027, 4, 1), "500.00", "15 of 30 days of £1,000.00"),
        (date(2027, 4, 16), date(2028, 4, 15), date(2028, 4, 1), "500.00", "the other 15 of 30 days"),
        (date(2027, 4, 16), date(2028, 4, 15), date(2028, 2, 1), "1000.00", "a whole month, if of 29 days"),
        (date(2027, 5, 1), date(2027, 11, 10), date(2027, 11, 1), "333.33", "10 of 30 days of £1,000.00"),
        (date(2027, 5, 1), date(2028, 2, 10), date(2028, 2, 1), "344.83", "10 of 29 days of £1,000.00"),
        (date(2027, 5, 1), date(2027, 5, 1), date(2027, 5, 1), "32.26", "1 of 31 days of £1,000.00"),
        (date(2027, 5, 20), date(2027, 5, 24), date(2027, 5, 1), "161.29", "5 of 31 days of £1,000.00"),
        # April 2028 holds 15 days of the first year and 15 of the second, each £500.00.
        (date(2027, 4, 16), date(2029, 4, 15), date(2028, 4, 1), "1000.00", "both halves"),
        (date(2027, 4, 16), None, date(2028, 4, 1), "1000.00", "both halves, no end known"),
    ],
)
def test_part_of_a_month_is_paid_by_its_days(
    starts_on: date, ended: date | None, month: date, price: str, by_hand: str
) -> None:
    found = month_price(Decimal("12000.00"), starts_on=starts_on, ends_on=ended, month=month)
    assert found == Decimal(price), by_hand


def test_a_year_from_a_leap_february_is_paid_whole() -> None:
    # 14 of 28 days in February 2027 and 14 of 29 in 2028 are together less than a month; the year is paid whole.
    paid = all_prices("12000.00", date(2027, 2, 15), date(2028, 2, 14))
    assert (len(paid), sum(paid)) == (13, Decimal("12000.00"))
    paid = all_prices("12000.00", date(2028, 2, 29), date(2029, 2, 28))
    assert sum(paid) == Decimal("12000.00")


@given(prices, starts, st.integers(1, 4))
def test_every_contract_year_is_paid_to_the_penny(annual: Decimal, starts_on: date, years: int) -> None:
    assert sum(all_prices(annual, starts_on, ends_on(starts_on, 12 * years))) == annual * years


@given(prices, starts, st.integers(0, 1500))
def test_whenever_it_ends_the_days_of_it_are_paid_and_no_more(annual: Decimal, starts_on: date, days: int) -> None:
    ended = starts_on + timedelta(days=days)
    paid = sum(all_prices(annual, starts_on, ended))
    begins, ends = contract_year(starts_on, ended)
    before = Decimal(0) if begins == starts_on else annual * (begins.year - starts_on.year)
    part = annual * ((ended - begins).days + 1) / ((ends - begins).days + 1)
    # Months differ in length, so a part of a year differs from its days by less than a tenth of a month.
    assert abs(paid - before - part) <= annual / 120 + Decimal("0.12")
    assert before <= paid <= before + annual


@given(prices, st.integers(2024, 2031), st.integers(1, 12))
def test_the_twelve_are_equal_but_for_the_odd_penny_which_comes_first(annual: Decimal, year: int, month: int) -> None:
    starts_on = date(year, month, 1)
    paid = all_prices(annual, starts_on, ends_on(starts_on, 12))
    assert len(paid) == 12
    assert paid == sorted(paid, reverse=True)
    assert paid[0] - paid[-1] <= Decimal("0.01")


@given(prices, starts, st.integers(0, 800), st.integers(1, 400))
def test_a_contract_that_runs_longer_never_costs_less(annual: Decimal, starts_on: date, days: int, more: int) -> None:
    ended = starts_on + timedelta(days=days)
    assert sum(all_prices(annual, starts_on, ended)) <= sum(
        all_prices(annual, starts_on, ended + timedelta(days=more))
    ) + Decimal("0.01")


@pytest.mark.parametrize(
    ("starts_on", "ended", "today", "over"),
    [
        (date(2027, 4, 1), None, date(2027, 4, 30), []),
        (date(2027, 4, 1), None, date(2027, 5, 1), [date(2027, 4, 1)]),
        (date(2027, 4, 20), None, date(2027, 6, 1), [date(2027, 4, 1), date(2027, 5, 1)]),
        (date(2027, 4, 1), date(2027, 5, 10), date(2027, 5, 10), [date(2027, 4, 1)]),
        (date(2027, 4, 1), date(2027, 5, 10), date(2027, 5, 11), [date(2027, 4, 1), date(2027, 5, 1)]),
        (date(2027, 4, 1), date(2027, 5, 10), date(2030, 1, 1), [date(2027, 4, 1), date(2027, 5, 1)]),
        (date(2027, 12, 1), None, date(2028, 1, 1), [date(2027, 12, 1)]),
        (date(2027, 4, 1), None, date(2026, 1, 1), []),
    ],
)
def test_a_month_is_invoiced_when_it_is_over(
    starts_on: date, ended: date | None, today: date, over: list[date]
) -> None:
    assert list(months_in_arrears(starts_on, ended, today)) == over


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_months_begin_and_end(day: date) -> None:
    month = first_of_month(day)
    assert (month.day, month.month) == (1, day.month)
    assert next_month(day) == last_of_month(day) + timedelta(days=1)
    assert last_of_month(day).month == day.month


def test_the_number_follows_from_what_is_invoiced() -> None:
    assert invoice_number("C-2026-0001", date(2027, 4, 1), 2) == "C-2026-0001-202704-2"


def test_thirty_days_to_pay() -> None:
    assert due_on(date(2027, 2, 1)) == date(2027, 3, 3)


def test_void_is_final_paid_unless_a_bank_takes_it_back_and_every_status_can_be_reached() -> None:
    assert set(INVOICE_MOVES) == set(InvoiceStatus)
    assert not INVOICE_MOVES[InvoiceStatus.VOID]
    assert INVOICE_MOVES[InvoiceStatus.PAID] == {InvoiceStatus.TAKEN_BACK}
    assert {InvoiceStatus.AWAITING_APPROVAL}.union(*INVOICE_MOVES.values()) == set(InvoiceStatus)
    assert all(status.label for status in InvoiceStatus)


def test_every_status_is_said_in_words() -> None:
    assert InvoiceStatus.AWAITING_APPROVAL.label == "Awaiting approval"
    assert all("_" not in one.label for one in InvoiceStatus)
