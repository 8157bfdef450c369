"""Disputes: what is credited at once, what comes of them, and what the ledger says after each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from contracts.invoices import actions
from contracts.invoices.rules import DisputeStatus, InvoiceStatus
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from marketplace import audit
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from tests.contracts.invoices.test_settling import LATER, Database, Money, note_of, subjects
from tests.factories.accounts import make_actor, make_commissioner


@pytest.fixture
def money(session: Database) -> Money:
    return Money()


def test_what_is_disputed_is_credited_at_once_and_the_rest_is_approved_and_paid(
    money: Money, session: Database
) -> None:
    made = money.dispute("4000.00")
    assert (made.status, made.is_whole, money.invoice.open_dispute) == (DisputeStatus.OPEN, False, made)
    assert (note_of(session).amount, money.invoice.left) == (Decimal("4800.00"), Decimal("7200.00"))
    assert money.owed() == Decimal("7200.00")
    money.send()
    assert money.invoice.status is InvoiceStatus.OPEN
    assert f"Invoice {money.invoice.number} is disputed" in subjects(session)
    with pytest.raises(AlreadyDone, match="in dispute already"):
        money.dispute("1.00")
    with pytest.raises(Refused, match="settle the dispute"):
        actions.credit(money.invoice, amount=None, reason="x", actor=money.supplier, now=LATER)


def test_a_dispute_of_the_whole_leaves_nothing_to_pay_and_upheld_it_stays_so(money: Money) -> None:
    made = money.dispute()
    assert (made.is_whole, money.invoice.status, money.owed()) == (True, InvoiceStatus.CREDITED, 0)
    actions.accept(made, actor=money.supplier, now=LATER)
    assert (made.status, made.upheld_net, money.owed()) == (DisputeStatus.UPHELD, Decimal("10000.00"), 0)
    with pytest.raises(AlreadyDone, match="settled already"):
        actions.settle(made, upheld=Decimal(0), words="No", actor=money.manager, now=LATER)


def test_a_dispute_not_upheld_is_invoiced_again_to_the_penny_due_when_it_was(money: Money) -> None:
    made = money.dispute("3333.33")
    money.send()
    again = actions.settle(made, upheld=Decimal(0), words="It was staffed.", actor=money.manager, now=LATER)
    assert again is not None
    assert (again.amount, again.due_on) == (Decimal("4000.00"), money.invoice.due_on)
    assert money.invoice.left + again.left == Decimal("12000.00") == money.owed()
    # The lead's contract manager has decided that it is owed: that approves it.
    assert (again.status, again.approved_by) == (InvoiceStatus.DRAFT, money.manager.person_id)
    assert made.status is DisputeStatus.NOT_UPHELD


def test_a_dispute_upheld_in_part_leaves_that_part_credited(money: Money, session: Database) -> None:
    made = money.dispute("4000.00")
    actions.answer(made, text="One week was staffed.", actor=money.supplier, now=LATER)
    again = actions.settle(made, upheld=Decimal("1500.00"), words="One week.", actor=money.manager, now=LATER)
    assert again is not None
    assert (again.net, again.vat, made.status) == (Decimal("2500.00"), Decimal("500.00"), DisputeStatus.PARTLY_UPHELD)
    assert money.owed() == Decimal("10200.00")  # £12,000.00 less £1,500.00 and its VAT
    assert note_of(session).reissued_as_id == again.id
    with pytest.raises(Refused, match="not invoiced again"):
        actions.reissue(note_of(session), amounts=[Decimal(1)], actor=money.supplier, now=LATER)
    assert [event.what for event in reversed(audit.events_for(money.invoice))][-3:] == [
        "Disputed £4,000.00",
        "Answered the dispute",
        "Dispute settled: partly upheld",
    ]


def test_whoever_raised_it_may_give_it_up_and_not_uphold_it(money: Money) -> None:
    made = money.dispute("4000.00", actor=money.manager)
    with pytest.raises(NotAllowed, match="somebody else"):
        actions.settle(made, upheld=made.net, words="Yes", actor=money.manager, now=LATER)
    for actor in (money.payer, money.supplier, make_actor(make_commissioner(), Role.CONTRACT_MANAGER)):
        with pytest.raises(NotAllowed):
            actions.settle(made, upheld=made.net, words="Yes", actor=actor, now=LATER)
    again = actions.settle(made, upheld=Decimal(0), words="I was wrong.", actor=money.manager, now=LATER)
    assert again is not None
    other = Money()
    theirs = other.dispute("4000.00")  # by finance, who may not approve
    again = actions.settle(theirs, upheld=Decimal(0), words="I was wrong.", actor=other.payer, now=LATER)
    assert again is not None
    assert again.status is InvoiceStatus.AWAITING_APPROVAL


def test_what_is_paid_voided_or_not_theirs_is_not_disputed(money: Money) -> None:
    for actor in (money.supplier, make_actor(make_commissioner(), Role.CONTRACT_MANAGER)):
        with pytest.raises(NotAllowed):
            money.dispute(actor=actor)
    with pytest.raises(Invalid, match=r"no more than £10,000.00"):
        money.dispute("10000.01")
    with pytest.raises(Invalid, match="what is wrong"):
        actions.dispute(money.invoice, amount=None, reason=" ", actor=money.payer, now=LATER)
    money.pay()
    with pytest.raises(Refused, match="credit note"):
        money.dispute()


def test_of_what_a_bank_undid_in_part_only_that_part_is_disputed_and_nothing_goes_back(
    money: Money, session: Database
) -> None:
    money.pay()
    actions.charged_back(money.invoice, Decimal("5000.00"), key="du_part", now=LATER)
    with pytest.raises(Invalid, match=r"no more than £4,166.67"):
        money.dispute("4166.68")
    made = money.dispute()
    note = note_of(session)
    # £4,166.67 and £833.33 of VAT are the £5,000.00 that are owed again: the £7,000.00 stay paid.
    assert (made.is_whole, note.amount, note.taken_back, note.to_refund) == (True, Decimal(5000), Decimal(5000), 0)
    assert (money.invoice.status, money.owed()) == (InvoiceStatus.PAID, 0)
    assert balance(Account.PAID, money.contract.supplier_id, on=date(2026, 11, 5)) == Decimal("7000.00")


def test_the_ledger_follows_an_invoice_through_everything_that_can_happen_to_it(money: Money) -> None:
    """Half is disputed, a third of that upheld; the rest invoiced again, both paid, and a correction given back."""
    owed = [money.owed()]
    made = money.dispute("5000.00")
    owed.append(money.owed())
    money.send()
    again = actions.settle(made, upheld=Decimal("1666.67"), words="A third.", actor=money.manager, now=LATER)
    assert again is not None
    owed.append(money.owed())
    actions.paid(money.invoice, at=LATER, now=LATER)
    owed.append(money.owed())
    actions.sent(again, now=LATER)
    actions.paid(again, at=LATER, now=LATER)
    owed.append(money.owed())
    note = actions.credit(again, amount=Decimal("33.33"), reason="Rounded", actor=money.supplier, now=LATER)
    owed.append(money.owed())
    actions.credit_refunded(note, at=LATER, now=LATER)
    owed.append(money.owed())
    # £3,333.33 and £666.67 VAT are invoiced again; £33.33 and £6.67 are given back.
    figures = ("12000.00", "6000.00", "10000.00", "4000.00", "0.00", "-40.00", "0.00")
    assert owed == [Decimal(figure) for figure in figures]
    paid_in_all = balance(Account.PAID, money.contract.supplier_id, on=date(2026, 11, 5))
    assert paid_in_all == Decimal("6000.00") + Decimal("4000.00") - Decimal("40.00")


def test_a_dispute_that_fails_asks_again_for_the_very_penny_of_vat_that_was_credited(money: Money) -> None:
    """The second three pence bear no VAT: the first have taken the penny."""
    actions.credit(money.invoice, amount=Decimal("0.03"), reason="x", actor=money.supplier, now=LATER)
    before = money.owed()
    made = money.dispute("0.03")
    again = actions.settle(made, upheld=Decimal(0), words="Owed.", actor=money.manager, now=LATER)
    assert again is not None
    assert (again.net, again.vat, money.owed()) == (Decimal("0.03"), Decimal("0.00"), before)
