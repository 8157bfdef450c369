"""Credit notes and money given back, the provider's books beside ours: what agrees is silent, what differs listed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import CreditNote
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.payments import jobs, queries
from contracts.payments.models import Difference
from tests.factories.deals import Deal

Database = scoped_session[Session]


def compared(session: Database, deal: Deal, **by: float) -> list[tuple[str, str, str]]:
    """What stands after the comparison of some hours later."""
    deal.later(**(by or {"hours": 2}))
    jobs.reconcile()
    session.expire_all()
    standing = select(Difference).where(Difference.settled_at.is_(None)).order_by(Difference.id)
    return [(one.kind.value, one.ours, one.theirs) for one in session.scalars(standing)]


def credited(deal: Deal, amount: str | None = None) -> CreditNote:
    note = deal.credit(amount)
    jobs.send_due_credits()
    assert note.status is not CreditStatus.WAITING
    return note


def by_hand(deal: Deal, amount: str, reference: str = "by hand") -> None:
    payments = deal.provider.payments()
    payments.credit(deal.invoice.provider_id or "", reference=reference, amount=Decimal(amount), memo="?")


def credited_in_part(deal: Deal) -> None:
    credited(deal.send(), "1000.00")


def credited_in_part_and_paid(deal: Deal) -> None:
    credited_in_part(deal)
    deal.pay()


def credited_whole(deal: Deal) -> None:
    credited(deal.send())


def credited_whole_before_it_was_sent(deal: Deal) -> None:
    deal.approve()
    credited(deal)


def paid_and_credited(deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    credited(deal, "1000.00")
    credited(deal, "500.00")


def paid_while_credited(deal: Deal) -> None:
    deal.send()
    deal.credit("1000.00")
    deal.pay()
    jobs.send_due_credits()


def paid_elsewhere_and_credited(deal: Deal) -> None:
    deal.send()
    deal.provider.payments().mark_paid_out_of_band(deal.invoice.provider_id or "", key="k")
    deal.hear()
    credited(deal, "1000.00")


@pytest.mark.parametrize(
    "what",
    [
        credited_in_part,
        credited_in_part_and_paid,
        credited_whole,
        credited_whole_before_it_was_sent,
        paid_and_credited,
        paid_while_credited,
        paid_elsewhere_and_credited,
    ],
)
def test_what_both_have_is_no_difference(session: Database, deal: Deal, what: Callable[[Deal], None]) -> None:
    what(deal)
    assert compared(session, deal) == []
    assert compared(session, deal, days=90) == []  # also when their making is older than what is read


def test_a_credit_that_was_only_just_given_is_under_way(session: Database, deal: Deal) -> None:
    deal.send()
    deal.later(hours=2)
    deal.credit("1000.00")
    assert compared(session, deal, minutes=30) == []
    assert compared(session, deal, hours=1) == [("credit_missing", "Being sent, £1,000.00", "nothing")]


def test_a_credit_made_there_by_hand_is_a_difference(session: Database, deal: Deal) -> None:
    by_hand(deal.send(), "30.00")
    assert compared(session, deal) == [("credit_unknown", "nothing", "£30.00")]
    (first,) = session.scalars(select(Difference))
    assert (first.invoice_id, first.subject.endswith("-CN-01")) == (deal.invoice.id, True)
    assert compared(session, deal, days=90) == [("credit_unknown", "nothing", "£30.00")]
    assert len(list(session.scalars(select(Difference)))) == 1


def test_a_credit_that_the_provider_refuses_is_a_difference_until_it_has_it(session: Database, deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    asked = deal.provider.ask("POST", "/stub/dispute", json={"invoice": deal.invoice.provider_id}).json()
    deal.credit("1000.00")
    jobs.send_due_credits()
    assert compared(session, deal) == [("credit_missing", "Being sent, £1,000.00", "nothing")]
    deal.provider.ask("POST", "/stub/close-dispute", json={"dispute": asked["id"], "status": "won"})
    deal.later(hours=6)
    jobs.send_due_credits()
    assert compared(session, deal) == []


def test_a_credit_voided_there_is_a_difference_however_old(session: Database, deal: Deal) -> None:
    note = credited(deal.send(), "1000.00")
    deal.later(days=10)
    assert deal.provider.ask("POST", f"/v1/credit_notes/{note.provider_id}/void").ok
    expected = [("credit_missing", "Issued, £1,000.00", "voided")]
    assert compared(session, deal) == expected
    assert compared(session, deal, days=90) == expected
    assert deal.invoice.left == Decimal("9000.00")  # nothing was mended


def test_another_amount_is_a_difference(session: Database, deal: Deal) -> None:
    note = credited(deal.send(), "1000.00")
    note.net = note.amount = Decimal("999.00")
    session.commit()
    assert compared(session, deal) == [("credit_amount", "£999.00", "£1,000.00")]


def test_sums_differ_where_the_credit_notes_are_too_old_to_be_read(session: Database, deal: Deal) -> None:
    by_hand(deal.send(), "30.00")
    assert compared(session, deal, days=90) == [("credited", "£0.00", "£30.00")]


def test_money_given_back_there_by_hand_is_a_difference(session: Database, deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    (payment,) = queries.paid_through(deal.invoice).payments
    deal.provider.payments().refund(payment.provider_id, reference="by hand", amount=Decimal("40.00"))
    assert compared(session, deal) == [("given_back", "£0.00", "£40.00")]
    credited(deal, "1000.00")
    assert compared(session, deal) == [("given_back", "£1,000.00", "£1,040.00")]


def test_credited_whole_by_hand_is_told_once(session: Database, deal: Deal) -> None:
    by_hand(deal.send(), "10000.00")
    assert compared(session, deal) == [("credit_unknown", "nothing", "£10,000.00")]
    assert deal.invoice.status is InvoiceStatus.OPEN


def test_another_amount_paid_is_a_difference(session: Database, deal: Deal) -> None:
    credited_in_part_and_paid(deal)
    deal.hear()
    assert deal.invoice.paid_amount == Decimal("9000.00")
    deal.invoice.paid_amount = Decimal("10000.00")
    session.commit()
    assert compared(session, deal) == [("paid_amount", "£10,000.00", "£9,000.00")]


def test_what_is_to_be_paid_of_waiting_invoices_leaves_out_what_was_credited(session: Database, deal: Deal) -> None:
    deal.approve()
    deal.credit("1000.00")
    waits = queries.waiting_for_account(deal.contract.supplier_id)
    assert (waits.count, waits.amount) == (1, Decimal("9000.00"))
