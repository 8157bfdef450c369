from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import requests
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import jobs as invoice_jobs
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import actions, jobs, queries
from contracts.payments.models import PaymentEvent
from marketplace import audit, queueing
from marketplace.adapters.payments.records import PaymentLine
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.app import create_stub, make_loopback_server
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.invoices import approve_raised, finance_of, make_invoice
from tests.factories.payments import make_payable
from tests.marketplace.adapters.conftest import API_KEY, SECRET, Running

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def what_happened(invoice: Invoice) -> list[str]:
    return [event.what for event in reversed(audit.events_for(invoice))]


def sent_invoice(provider: Running) -> Invoice:
    """An invoice that the provider has; its supplier has somebody in finance."""
    invoice = make_invoice(make_payable())
    finance_of(invoice.agreement.supplier)
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    db.session.commit()
    return invoice


def keep(provider: Running, *kinds: str) -> list[int]:
    """Keep what the provider has to tell, those kinds (all unless said) in that order. The keys."""
    provider.deliver()
    came = {json.loads(payload)["type"]: (payload, signature) for payload, signature in provider.webhook.came}
    keys = []
    with transaction():
        for kind in kinds or came:
            key = actions.keep_event(*came[kind], payments=provider.payments(), now=NOVEMBER)
            assert key is not None
            keys.append(key)
    return keys


def pay(provider: Running, invoice: Invoice) -> None:
    assert invoice.payment_url is not None
    assert requests.post(invoice.payment_url, data={"way": "card"}, timeout=20).ok


