from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from contracts.invoices import actions, jobs, queries
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from marketplace import audit
from marketplace.access import SYSTEM, Actor, Permission, Role
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.invoices import finance_of, make_contract, make_invoice
from tests.marketplace.adapters.conftest import Running

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def raised(session: Database) -> list[tuple[str, Decimal]]:
    return [(one.number[-8:], one.amount) for one in session.scalars(select(Invoice).order_by(Invoice.number))]


def what_happened(invoice: Invoice) -> list[str]:
    return [event.what for event in reversed(audit.events_for(invoice))]


def send(invoice: Invoice, provider: Running, now: datetime = NOVEMBER) -> None:
    actions.send_invoice(invoice, payments=provider.payments(), now=now)
    db.session.commit()


# Raising


def test_the_month_is_split_by_the_funders_shares_to_the_penny(session: Database) -> None:
    bodies = [make_commissioner() for _ in range(3)]
    shares = list(zip(bodies, ["33.34", "33.33", "33.33"], strict=True))
    contract = make_contract(lines=["100000.00", "0.01"], funders=shares)
    actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    # £8,333.34 of the first service at 33.34 %, 33.33 % and 33.33 %; the second service's penny to the first funder.
    assert raised(session) == [
        ("202610-1", Decimal("2778.35")),
        ("202610-2", Decimal("2777.50")),
        ("202610-3", Decimal("2777.50")),
    ]
    assert sum(amount for _, amount in raised(session)) == Decimal("8333.35")
    first = session.scalars(select(Invoice).order_by(Invoice.number)).first()
    assert first is not None
    assert [(line.text, line.amount) for line in first.lines] == [
        ("Service 1, October 2026", Decimal("2778.34")),
        ("Service 2, October 2026", Decimal("0.01")),
    ]
    assert (first.organisation_id, first.percent) == (bodies[0].id, Decimal("33.34"))
    assert (first.status, first.due_on, first.month) == (
        InvoiceStatus.AWAITING_APPROVAL,
        date(2026, 12, 2),
        date(2026, 10, 1),
    )
    assert what_happened(first) == ["Invoice raised"]


def test_every_month_that_is_over_is_raised_once(session: Database) -> None:
    contract = make_contract()
    assert actions.raise_invoices(contract, actor=SYSTEM, now=datetime(2026, 10, 31, 12, tzinfo=UTC)) == []
    assert len(actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)) == 1
    assert actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER) == []
    # After an outage of two months all that is due is raised at once.
    assert len(actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER + timedelta(days=62))) == 2
    assert [number for number, _ in raised(session)] == ["202610-1", "202611-1", "202612-1"]


def test_a_month_is_over_in_london_not_in_utc(session: Database) -> None:
    contract = make_contract(starts_on=date(2027, 6, 1), ends_on=None)
    before, after = datetime(2027, 6, 30, 22, 59, tzinfo=UTC), datetime(2027, 6, 30, 23, 0, tzinfo=UTC)
    assert actions.raise_invoices(contract, actor=SYSTEM, now=before) == []
    assert len(actions.raise_invoices(contract, actor=SYSTEM, now=after)) == 1


def test_nothing_is_raised_for_a_contract_that_is_not_signed(session: Database) -> None:
    contract = make_contract(status=AgreementStatus.AWAITING_COMMISSIONER)
    with pytest.raises(Refused, match="signed"):
        actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert queries.agreements_to_invoice() == []


def test_services_without_a_price_make_no_invoice(session: Database) -> None:
    priced, unpriced = make_contract(lines=[None, "1200.00"]), make_contract(lines=[None])
    assert [one.amount for one in actions.raise_invoices(priced, actor=SYSTEM, now=NOVEMBER)] == [Decimal("100.00")]
    assert actions.raise_invoices(unpriced, actor=SYSTEM, now=NOVEMBER) == []
    assert queries.agreements_to_invoice() == [priced.id]


def test_all_that_was_paid_for_two_years_is_the_price_of_two_years(session: Database) -> None:
    half = [(make_commissioner(), "50.00"), (make_commissioner(), "50.00")]
    contract = make_contract(lines=["99999.99", "12345.67"], funders=half)
    actions.raise_invoices(contract, actor=SYSTEM, now=datetime(2030, 1, 1, tzinfo=UTC))
    assert session.scalar(select(func.sum(Invoice.amount))) == 2 * Decimal("112345.66")
    assert len(raised(session)) == 48


