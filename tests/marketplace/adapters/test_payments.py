"""Invoices from draft to paid, with the real stripe library against the stub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplace.adapters.payments.records import (
    InvoiceStatus,
    PaymentInvoice,
    PaymentLine,
    PaymentsMisconfigured,
    PaymentsNotFound,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    pence,
    pounds,
)
from marketplace.adapters.payments.stripe import Payments

LINES = [PaymentLine("Planned band, May 2026", Decimal("8333.33")), PaymentLine("Correction", Decimal("-0.33"))]


def customer(payments: Payments) -> str:
    return payments.ensure_customer(reference="body-7", name="Kent PCC", email="finance@kent.example").id


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def raised(payments: Payments, reference: str = "INV-1", *, asked_since: datetime | None = None) -> PaymentInvoice:
    buyer = customer(payments)
    return payments.raise_invoice(customer_id=buyer, reference=reference, lines=LINES, asked_since=asked_since)


def test_a_customer_is_made_once_and_kept_up_to_date(payments: Payments, running: Any) -> None:
    first = payments.ensure_customer(reference="body-7", name="Kent PCC", email="finance@kent.example")
    again = payments.ensure_customer(
        reference="body-7", name="Kent Police and Crime Commissioner", email="finance@kent.example"
    )
    other = payments.ensure_customer(reference="body-8", name="Same mailbox", email="finance@kent.example")
    assert again.id == first.id != other.id
    assert again.name == "Kent Police and Crime Commissioner"
    assert (first.reference, other.reference) == ("body-7", "body-8")


def test_an_invoice_goes_step_by_step_from_draft_to_open(payments: Payments) -> None:
    buyer = customer(payments)
    draft = payments.draft_invoice(customer_id=buyer, reference="INV-1", key="k1", metadata={"contract": "C9"})
    assert (draft.status, draft.amount_due, draft.number) == (InvoiceStatus.DRAFT, Decimal("0.00"), None)
    payments.add_lines(draft.id, LINES[:1], key="k2")
    final = payments.finalise(draft.id, key="k3")
    sent = payments.send(draft.id, key="k4")
    assert final.status is sent.status is InvoiceStatus.OPEN
    assert sent.amount_due == sent.amount_remaining == Decimal("8333.33")
    assert sent.currency == "gbp"
    assert sent.number is not None
    assert sent.hosted_url is not None
    assert sent.due == sent.created + timedelta(days=30)
    assert (sent.reference, sent.metadata["contract"], sent.customer_id) == ("INV-1", "C9", buyer)
    assert payments.invoice(draft.id) == sent


def test_raising_twice_makes_one_invoice_and_tells_of_it_once(payments: Payments, running: Any) -> None:
    first, again = raised(payments), raised(payments)
    assert first == again
    assert first.amount_due == Decimal("8333.00")
    assert len(list(payments.invoices())) == 1
    kinds = [event["type"] for event in running.deliver()]
    assert kinds.count("invoice.sent") == kinds.count("invoice.finalized") == kinds.count("invoice.created") == 1


def test_raising_goes_on_where_it_broke_off_even_after_the_keys_are_forgotten(payments: Payments, running: Any) -> None:
    for path in ("/invoices", "/add_lines", "/finalize", "/send"):
        running.behave(faults=[{"kind": "no answer", "count": 1, "path": path, "method": "POST"}])
        running.clock.seconds += 25 * 3600
        with pytest.raises(PaymentsTemporaryFailure):
            raised(payments, asked_since=LONG_AGO)
    running.clock.seconds += 25 * 3600
    assert raised(payments, asked_since=LONG_AGO).amount_due == Decimal("8333.00")
    assert len(list(payments.invoices())) == 1


def test_an_invoice_whose_total_is_not_ours_is_not_sent(payments: Payments) -> None:
    buyer = customer(payments)
    draft = payments.draft_invoice(customer_id=buyer, reference="INV-1", key="k")
    payments.add_lines(draft.id, [PaymentLine("Stray", Decimal(5))], key="k2")
    with pytest.raises(PaymentsRefused, match=r"reckons £5\.00 where the lines make £8333\.00"):
        raised(payments, asked_since=LONG_AGO)
    assert payments.invoice(draft.id).status is InvoiceStatus.DRAFT


def test_a_reference_that_was_voided_is_spent(payments: Payments) -> None:
    voided = payments.void(raised(payments).id, key="v")
    assert raised(payments, asked_since=LONG_AGO) == voided


def test_void_paid_out_of_band_and_uncollectible(payments: Payments) -> None:
    void = payments.void(raised(payments, "A").id, key="v")
    assert (void.status, void.voided is not None) == (InvoiceStatus.VOID, True)
    paid = payments.mark_paid_out_of_band(raised(payments, "B").id, key="p")
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == (
        InvoiceStatus.PAID,
        Decimal("8333.00"),
        Decimal(0),
    )
    assert paid.paid is not None
    bad = payments.mark_uncollectible(raised(payments, "C").id, key="u")
    assert bad.status is InvoiceStatus.UNCOLLECTIBLE
    assert payments.mark_paid_out_of_band(bad.id, key="p2").status is InvoiceStatus.PAID


def test_moves_that_stripe_does_not_allow_are_refused(payments: Payments) -> None:
    draft = payments.draft_invoice(customer_id=customer(payments), reference="D", key="d")
    with pytest.raises(PaymentsRefused, match="isn't open"):
        payments.void(draft.id, key="1")
    paid = payments.mark_paid_out_of_band(raised(payments).id, key="2")
    with pytest.raises(PaymentsRefused, match="cannot be voided"):
        payments.void(paid.id, key="3")
    with pytest.raises(PaymentsRefused, match="already paid"):
        payments.mark_paid_out_of_band(paid.id, key="4")
    with pytest.raises(PaymentsRefused, match="already finalized"):
        payments.finalise(paid.id, key="5")
    with pytest.raises(PaymentsRefused, match="cannot be sent"):
        payments.send(paid.id, key="6")
    with pytest.raises(PaymentsRefused, match="only delete draft"):
        payments.discard_draft(paid.id)
    with pytest.raises(PaymentsRefused, match="no longer editable"):
        payments.add_lines(paid.id, LINES, key="7")


def test_a_draft_can_be_discarded(payments: Payments) -> None:
    draft = payments.draft_invoice(customer_id=customer(payments), reference="D", key="d")
    payments.discard_draft(draft.id)
    with pytest.raises(PaymentsNotFound):
        payments.invoice(draft.id)


def test_lists_run_over_many_pages_latest_first(payments: Payments, running: Any) -> None:
    buyer = customer(payments)
    made = [payments.draft_invoice(customer_id=buyer, reference=str(n), key=f"k{n}").id for n in range(103)]
    assert [invoice.id for invoice in payments.invoices(customer_id=buyer)] == made[::-1]
    assert list(payments.invoices(status=InvoiceStatus.PAID)) == []
    page = running.ask("GET", f"/v1/invoices?limit=2&ending_before={made[0]}").json()
    assert [each["id"] for each in page["data"]] == [made[2], made[1]]
    assert page["has_more"] is True


def test_events_since_fill_in_for_webhooks_that_never_came(payments: Payments, running: Any) -> None:
    raised(payments, "before")
    running.clock.seconds += 100
    running.behave(lose_next=99)
    since = datetime.fromtimestamp(running.clock.seconds, UTC)
    paid = payments.mark_paid_out_of_band(raised(payments, "after").id, key="p")
    assert [event for event in running.deliver() if event["type"] == "invoice.paid"] == []
    events = list(payments.events_since(since))[::-1]
    assert [event.type for event in events][-1] == "invoice.paid"
    assert events[0].type == "invoice.created"
    assert events[-1].invoice == paid


@pytest.mark.parametrize(
    ("fault", "status"), [("too busy", 429), ("broken", 500), ("no answer", None)], ids=["429", "500", "no answer"]
)
def test_what_may_be_asked_again_is_a_temporary_failure(
    payments: Payments, running: Any, fault: str, status: int | None
) -> None:
    buyer = customer(payments)
    running.behave(faults=[{"kind": fault, "count": 1, "path": "/v1/invoices"}])
    with pytest.raises(PaymentsTemporaryFailure) as failure:
        payments.draft_invoice(customer_id=buyer, reference="R", key="once")
    assert failure.value.status == status
    payments.draft_invoice(customer_id=buyer, reference="R", key="once")
    assert len(list(payments.invoices())) == 1


def test_a_stub_that_is_away_is_a_temporary_failure(running: Any) -> None:
    away = running.payments(base_url="http://127.0.0.1:9")
    with pytest.raises(PaymentsTemporaryFailure):
        away.invoice("in_1")


def test_a_wrong_key_is_told_apart_from_a_refused_invoice(running: Any) -> None:
    with pytest.raises(PaymentsMisconfigured) as failure:
        running.payments(api_key="sk_test_of_somebody_else").invoice("in_1")
    assert "somebody" not in str(failure.value)


def test_one_key_with_other_parameters_is_refused(payments: Payments) -> None:
    buyer = customer(payments)
    payments.draft_invoice(customer_id=buyer, reference="A", key="same")
    with pytest.raises(PaymentsRefused, match="same parameters"):
        payments.draft_invoice(customer_id=buyer, reference="B", key="same")


@pytest.mark.parametrize(("amount", "expected"), [("0.01", 1), ("8333.33", 833333), ("-1.10", -110), ("7", 700)])
def test_pounds_and_pence(amount: str, expected: int) -> None:
    assert pence(Decimal(amount)) == expected
    assert pounds(expected) == Decimal(amount)


def test_parts_of_a_penny_are_refused() -> None:
    with pytest.raises(ValueError, match="parts of a penny"):
        pence(Decimal("0.001"))
