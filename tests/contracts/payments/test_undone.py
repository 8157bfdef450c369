"""Payments that a bank has undone are owed again; refunds that failed are still to be given; the ledger says so."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions as invoices
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from contracts.payments import jobs, queries
from contracts.payments.models import Chargeback, Difference, PaymentEvent
from marketplace import audit, clock
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.outbox import Letter
from tests.conftest import Client
from tests.factories.accounts import sign_in
from tests.factories.deals import Deal
from tests.factories.invoices import finance_of

Database = scoped_session[Session]


@pytest.fixture
def paid(deal: Deal) -> Deal:
    """An invoice over £10,000.00 that was paid through the provider."""
    deal.send()
    deal.pay()
    deal.hear()
    return deal


def take_back(deal: Deal, outcome: str = "lost") -> None:
    made = deal.provider.ask("POST", "/stub/dispute", json={"invoice": deal.invoice.provider_id}).json()
    deal.provider.ask("POST", "/stub/close-dispute", json={"dispute": made["id"], "status": outcome})


def what_happened(invoice: Invoice) -> list[str]:
    return [event.what for event in reversed(audit.events_for(invoice))]


def paid_to(deal: Deal) -> Decimal:
    return balance(Account.PAID, deal.contract.supplier_id, on=clock.london(deal.clock()).date())


def differences(session: Database, deal: Deal) -> list[tuple[str, str, str]]:
    deal.later(hours=2)
    jobs.reconcile()
    session.expire_all()
    standing = select(Difference).where(Difference.settled_at.is_(None))
    return [(one.kind.value, one.ours, one.theirs) for one in session.scalars(standing)]


def test_a_payment_that_a_bank_has_undone_is_owed_again(session: Database, paid: Deal) -> None:
    before = clock.london(paid.clock()).date()
    paid.later(days=1)
    take_back(paid)
    paid.hear(order=lambda keys: keys + keys)
    assert (paid.invoice.status, paid.invoice.left, paid.owed()) == (
        InvoiceStatus.TAKEN_BACK,
        Decimal("10000.00"),
        Decimal("10000.00"),
    )
    assert paid_to(paid) == 0
    # What was owed on a day that is over reads as it read then.
    assert balance(Account.OWED, paid.invoice.organisation_id, on=before) == 0
    assert what_happened(paid.invoice).count("A bank has undone the payment of £10,000.00") == 1
    letters = list(session.scalars(select(Letter.body).where(Letter.subject.like("%the payment is undone"))))
    assert len(letters) == 2  # to either side
    assert all("it is owed again" in body for body in letters)
    assert differences(session, paid) == []


def test_while_the_bank_decides_and_if_it_stands_nothing_is_owed(session: Database, paid: Deal) -> None:
    made = paid.provider.ask("POST", "/stub/dispute", json={"invoice": paid.invoice.provider_id}).json()
    paid.hear()
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.PAID, 0)
    paid.provider.ask("POST", "/stub/close-dispute", json={"dispute": made["id"], "status": "won"})
    paid.hear()
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.PAID, 0)


@pytest.mark.parametrize("place", range(24))
def test_in_whatever_order_it_is_told(session: Database, deal: Deal, place: int) -> None:
    deal.send()
    deal.pay()
    take_back(deal)

    def mixed(keys: list[int]) -> list[int]:
        """What tells of the payment and of the bank comes last, in each order."""
        matter = ("invoice_payment.paid", "invoice.paid", "charge.dispute.created", "charge.dispute.closed")
        kinds = dict(session.execute(select(PaymentEvent.id, PaymentEvent.kind)).all())
        told = [key for key in keys if kinds[key] in matter]
        assert len(told) == len(matter)
        return [key for key in keys if key not in told] + list(list(itertools.permutations(told))[place])

    deal.hear(order=mixed)
    assert (deal.invoice.status, deal.owed()) == (InvoiceStatus.TAKEN_BACK, Decimal("10000.00"))
    assert what_happened(deal.invoice).count("Paid") == 1


def test_late_news_of_the_payment_does_not_pay_it_again(session: Database, paid: Deal) -> None:
    take_back(paid)
    paid.hear()
    paid.provider.ask("POST", f"/v1/invoices/{paid.invoice.provider_id}", data={"metadata[a]": "b"})
    paid.hear()
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.TAKEN_BACK, Decimal("10000.00"))


# How it ends


def test_credited_and_asked_for_again(session: Database, paid: Deal) -> None:
    take_back(paid)
    paid.hear()
    note = paid.credit()
    assert (note.to_refund, note.taken_back) == (0, Decimal("10000.00"))
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.CREDITED, 0)
    jobs.send_due_credits()
    assert (note.status, paid.refunds()) == (CreditStatus.ISSUED, [])  # the bank has given it back already
    again = invoices.reissue(note, amounts=[note.net], actor=paid.supplier, now=paid.clock())
    assert (again.status, paid.owed()) == (InvoiceStatus.AWAITING_APPROVAL, Decimal("10000.00"))
    session.commit()
    paid.hear()
    assert differences(session, paid) == []


def test_disputed_by_the_funder_and_found_not_to_be_owed(session: Database, paid: Deal) -> None:
    take_back(paid)
    paid.hear()
    payer = finance_of(paid.invoice.organisation)
    made = invoices.dispute(paid.invoice, amount=None, reason="Never came", actor=payer, now=paid.clock())
    invoices.accept(made, actor=paid.supplier, now=paid.clock())
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.CREDITED, 0)


def test_paid_by_another_way_as_the_supplier_says_once(session: Database, paid: Deal) -> None:
    take_back(paid)
    paid.hear()
    today = clock.london(paid.clock()).date()
    with pytest.raises(NotAllowed):
        invoices.paid_elsewhere(paid.invoice, on=today, actor=finance_of(paid.invoice.organisation), now=paid.clock())
    invoices.paid_elsewhere(paid.invoice, on=today, actor=paid.supplier, now=paid.clock())
    assert (paid.invoice.status, paid.owed(), paid_to(paid)) == (InvoiceStatus.PAID, 0, Decimal("10000.00"))
    with pytest.raises(AlreadyDone):
        invoices.paid_elsewhere(paid.invoice, on=today, actor=paid.supplier, now=paid.clock())
    session.commit()
    assert differences(session, paid) == []


def test_what_was_credited_and_waits_to_go_back_goes_back_with_the_bank(session: Database, paid: Deal) -> None:
    """The provider refuses to give back what a bank is deciding about; then the bank gives all of it back."""
    made = paid.provider.ask("POST", "/stub/dispute", json={"invoice": paid.invoice.provider_id}).json()
    note = paid.credit("1000.00")
    jobs.send_due_credits()
    assert (note.status, note.to_refund) == (CreditStatus.WAITING, Decimal("1000.00"))
    paid.provider.ask("POST", "/stub/close-dispute", json={"dispute": made["id"], "status": "lost"})
    paid.hear()
    assert (note.to_refund, note.taken_back, paid.invoice.owed_again, paid.owed()) == (
        Decimal(0),
        Decimal("1000.00"),
        Decimal("9000.00"),
        Decimal("9000.00"),
    )
    paid.later(hours=7)
    jobs.send_due_credits()
    assert (note.status, paid.refunds()) == (CreditStatus.ISSUED, [])
    assert paid.credits() == [(note.payment_reference, Decimal("1000.00"))]
    assert differences(session, paid) == []


def test_what_went_back_before_is_not_taken_back_twice(session: Database, paid: Deal) -> None:
    paid.credit("4000.00")
    jobs.send_due_credits()
    take_back(paid)  # of what is left, £6,000.00
    paid.hear()
    assert (paid.invoice.owed_again, paid.owed(), paid_to(paid)) == (Decimal("6000.00"), Decimal("6000.00"), 0)
    note = paid.credit()
    jobs.send_due_credits()
    assert (note.amount, note.to_refund, paid.invoice.status, paid.owed()) == (
        Decimal("6000.00"),
        0,
        InvoiceStatus.CREDITED,
        0,
    )
    paid.hear()
    assert differences(session, paid) == []


def test_a_part_that_a_bank_has_undone(session: Database, paid: Deal) -> None:
    invoices.charged_back(paid.invoice, Decimal("2500.00"), key="du_part", now=paid.clock())
    invoices.charged_back(paid.invoice, Decimal("2500.00"), key="du_part", now=paid.clock())
    assert (paid.invoice.left, paid.owed()) == (Decimal("2500.00"), Decimal("2500.00"))
    note = paid.credit("3000.00")
    assert (note.taken_back, note.to_refund, paid.owed()) == (
        Decimal("2500.00"),
        Decimal("500.00"),
        Decimal("-500.00"),
    )
    assert (paid.invoice.status, paid.invoice.left) == (InvoiceStatus.PAID, 0)
    jobs.send_due_credits()
    assert ([one.amount for one in paid.refunds()], note.status) == ([Decimal("500.00")], CreditStatus.REFUNDED)
    assert paid.owed() == 0


def test_lost_before_there_was_a_payment_to_undo_is_posted_by_the_nightly_run(session: Database, paid: Deal) -> None:
    """As it stands for what a bank undid before any of this was posted."""
    session.add(
        Chargeback(
            provider_id="du_old",
            invoice_id=paid.invoice.id,
            amount=Decimal("10000.00"),
            reason="general",
            status="lost",
            opened_at=paid.clock() - timedelta(days=30),
            closed_at=paid.clock() - timedelta(days=3),
        )
    )
    session.commit()
    assert differences(session, paid) == []
    assert (paid.invoice.status, paid.owed()) == (InvoiceStatus.TAKEN_BACK, Decimal("10000.00"))
    assert queries.undone_to_post() == []


# Refunds that failed, and money given back by another way


def refunded(deal: Deal) -> CreditNote:
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    deal.hear()
    assert note.status is CreditStatus.REFUNDED
    return note


def fail_the_refund(deal: Deal) -> None:
    deal.later(days=2)
    (refund,) = deal.refunds()
    assert deal.provider.ask("POST", "/stub/fail-refund", json={"refund": refund.id}).ok


def test_a_refund_that_failed_is_still_to_be_given_and_the_supplier_says_when_it_has(
    session: Database, paid: Deal
) -> None:
    note = refunded(paid)
    fail_the_refund(paid)
    paid.hear(order=lambda keys: keys + keys)
    assert (note.status, note.refunded_at, paid.owed()) == (CreditStatus.ISSUED, None, Decimal("-1000.00"))
    jobs.send_due_credits()  # nothing is asked for a second time
    assert len(paid.refunds()) == 1
    assert differences(session, paid) == []
    (item,) = queries.waiting(paid.supplier, paid.clock())
    assert item.text == f"Give £1,000.00 back for credit note {note.number}: the payment provider does not"
    today = clock.london(paid.clock()).date()
    invoices.given_back_elsewhere(note, on=today, actor=paid.supplier, now=paid.clock())
    assert (note.status, paid.owed(), paid_to(paid)) == (CreditStatus.REFUNDED, 0, Decimal("9000.00"))
    with pytest.raises(AlreadyDone):
        invoices.given_back_elsewhere(note, on=today, actor=paid.supplier, now=paid.clock())
    session.commit()
    assert queries.waiting(paid.supplier, paid.clock()) == []


def test_what_the_provider_gives_back_nobody_else_says_is_given(session: Database, paid: Deal) -> None:
    note = refunded(paid)
    with pytest.raises(AlreadyDone):
        invoices.given_back_elsewhere(note, on=clock.london(paid.clock()).date(), actor=paid.supplier, now=paid.clock())


# Pages


def test_the_supplier_says_on_a_page_that_the_money_has_come(session: Database, client: Client, paid: Deal) -> None:
    take_back(paid)
    paid.hear()
    payer = finance_of(paid.invoice.organisation)
    said = f"A bank has undone the payment of invoice {paid.invoice.number}: £10,000.00 is owed again"
    for actor in (paid.supplier, payer):
        assert [item.text for item in queries.waiting(actor, paid.clock())] == [said]
    path = f"/invoices/{paid.invoice.id}/payment/came"
    sign_in(client, payer)
    page = client.get(f"/invoices/{paid.invoice.id}/payment").text
    assert ("is owed again" in page, "Pay it by another way" in page, path in page) == (True, True, False)
    assert client.get(path).status_code == 403
    sign_in(client, paid.supplier)
    assert path in client.get(f"/invoices/{paid.invoice.id}/payment").text
    assert "£10,000.00 of invoice" in client.get(path).text
    today = clock.london(paid.clock()).date()
    soon = today + timedelta(days=1)
    for day, words in ((None, "Enter the day"), (soon, "Enter a day from"), (today - timedelta(days=1), "to today")):
        given = {f"on-{part}": getattr(day, part) for part in ("day", "month", "year")} if day else {}
        answer = client.post(path, data=given)
        assert (answer.status_code, words in answer.text) == (422, True)
    given = {f"on-{part}": getattr(today, part) for part in ("day", "month", "year")}
    assert client.post(path, data=given).status_code == 303
    assert paid.invoice.status is InvoiceStatus.PAID
    again = client.post(path, data=given)
    assert (again.status_code, "Nothing of invoice" in again.text) == (422, True)


def test_the_supplier_says_on_a_page_that_it_has_given_money_back(
    session: Database, client: Client, deal: Deal
) -> None:
    deal.send()
    deal.provider.payments().mark_paid_out_of_band(deal.invoice.provider_id or "", key="k")
    deal.hear()
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    sign_in(client, deal.supplier)
    path = f"/credit-notes/{note.id}/given-back"
    assert path in client.get(f"/invoices/{deal.invoice.id}/payment").text
    assert client.get("/credit-notes/999999/given-back").status_code == 404
    today = clock.london(deal.clock()).date()
    given = {f"on-{part}": getattr(today, part) for part in ("day", "month", "year")}
    assert client.post(path, data=given).status_code == 303
    assert (note.status, deal.owed()) == (CreditStatus.REFUNDED, 0)
