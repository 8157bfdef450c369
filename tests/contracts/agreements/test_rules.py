from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.rules import (
    AFTER,
    AGREEMENT_MOVES,
    TURN,
    AgreementStatus,
    FunderTerm,
    Party,
    Standing,
    Terms,
    canonical_terms,
    contract_year,
    ends_on,
    months_after,
    name_key,
    standing_of,
    terms_digest,
)

DAYS = st.dates(date(2020, 1, 1), date(2039, 12, 31))


@pytest.mark.parametrize(
    ("starts_on", "months", "last"),
    [
        (date(2026, 10, 1), 36, date(2029, 9, 30)),
        (date(2026, 10, 1), 1, date(2026, 10, 31)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 28)),
        (date(2023, 3, 1), 12, date(2024, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_the_last_day_ends_whole_months(starts_on: date, months: int, last: date) -> None:
    assert ends_on(starts_on, months) == last


@pytest.mark.parametrize(
    ("starts_on", "on", "year"),
    [
        (date(2026, 10, 1), date(2026, 10, 1), (date(2026, 10, 1), date(2027, 9, 30))),
        (date(2026, 10, 1), date(2027, 9, 30), (date(2026, 10, 1), date(2027, 9, 30))),
        (date(2026, 10, 1), date(2027, 10, 1), (date(2027, 10, 1), date(2028, 9, 30))),
        (date(2026, 10, 1), date(2028, 1, 31), (date(2027, 10, 1), date(2028, 9, 30))),
        # A year that holds a leap day is a day longer.
        (date(2023, 3, 1), date(2024, 2, 29), (date(2023, 3, 1), date(2024, 2, 29))),
        # Begun on a leap day: the year ends on 28 February, the next begins on 1 March, and a leap year's on the 29th.
        (date(2024, 2, 29), date(2025, 2, 28), (date(2024, 2, 29), date(2025, 2, 28))),
        (date(2024, 2, 29), date(2025, 3, 1), (date(2025, 3, 1), date(2026, 2, 28))),
        (date(2024, 2, 29), date(2028, 2, 28), (date(2027, 3, 1), date(2028, 2, 28))),
        (date(2024, 2, 29), date(2028, 2, 29), (date(2028, 2, 29), date(2029, 2, 28))),
        # Before it begins: the year that will be the first.
        (date(2026, 10, 1), date(2026, 9, 7), (date(2026, 10, 1), date(2027, 9, 30))),
        (date(2026, 10, 1), date(2024, 9, 7), (date(2026, 10, 1), date(2027, 9, 30))),
    ],
)
def test_the_contract_year_of_a_day(starts_on: date, on: date, year: tuple[date, date]) -> None:
    assert contract_year(starts_on, on) == year


@given(DAYS, st.integers(0, 4000))
def test_contract_years_hold_their_day_and_leave_none_out(starts_on: date, later: int) -> None:
    on = starts_on + timedelta(days=later)
    first, last = contract_year(starts_on, on)
    assert first <= on <= last
    assert 365 <= (last - first).days + 1 <= 366
    assert contract_year(starts_on, last + timedelta(days=1))[0] == last + timedelta(days=1)
    if first > starts_on:
        assert contract_year(starts_on, first - timedelta(days=1))[1] == first - timedelta(days=1)


@given(DAYS, st.integers(1, 120))
def test_later_months_end_later(starts_on: date, months: int) -> None:
    assert months_after(starts_on, months) > months_after(starts_on, months - 1) or starts_on.day > 28
    assert ends_on(starts_on, months) > starts_on


def test_signing_moves_only_along_the_table() -> None:
    assert set(AGREEMENT_MOVES) == set(AgreementStatus)
    for status, side in TURN.items():
        assert AFTER[side] in AGREEMENT_MOVES[status]
    assert AgreementStatus.SIGNED not in TURN


@pytest.mark.parametrize(
    ("status", "on", "standing"),
    [
        (AgreementStatus.AWAITING_SUPPLIER, date(2027, 1, 1), Standing.AWAITING_SIGNATURE),
        (AgreementStatus.SIGNED, date(2026, 9, 30), Standing.NOT_BEGUN),
        (AgreementStatus.SIGNED, date(2026, 10, 1), Standing.IN_FORCE),
        (AgreementStatus.SIGNED, date(2027, 9, 30), Standing.IN_FORCE),
        (AgreementStatus.SIGNED, date(2027, 10, 1), Standing.ENDED),
    ],
)
def test_standing_on_the_edges(status: AgreementStatus, on: date, standing: Standing) -> None:
    assert standing_of(status, starts_on=date(2026, 10, 1), ends_on=date(2027, 9, 30), on=on) is standing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Devon & Cornwall", "devon and cornwall"),
        ("Women's Services", "Women’s services"),
        ("London, City of", "LONDON  City of"),
        ("Dyfed-Powys", "Dyfed Powys"),
    ],
)
def test_names_compare_whatever_the_marks(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


TERMS = Terms(
    reference="C-2026-0001",
    framework="Dynamic Framework",
    competition="DF-2026-0007",
    title="Rooms",
    supplier=Party("Harbour Trust", "01234567", None),
    commissioner=Party("Kent, Surrey and Sussex", None, None),
    funders=(FunderTerm("Kent, Surrey and Sussex", Decimal("100.00")),),
    starts_on=date(2026, 10, 1),
    ends_on=date(2029, 9, 30),
    whole_life_value=Decimal("300000.00"),
    payment="Monthly.",
    specification="Homes – £ and ŵ.",
    equality_commitments="",
    lines=(),
)


def test_the_same_terms_give_the_same_digest() -> None:
    assert terms_digest(TERMS) == terms_digest(replace(TERMS, whole_life_value=Decimal("300000")))
    assert b'"whole_life_value":"300000.00"' in canonical_terms(TERMS)
    assert "£ and ŵ".encode() in canonical_terms(TERMS)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Room"},
        {"whole_life_value": Decimal("300000.01")},
        {"ends_on": date(2029, 9, 29)},
        {"equality_commitments": "We promise."},
        {"funders": (FunderTerm("Kent, Surrey and Sussex", Decimal("99.99")),)},
        {"supplier": Party("Harbour Trust", "01234568", None)},
    ],
)
def test_any_change_of_the_terms_changes_the_digest(changed: dict[str, object]) -> None:
    assert terms_digest(replace(TERMS, **changed)) != terms_digest(TERMS)  # type: ignore[arg-type]
