"""Credit notes at the provider: what is to be paid is lowered there, what was paid goes back, each once."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from contracts.payments import actions, jobs, queries
from marketplace import audit
from marketplace import clock as clock_module
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from tests.factories.deals import Deal

Database = scoped_session[Session]


def what_happened(invoice: Invoice) -> list[str]:
    return [event.what for event in reversed(audit.events_for(invoice))]


def subjects(session: Database) -> list[str]:
    return list(session.scalars(select(Letter.subject).order_by(Letter.id)))


def test_part_of_an_open_invoice_is_credited_there_too_and_the_rest_is_paid(session: Database, deal: Deal) -> None:
    deal.send()
    note = deal.credit("1000.00")
    assert note.status is CreditStatus.WAITING
    jobs.send_due_credits()
    assert (note.status, note.last_error, note.sent_at) == (CreditStatus.ISSUED, None, deal.clock())
    assert deal.credits() == [(note.payment_reference, Decimal("1000.00"))]
    assert (deal.there().amount_due, deal.there().status) == (deal.invoice.left, ProviderStatus.OPEN)
    assert f"Credit note {note.number} is with the payment provider" in what_happened(deal.invoice)
    deal.pay()
    deal.hear()
    assert (deal.invoice.status, deal.invoice.paid_amount, deal.owed()) == (
        InvoiceStatus.PAID,
        Decimal("9000.00"),
        Decimal(0),
    )
    assert (note.to_refund, note.status) == (0, CreditStatus.ISSUED)


def test_a_whole_credit_of_an_open_invoice_leaves_nothing_to_pay_and_nobody_is_told_it_was_paid(
    session: Database, deal: Deal
) -> None:
    deal.send()
    deal.credit()
    jobs.send_due_credits()
    deal.hear()
    assert (deal.there().status, deal.there().amount_due) == (ProviderStatus.PAID, 0)
    assert (deal.invoice.status, deal.owed()) == (InvoiceStatus.CREDITED, 0)
    assert not [one for one in subjects(session) if "has been paid" in one]


def test_what_was_paid_goes_back_out_of_the_suppliers_account_once(session: Database, deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    note = deal.credit("1000.00")
    assert (note.to_refund, deal.owed()) == (Decimal("1000.00"), Decimal("-1000.00"))
    jobs.send_due_credits()
    jobs.send_due_credits()
    deal.hear()
    assert (note.status, note.given_back, deal.owed()) == (CreditStatus.REFUNDED, Decimal("1000.00"), Decimal(0))
    assert note.refunded_at == deal.clock()
    (refund,) = deal.refunds()
    assert (refund.amount, refund.reference) == (Decimal("1000.00"), note.payment_reference)
    paid = balance(Account.PAID, deal.contract.supplier_id, on=clock_module.london(deal.clock()).date())
    assert paid == Decimal("9000.00")
    assert queries.paid_through(deal.invoice).refunded == Decimal("1000.00")
    assert what_happened(deal.invoice).count(f"Money of credit note {note.number} given back") == 1


def test_what_came_by_another_way_is_not_given_back_by_the_provider(session: Database, deal: Deal) -> None:
    deal.send()
    deal.provider.payments().mark_paid_out_of_band(deal.invoice.provider_id or "", key="k")
    deal.hear()
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    deal.hear()
    assert (note.status, note.given_back, deal.refunds()) == (CreditStatus.ISSUED, 0, [])
    assert deal.owed() == Decimal("-1000.00")  # it is still the supplier's to give back


def asked_for(deal: Deal) -> list[Decimal]:
    """What each e-mail of the provider's about the invoice asks for."""
    told = deal.provider.payments().events_since(deal.clock() - timedelta(days=9))
    return [one.invoice.amount_remaining for one in told if one.type == "invoice.sent" and one.invoice]


def test_an_invoice_goes_out_whole_credited_and_asks_for_what_is_left(session: Database, deal: Deal) -> None:
    first, second = deal.credit("1000.00"), deal.credit("500.00")
    jobs.send_due_credits()
    deal.approve()
    jobs.send_due_credits()
    assert (first.attempts, first.status, second.status) == (0, CreditStatus.WAITING, CreditStatus.WAITING)
    jobs.send_due_invoices()
    assert (deal.there().total, deal.there().amount_due) == (Decimal("10000.00"), Decimal("8500.00"))
    assert asked_for(deal) == [Decimal("8500.00")]
    jobs.send_due_credits()  # the provider has them already
    assert (first.status, second.status) == (CreditStatus.ISSUED, CreditStatus.ISSUED)
    assert deal.credits()[::-1] == [(one.payment_reference, one.amount) for one in (first, second)]
    assert deal.there().amount_due == deal.invoice.left == Decimal("8500.00")