def test_two_runs_at_once_raise_each_invoice_once(committed_app: Flask, clock: StandingClock) -> None:
    clock.set(NOVEMBER)
    with committed_app.app_context(), transaction():
        contract_id = make_contract(funders=[(make_commissioner(), "60"), (make_commissioner(), "40")]).id
    together, failed = threading.Barrier(4), []

    def work() -> None:
        with committed_app.app_context():
            together.wait(20)
            try:
                jobs.raise_invoices(contract_id)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with committed_app.app_context():
        assert [amount for _, amount in raised(db.session)] == [Decimal("6000.00"), Decimal("4000.00")]
    assert failed == []


# Who waits for what


def with_order(contract: Agreement, payer: Actor) -> None:
    actions.enter_purchase_order(contract, number="PO-1", from_day=contract.starts_on, actor=payer, now=NOVEMBER)


def test_what_waits_for_finance_and_for_administrators(session: Database, clock: StandingClock) -> None:
    contract = make_contract(with_finance=False)
    body = contract.funders[0].organisation
    boss = make_actor(body, Role.ADMINISTRATOR)
    supplier_boss = make_actor(contract.supplier, Role.ADMINISTRATOR)
    make_invoice(contract)
    assert [item.text for item in queries.waiting(boss, NOVEMBER)] == [
        "Give somebody the finance role: 1 invoice waits for them"
    ]
    assert queries.waiting(supplier_boss, NOVEMBER) == []
    payer = finance_of(body)
    with_order(contract, payer)
    assert queries.waiting(boss, NOVEMBER) == []
    assert queries.waiting(payer, NOVEMBER) == []
    owed = make_invoice(contract, month=date(2026, 11, 1), status=InvoiceStatus.OPEN)
    make_invoice(contract, month=date(2026, 12, 1), status=InvoiceStatus.PAID)
    (item,) = queries.waiting(payer, NOVEMBER)
    assert item.text == f"Pay invoice {owed.number}, £10,000.00"
    assert item.url.endswith(f"/invoices/{owed.id}")
    late = NOVEMBER + timedelta(days=31)
    assert queries.waiting(payer, late)[0].text == f"Pay invoice {owed.number}, £10,000.00, which is overdue"
    assert queries.waiting(finance_of(make_commissioner()), NOVEMBER) == []
    assert queries.waiting(finance_of(make_supplier()), NOVEMBER) == []
    assert payer.may(Permission.PAY_INVOICES)


def test_more_than_five_invoices_to_pay_are_one_line_that_leads_to_their_list(
    session: Database, clock: StandingClock
) -> None:
    contract = make_contract(with_finance=False)
    payer = finance_of(contract.funders[0].organisation)
    with_order(contract, payer)
    elsewhere = make_contract(with_finance=False)
    make_invoice(elsewhere, status=InvoiceStatus.OPEN)
    make_invoice(contract, month=date(2027, 12, 1), status=InvoiceStatus.PAID)
    for month in range(1, 6):
        make_invoice(contract, month=date(2027, month, 1), status=InvoiceStatus.OPEN, amount="1000.10")
    singly = queries.waiting(payer, NOVEMBER)
    assert len(singly) == 5
    assert all(", £1,000.10" in item.text for item in singly)
    last = make_invoice(contract, month=date(2027, 6, 1), status=InvoiceStatus.OPEN, amount="1000.10")
    (item,) = queries.waiting(payer, NOVEMBER)
    assert item.text == "6 invoices to pay, £6,000.60"
    assert item.url.endswith("/invoices?status=open")
    assert (item.due, item.is_due_by_the_day) == (singly[0].due, True)
    later = NOVEMBER + timedelta(days=31)
    assert queries.waiting(payer, later)[0].text == "6 invoices to pay, £6,000.60, of which 6 are overdue"
    last.due_on += timedelta(days=90)
    session.flush()
    assert queries.waiting(payer, later)[0].text == "6 invoices to pay, £6,000.60, of which 5 are overdue"
