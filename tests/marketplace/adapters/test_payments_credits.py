"""Credit notes on open and on paid invoices, refunds out of the supplier's account, and disputes by a bank."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from marketplace.adapters.payments.records import (
    DisputeStatus,
    InvoiceStatus,
    PaymentCharge,
    PaymentCredit,
    PaymentDispute,
    PaymentInvoice,
    PaymentLine,
    PaymentsRefused,
    PaymentsTemporaryFailure,
)
from marketplace.adapters.payments.stripe import Payments

EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture
def invoice(payments: Payments) -> PaymentInvoice:
    """An open invoice over £100, to be paid on to a supplier."""
    account = payments.open_account(
        reference="s", name="Supplier", email="s@s.example", invented=True, asked_since=EVER["since"]
    )
    buyer = payments.ensure_customer(reference="b", name="Kent PCC", email="finance@kent.example").id
    lines = [PaymentLine("May", Decimal("100.00"))]
    return payments.raise_invoice(customer_id=buyer, reference="I", lines=lines, account_id=account.id)


def pay(invoice: PaymentInvoice, way: str = "card") -> requests.Response:
    assert invoice.hosted_url is not None
    return requests.post(invoice.hosted_url, data={"way": way}, timeout=5)


def credit(payments: Payments, invoice: PaymentInvoice, amount: str, reference: str = "I-C1") -> PaymentCredit:
    return payments.credit(invoice.id, reference=reference, amount=Decimal(amount), memo="Two weeks without staff")


def kinds(running: Any) -> list[str]:
    return [event["type"] for event in running.deliver()]


def test_a_credit_on_an_open_invoice_lowers_what_is_due(
    payments: Payments, running: Any, invoice: PaymentInvoice
) -> None:
    note = credit(payments, invoice, "30.00")
    assert (note.amount, note.before, note.after) == (Decimal("30.00"), Decimal("30.00"), Decimal(0))
    assert note.number == f"{invoice.number}-CN-01"
    now = payments.invoice(invoice.id)
    assert (now.status, now.total, now.amount_due, now.credited) == (
        InvoiceStatus.OPEN,
        Decimal("100.00"),
        Decimal("70.00"),
        Decimal("30.00"),
    )
    assert "Two weeks without staff" in requests.get(now.hosted_url or "", timeout=5).text
    assert kinds(running)[-2:] == ["credit_note.created", "invoice.updated"]
    pay(invoice)
    assert payments.invoice(invoice.id).amount_paid == Decimal("70.00")


def test_a_whole_credit_on_an_open_invoice_leaves_it_paid_with_nothing_due(
    payments: Payments, running: Any, invoice: PaymentInvoice
) -> None:
    credit(payments, invoice, "100.00")
    now = payments.invoice(invoice.id)
    assert (now.status, now.amount_due, now.amount_paid) == (InvoiceStatus.PAID, Decimal(0), Decimal(0))
    assert kinds(running)[-1] == "invoice.paid"
    assert payments.payments_of(invoice.id) == []


def test_a_credit_on_a_paid_invoice_goes_back_out_of_the_suppliers_account(
    payments: Payments, running: Any, invoice: PaymentInvoice
) -> None:
    pay(invoice)
    note = credit(payments, invoice, "40.00")
    assert (note.before, note.after) == (Decimal(0), Decimal("40.00"))
    (refund,) = payments.refunds(**EVER)
    assert (refund.amount, refund.reference, refund.status) == (Decimal("40.00"), "I-C1", "succeeded")
    assert running.ask("GET", f"/v1/refunds/{refund.id}").json()["transfer_reversal"] is not None
    now = payments.invoice(invoice.id)
    assert (now.status, now.amount_paid, now.credited) == (InvoiceStatus.PAID, Decimal("100.00"), Decimal(0))
    running.clock.seconds = time.time()
    assert "charge.refunded" in kinds(running)
    (told,) = [
        event.about
        for event in (payments.construct_event(*one) for one in running.webhook.came)
        if isinstance(event.about, PaymentCharge)
    ]
    assert (told.amount, told.refunded) == (Decimal("100.00"), Decimal("40.00"))


def test_a_credit_on_an_invoice_paid_by_another_way_moves_no_money(payments: Payments, invoice: PaymentInvoice) -> None:
    payments.mark_paid_out_of_band(invoice.id, key="p")
    note = credit(payments, invoice, "40.00")
    assert note.after == Decimal("40.00")
    assert list(payments.refunds(**EVER)) == []


@pytest.mark.parametrize("paid", [False, True])
def test_crediting_again_changes_nothing_even_after_the_keys_are_forgotten(
    payments: Payments, running: Any, invoice: PaymentInvoice, paid: bool
) -> None:
    if paid:
        pay(invoice)
    first = credit(payments, invoice, "40.00")
    running.clock.seconds += 25 * 3600
    assert credit(payments, invoice, "40.00") == first
    assert len(list(payments.credits(**EVER))) == 1
    assert len(list(payments.refunds(**EVER))) == (1 if paid else 0)


@pytest.mark.parametrize("fault", ["no answer", "too busy", "broken", "broken for its key"])
@pytest.mark.parametrize("path", ["/v1/refunds", "/v1/credit_notes"])
def test_whatever_goes_wrong_on_the_way_money_goes_back_once(
    payments: Payments, running: Any, invoice: PaymentInvoice, path: str, fault: str
) -> None:
    pay(invoice)
    running.behave(faults=[{"kind": fault, "path": path, "method": "POST"}])
    with pytest.raises(PaymentsTemporaryFailure):
        credit(payments, invoice, "40.00")
    credit(payments, invoice, "40.00")
    assert [one.amount for one in payments.refunds(**EVER)] == [Decimal("40.00")]
    assert [one.amount for one in payments.credits(**EVER)] == [Decimal("40.00")]


def test_paid_between_the_question_and_the_credit_it_is_refused_and_right_the_next_time(
    payments: Payments, invoice: PaymentInvoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = payments.invoice(invoice.id)
    pay(invoice)
    with monkeypatch.context() as old:
        old.setattr(payments, "invoice", lambda _: before)
        with pytest.raises(PaymentsRefused, match=r"must equal the post-payment amount"):
            credit(payments, invoice, "40.00")
    assert credit(payments, invoice, "40.00").after == Decimal("40.00")


def test_a_partly_open_invoice_is_never_credited_beyond_its_total(payments: Payments, invoice: PaymentInvoice) -> None:
    credit(payments, invoice, "60.00")
    with pytest.raises(PaymentsRefused, match="left to credit"):
        credit(payments, invoice, "40.01", "I-C2")
    assert credit(payments, invoice, "40.00", "I-C2").number.endswith("-CN-02")


def test_a_void_or_unsent_invoice_is_not_credited(payments: Payments, invoice: PaymentInvoice) -> None:
    payments.void(invoice.id, key="v")
    with pytest.raises(PaymentsRefused, match="open or paid"):
        credit(payments, invoice, "1.00")


def test_a_declined_card_pays_nothing(payments: Payments, running: Any, invoice: PaymentInvoice) -> None:
    answer = pay(invoice, "declined")
    assert (answer.status_code, "Nothing was paid" in answer.text) == (402, True)
    assert payments.invoice(invoice.id).status is InvoiceStatus.OPEN
    assert kinds(running)[-1] == "invoice.payment_failed"


@pytest.mark.parametrize("way", ["debit", "returned"])
def test_a_direct_debit_is_on_its_way_and_then_paid_or_returned(
    payments: Payments, running: Any, invoice: PaymentInvoice, way: str
) -> None:
    for _ in range(2):  # pressed twice, it is one
        assert "on its way" in pay(invoice, way).text
    assert payments.invoice(invoice.id).status is InvoiceStatus.OPEN
    assert kinds(running)[-1] == "invoice.sent"
    running.clock.seconds += 59
    assert kinds(running) == []
    running.clock.seconds += 1
    told = kinds(running)
    now = payments.invoice(invoice.id)
    if way == "debit":
        assert (now.status, now.amount_paid, "invoice.paid" in told) == (InvoiceStatus.PAID, Decimal("100.00"), True)
    else:
        assert (now.status, told[-1]) == (InvoiceStatus.OPEN, "invoice.payment_failed")
        assert "How do you want to pretend to pay" in requests.get(invoice.hosted_url or "", timeout=5).text
    running.clock.seconds += 3600
    assert kinds(running) == []


def test_a_direct_debit_of_what_was_settled_meanwhile_is_dropped(
    payments: Payments, running: Any, invoice: PaymentInvoice
) -> None:
    pay(invoice, "debit")
    payments.void(invoice.id, key="v")
    running.clock.seconds += 60
    kinds(running)
    assert payments.invoice(invoice.id).status is InvoiceStatus.VOID


@pytest.mark.parametrize("outcome", [DisputeStatus.WON, DisputeStatus.LOST])
def test_a_bank_disputes_a_payment(
    payments: Payments, running: Any, invoice: PaymentInvoice, outcome: DisputeStatus
) -> None:
    running.clock.seconds = time.time()
    pay(invoice)
    made = running.ask("POST", "/stub/dispute", json={"invoice": invoice.id, "reason": "debit_not_authorized"}).json()
    (dispute,) = payments.disputes(**EVER)
    assert (dispute.id, dispute.status) == (made["id"], DisputeStatus.NEEDS_RESPONSE)
    assert dispute.payment == payments.payments_of(invoice.id)[0].payment
    with pytest.raises(PaymentsRefused, match="charged back"):
        credit(payments, invoice, "40.00")
    running.ask("POST", "/stub/close-dispute", json={"dispute": dispute.id, "status": outcome.value})
    assert kinds(running)[-2:] == ["charge.dispute.created", "charge.dispute.closed"]
    about = payments.construct_event(*running.webhook.came[-1]).about
    assert isinstance(about, PaymentDispute)
    assert (about.status, about.amount, about.reason) == (outcome, Decimal("100.00"), "debit_not_authorized")
    again = running.ask("POST", "/stub/close-dispute", json={"dispute": dispute.id, "status": "won"})
    assert again.status_code == 400


def test_what_was_not_paid_cannot_be_disputed(running: Any, invoice: PaymentInvoice) -> None:
    assert running.ask("POST", "/stub/dispute", json={"invoice": invoice.id}).status_code == 400


def test_books_are_read_by_date(payments: Payments, running: Any, invoice: PaymentInvoice) -> None:
    made = datetime.fromtimestamp(running.clock.seconds, UTC)
    pay(invoice)
    credit(payments, invoice, "1.00")
    for read in (payments.invoices, payments.credits, payments.refunds, payments.payments_taken):
        assert len(list(read(since=made, until=made + timedelta(seconds=1)))) == 1
        assert list(read(since=made + timedelta(seconds=1), until=made + timedelta(days=1))) == []
        assert list(read(since=made - timedelta(days=1), until=made)) == []


def test_a_failure_that_the_provider_keeps_for_a_key_does_not_stand_for_a_day(
    payments: Payments, running: Any, invoice: PaymentInvoice
) -> None:
    running.behave(faults=[{"kind": "broken for its key", "path": "/void", "count": 1}])
    with pytest.raises(PaymentsTemporaryFailure):
        payments.void(invoice.id, key="v")
    assert payments.void(invoice.id, key="v").status is InvoiceStatus.VOID