@pytest.mark.parametrize("kind", ["too busy", "broken", "broken for its key", "no answer"])
@pytest.mark.parametrize("path", ["/v1/credit_notes", "/send"])
def test_whatever_goes_wrong_when_it_goes_out_no_e_mail_asks_for_more(
    session: Database, deal: Deal, path: str, kind: str
) -> None:
    note = deal.credit("1000.00")
    deal.approve()
    deal.provider.behave(faults=[{"kind": kind, "path": path, "method": "POST", "count": 1}])
    jobs.send_due_invoices()
    deal.later(minutes=3)
    jobs.send_due_invoices()
    jobs.send_due_credits()
    assert (deal.invoice.status, note.status) == (InvoiceStatus.OPEN, CreditStatus.ISSUED)
    assert set(asked_for(deal)) == {Decimal("9000.00")}
    assert deal.credits() == [(note.payment_reference, Decimal("1000.00"))]
    letters = session.scalars(select(Letter.body).where(Letter.subject.like("%is ready to pay"))).all()
    assert all("To pay: £9,000.00" in body for body in letters)


def test_what_is_credited_whole_before_it_goes_out_never_does(session: Database, deal: Deal) -> None:
    deal.credit("4000.00")
    deal.approve()
    deal.credit()
    jobs.send_due_invoices()
    jobs.send_due_credits()
    assert (list(deal.provider.payments().invoices()), asked_for(deal)) == ([], [])
    assert session.scalars(select(Letter).where(Letter.subject.like("%is ready to pay"))).all() == []


@pytest.mark.parametrize("news", ["before the credit is sent", "after", "reversed"])
def test_a_payment_that_crosses_a_credit_goes_back_as_far_as_it_was_too_much(
    session: Database, deal: Deal, news: str
) -> None:
    deal.send()
    sent = deal.credit("500.00")
    jobs.send_due_credits()
    note = deal.credit("1000.00")
    deal.pay()  # the provider does not know of the second one yet
    if news == "before the credit is sent":
        deal.hear()
        assert (sent.to_refund, note.to_refund) == (Decimal(0), Decimal("1000.00"))
    jobs.send_due_credits()
    deal.hear(order=lambda keys: keys[::-1] if news == "reversed" else keys)
    assert (deal.invoice.status, deal.invoice.paid_amount, deal.owed()) == (
        InvoiceStatus.PAID,
        Decimal("9500.00"),
        Decimal(0),
    )
    assert (sent.status, note.status) == (CreditStatus.ISSUED, CreditStatus.REFUNDED)
    assert [one.amount for one in deal.refunds()] == [Decimal("1000.00")]
    assert subjects(session).count(f"Invoice {deal.invoice.number} has been paid") == 1


def test_all_of_it_credited_while_it_was_being_paid_comes_back_whole(session: Database, deal: Deal) -> None:
    deal.send()
    note = deal.credit()
    deal.pay()
    jobs.send_due_credits()
    deal.hear()
    assert (deal.invoice.status, note.status, deal.owed()) == (InvoiceStatus.PAID, CreditStatus.REFUNDED, Decimal(0))


FAULTS = [
    {"kind": kind, "path": path, "method": "POST"}
    for kind, path in itertools.product(
        ("no answer", "too busy", "broken", "broken for its key"), ("/v1/refunds", "/v1/credit_notes")
    )
]


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault['path']}")
def test_whatever_goes_wrong_on_the_way_there_is_one_credit_in_the_end(
    session: Database, deal: Deal, fault: dict[str, Any], paid: bool
) -> None:
    deal.send()
    if paid:
        deal.pay()
        deal.hear()
    note = deal.credit("1000.00")
    deal.provider.behave(faults=[fault])
    jobs.send_due_credits()
    if paid or "credit_notes" in fault["path"]:
        assert (note.status, note.attempts) == (CreditStatus.WAITING, 1)
        assert note.last_error == "The payment provider did not answer."
        assert note.next_attempt_at == deal.clock() + timedelta(minutes=2)
        assert queries.credits_to_send(deal.clock()) == []
        deal.later(minutes=2)
        jobs.send_due_credits()
    deal.hear()
    assert (note.status, note.last_error) == (CreditStatus.REFUNDED if paid else CreditStatus.ISSUED, None)
    assert deal.credits() == [(note.payment_reference, Decimal("1000.00"))]
    assert len(deal.refunds()) == paid
    assert deal.owed() == (0 if paid else Decimal("9000.00"))


def ask_and_be_killed(note: CreditNote) -> None:
    """The provider has done it, and we know nothing of it."""
    with transaction():
        actions.begin_to_credit([note.id])
    actions.send_credit(note, payments=jobs.payments(), now=note.next_attempt_at)
    assert note.provider_id
    db.session.rollback()
    assert (note.status, note.provider_id) == (CreditStatus.WAITING, None)


