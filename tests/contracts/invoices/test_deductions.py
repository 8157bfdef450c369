"""Deductions, purchase orders and VAT: who says what where, and what invoices then bear."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.models import CreditNote, Deduction, Invoice
from contracts.invoices.rules import CreditKind, DeductionStanding, VatKind, months_begun
from marketplace.access import SYSTEM, Actor, Role
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import letter, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract, manager_of

Database = scoped_session[Session]
TODAY = date(2026, 10, 20)
OCTOBER = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OVER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
FAULT = {"month": "2026-10-01", "amount": "1,250.50", "reason": "Two weeks were not staffed."}


@pytest.fixture
def contract(session: Database, clock: StandingClock) -> Agreement:
    clock.set(OCTOBER)
    made = make_contract()
    finance_of(made.supplier)
    return made


def path(contract: Agreement, rest: str = "") -> str:
    return f"/contracts/{contract.id}/deductions{rest}"


def fault(contract: Agreement, **changed: str) -> dict[str, str]:
    return {**FAULT, "service": str(contract.lines[0].id), **changed}


def test_a_supplier_with_a_contract_is_asked_how_it_stands_with_vat(contract: Agreement) -> None:
    finance = finance_of(contract.supplier)

    def asked(actor: Actor, now: datetime = OCTOBER) -> list[str]:
        return [one.text for one in queries.waiting(actor, now) if "VAT" in one.text]

    assert len(asked(finance)) == 1
    assert asked(make_actor(contract.supplier, Role.SERVICE_MANAGER)) == []
    assert asked(finance_of(make_supplier())) == []
    assert asked(finance, datetime(2060, 1, 1, tzinfo=UTC)) == []
    actions.state_vat(kind=VatKind.NOT_REGISTERED, vat_number="", from_day=OCTOBER.date(), actor=finance, now=OCTOBER)
    assert asked(finance) == []


# Deductions


def test_the_leads_contract_manager_deducts_the_supplier_reads_why_and_the_next_invoice_takes_it(
    session: Database, client: Client, contract: Agreement
) -> None:
    sign_in(client, manager_of(contract))
    assert "Nothing has been deducted" in client.get(path(contract)).text
    assert client.post(path(contract, "/new"), data=fault(contract)).status_code == 302
    page = client.get(path(contract)).text
    assert "Still to be taken" in page
    assert "£1,250.50" in page
    told = letter(session, "A deduction under")
    assert path(contract) in told.body
    assert "not staffed" not in told.body
    (invoice,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert invoice.net == Decimal("8749.50")
    # The provider, whose e-mails say what is asked for, learns that there is a deduction, and not why.
    assert invoice.asked[1] == ("Deduction, Service 1", Decimal("-1250.50"))
    assert "not staffed" in invoice.lines[1].text
    sign_in(client, finance_of(contract.supplier))
    page = client.get(path(contract)).text
    assert "Two weeks were not staffed." in page
    assert "Taken" in page
    assert "Make a deduction" not in page
    (row,) = csv.DictReader(io.StringIO(client.get(path(contract, ".csv")).text.lstrip("\ufeff")))
    assert (row["amount"], row["taken"], row["still_to_take"]) == ("1250.50", "1250.50", "0.00")
    assert row["standing"] == "taken"


def test_pressed_twice_it_is_deducted_once(session: Database, client: Client, contract: Agreement) -> None:
    sign_in(client, manager_of(contract))
    for expected in (302, 409):
        assert client.post(path(contract, "/new"), data=fault(contract)).status_code == expected
    assert len(session.scalars(select(Deduction)).all()) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"amount": "0"}, "Enter an amount above £0"),
        ({"amount": ""}, "Enter how much to deduct"),
        ({"amount": "lots"}, "Enter an amount in pounds"),
        ({"reason": ""}, "Say what was wrong"),
        ({"month": "2026-11-01"}, "Choose the month"),
        ({"service": "0"}, "Choose the service"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_typed_is_lost(
    session: Database, client: Client, contract: Agreement, changed: dict[str, str], words: str
) -> None:
    sign_in(client, manager_of(contract))
    answer = client.post(path(contract, "/new"), data=fault(contract, **{"reason": "Kept as typed", **changed}))
    assert answer.status_code == 422
    assert words in answer.text
    assert ("Kept as typed" in answer.text) is ("reason" not in changed)
    assert session.scalars(select(Deduction)).all() == []


def test_it_is_withdrawn_after_asking_once_more_and_nothing_is_taken(
    session: Database, client: Client, contract: Agreement
) -> None:
    sign_in(client, manager_of(contract))
    client.post(path(contract, "/new"), data=fault(contract))
    made = session.scalars(select(Deduction)).one()
    asked = client.get(f"/deductions/{made.id}/withdraw").text
    assert "£1,250.50 for Service 1, October 2026, will not be taken." in asked
    assert client.post(f"/deductions/{made.id}/withdraw").status_code == 302
    assert client.post(f"/deductions/{made.id}/withdraw").status_code == 409
    assert "Withdrawn" in client.get(path(contract, "?standing=withdrawn")).text
    assert "no deductions like this" in client.get(path(contract, "?standing=taken")).text
    (invoice,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert invoice.net == Decimal("10000.00")


def faulty(contract: Agreement, amount: str, *, now: datetime, month: date = date(2026, 10, 1)) -> Deduction:
    line, manager = contract.lines[0], manager_of(contract)
    return actions.deduct(
        contract, line, month=month, amount=Decimal(amount), reason="Not staffed.", actor=manager, now=now
    )


def test_what_the_last_month_cannot_take_is_credited_on_the_latest_invoices_each_funder_its_share(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(NOVEMBER)
    lead, funder = make_commissioner(), make_commissioner()
    contract = make_contract(lead=lead, funders=[(lead, "60"), (funder, "40")], ends_on=date(2026, 11, 30))
    actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    faulty(contract, "12000.00", now=NOVEMBER)
    actions.reconcile_years(contract, actor=SYSTEM, now=OVER)
    actions.reconcile_years(contract, actor=SYSTEM, now=OVER)
    # November's £10,000.00 takes £10,000.00 of it; the £2,000.00 that are left, 60 and 40 %, come off October's.
    notes = session.scalars(select(CreditNote).order_by(CreditNote.net.desc())).all()
    assert [(one.kind, one.net, one.invoice.month, one.invoice.organisation_id) for one in notes] == [
        (CreditKind.DEDUCTION, Decimal("1200.00"), date(2026, 10, 1), lead.id),
        (CreditKind.DEDUCTION, Decimal("800.00"), date(2026, 10, 1), funder.id),
    ]
    (one,) = queries.deductions(contract.id)
    assert (one.taken, one.left, one.standing) == (Decimal("12000.00"), 0, DeductionStanding.TAKEN)
    check_ledger()
    sign_in(client, finance_of(contract.supplier))
    page = client.get(f"/credit-notes/{notes[0].id}").text
    assert path(contract) in page
    assert "Not staffed." in page
    assert client.get(f"/credit-notes/{notes[0].id}/reissue").status_code == 409


def test_when_the_last_month_is_invoiced_a_deduction_is_credited_at_once_and_is_no_more_than_is_left(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(OVER)
    contract = make_contract(ends_on=date(2026, 11, 30))
    actions.reconcile_years(contract, actor=SYSTEM, now=OVER)
    sign_in(client, manager_of(contract))
    refused = client.post(path(contract, "/new"), data=fault(contract, amount="20000.01"))
    assert (refused.status_code, "enter no more than £20,000.00" in refused.text) == (422, True)
    assert client.post(path(contract, "/new"), data=fault(contract)).status_code == 302
    (note,) = session.scalars(select(CreditNote)).all()
    assert (note.net, note.invoice.month) == (Decimal("1250.50"), date(2026, 11, 1))
    assert "Still to be taken" not in client.get(path(contract)).text.partition("<tbody")[2]
    refused = client.post(path(contract, "/new"), data=fault(contract, amount="18749.51"))
    assert "enter no more than £18,749.50" in refused.text


def test_a_service_without_a_price_yet_may_be_deducted_from_before_the_end_and_nothing_is_credited(
    session: Database,
) -> None:
    unpriced = make_contract(lines=[None])
    made = faulty(unpriced, "10.00", now=OCTOBER)
    (one,) = queries.deductions(unpriced.id)
    assert (one.deduction, one.left) == (made, Decimal("10.00"))


def test_nobody_else_deducts_or_withdraws(session: Database, client: Client, clock: StandingClock) -> None:
    clock.set(OCTOBER)
    lead, funder = make_commissioner(), make_commissioner()
    contract = make_contract(lead=lead, funders=[(lead, "60"), (funder, "40")])
    made = actions.deduct(
        contract,
        contract.lines[0],
        month=date(2026, 10, 1),
        amount=Decimal(10),
        reason="x",
        actor=manager_of(contract),
        now=OCTOBER,
    )
    for actor, status in (
        (make_actor(funder, Role.CONTRACT_MANAGER), 403),
        (finance_of(lead), 403),
        (finance_of(contract.supplier), 403),
        (make_actor(make_commissioner(), Role.CONTRACT_MANAGER), 404),
    ):
        sign_in(client, actor)
        assert client.post(path(contract, "/new"), data=fault(contract)).status_code == status
        assert client.post(f"/deductions/{made.id}/withdraw").status_code == status
    assert made.withdrawn_at is None


def test_the_list_asks_the_database_as_often_however_long_it_is(
    session: Database, client: Client, contract: Agreement
) -> None:
    manager = manager_of(contract)
    sign_in(client, manager)

    def count(amounts: range) -> int:
        for amount in amounts:
            actions.deduct(
                contract,
                contract.lines[0],
                month=date(2026, 10, 1),
                amount=Decimal(amount),
                reason="x",
                actor=manager_of(contract),
                now=OCTOBER,
            )
        session.expire_all()
        with counted_queries() as sent:
            assert client.get(path(contract)).status_code == 200
        return len(sent)

    assert count(range(1, 2)) == count(range(2, 30))
    assert "Page 1 of 2" in client.get(path(contract)).text
    assert "£1.00" in client.get(path(contract, "?page=9")).text


@given(st.dates(date(2025, 1, 1), date(2028, 1, 1)), st.integers(0, 900), st.integers(-40, 1000))
def test_the_months_offered_have_begun_and_are_of_the_contract(starts_on: date, length: int, passed: int) -> None:
    ends_on = date.fromordinal(starts_on.toordinal() + length)
    today = date.fromordinal(starts_on.toordinal() + passed)
    found = months_begun(starts_on, ends_on, today)
    days = [date.fromordinal(day) for day in range(starts_on.toordinal(), min(ends_on, today).toordinal() + 1)]
    assert found == sorted({day.replace(day=1) for day in days})


# Purchase orders


def order_of(client: Client, contract: Agreement, number: str = "PO-77", day: date = TODAY) -> int:
    data = {"number": number, "from_day-day": day.day, "from_day-month": day.month, "from_day-year": day.year}
    return client.post(f"/contracts/{contract.id}/purchase-order", data=data).status_code


def test_each_funder_enters_its_own_number_and_its_invoices_bear_it(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(OCTOBER)
    lead, funder = make_commissioner(), make_commissioner()
    contract = make_contract(lead=lead, funders=[(lead, "60"), (funder, "40")])
    for body, number in ((lead, "PO-LEAD"), (funder, "PO-FUNDER")):
        sign_in(client, finance_of(body))
        assert "Enter<span" in client.get("/purchase-orders?show=missing").text
        assert order_of(client, contract, number) == 302
        assert number in client.get(f"/contracts/{contract.id}/money").text
        assert number in client.get("/purchase-orders.csv").text
        assert "Every contract has a purchase order" in client.get("/purchase-orders?show=missing").text
    raised = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert [one.po_number for one in raised] == ["PO-LEAD", "PO-FUNDER"]


def test_an_invoice_that_waits_takes_the_number_up(session: Database, client: Client, contract: Agreement) -> None:
    (invoice,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    sign_in(client, finance_of(contract.commissioner))
    assert order_of(client, contract) == 302
    assert session.get_one(Invoice, invoice.id).po_number == "PO-77"


def test_a_number_for_a_day_to_come_does_not_hide_that_there_is_none_today(
    session: Database, client: Client, contract: Agreement
) -> None:
    payer = finance_of(contract.commissioner)
    sign_in(client, payer)
    assert order_of(client, contract, "PO-1", date(2026, 9, 1)) == 302
    assert order_of(client, contract, "PO-2", date(2026, 10, 1)) == 302
    assert order_of(client, contract, "PO-3", date(2027, 1, 1)) == 302

    def on(day: date) -> list[str | None]:
        return [one.order and one.order.number for one in queries.funded_contracts(payer, on=day)]

    assert [on(date(2026, 8, 1)), on(date(2026, 10, 5)), on(date(2027, 2, 1))] == [[None], ["PO-2"], ["PO-3"]]
    assert on(date(2028, 10, 1)) == []


def test_finance_is_told_at_home_of_contracts_without_a_number(
    session: Database, client: Client, contract: Agreement
) -> None:
    payer = finance_of(contract.commissioner)

    def waits() -> list[str]:
        return [one.text for one in queries.waiting(payer, OCTOBER) if "purchase order" in one.text]

    assert waits() == [f"Enter the purchase order of {contract.reference}"]
    make_contract(lead=contract.commissioner)
    assert waits() == ["2 contracts have no purchase order of yours"]
    sign_in(client, payer)
    assert "2 contracts have no purchase order of yours" in client.get("/home").text
    order_of(client, contract)
    (left,) = waits()
    assert contract.reference not in left


def test_only_who_funds_the_contract_enters_one(session: Database, client: Client, contract: Agreement) -> None:
    other = make_actor(make_commissioner(), Role.COMMISSIONER_FINANCE)
    assert order_of(sign_in(client, other), contract) == 404  # type: ignore[arg-type]
    assert order_of(sign_in(client, finance_of(contract.supplier)), contract) == 403  # type: ignore[arg-type]
    assert order_of(sign_in(client, finance_of(contract.commissioner)), contract, number=" ") == 422  # type: ignore[arg-type]


# VAT


def state(client: Client, kind: str, number: str = "", day: date = TODAY) -> str:
    data = {
        "kind": kind,
        "vat_number": number,
        "from_day-day": day.day,
        "from_day-month": day.month,
        "from_day-year": day.year,
    }
    answer = client.post("/vat", data=data, follow_redirects=True)
    return answer.text


def vat_raised(contract: Agreement) -> Decimal:
    return actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)[0].vat


def test_the_suppliers_finance_says_how_it_stands_and_invoices_follow(
    session: Database, client: Client, contract: Agreement
) -> None:
    sign_in(client, finance_of(contract.supplier))
    page = client.get("/vat").text
    assert "none is charged" in page
    assert "20% is added to each invoice" in page
    assert "Enter the VAT registration number" in state(client, "standard")
    assert "Choose today or a later day" in state(client, "not_registered", day=date(2026, 10, 19))
    assert "GB123456789" in state(client, "standard", "GB 123 4567 89")
    assert "Registered for VAT, standard rate" in client.get(f"/contracts/{contract.id}/money").text
    assert vat_raised(contract) == Decimal("2000.00")


def test_a_grant_is_outside_vat_whatever_its_supplier_is(
    session: Database, client: Client, contract: Agreement
) -> None:
    sign_in(client, finance_of(contract.supplier))
    state(client, "standard", "GB123456789")
    contract.instrument = Instrument.GRANT
    assert queries.vat_rate(contract, NOVEMBER.date()) == 0
    assert "Outside VAT" in client.get(f"/contracts/{contract.id}/money").text


def actor_of(role: Role) -> Actor:
    return make_actor(make_supplier(), role)


def test_nobody_but_finance_says_it(session: Database, client: Client) -> None:
    for role in (Role.BID_MANAGER, Role.SERVICE_MANAGER, Role.ADMINISTRATOR):
        assert sign_in(client, actor_of(role)).get("/vat").status_code == 403


def test_kinds_of_vat_are_all_offered(session: Database, client: Client) -> None:
    page = sign_in(client, actor_of(Role.SUPPLIER_FINANCE)).get("/vat").text
    assert all(one.label in page for one in VatKind)
