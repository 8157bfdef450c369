"""Contract years through the real actions: code, page and CSV agree to the penny, and the ledger balances."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.invoices import actions, jobs, queries
from contracts.invoices.actions import reconciling
from contracts.invoices.models import CreditNote, Invoice, ReconciledYear
from contracts.invoices.rules import CreditKind, InvoiceKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace import clock as london_clock
from marketplace.access import SYSTEM
from marketplace.extensions import db
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_commissioner, sign_in
from tests.factories.agreements import make_terms, make_version
from tests.factories.invoices import finance_of, make_contract, manager_of

Database = scoped_session[Session]
STARTS = date(2027, 4, 1)
OVER = datetime(2028, 4, 1, 3, 0, tzinfo=UTC)
Bands = list[tuple[int, int, Decimal]]
# The bands of test_years, where each figure below is worked out by hand.
FOUR: Bands = [
    (low, high, Decimal(price))
    for low, high, price in ((60, 80, 80000), (81, 100, 100000), (101, 120, 114000), (121, 140, 126000))
]
THREE: Bands = [
    (low, high, Decimal(price)) for low, high, price in ((90, 120, 120000), (121, 150, 144000), (151, 180, 165600))
]
CAP: Bands = [(0, 120, Decimal(96000))]


def contract(bands: Bands = FOUR, *, ends_on: date = date(2029, 3, 31), **more: object) -> Agreement:
    made = make_contract(starts_on=STARTS, ends_on=ends_on, lines=[None], **more)  # type: ignore[arg-type]
    terms = made.lines[0].terms[0]
    db.session.delete(terms)
    db.session.flush()
    make_terms(made.versions[0], made.lines[0], bands=bands, planned_band=min(2, len(bands)))
    db.session.expire_all()
    return made


def varied(made: Agreement, on: date, bands: Bands) -> None:
    """The contract has other bands from a day on."""
    funders = [(one.organisation, one.percent) for one in made.funders]
    second = make_version(made, funders=funders, in_force_from=on)
    make_terms(second, made.lines[0], bands=bands, planned_band=2)
    db.session.expire_all()


def came(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """So many referrals count in every contract year."""
    monkeypatch.setattr(reconciling, "counted", lambda line_id, first, last: count)


def charged_in_all(made: Agreement, on: date) -> Decimal:
    check_ledger()
    assert unbalanced(on) == 0
    return -balance(Account.SERVICES, made.supplier_id, on=on)


@pytest.mark.parametrize(
    ("count", "bands", "ends_on", "due", "difference"),
    [
        (59, FOUR, date(2029, 3, 31), "80000.00", "-20000.00"),
        (80, FOUR, date(2029, 3, 31), "80000.00", "-20000.00"),
        (81, FOUR, date(2029, 3, 31), "100000.00", "0.00"),
        (101, FOUR, date(2029, 3, 31), "114000.00", "14000.00"),
        (140, FOUR, date(2029, 3, 31), "126000.00", "26000.00"),
        (141, FOUR, date(2029, 3, 31), "126000.00", "26000.00"),
        (120, CAP, date(2029, 3, 31), "96000.00", "0.00"),
        (55, FOUR, date(2027, 9, 30), "57000.00", "6999.98"),
        (25, FOUR, date(2027, 9, 30), "40000.02", "-10000.00"),
        (47, FOUR, date(2027, 9, 15), "52250.00", "6416.64"),
    ],
    ids=["below", "first", "planned", "third", "cap", "over", "cap alone", "part", "part below", "part of a month"],
)
def test_a_hand_worked_year_from_its_months_to_its_page(
    session: Database,
    client: Client,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    bands: Bands,
    ends_on: date,
    due: str,
    difference: str,
) -> None:
    came(monkeypatch, count)
    clock.set(OVER)
    lead, second, third = (make_commissioner() for _ in range(3))
    thirds = [(lead, "33.33"), (second, "33.33"), (third, "33.34")]
    made = contract(bands, ends_on=ends_on, lead=lead, funders=thirds)
    jobs.raise_invoices(made.id)
    db.session.expire_all()
    on = london_clock.london(OVER).date()
    assert charged_in_all(made, on) == Decimal(due)
    assert charged_in_all(made, on - timedelta(days=1)) == 0
    # Each funder is asked for its third, to the penny or two that its payments were rounded by.
    for body, percent in thirds:
        asked = balance(Account.OWED, body.id, on=on)
        assert abs(asked - Decimal(due) * Decimal(percent) / 100) < Decimal("0.07")
    months = session.scalar(select(func.sum(Invoice.net)).where(Invoice.kind == InvoiceKind.MONTH))
    (year,) = queries.reconciled_years(made.id)
    assert (year.counted, year.charged, year.due, year.difference) == (
        count,
        months,
        Decimal(due),
        Decimal(difference),
    )
    more = session.scalar(select(func.sum(Invoice.net)).where(Invoice.kind == InvoiceKind.RECONCILIATION)) or 0
    less = session.scalar(select(func.sum(CreditNote.net)).where(CreditNote.kind == CreditKind.RECONCILIATION)) or 0
    assert more - less == Decimal(difference)
    # The page and its CSV say the same, penny for penny.
    sign_in(client, manager_of(made))
    page = client.get(f"/contracts/{made.id}/years/{STARTS}").text
    assert f"£{abs(Decimal(difference)):,.2f}" in page
    assert f"£{Decimal(due):,.2f}" in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"/contracts/{made.id}/years/{STARTS}.csv").text)))
    assert sum(Decimal(row["difference"]) for row in rows) == Decimal(difference)
    if difference != "0.00":
        reconciled = (Invoice.credited > 0) | (Invoice.kind == InvoiceKind.RECONCILIATION)
        found = session.scalars(select(Invoice.id).where(reconciled).order_by(Invoice.id)).first()
        assert f"/contracts/{made.id}/years/{STARTS}" in client.get(f"/invoices/{found}").text
    listed = list(csv.DictReader(io.StringIO(client.get("/invoices.csv").text.lstrip("\ufeff"))))
    assert sum(Decimal(row["left_to_pay"]) for row in listed) == Decimal(due)


def test_a_variation_within_the_year_is_charged_by_its_own_bands(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 130)
    made = contract()
    varied(made, date(2027, 10, 1), THREE)
    actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    (year,) = queries.reconciled_years(made.id)
    assert [(span.charged, span.band, span.due) for span in year.spans] == [
        (Decimal("50000.02"), 4, Decimal("63000.00")),
        (Decimal("72000.00"), 2, Decimal("72000.00")),
    ]
    assert charged_in_all(made, OVER.date()) == Decimal("135000.00")


def test_what_is_given_back_is_credited_on_the_latest_months_first(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    made = contract()
    actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    notes = session.scalars(select(CreditNote).order_by(CreditNote.id)).all()
    # £20,000.00: March and February 2028 whole, £8,333.33 each, and £3,333.34 of January.
    assert [(note.invoice.month, note.net) for note in notes] == [
        (date(2028, 3, 1), Decimal("8333.33")),
        (date(2028, 2, 1), Decimal("8333.33")),
        (date(2028, 1, 1), Decimal("3333.34")),
    ]
    assert {note.year_begins for note in notes} == {STARTS}


def test_a_year_is_reconciled_once_and_not_before_it_is_over(
    session: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 101)
    made = contract()
    clock.set(datetime(2028, 3, 31, 20, 0, tzinfo=UTC))
    jobs.raise_due_invoices()
    assert session.scalar(select(func.count()).select_from(ReconciledYear)) == 0
    clock.set(OVER)
    for _ in range(3):
        jobs.raise_due_invoices()
    assert session.scalar(select(func.count()).select_from(ReconciledYear)) == 1
    (more,) = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.RECONCILIATION)).all()
    assert (more.number, more.net) == (f"{made.reference}-R202704-1", Decimal("14000.00"))


def test_nobody_else_sees_how_a_year_was_reckoned(
    session: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 101)
    made = contract()
    actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    for actor, status in ((finance_of(made.supplier), 200), (finance_of(make_commissioner()), 404)):
        sign_in(client, actor)
        assert client.get(f"/contracts/{made.id}/years/{STARTS}").status_code == status
        assert client.get(f"/contracts/{made.id}/years/{STARTS}.csv").status_code == status
    sign_in(client, finance_of(made.supplier))
    assert client.get(f"/contracts/{made.id}/years/2030-04-01").status_code == 404
    assert client.get(f"/contracts/{made.id}/years/none-such").status_code == 404
