from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ledger.rules import (
    Account,
    Age,
    Line,
    PostingKind,
    age_of,
    base_rate_day,
    charged,
    credited,
    days_late,
    laid_out,
    late_interest,
    paid,
    refunded,
    returned,
)
from marketplace.money import pounds

DUE = date(2027, 3, 3)
amounts = st.decimals(min_value=0, max_value=5_000_000, places=2)


def test_what_an_invoice_and_its_payment_put_on_each_account() -> None:
    net, vat = Decimal("1000.00"), Decimal("200.00")
    assert charged(net, vat) == [
        Line(Account.OWED, Decimal("1200.00")),
        Line(Account.SERVICES, Decimal("-1000.00")),
        Line(Account.VAT, Decimal("-200.00")),
    ]
    assert paid(Decimal("1200.00")) == [
        Line(Account.PAID, Decimal("1200.00")),
        Line(Account.OWED, Decimal("-1200.00")),
    ]
    assert [line.account for line in charged(net, Decimal(0))] == [Account.OWED, Account.SERVICES]
    assert all(kind.label for kind in [*PostingKind, *Account])


@given(amounts, amounts)
def test_every_posting_balances_and_what_undoes_it_leaves_nothing(net: Decimal, vat: Decimal) -> None:
    for done, undone in (
        (charged(net, vat), credited(net, vat)),
        (paid(net), refunded(net)),
        (laid_out(net), returned(net)),
    ):
        assert sum(line.amount for line in done) == sum(line.amount for line in undone) == 0
        assert {line.account: line.amount for line in done} == {line.account: -line.amount for line in undone}


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-30, Age.NOT_DUE),
        (0, Age.NOT_DUE),
        (1, Age.DAYS_1_TO_30),
        (30, Age.DAYS_1_TO_30),
        (31, Age.DAYS_31_TO_60),
        (60, Age.DAYS_31_TO_60),
        (61, Age.DAYS_61_TO_90),
        (90, Age.DAYS_61_TO_90),
        (91, Age.OVER_90),
        (4000, Age.OVER_90),
    ],
)
def test_how_old_a_debt_is(days: int, age: Age) -> None:
    assert age_of(DUE, DUE + timedelta(days=days)) is age
    assert age.label


@pytest.mark.parametrize(
    ("due_on", "counts"),
    [
        (date(2026, 6, 29), date(2025, 12, 31)),  # interest begins on 30 June
        (date(2026, 6, 30), date(2026, 6, 30)),  # on 1 July
        (date(2026, 12, 30), date(2026, 6, 30)),  # on 31 December
        (date(2026, 12, 31), date(2026, 12, 31)),  # on 1 January
        (date(2027, 3, 3), date(2026, 12, 31)),
        (date(2026, 9, 9), date(2026, 6, 30)),
    ],
)
def test_the_base_rate_is_that_of_the_half_year_in_which_interest_begins(due_on: date, counts: date) -> None:
    assert base_rate_day(due_on) == counts


@pytest.mark.parametrize(
    ("amount", "days", "base_rate", "interest", "by_hand"),
    [
        ("10000.00", 0, "4.00", "0.00", "the day it is due is still in time"),
        ("10000.00", 1, "4.00", "3.29", "£10,000 × 12 % ÷ 365 = £3.2877"),
        ("10000.00", 30, "4.00", "98.63", "£3.28767 × 30 = £98.630"),
        ("10000.00", 365, "4.00", "1200.00", "a year at 12 %"),
        ("10000.00", 366, "4.00", "1203.29", "and a day, by a year of 365 days"),
        ("8333.34", 10, "4.75", "29.11", "£8,333.34 × 12.75 % × 10 ÷ 365 = £29.1096"),
        ("0.00", 90, "4.00", "0.00", "nothing on nothing"),
    ],
)
def test_interest_by_hand(amount: str, days: int, base_rate: str, interest: str, by_hand: str) -> None:
    on = DUE + timedelta(days=days)
    found = late_interest(Decimal(amount), DUE, on, base_rate=Decimal(base_rate))
    assert found == Decimal(interest), by_hand


def test_nothing_is_late_before_its_day() -> None:
    assert days_late(DUE, DUE - timedelta(days=5)) == 0
    assert late_interest(Decimal(100), DUE, DUE - timedelta(days=5), base_rate=Decimal(4)) == 0


@pytest.mark.parametrize(
    ("changes", "days", "interest", "by_hand"),
    [
        ([], 30, "98.63", "unpaid: as a debt that stays"),
        ([(10, "-10000.00")], 30, "32.88", "paid ten days late: £3.28767 × 10"),
        ([(10, "-4000.00")], 30, "72.33", "£3.28767 × 10 and £1.97260 × 20"),
        ([(-5, "-10000.00")], 30, "0.00", "paid in time"),
        ([(0, "-10000.00")], 30, "0.00", "paid on the day it was due"),
        ([(40, "-10000.00")], 30, "98.63", "paid later than the day that is asked about"),
        ([(10, "-10000.00"), (15, "-500.00")], 30, "32.88", "credited after it was paid: nothing below nought"),
        ([(10, "-10000.00"), (15, "200.00")], 25, "33.53", "given back: £200 for 10 more days, £0.6575"),
    ],
)
def test_interest_follows_what_was_owed_each_day(
    changes: list[tuple[int, str]], days: int, interest: str, by_hand: str
) -> None:
    found = late_interest(
        Decimal("10000.00"),
        DUE,
        DUE + timedelta(days=days),
        base_rate=Decimal("4.00"),
        changes=[(DUE + timedelta(days=day), Decimal(amount)) for day, amount in changes],
    )
    assert found == Decimal(interest), by_hand


@given(
    st.decimals(min_value=1, max_value=100_000, places=2),
    st.lists(st.tuples(st.integers(-30, 200), st.integers(0, 100)), max_size=4),
    st.integers(-10, 250),
    st.decimals(min_value=0, max_value=15, places=2),
)
def test_interest_is_never_more_than_on_all_of_it_unpaid_and_never_below_nought(
    amount: Decimal, paid: list[tuple[int, int]], days: int, rate: Decimal
) -> None:
    on = DUE + timedelta(days=days)
    changes = [(DUE + timedelta(days=day), -amount * percent / 100) for day, percent in paid]
    whole = late_interest(amount, DUE, on, base_rate=rate)
    assert whole == pounds(amount * (rate + 8) * days_late(DUE, on) / 36500)
    assert 0 <= late_interest(amount, DUE, on, base_rate=rate, changes=changes) <= whole
