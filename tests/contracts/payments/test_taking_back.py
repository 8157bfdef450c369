"""Payments, money given back, and payments that a bank takes back: known in any order, told to both sides once."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import queries
from contracts.payments.actions.taking_back import take_charge, take_dispute, take_payment, take_refund
from contracts.payments.models import Chargeback, ProviderPayment
from contracts.payments.rules import CHARGEBACK_MOVES, ChargebackStatus
from marketplace import audit
from marketplace.access import Role
from marketplace.adapters.payments.records import (
    DisputeStatus,
    PaymentCharge,
    PaymentDispute,
    PaymentRefund,
    PaymentTaken,
)
from marketplace.outbox import Letter
from tests.conftest import Client
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.invoices import finance_of, make_contract, make_invoice

Database = scoped_session[Session]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def invoice(session: Database) -> Invoice:
    """An invoice that was paid; its supplier has somebody in finance."""
    made = make_invoice(make_contract(), status=InvoiceStatus.PAID, amount="100.00")
    finance_of(made.agreement.supplier)
    return made


def taken(invoice: Invoice, payment: str | None = "pi_1") -> PaymentTaken:
    return PaymentTaken("inpay_1", invoice.provider_id or "", payment, Decimal("100.00"), NOW, NOW)


def disputed(status: DisputeStatus, payment: str = "pi_1") -> PaymentDispute:
    return PaymentDispute("du_1", payment, Decimal("100.00"), "fraudulent", status, NOW)


def charged_back(session: Database) -> Chargeback:
    return session.scalars(select(Chargeback).execution_options(populate_existing=True)).one()


def given_back(session: Database) -> Decimal:
    return session.scalars(select(ProviderPayment.refunded)).one()


def subjects(session: Database) -> list[str]:
    return list(session.scalars(select(Letter.subject).order_by(Letter.id)))


# Payments and what was given back


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_payment_and_money_given_back_are_known_in_any_order(
    session: Database, invoice: Invoice, order: tuple[int, ...]
) -> None:
    steps = [
        lambda: take_payment(taken(invoice), now=NOW),
        lambda: take_charge(PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal("10.00")), at=NOW),
        lambda: take_charge(
            PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal("40.00")), at=NOW + timedelta(seconds=1)
        ),
    ]
    for place in order:
        steps[place]()
        steps[place]()
    found = queries.paid_through(invoice)
    assert [(one.amount, one.refunded) for one in found.payments] == [(Decimal("100.00"), Decimal("40.00"))]
    assert found.refunded == Decimal("40.00")


def test_news_of_the_same_second_only_raise_what_was_given_back(session: Database, invoice: Invoice) -> None:
    for amount in ("10.00", "40.00", "10.00"):
        take_charge(PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal(amount)), at=NOW)
    assert given_back(session) == Decimal("40.00")


def test_a_refund_that_failed_lowers_it_again_when_the_provider_says_so(session: Database, invoice: Invoice) -> None:
    take_charge(PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal("40.00")), at=NOW)
    later = NOW + timedelta(days=2)
    take_charge(PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal("0.00")), at=later)
    assert given_back(session) == Decimal("0.00")


def test_money_that_came_by_another_way_leaves_no_payment(session: Database, invoice: Invoice) -> None:
    take_payment(taken(invoice, payment=None), now=NOW)
    assert queries.paid_through(invoice).payments == []


def test_a_refund_that_failed_is_told_to_both_sides_once(session: Database, invoice: Invoice) -> None:
    take_payment(taken(invoice), now=NOW)
    failed = PaymentRefund("re_1", "pi_1", None, Decimal("40.00"), "failed", NOW)
    take_refund(failed, now=NOW)
    take_refund(PaymentRefund("re_2", "pi_1", None, Decimal("40.00"), "succeeded", NOW), now=NOW)
    take_refund(PaymentRefund("re_3", "pi_else", None, Decimal("40.00"), "failed", NOW), now=NOW)
    assert subjects(session) == [f"Money could not be given back for invoice {invoice.number}"] * 2
    assert [event.what for event in audit.events_for(invoice)] == ["A refund of £40.00 failed"]


# Payments taken back by a bank


@pytest.mark.parametrize("outcome", [DisputeStatus.WON, DisputeStatus.LOST])
def test_a_payment_taken_back_is_told_to_both_finances_and_so_is_how_it_was_decided(
    session: Database, invoice: Invoice, outcome: DisputeStatus
) -> None:
    take_payment(taken(invoice), now=NOW)
    for status in (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, outcome, outcome):
        take_dispute(disputed(status), at=NOW, now=NOW)
    chargeback = charged_back(session)
    assert chargeback.invoice_id == invoice.id
    assert chargeback.closed_at == NOW
    words = f"Payment of invoice {invoice.number}: {{}}"
    assert (
        subjects(session)
        == [words.format("taken back, not decided")] * 2
        + [words.format(f"decided: the payment {'stands' if outcome is DisputeStatus.WON else 'is undone'}")] * 2
    )
    # Lost, it is owed again and is to be taken back from the supplier.
    assert len(audit.events_for(invoice)) == (2 if outcome is DisputeStatus.WON else 4)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_any_order_it_is_known_which_invoice_it_was_and_what_was_decided_stays(
    session: Database, invoice: Invoice, order: tuple[int, ...]
) -> None:
    steps = [
        lambda: take_payment(taken(invoice), now=NOW),
        lambda: take_dispute(disputed(DisputeStatus.NEEDS_RESPONSE), at=NOW, now=NOW),
        lambda: take_dispute(disputed(DisputeStatus.LOST), at=NOW, now=NOW),
    ]
    for place in order:
        steps[place]()
        steps[place]()
    chargeback = charged_back(session)
    assert (chargeback.status, chargeback.invoice_id) == (ChargebackStatus.LOST, invoice.id)
    assert f"Payment of invoice {invoice.number}: decided: the payment is undone" in subjects(session)
    whats = [event.what for event in audit.events_for(invoice)]
    assert len(whats) == len(set(whats))


def test_a_question_of_the_bank_takes_nothing_back(session: Database, invoice: Invoice) -> None:
    take_payment(taken(invoice), now=NOW)
    take_dispute(disputed(DisputeStatus.WARNING_NEEDS_RESPONSE), at=NOW, now=NOW)
    assert charged_back(session).status is ChargebackStatus.ASKED
    take_dispute(disputed(DisputeStatus.WARNING_CLOSED), at=NOW, now=NOW)
    take_dispute(disputed(DisputeStatus.WARNING_UNDER_REVIEW), at=NOW, now=NOW)
    assert charged_back(session).status is ChargebackStatus.WITHDRAWN


def test_a_payment_that_is_not_ours_is_kept_and_told_to_nobody(session: Database, invoice: Invoice) -> None:
    take_dispute(disputed(DisputeStatus.NEEDS_RESPONSE, "pi_else"), at=NOW, now=NOW)
    assert charged_back(session).invoice_id is None
    assert subjects(session) == []


def test_what_is_decided_moves_no_more() -> None:
    for status, moves in CHARGEBACK_MOVES.items():
        assert bool(moves) is (status in (ChargebackStatus.ASKED, ChargebackStatus.TAKEN))


def test_both_finances_find_it_at_home_and_on_its_page(session: Database, client: Client, invoice: Invoice) -> None:
    take_payment(taken(invoice), now=NOW)
    take_charge(PaymentCharge("ch_1", "pi_1", Decimal("100.00"), Decimal("25.00")), at=NOW)
    take_dispute(disputed(DisputeStatus.NEEDS_RESPONSE), at=NOW, now=NOW)
    payer, clerk = finance_of(invoice.organisation), finance_of(invoice.agreement.supplier)
    for actor in (payer, clerk):
        taken_back = [item for item in queries.waiting(actor, NOW) if "bank" in item.text]
        assert [item.text for item in taken_back] == [f"A bank has taken back £100.00 of invoice {invoice.number}"]
        assert taken_back[0].url.endswith(f"/invoices/{invoice.id}/payment")
    assert queries.waiting(finance_of(make_commissioner()), NOW) == []
    sign_in(client, payer)
    page = client.get(f"/invoices/{invoice.id}/payment").text
    assert "Taken back, not decided" in page
    assert "£25.00" in page
    take_dispute(disputed(DisputeStatus.WON), at=NOW, now=NOW)
    assert queries.waiting(payer, NOW) == []


def test_the_page_is_for_those_who_see_the_invoice(session: Database, client: Client) -> None:
    invoice = make_invoice(make_contract())
    sign_in(client, make_actor(make_commissioner(), Role.COMMISSIONER_FINANCE))
    assert client.get(f"/invoices/{invoice.id}/payment").status_code == 404
    sign_in(client, finance_of(invoice.organisation))
    assert "Nothing has been paid through the provider yet" in client.get(f"/invoices/{invoice.id}/payment").text


def test_an_invoice_paid_by_another_way_says_so(session: Database, client: Client, invoice: Invoice) -> None:
    sign_in(client, finance_of(invoice.organisation))
    assert "paid by another way" in client.get(f"/invoices/{invoice.id}/payment").text
