"""The payment schedule that stands in the contract: it sums to what invoices ask for, wherever terms begin and end."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.jobs import contract_page
from contracts.agreements.models import Subcontractor
from contracts.agreements.queries import terms
from contracts.agreements.rules import BandTerm, LineTerm, Party, Terms, price_of
from contracts.agreements.rules.schedule import payment_schedule
from contracts.changes.actions import begin_ending, submit
from contracts.changes.rules import Ground
from tests.factories.agreements import NOW
from tests.factories.changes import make_change

START = date(2026, 10, 1)


def _terms(price: Decimal, *, first: date, last: date, applies: date | None = None) -> Terms:
    line = LineTerm(
        number=1,
        title="x",
        categories=(),
        places=(),
        open_to_women=True,
        open_to_men=True,
        minimum_age=18,
        maximum_age=None,
        referrals_from=first,
        referrals_until=last,
        volume_kind=None,
        planned_band=1,
        bands=(BandTerm(1, 0, 10, price),),
    )
    party = Party("x", None, None)
    return Terms("C", "", "", "x", party, party, (), first, last, None, "", "", "", (line,), in_force_from=applies)


@given(
    price=st.decimals(1, 1_000_000, places=2),
    first=st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    days=st.integers(0, 2000),
    later=st.integers(0, 800),
)
def test_its_months_sum_to_the_price_of_its_days(price: Decimal, first: date, days: int, later: int) -> None:
    last = first + timedelta(days=days)
    applies = min(first + timedelta(days=later), last)
    years = payment_schedule(_terms(price, first=first, last=last, applies=applies))
    months = [month for year in years for month in year.months]
    assert sum(year.amount for year in years) == price_of(price, starts_on=first, first=applies, last=last)
    # Every day once, in order.
    assert (months[0].first, months[-1].last) == (applies, last)
    assert all(after.first == before.last + timedelta(days=1) for before, after in pairwise(months))


def test_a_year_of_twelfths_by_hand() -> None:
    (year,) = payment_schedule(_terms(Decimal(100_000), first=START, last=date(2027, 9, 30)))
    assert [month.amount for month in year.months] == [Decimal("8333.34")] * 4 + [Decimal("8333.33")] * 8
    assert year.amount == Decimal(100_000)


@pytest.mark.usefixtures("session", "clock")
def test_the_document_tells_schedule_chain_and_what_changed() -> None:
    made = make_change(funders=1)
    agreement = made.agreement
    agreement.subcontractors.append(Subcontractor(name="Tideway CIC", work="Peer mentoring", share=Decimal(12)))
    first = contract_page(agreement.versions[0])
    for words in ("Payment schedule", "1 October 2026 to 30 September 2027", "£8,333.34", "Tideway CIC", "Equality"):
        assert words in first
    assert "What changed" not in first
    variation = made.agreed()
    second = contract_page(variation.version)
    for words in (
        "What changed",
        "81 to 100 referrals a year, £100,000.00 a year",
        "£200,000.00 a year",
        "Both signed",
    ):
        assert words in second
    schedule = payment_schedule(terms(variation.version))
    assert schedule[0].first == date(2027, 1, 1)
    assert f"£{schedule[0].amount:,.2f}" in second


@pytest.mark.usefixtures("session", "clock")
def test_the_document_of_a_notice_claims_no_signature() -> None:
    made = make_change(funders=1)
    ending = begin_ending(
        made.agreement,
        last_day=date(2027, 12, 31),
        ground=Ground.FUNDING,
        reason="x",
        by_notice=True,
        actor=made.manager,
        now=NOW,
    )
    submit(ending, actor=made.manager, now=NOW)
    made.approve(ending)
    page = contract_page(ending.version)
    assert "gave notice on 9 September 2026" in page
    assert "Both signed" not in page
