"""What was passed on to a supplier's account is taken back from it: once, up to what was passed on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marketplace.adapters.payments.records import (
    PaymentInvoice,
    PaymentLine,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    PaymentTransfer,
)
from marketplace.adapters.payments.stripe import Payments
from tests.marketplace.adapters.test_payments_credits import EVER, credit, invoice, pay

__all__ = ["invoice"]


@pytest.fixture
def payment(payments: Payments, invoice: PaymentInvoice) -> str:
    """£100 that were paid and passed on."""
    pay(invoice)
    (taken,) = payments.payments_of(invoice.id)
    assert taken.payment is not None
    return taken.payment


def take(payments: Payments, payment: str, amount: str = "100.00", reference: str = "B-1") -> str:
    made = payments.take_back(payment, reference=reference, amount=Decimal(amount))
    assert made is not None
    assert (made.reference, made.amount, made.refund) == (reference, Decimal(amount), None)
    return made.id


def transfer_of(payments: Payments, payment: str) -> PaymentTransfer:
    found = payments.transfer_of(payment)
    assert found is not None
    return found


def test_it_is_taken_back_once_for_our_reference(payments: Payments, payment: str) -> None:
    first = take(payments, payment, "60.00")
    assert take(payments, payment, "60.00") == first
    found = transfer_of(payments, payment)
    assert (found.amount, found.reversed, found.left) == (Decimal("100.00"), Decimal("60.00"), Decimal("40.00"))
    assert [one.id for one in found.reversals] == [first]
    assert [one.id for one in payments.transfers(**EVER)] == [found.id]


def test_no_more_than_is_left_of_what_was_passed_on(payments: Payments, payment: str, invoice: PaymentInvoice) -> None:
    credit(payments, invoice, "30.00")
    (refund,) = transfer_of(payments, payment).reversals
    assert refund.refund is not None
    with pytest.raises(PaymentsRefused, match=r"only £70\.00 is left"):
        payments.take_back(payment, reference="B-1", amount=Decimal("70.01"))
    take(payments, payment, "70.00")
    assert transfer_of(payments, payment).left == 0


def test_what_was_never_passed_on_is_not_taken_back(payments: Payments) -> None:
    buyer = payments.ensure_customer(reference="b", name="Kent PCC", email="finance@kent.example").id
    lines = [PaymentLine("May", Decimal("100.00"))]
    kept = payments.raise_invoice(customer_id=buyer, reference="I", lines=lines)
    pay(kept)
    (taken,) = payments.payments_of(kept.id)
    assert payments.take_back(taken.payment or "", reference="B-1", amount=Decimal("1.00")) is None


@pytest.mark.parametrize("kind", ["too busy", "broken", "broken for its key"])
def test_a_failure_that_passes_is_tried_again(payments: Payments, running: Any, payment: str, kind: str) -> None:
    running.behave(faults=[{"kind": kind, "path": "reversals", "method": "POST"}])
    with pytest.raises(PaymentsTemporaryFailure):
        take(payments, payment)
    take(payments, payment)
    assert len(transfer_of(payments, payment).reversals) == 1


def test_an_answer_that_was_lost_is_found_also_when_the_key_is_forgotten(
    payments: Payments, running: Any, payment: str
) -> None:
    running.behave(faults=[{"kind": "no answer", "path": "reversals", "method": "POST"}])
    with pytest.raises(PaymentsTemporaryFailure):
        take(payments, payment)
    running.clock.seconds += 2 * 24 * 3600
    take(payments, payment)
    assert transfer_of(payments, payment).reversed == Decimal("100.00")


def test_more_reversals_than_a_transfer_carries_with_it(payments: Payments, payment: str) -> None:
    keys = [take(payments, payment, "1.00", f"B-{place}") for place in range(12)]
    assert {one.id for one in transfer_of(payments, payment).reversals} == set(keys)
    assert take(payments, payment, "1.00", "B-0") == keys[0]
    (listed,) = payments.transfers(**EVER)
    assert len(listed.reversals) == 12


def test_it_is_told_and_can_be_asked_for(payments: Payments, running: Any, payment: str) -> None:
    take(payments, payment)
    assert [one["type"] for one in running.deliver()].count("transfer.reversed") == 1
    (told,) = [one for one in payments.events_since(EVER["since"]) if one.type == "transfer.reversed"]
    assert isinstance(told.about, PaymentTransfer)
    assert [one.reference for one in told.about.reversals] == ["B-1"]
