"""Events: signed as Stripe signs them, and delivered late, twice, out of order, again, or never."""

from __future__ import annotations

import json
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketplace.adapters.payments.records import EventUnreadable, InvoiceStatus, PaymentLine, SignatureRefused
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.app import create_stub
from marketplace.adapters.payments.stub.delivery import signature

SECRET = "whsec_for_the_tests"


@pytest.fixture
def paid(payments: Payments, running: Any) -> str:
    """An invoice that was paid just now (the stub's clock is set to now: signatures are dated)."""
    running.clock.seconds = time.time()
    buyer = payments.ensure_customer(reference="b", name="Kent PCC", email="finance@kent.example").id
    invoice = payments.raise_invoice(customer_id=buyer, reference="I", lines=[PaymentLine("May", Decimal("10.50"))])
    return payments.mark_paid_out_of_band(invoice.id, key="p").id


def types(running: Any) -> list[str]:
    return [json.loads(payload)["type"] for payload, _ in running.webhook.came]


def test_an_event_is_read_only_if_signed(payments: Payments, running: Any, paid: str) -> None:
    running.deliver()
    event = payments.construct_event(*running.webhook.came[-1])
    assert event.type == "invoice.paid"
    assert event.invoice is not None
    assert event.invoice.id == paid
    assert (event.invoice.status, event.invoice.amount_paid) == (InvoiceStatus.PAID, Decimal("10.50"))
    assert event.invoice.reference == "I"


@pytest.mark.parametrize("spoil", ["body", "other secret", "old", "no header", "nonsense", "not utf-8", "not an event"])
def test_a_bad_signature_is_refused(payments: Payments, running: Any, paid: str, spoil: str) -> None:
    running.deliver()
    payload, header = running.webhook.came[-1]
    now = int(time.time())
    given: dict[str, tuple[bytes, str | None]] = {
        "body": (payload.replace(b"1050", b"9050"), header),
        "other secret": (payload, signature(payload, "whsec_other", now)),
        "old": (payload, signature(payload, SECRET, now - 301)),
        "no header": (payload, None),
        "nonsense": (payload, "v1"),
        "not utf-8": (b"\xff", signature(b"\xff", SECRET, now)),
        "not an event": (b"[", signature(b"[", SECRET, now)),
    }
    with pytest.raises(SignatureRefused):
        payments.construct_event(*given[spoil])


def test_an_event_with_parts_missing_is_one_and_cannot_be_read(payments: Payments, running: Any, paid: str) -> None:
    running.deliver()
    parts_missing = running.webhook.came[-1][0].replace(b"amount_due", b"amount_dew")
    event = payments.construct_event(parts_missing, signature(parts_missing, SECRET, int(time.time())))
    with pytest.raises(EventUnreadable, match="not in a shape that we know"):
        _ = event.about


def test_without_a_tolerance_there_is_no_client(running: Any) -> None:
    with pytest.raises(ValueError, match="played again"):
        running.payments(signature_tolerance=0)


def test_events_come_in_order_once(running: Any, paid: str) -> None:
    running.deliver()
    running.deliver()
    assert types(running) == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.sent",
        "invoice_payment.paid",
        "invoice.paid",
    ]


def test_events_can_come_twice(payments: Payments, running: Any) -> None:
    running.behave(copies=2)
    payments.ensure_customer(reference="b", name="n", email="e@x.example")
    buyer = payments.ensure_customer(reference="b", name="n", email="e@x.example").id
    payments.draft_invoice(customer_id=buyer, reference="r", key="k")
    running.deliver()
    ids = [json.loads(payload)["id"] for payload, _ in running.webhook.came]
    assert types(running) == ["invoice.created"] * 2
    assert ids[0] == ids[1]


def test_events_can_come_backwards(running: Any, paid: str) -> None:
    running.behave(order="reversed")
    running.deliver()
    assert types(running)[0] == "invoice.paid"
    assert types(running)[-1] == "invoice.created"


def test_events_can_come_late(payments: Payments, running: Any) -> None:
    running.behave(delay_seconds=60)
    buyer = payments.ensure_customer(reference="b", name="n", email="e@x.example").id
    payments.draft_invoice(customer_id=buyer, reference="r", key="k")
    assert running.stub.deliverer.deliver() == []
    running.clock.seconds += 61
    assert [each["type"] for each in running.stub.deliverer.deliver()] == ["invoice.created"]


def test_an_event_is_sent_again_with_longer_waits_until_it_is_taken(running: Any, paid: str) -> None:
    deliver = running.stub.deliverer.deliver
    running.webhook.answers = [500, 0, 302]
    first = [each["outcome"] for each in deliver()]
    assert first == ["waiting", "waiting", "waiting", "delivered", "delivered", "delivered"]
    assert deliver() == []  # none is due yet
    running.webhook.answers = [500, 500, 200]
    running.clock.seconds += 1
    assert [each["outcome"] for each in deliver()] == ["waiting", "waiting", "delivered"]
    running.clock.seconds += 1
    assert deliver() == []
    running.clock.seconds += 1
    assert [each["outcome"] for each in deliver()] == ["delivered", "delivered"]
    event = running.ask("GET", "/v1/events").json()["data"][0]
    assert event["pending_webhooks"] == 0


def test_an_event_nobody_takes_is_given_up_after_three_days(running: Any, paid: str) -> None:
    running.webhook.answers = [500] * 20
    running.clock.seconds += 3 * 86400 + 1
    assert {each["outcome"] for each in running.deliver()} == {"given up"}


def test_the_memory_outlives_the_process(running: Any, paid: str, served: Any) -> None:
    with served(running.home, running.clock) as again:  # the first has not closed its file: as after a kill
        assert again.payments().invoice(paid).status is InvoiceStatus.PAID
        assert "invoice.paid" in [each["type"] for each in again.deliver()]


def test_the_background_delivers_by_itself(tmp_path: Path) -> None:
    came = threading.Event()

    def post(url: str, payload: bytes, headers: dict[str, str]) -> int:
        came.set()
        return 200

    stub = create_stub(
        home=tmp_path, api_key="k", webhook_url="http://127.0.0.1:9/", webhook_secret="s", clock=time.time, post=post
    )
    try:
        client = stub.app.test_client()
        headers = {"Authorization": "Bearer k"}
        buyer = client.post("/v1/customers", data={"name": "n"}, headers=headers).get_json()["id"]
        client.post("/v1/invoices", data={"customer": buyer}, headers=headers)
        assert came.wait(timeout=10)
    finally:
        stub.close()


def test_events_never_leave_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        create_stub(home=tmp_path, api_key="k", webhook_url="https://example.com/", webhook_secret="s")
