from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import actions, queries
from contracts.payments.models import PaymentAccount
from marketplace import audit
from marketplace.access import Permission
from marketplace.accounts.models import RoleGrant
from marketplace.accounts.queries import people_with
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_commissioner
from tests.factories.invoices import finance_of, make_invoice
from tests.factories.payments import make_payable
from tests.marketplace.adapters.conftest import Running

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def raised(session: Database) -> list[tuple[str, Decimal]]:
    return [(one.number[-8:], one.amount) for one in session.scalars(select(Invoice).order_by(Invoice.number))]


def what_happened(invoice: Invoice) -> list[str]:
    return [event.what for event in reversed(audit.events_for(invoice))]


def send(invoice: Invoice, provider: Running, now: datetime = NOVEMBER) -> None:
    first = actions.begin_to_send([invoice.id]).get(invoice.id, False)
    db.session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=now, first=first)
    db.session.commit()


def ask_and_be_killed(invoice: Invoice, provider: Running) -> str:
    """The provider has the invoice, and we know nothing of it. The provider's key."""
    actions.begin_to_send([invoice.id])
    db.session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER, first=True)
    key = invoice.provider_id
    db.session.rollback()
    assert (invoice.status, invoice.provider_id) == (InvoiceStatus.DRAFT, None)
    return key or ""


def test_an_invoice_is_sent_and_the_funder_told(session: Database, provider: Running) -> None:
    contract = make_payable()
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
    invoice = make_invoice(make_payable())
    send(invoice, provider)
    send(invoice, provider, NOVEMBER + timedelta(days=1))
    assert len(list(provider.payments().invoices())) == 1
    assert invoice.sent_at == NOVEMBER


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "no answer", "path": "/customers", "method": "POST"},
        {"kind": "no answer", "path": "/v1/invoices", "method": "POST"},
        {"kind": "no answer", "path": "/add_lines", "method": "POST"},
        {"kind": "no answer", "path": "/finalize"},
        {"kind": "no answer", "path": "/send"},
        {"kind": "too busy"},
        {"kind": "too busy", "path": "/finalize"},
        {"kind": "broken"},
        {"kind": "broken", "path": "/add_lines"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('path', '')}",
)
def test_whatever_goes_wrong_on_the_way_there_is_one_invoice_in_the_end(
    session: Database, provider: Running, fault: dict[str, Any]
) -> None:
    invoice = make_invoice(make_payable())
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
    invoice, now = make_invoice(make_payable()), NOVEMBER
    provider.behave(faults=[{"kind": "broken", "count": 100}])
    waits = []
    for _ in range(12):
        send(invoice, provider, now)
        waits.append(invoice.next_attempt_at - now)
        now = invoice.next_attempt_at
    assert waits[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert max(waits) == actions.LONGEST_WAIT
    assert what_happened(invoice) == ["Could not be sent yet"]


def test_what_the_provider_refuses_is_kept_by_its_code_and_tried_again_late(
    session: Database, provider: Running
) -> None:
    invoice = make_invoice(make_payable())
    actions.send_invoice(invoice, payments=provider.payments(api_key="sk_wrong"), now=NOVEMBER)
    assert invoice.status is InvoiceStatus.DRAFT
    assert invoice.last_error == "The payment provider refused it (401)."
    assert invoice.next_attempt_at == NOVEMBER + actions.LONGEST_WAIT
    send(invoice, provider, invoice.next_attempt_at)
    assert invoice.status is InvoiceStatus.OPEN


def test_an_invoice_waits_until_the_funder_has_somebody_in_finance(session: Database, provider: Running) -> None:
    contract = make_payable(with_finance=False)
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
        send(make_invoice(make_payable(lead=body)), provider)
    assert len(provider.ask("GET", "/v1/customers").json()["data"]) == 1
    assert session.scalar(select(func.count()).select_from(PaymentAccount)) == 1


def test_the_provider_writes_to_whoever_pays_for_the_funder_now(session: Database, provider: Running) -> None:
    body = make_commissioner()
    send(make_invoice(make_payable(lead=body)), provider)
    (first,) = people_with(body.id, Permission.PAY_INVOICES)
    newer = finance_of(body)
    session.execute(delete(RoleGrant).where(RoleGrant.person_id == first.id))
    body.name = "A new name"
    send(make_invoice(make_payable(lead=body, with_finance=False)), provider)
    (customer,) = provider.ask("GET", "/v1/customers").json()["data"]
    (now_there,) = people_with(body.id, Permission.PAY_INVOICES)
    assert now_there.id == newer.person_id
    assert (customer["name"], customer["email"]) == ("A new name", now_there.email)


@pytest.mark.parametrize(
    ("due", "there"), [(date(2026, 11, 20), date(2026, 11, 20)), (date(2026, 11, 2), date(2026, 11, 3))]
)
def test_it_is_due_there_on_its_day_or_tomorrow(session: Database, provider: Running, due: date, there: date) -> None:
    invoice = make_invoice(make_payable())
    invoice.due_on = due
    send(invoice, provider)
    found = provider.payments().invoice(invoice.provider_id or "").due
    assert found == datetime.combine(there, time(23, 59, 59), tzinfo=UTC)


def test_killed_before_the_commit_and_paid_meanwhile(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_payable())
    finance_of(invoice.agreement.supplier)
    provider.payments().mark_paid_out_of_band(ask_and_be_killed(invoice, provider), key="k")
    send(invoice, provider, NOVEMBER + timedelta(hours=1))
    assert invoice.status is InvoiceStatus.PAID
    assert invoice.paid_at is not None
    assert what_happened(invoice) == ["Paid"]
    # Nobody is asked to pay what is paid.
    assert session.scalars(select(Letter.subject)).all() == [f"Invoice {invoice.number} has been paid"]


def test_uncollectible_is_still_owed(session: Database, provider: Running) -> None:
    invoice = make_invoice(make_payable())
    provider.payments().mark_uncollectible(ask_and_be_killed(invoice, provider), key="k")
    send(invoice, provider)
    assert invoice.status is InvoiceStatus.OPEN


def test_an_older_invoice_under_the_same_number_is_not_ours(session: Database, provider: Running) -> None:
    """A database made anew gives the same numbers again; the provider remembers the old ones."""
    contract = make_payable()
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
    invoice = make_invoice(make_payable())
    ask_and_be_killed(invoice, provider)
    invoice.lines[0].amount = invoice.net = invoice.amount = Decimal("9999.99")
    session.commit()
    send(invoice, provider)
    assert (invoice.status, invoice.provider_id) == (InvoiceStatus.DRAFT, None)
    assert invoice.last_error == "The payment provider has another invoice with this number, over £10,000.00."


def test_news_of_another_invoice_under_our_number_changes_nothing(session: Database, provider: Running) -> None:
    """One of a database that was made anew, by its reference; and a second one that bears the very same."""
    invoice = make_invoice(make_payable())
    send(invoice, provider)
    there = provider.payments().invoice(invoice.provider_id or "")
    paid = {"id": "in_other", "status": ProviderStatus.PAID, "amount_paid": there.total}
    for reference in (f"{invoice.number}-19990101000000", invoice.payment_reference):
        told = replace(there, reference=reference, **paid)
        actions.take_news(told, kind="invoice.paid", at=NOVEMBER, now=NOVEMBER)
        assert (invoice.status, invoice.provider_id) == (InvoiceStatus.OPEN, there.id)
        same = reference == invoice.payment_reference
        assert ("another invoice with this number" in (invoice.last_error or "")) is same
