from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.rules import AgreementStatus
from contracts.invoices import actions, jobs, queries
from contracts.invoices.models import Invoice, PaymentAccount
from contracts.invoices.rules import InvoiceStatus
from marketplace import audit
from marketplace.access import SYSTEM, Permission, Role
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
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
    assert (first.status, first.due_on, first.month) == (InvoiceStatus.DRAFT, date(2026, 12, 2), date(2026, 10, 1))
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


# Sending


def test_an_invoice_is_sent_and_the_funder_told(session: Database, provider: Running) -> None:
    contract = make_contract()
    invoice = make_invoice(contract)
    send(invoice, provider)
    assert (invoice.status, invoice.sent_at, invoice.last_error) == (InvoiceStatus.OPEN, NOVEMBER, None)
    assert invoice.payment_url is not None
    assert invoice.payment_url.startswith(provider.url)
    there = provider.payments().invoice(invoice.provider_id or "")
    assert (there.amount_due, there.status.value) == (Decimal("10000.00"), "open")
    assert what_happened(invoice) == ["Sent for payment"]
    letter = session.scalars(select(Letter)).one()
    assert letter.subject == f"Invoice {invoice.number} is ready to pay"
    assert "£10,000.00" in letter.body
    assert f"/invoices/{invoice.id}" in letter.body
    assert letter.body.startswith("Dear Person")


def test_sending_again_changes_nothing(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_contract())
    send(invoice, provider)
    send(invoice, provider, NOVEMBER + timedelta(days=1))
    assert len(list(provider.payments().invoices())) == 1
    assert invoice.sent_at == NOVEMBER


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "no answer", "path": "/customers", "method": "POST"},
        {"kind": "no answer", "path": "/v1/invoices", "method": "POST"},
        {"kind": "no answer", "path": "/invoiceitems", "method": "POST"},
        {"kind": "no answer", "path": "/finalize"},
        {"kind": "no answer", "path": "/send"},
        {"kind": "too busy"},
        {"kind": "too busy", "path": "/finalize"},
        {"kind": "broken"},
        {"kind": "broken", "path": "/invoiceitems"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('path', '')}",
)
def test_whatever_goes_wrong_on_the_way_there_is_one_invoice_in_the_end(
    session: Database, provider: Running, fault: dict[str, Any]
) -> None:
    invoice = make_invoice(make_contract())
    provider.behave(faults=[fault])
    send(invoice, provider)
    assert (invoice.status, invoice.attempts) == (InvoiceStatus.DRAFT, 1)
    assert invoice.last_error == "The payment provider did not answer."
    assert invoice.next_attempt_at == NOVEMBER + timedelta(minutes=2)
    assert queries.invoices_to_send(NOVEMBER) == []
    assert queries.invoices_to_send(invoice.next_attempt_at) == [invoice.id]
    send(invoice, provider, invoice.next_attempt_at)
    assert (invoice.status, invoice.last_error) == (InvoiceStatus.OPEN, None)
    (there,) = provider.payments().invoices()
    assert (there.id, there.amount_due) == (invoice.provider_id, Decimal("10000.00"))
    assert what_happened(invoice) == ["Could not be sent yet", "Sent for payment"]
    assert session.scalar(select(func.count()).select_from(Letter)) == 1


