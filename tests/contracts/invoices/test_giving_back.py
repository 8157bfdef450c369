"""What a contract year gives back: from which invoices, in which order, and what they are too small for."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from contracts.invoices import actions, jobs, queries
from contracts.invoices.models import CreditNote, Invoice, ReconciledYear
from contracts.invoices.rules import InvoiceKind, InvoiceStatus
from marketplace.access import SYSTEM
from tests.conftest import Client, StandingClock
from tests.contracts.invoices.test_reconciling import OVER, STARTS, Database, came, charged_in_all, contract
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_commissioner, sign_in
from tests.factories.invoices import finance_of, manager_of, reconcile


def test_what_is_given_back_is_credited_on_the_latest_months_first(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    made = contract()
    reconcile(made, now=OVER)
    notes = session.scalars(select(CreditNote).order_by(CreditNote.id)).all()
    # £20,000.00: March and February 2028 whole, £8,333.33 each, and £3,333.34 of January.
    assert [(note.invoice.month, note.net) for note in notes] == [
        (date(2028, 3, 1), Decimal("8333.33")),
        (date(2028, 2, 1), Decimal("8333.33")),
        (date(2028, 1, 1), Decimal("3333.34")),
    ]
    assert {note.year_begins for note in notes} == {STARTS}


def test_invoices_that_are_not_paid_are_credited_before_money_goes_back(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    made = contract()
    raised = actions.raise_invoices(made, actor=SYSTEM, now=OVER)
    for one in raised[2:]:
        one.status, one.approved_at, one.paid_at, one.paid_amount = InvoiceStatus.PAID, OVER, OVER, one.amount
    session.flush()
    reconcile(made, now=OVER)
    notes = session.scalars(select(CreditNote).order_by(CreditNote.id)).all()
    # £20,000.00: May and April 2027 whole, £8,333.34 each, that nobody has paid; £3,333.32 of March 2028 goes back.
    assert [(note.invoice.month, note.net, note.to_refund) for note in notes] == [
        (date(2027, 5, 1), Decimal("8333.34"), 0),
        (date(2027, 4, 1), Decimal("8333.34"), 0),
        (date(2028, 3, 1), Decimal("3333.32"), Decimal("3333.32")),
    ]


def test_the_years_own_invoices_are_credited_before_those_of_the_next(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    made = contract()
    june = datetime(2028, 6, 2, 3, 0, tzinfo=UTC)
    raised = actions.raise_invoices(made, actor=SYSTEM, now=june)
    for one in raised[:-4]:
        one.status, one.approved_at, one.paid_at, one.paid_amount = InvoiceStatus.PAID, OVER, OVER, one.amount
    session.flush()
    reconcile(made, now=june)
    notes = session.scalars(select(CreditNote).order_by(CreditNote.id)).all()
    # Nobody has paid February to May 2028: the year's own March and February first, then May; no money goes back.
    assert [(note.invoice.month, note.net, note.to_refund) for note in notes] == [
        (date(2028, 3, 1), Decimal("8333.33"), 0),
        (date(2028, 2, 1), Decimal("8333.33"), 0),
        (date(2028, 5, 1), Decimal("3333.34"), 0),
    ]


def test_what_the_years_invoices_are_too_small_to_give_back_is_shown_and_comes_off_the_next(
    session: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    lead, second = make_commissioner(), make_commissioner()
    made = contract(lead=lead, funders=[(lead, "60"), (second, "40")])
    fault = Decimal("91666.67")
    actions.deduct(
        made, made.lines[0], month=STARTS, amount=fault, reason="x", actor=manager_of(made), now=OVER.replace(month=1)
    )
    reconcile(made, now=OVER)
    # The months came to £100,000.00 less £91,666.67: all of the £8,333.33 that is left goes, of the £20,000.00.
    assert charged_in_all(made, OVER.date()) == 0
    for body, left in ((lead, "11,666.67"), (second, "4,666.67")):
        sign_in(client, finance_of(body))
        assert f"£{left} before VAT is still owed back" in client.get(f"/contracts/{made.id}/years/{STARTS}").text
    # April 2028 is £8,333.34: all of it is taken, and £3,333.33 of May.
    for month, charged in ((5, "0.00"), (6, "5000.01"), (6, "5000.01"), (7, "13333.35")):
        on = datetime(2028, month, 1, 3, 0, tzinfo=UTC)
        reconcile(made, now=on)
        assert charged_in_all(made, on.date()) == Decimal(charged)
    assert queries.owed_back(made) == []
    sign_in(client, finance_of(lead))
    assert "owed back" not in client.get(f"/contracts/{made.id}/years/{STARTS}").text


def test_what_is_invoiced_again_gives_back_what_is_owed_back(
    session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    made = contract(ends_on=date(2028, 3, 31))
    finance = finance_of(made.supplier)
    months = actions.raise_invoices(made, actor=SYSTEM, now=OVER)
    notes = [actions.credit(one, amount=None, reason="x", actor=finance, now=OVER) for one in months[1:]]
    reconcile(made, now=OVER)
    (left,) = queries.owed_back(made)
    assert left.amount == Decimal("11666.66")  # £20,000.00 less the £8,333.34 of April
    again = [
        actions.reissue(note, amounts=[note.net], actor=finance, now=OVER)
        for note in notes
        if note.invoice.month >= date(2028, 2, 1)
    ]
    reconcile(made, now=OVER + timedelta(days=1))
    # Of March £8,333.33, and £3,333.33 of February.
    assert [one.creditable_net for one in again] == [Decimal("5000.00"), Decimal("0.00")]
    assert queries.owed_back(made) == []
    check_ledger()


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
    actions.approve_year(made, STARTS, actor=manager_of(made), now=OVER)
    jobs.raise_due_invoices()
    (more,) = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.RECONCILIATION)).all()
    assert (more.number, more.net) == (f"{made.reference}-R202704-1", Decimal("14000.00"))


@pytest.mark.parametrize("count", [60, 101])
def test_another_funder_sees_its_own_share_of_the_year_as_it_was_invoiced_or_credited(
    session: Database, client: Client, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    came(monkeypatch, count)
    lead, second, third = (make_commissioner() for _ in range(3))
    made = contract(lead=lead, funders=[(lead, "33.33"), (second, "33.33"), (third, "33.34")])
    reconcile(made, now=OVER)
    whole = {60: Decimal("-20000.00"), 101: Decimal("14000.00")}[count]
    seen = {}
    for body in (lead, second, third):
        sign_in(client, finance_of(body))
        page = client.get(f"/contracts/{made.id}/years/{STARTS}").text
        (row,) = csv.DictReader(
            io.StringIO(client.get(f"/contracts/{made.id}/years/{STARTS}.csv").text.lstrip("\ufeff"))
        )
        seen[body.id] = Decimal(row["difference"])
        assert Decimal(row["due"]) - Decimal(row["charged"]) == seen[body.id]
        assert f"before VAT</dt><dd>£{abs(seen[body.id]):,.2f}" in page
        assert ("your organisation’s share" in page, row["of_what"]) == (
            (False, "whole") if body is lead else (True, "own share")
        )
        assert (f"£{abs(whole):,.2f}" in page) is (body is lead)
    asked = dict.fromkeys((second.id, third.id), Decimal(0))
    for one in session.scalars(select(Invoice).where(Invoice.organisation_id.in_(asked))):
        asked[one.organisation_id] += one.net * (one.kind is InvoiceKind.RECONCILIATION) - one.credited_net
    assert seen == {lead.id: whole} | asked


def test_nobody_else_sees_how_a_year_was_reckoned(
    session: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 101)
    made = contract()
    reconcile(made, now=OVER)
    for actor, status in ((finance_of(made.supplier), 200), (finance_of(make_commissioner()), 404)):
        sign_in(client, actor)
        assert client.get(f"/contracts/{made.id}/years/{STARTS}").status_code == status
        assert client.get(f"/contracts/{made.id}/years/{STARTS}.csv").status_code == status
    sign_in(client, finance_of(made.supplier))
    assert client.get(f"/contracts/{made.id}/years/2030-04-01").status_code == 404
    assert client.get(f"/contracts/{made.id}/years/none-such").status_code == 404