def test_paid_at_the_provider_is_paid_here_and_the_supplier_told(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    pay(provider, invoice)
    for key in keep(provider):
        jobs.apply_event(key)
    session.expire_all()
    assert invoice.status is InvoiceStatus.PAID
    assert invoice.paid_at == datetime.fromtimestamp(int(provider.clock.seconds), tz=UTC)
    assert what_happened(invoice) == ["Sent for payment", "Paid"]
    assert session.scalars(select(Letter.subject).order_by(Letter.id)).all() == [
        f"Invoice {invoice.number} is ready to pay",
        f"Invoice {invoice.number} has been paid",
    ]


def test_an_event_is_applied_once(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    pay(provider, invoice)
    (key,) = keep(provider, "invoice.paid")
    for _ in range(2):
        jobs.apply_event(key)
        jobs.apply_waiting_events()
    assert what_happened(invoice).count("Paid") == 1
    assert queries.events_to_apply() == []


def test_paid_may_come_before_the_rest(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    pay(provider, invoice)
    kinds = ["invoice.paid", "invoice.sent", "invoice.finalized", "invoice.updated", "invoice.created"]
    for key in keep(provider, *kinds):
        jobs.apply_event(key)
    session.expire_all()
    assert invoice.status is InvoiceStatus.PAID
    assert what_happened(invoice) == ["Sent for payment", "Paid"]


def test_the_provider_may_be_faster_than_our_commit(session: Database, provider: Running) -> None:
    """The events reach us, but what we were told when sending was lost: page and key are taken from the event."""
    invoice = make_invoice(make_payable())
    session.commit()
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    key, page = invoice.provider_id, invoice.payment_url
    session.rollback()
    assert invoice.provider_id is None
    for event in keep(provider):
        jobs.apply_event(event)
    session.expire_all()
    assert (invoice.status, invoice.provider_id, invoice.payment_url) == (InvoiceStatus.OPEN, key, page)
    assert session.scalars(select(Letter.subject)).all() == [f"Invoice {invoice.number} is ready to pay"]


def test_a_failed_payment_is_told_and_changes_nothing(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    assert invoice.payment_url is not None
    requests.post(invoice.payment_url, data={"way": "declined"}, timeout=20)
    (key,) = keep(provider, "invoice.payment_failed")
    for _ in range(2):
        jobs.apply_event(key)
    assert invoice.status is InvoiceStatus.OPEN
    assert what_happened(invoice) == ["Sent for payment", "A payment failed"]


def test_a_failure_that_is_older_than_the_payment_is_not_told(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    assert invoice.payment_url is not None
    requests.post(invoice.payment_url, data={"way": "declined"}, timeout=20)
    pay(provider, invoice)
    for key in keep(provider, "invoice.paid", "invoice.payment_failed"):
        jobs.apply_event(key)
    assert what_happened(invoice) == ["Sent for payment", "Paid"]


def test_a_void_invoice_asks_for_nothing(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    provider.payments().void(invoice.provider_id or "", key="k")
    (key,) = keep(provider, "invoice.voided")
    jobs.apply_event(key)
    session.expire_all()
    assert (invoice.status, invoice.paid_at) == (InvoiceStatus.VOID, None)
    assert what_happened(invoice) == ["Sent for payment", "Voided"]


def test_another_amount_is_not_applied_and_people_see_it(session: Database, provider: Running) -> None:
    invoice = sent_invoice(provider)
    pay(provider, invoice)
    invoice.net = invoice.amount = invoice.lines[0].amount = Decimal("9999.00")
    session.commit()
    (key,) = keep(provider, "invoice.paid")
    jobs.apply_event(key)
    session.expire_all()
    assert invoice.status is InvoiceStatus.OPEN
    assert invoice.last_error == "The payment provider has another invoice with this number, over £10,000.00."
    assert what_happened(invoice) == ["Sent for payment", "The provider's invoice does not match"]


def test_events_of_invoices_that_are_not_ours_are_passed_over(session: Database, provider: Running) -> None:
    ours, payments = sent_invoice(provider), provider.payments()
    buyer = payments.ensure_customer(reference="elsewhere", name="n", email="e@example.org").id
    for reference in ("something else", f"{ours.number}-20200101000000"):
        lines = [PaymentLine("October", ours.amount)]
        stranger = payments.raise_invoice(customer_id=buyer, reference=reference, lines=lines)
        payments.mark_paid_out_of_band(stranger.id, key=f"p{reference}")
    provider.deliver()
    with transaction():
        for payload, signature in provider.webhook.came:
            actions.keep_event(payload, signature, payments=payments, now=NOVEMBER)
    jobs.apply_waiting_events()
    session.expire_all()
    assert ours.status is InvoiceStatus.OPEN
    assert ours.last_error is None
    assert queries.events_to_apply() == []


def test_events_are_applied_in_the_order_in_which_they_happened(session: Database, provider: Running) -> None:
    sent_invoice(provider)
    provider.clock.seconds += 5
    provider.behave(order="reversed")
    keys = keep(provider, "invoice.sent", "invoice.finalized", "invoice.created")
    happened = list(session.scalars(select(PaymentEvent.happened_at).order_by(PaymentEvent.id)))
    assert len(set(happened)) == 1  # all in one second: then in the order in which they came
    assert queries.events_to_apply() == keys


def test_what_never_reached_us_is_asked_for(session: Database, provider: Running, clock: StandingClock) -> None:
    clock.set(datetime.fromtimestamp(provider.clock.seconds, tz=UTC) + timedelta(days=2))
    provider.behave(lose_next=100)
    invoice = sent_invoice(provider)
    pay(provider, invoice)
    assert provider.deliver() == []
    jobs.ask_for_missed_events()
    session.expire_all()
    assert invoice.status is InvoiceStatus.PAID
    jobs.ask_for_missed_events()
    assert what_happened(invoice) == ["Sent for payment", "Paid"]


def test_the_whole_month_by_itself(
    session: Database, provider: Running, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    clock.set(NOVEMBER)
    make_payable()
    make_payable()
    session.commit()
    invoice_jobs.raise_due_invoices()
    approve_raised(NOVEMBER)
    session.commit()
    jobs.send_due_invoices()
    run_jobs()
    assert set(session.scalars(select(Invoice.status))) == {InvoiceStatus.OPEN}
    invoice_jobs.raise_due_invoices()
    jobs.send_due_invoices()
    assert len(list(provider.payments().invoices())) == 2


def test_two_workers_at_once_send_one_invoice(committed_app: Flask, tmp_path: Path) -> None:
    with linked(committed_app, tmp_path) as (stub_url, _), committed_app.app_context():
        with transaction():
            invoice_id = make_invoice(make_payable()).id
        together = threading.Barrier(3)

        def work() -> None:
            with committed_app.app_context():
                together.wait(20)
                jobs.send_invoices([invoice_id])

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        db.session.expire_all()
        invoice = db.session.get_one(Invoice, invoice_id)
        assert invoice.status is InvoiceStatus.OPEN
        assert what_happened(invoice) == ["Sent for payment"]
        found = requests.get(f"{stub_url}/v1/invoices", headers={"Authorization": f"Bearer {API_KEY}"}, timeout=20)
        assert len(found.json()["data"]) == 1


@contextmanager
def linked(app: Flask, folder: Path) -> Iterator[tuple[str, Callable[[], list[dict[str, str]]]]]:
    """The application and the stub, each served on loopback and each knowing the other's address.

    Gives the stub's address and what has it deliver its events.
    """
    ours = make_loopback_server(app, 0)
    stub = create_stub(
        home=folder / "stub",
        api_key=API_KEY,
        webhook_url=f"http://127.0.0.1:{ours.server_port}/webhooks/payments",
        webhook_secret=SECRET,
        deliver_in_background=False,
        clock=time.time,
    )
    theirs = make_loopback_server(stub.app, 0)
    url = f"http://127.0.0.1:{theirs.server_port}"
    app.extensions["payments"] = Payments(api_key=API_KEY, webhook_secret=SECRET, base_url=url, timeout=20)
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        for server in (ours, theirs)
    ]
    for thread in threads:
        thread.start()

    def deliver() -> list[dict[str, str]]:
        asked = requests.post(f"{url}/stub/deliver", headers={"Authorization": f"Bearer {API_KEY}"}, timeout=60)
        told: list[dict[str, str]] = asked.json()
        return told

    try:
        yield url, deliver
    finally:
        for server in (ours, theirs):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join(20)
        stub.close()


def test_raised_sent_paid_in_the_browser_and_told_to_us(
    committed_app: Flask, tmp_path: Path, clock: StandingClock
) -> None:
    """The whole way, over real HTTP in both directions and through the queue."""
    clock.set(NOVEMBER)
    with linked(committed_app, tmp_path) as (_, deliver), committed_app.app_context():
        with transaction():
            contract = make_payable(lines=["120000.00"])
            finance_of(contract.supplier)
        invoice_jobs.raise_due_invoices()
        with transaction():
            approve_raised(NOVEMBER)
        jobs.send_due_invoices()
        db.session.expire_all()
        invoice = db.session.scalars(select(Invoice)).one()
        assert (invoice.status, invoice.month, invoice.amount) == (
            InvoiceStatus.OPEN,
            date(2026, 10, 1),
            Decimal("10000.00"),
        )
        assert invoice.payment_url is not None
        page = requests.get(invoice.payment_url, timeout=20)
        assert "£10,000.00" in page.text
        assert "This invoice is paid" in requests.post(invoice.payment_url, data={"way": "card"}, timeout=20).text
        outcomes = deliver()
        assert {one["outcome"] for one in outcomes} == {"delivered"}
        db.session.expire_all()
        assert invoice.status is InvoiceStatus.OPEN  # kept, and not yet applied
        assert db.session.scalar(select(func.count()).select_from(PaymentEvent)) == len(outcomes)
        db.session.rollback()
        queueing.run_queued(committed_app)
        db.session.expire_all()
        assert invoice.status is InvoiceStatus.PAID
        assert what_happened(invoice) == ["Invoice raised", "Approved for payment", "Sent for payment", "Paid"]