@pytest.mark.parametrize("paid", [False, True])
def test_killed_after_the_provider_did_it(session: Database, deal: Deal, paid: bool) -> None:
    deal.send()
    if paid:
        deal.pay()
        deal.hear()
    note = deal.credit("1000.00")
    ask_and_be_killed(note)
    deal.later(hours=25)  # the provider has forgotten its keys
    jobs.send_due_credits()
    assert note.status is (CreditStatus.REFUNDED if paid else CreditStatus.ISSUED)
    assert (len(deal.credits()), len(deal.refunds())) == (1, paid)


@pytest.mark.parametrize("paid", [False, True])
def test_the_provider_may_tell_of_it_before_we_have_committed(session: Database, deal: Deal, paid: bool) -> None:
    deal.send()
    if paid:
        deal.pay()
        deal.hear()
    note = deal.credit("1000.00")
    ask_and_be_killed(note)
    for _ in range(2):
        deal.hear(order=lambda keys: keys + keys)
    assert note.status is (CreditStatus.REFUNDED if paid else CreditStatus.ISSUED)
    assert note.provider_id is not None
    jobs.send_due_credits()
    assert len(deal.credits()) == 1
    assert what_happened(deal.invoice).count(f"Credit note {note.number} is with the payment provider") == 1


# Credited before it was there


def test_credited_before_it_was_ever_asked_for_nothing_is_told(session: Database, deal: Deal) -> None:
    deal.approve()
    note = deal.credit()
    deal.provider.behave(faults=[{"kind": "broken", "count": 100}])
    jobs.send_due_credits()
    assert (note.status, note.provider_id, note.sent_at) == (CreditStatus.ISSUED, None, None)


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/invoices", "/add_lines", "/finalize", "/send"])
def test_credited_while_nobody_knows_whether_it_has_arrived(session: Database, deal: Deal, path: str) -> None:
    """The provider's answer was lost; before the next try the supplier credits all of it."""
    deal.approve()
    deal.provider.behave(faults=[{"kind": "no answer", "path": path, "method": "POST"}])
    jobs.send_due_invoices()
    assert deal.invoice.provider_id is None
    note = deal.credit()
    assert deal.invoice.status is InvoiceStatus.CREDITED
    jobs.send_due_credits()
    assert note.status is CreditStatus.ISSUED
    arrived = path in ("/finalize", "/send")
    left = list(deal.provider.payments().invoices())
    assert [(one.amount_due, one.status) for one in left] == ([(0, ProviderStatus.PAID)] if arrived else [])
    assert (deal.invoice.provider_id is not None, note.provider_id is not None) == (arrived, arrived)
    deal.hear()
    assert (deal.invoice.status, deal.owed()) == (InvoiceStatus.CREDITED, 0)


def test_paid_and_credited_while_nobody_knew_that_it_had_arrived(session: Database, deal: Deal) -> None:
    deal.approve()
    deal.provider.behave(faults=[{"kind": "no answer", "path": "/send"}])
    jobs.send_due_invoices()
    (there,) = deal.provider.payments().invoices()
    assert requests.post(there.hosted_url or "", data={"way": "card"}, timeout=20).ok
    note = deal.credit()
    jobs.send_due_credits()
    deal.hear()
    assert (note.status, deal.invoice.status, deal.owed()) == (CreditStatus.REFUNDED, InvoiceStatus.PAID, 0)
    assert [one.amount for one in deal.refunds()] == [Decimal("10000.00")]


def test_another_invoice_under_its_number_is_not_credited(session: Database, deal: Deal) -> None:
    deal.approve()
    deal.provider.behave(faults=[{"kind": "no answer", "path": "/send"}])
    jobs.send_due_invoices()
    deal.invoice.lines[0].amount = deal.invoice.net = deal.invoice.amount = Decimal("9999.99")
    session.commit()
    note = deal.credit()
    jobs.send_due_credits()
    assert (note.status, deal.credits()) == (CreditStatus.WAITING, [])
    assert note.last_error == "The payment provider refused it: it has another invoice with this number"
    assert note.next_attempt_at == deal.clock() + actions.LONGEST_WAIT


def test_an_invoice_that_was_voided_meanwhile_needs_no_credit_there(session: Database, deal: Deal) -> None:
    deal.send()
    note = deal.credit("1000.00")
    deal.provider.payments().void(deal.invoice.provider_id or "", key="v")
    jobs.send_due_credits()
    assert note.last_error == "The payment provider refused it (invoice_not_editable)."
    deal.hear()
    deal.later(hours=6)
    jobs.send_due_credits()
    assert (note.status, note.provider_id, deal.owed()) == (CreditStatus.ISSUED, None, 0)


# Refused, and made by somebody else