def test_the_wait_grows_and_the_history_does_not(session: Database, provider: Running) -> None:
    invoice, now = make_invoice(make_contract()), NOVEMBER
    provider.behave(faults=[{"kind": "broken", "count": 100}])
    waits = []
    for _ in range(12):
        send(invoice, provider, now)
        waits.append(invoice.next_attempt_at - now)
        now = invoice.next_attempt_at
    assert waits[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert max(waits) == actions.LONGEST_WAIT
    assert what_happened(invoice) == ["Could not be sent yet"]


def test_what_the_provider_refuses_is_kept_in_its_words_and_tried_again_late(
    session: Database, provider: Running
) -> None:
    invoice = make_invoice(make_contract())
    actions.send_invoice(invoice, payments=provider.payments(api_key="sk_wrong"), now=NOVEMBER)
    assert invoice.status is InvoiceStatus.DRAFT
    assert (invoice.last_error or "").startswith("The payment provider refused it: Invalid API Key")
    assert invoice.next_attempt_at == NOVEMBER + actions.LONGEST_WAIT
    send(invoice, provider, invoice.next_attempt_at)
    assert invoice.status is InvoiceStatus.OPEN


def test_an_invoice_waits_until_the_funder_has_somebody_in_finance(session: Database, provider: Running) -> None:
    contract = make_contract(with_finance=False)
    invoice = make_invoice(contract)
    send(invoice, provider)
    body = contract.funders[0].organisation
    assert invoice.last_error == f"Nobody at {body.name} has the finance role yet, so nobody can be asked to pay."
    assert list(provider.payments().invoices()) == []
    payer = finance_of(body)
    send(invoice, provider, invoice.next_attempt_at)
    assert invoice.status is InvoiceStatus.OPEN
    customer = provider.ask("GET", "/v1/customers").json()["data"][0]
    assert (customer["name"], customer["metadata"]["reference"]) == (body.name, str(body.id))
    assert session.scalars(select(Letter.person_id)).all() == [payer.person_id]


def test_a_funder_is_one_customer(session: Database, provider: Running) -> None:
    body = make_commissioner()
    for _ in range(2):
        send(make_invoice(make_contract(lead=body)), provider)
    assert len(provider.ask("GET", "/v1/customers").json()["data"]) == 1
    assert session.scalar(select(func.count()).select_from(PaymentAccount)) == 1


def test_killed_before_the_commit_and_paid_meanwhile(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_contract())
    finance_of(invoice.agreement.supplier)
    session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    provider.payments().mark_paid_out_of_band(invoice.provider_id or "", key="k")
    session.rollback()
    assert (invoice.status, invoice.provider_id) == (InvoiceStatus.DRAFT, None)
    send(invoice, provider, NOVEMBER + timedelta(hours=1))
    assert invoice.status is InvoiceStatus.PAID
    assert invoice.paid_at is not None
    assert what_happened(invoice) == ["Paid"]
    # Nobody is asked to pay what is paid.
    assert session.scalars(select(Letter.subject)).all() == [f"Invoice {invoice.number} has been paid"]


def test_uncollectible_is_still_owed(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_contract())
    session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    provider.payments().mark_uncollectible(invoice.provider_id or "", key="k")
    session.rollback()
    send(invoice, provider)
    assert invoice.status is InvoiceStatus.OPEN


def test_an_older_invoice_under_the_same_number_is_not_ours(session: Database, provider: Running) -> None:
    """A database made anew gives the same numbers again; the provider remembers the old ones."""
    contract = make_contract()
    old = make_invoice(contract)
    send(old, provider)
    provider.payments().mark_paid_out_of_band(old.provider_id or "", key="k")
    session.delete(old)
    session.flush()
    new = make_invoice(contract)
    new.raised_at += timedelta(days=1)
    session.commit()
    send(new, provider)
    assert new.status is InvoiceStatus.OPEN
    assert len(list(provider.payments().invoices())) == 2


def test_another_amount_at_the_provider_is_shown_and_not_taken_over(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_contract())
    session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    session.rollback()
    invoice.lines[0].amount = invoice.amount = Decimal("9999.99")
    session.commit()
    send(invoice, provider)
    assert (invoice.status, invoice.provider_id) == (InvoiceStatus.DRAFT, None)
    assert invoice.last_error == "The payment provider has another invoice with this number, over £10,000.00."


# Who waits for what


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
    assert (item.due, item.whole_day) == (singly[0].due, True)
    later = NOVEMBER + timedelta(days=31)
    assert queries.waiting(payer, later)[0].text == "6 invoices to pay, £6,000.60, of which 6 are overdue"
    last.due_on += timedelta(days=90)
    session.flush()
    assert queries.waiting(payer, later)[0].text == "6 invoices to pay, £6,000.60, of which 5 are overdue"


def test_the_whole_month_by_itself(
    session: Database, provider: Running, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    clock.set(NOVEMBER)
    make_contract()
    make_contract()
    session.commit()
    jobs.raise_due_invoices()
    assert run_jobs() >= 2
    assert set(session.scalars(select(Invoice.status))) == {InvoiceStatus.OPEN}
    jobs.raise_due_invoices()
    jobs.send_due_invoices()
    assert len(list(provider.payments().invoices())) == 2
