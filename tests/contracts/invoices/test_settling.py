"""Approving, crediting, disputing and raising again: what is owed, what is sent, what the ledger says after each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.models import CreditNote, Dispute, Invoice
from contracts.invoices.rules import CreditKind, CreditStatus, InvoiceStatus, VatKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace import clock
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.outbox import Letter
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.invoices import finance_of, make_contract, manager_of

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LATER = NOVEMBER + timedelta(days=3)


class Money:
    """One contract for £120,000.00 a year with VAT, its October raised: £10,000.00 and £2,000.00."""

    def __init__(self, **contract: object) -> None:
        self.contract: Agreement = make_contract(**contract)  # type: ignore[arg-type]
        self.supplier = finance_of(self.contract.supplier)
        self.manager = manager_of(self.contract)
        self.payer = finance_of(self.contract.funders[0].organisation)
        actions.state_vat(
            kind=VatKind.STANDARD,
            vat_number="GB 123 4567 89",
            from_day=clock.london(NOVEMBER).date(),
            actor=self.supplier,
            now=NOVEMBER,
        )
        self.invoice: Invoice
        (self.invoice,) = actions.raise_invoices(self.contract, actor=SYSTEM, now=NOVEMBER)

    def owed(self, at: datetime = LATER) -> Decimal:
        """What the ledger says is owed, which balances."""
        check_ledger()
        on = clock.london(at).date()
        assert unbalanced(on) == 0
        return balance(Account.OWED, self.invoice.organisation_id, on=on)

    def approve(self) -> None:
        actions.approve(self.invoice, actor=self.manager, now=NOVEMBER)

    def send(self) -> None:
        self.approve()
        self.invoice.provider_id, self.invoice.sent_at = f"in_{self.invoice.number}", NOVEMBER
        actions.sent(self.invoice, now=NOVEMBER)

    def pay(self) -> None:
        self.send()
        actions.paid(self.invoice, at=NOVEMBER, now=NOVEMBER)

    def dispute(self, amount: str | None = None, actor: Actor | None = None) -> Dispute:
        net = None if amount is None else Decimal(amount)
        who = actor or self.payer
        return actions.dispute(self.invoice, amount=net, reason="Two weeks were not staffed.", actor=who, now=LATER)


@pytest.fixture
def money(session: Database) -> Money:
    return Money()


def note_of(session: Database) -> CreditNote:
    return session.scalars(select(CreditNote).order_by(CreditNote.id.desc())).first()  # type: ignore[return-value]


def subjects(session: Database) -> list[str]:
    return sorted(set(session.scalars(select(Letter.subject))))


# Raised, approved, sent, paid


def test_an_invoice_bears_vat_is_posted_and_waits_for_approval(money: Money, session: Database) -> None:
    one = money.invoice
    assert (one.net, one.vat_rate, one.vat, one.amount) == tuple(map(Decimal, ("10000", "20", "2000", "12000")))
    assert one.asked == [("Service 1, October 2026", Decimal("10000.00")), ("VAT at 20%", Decimal("2000.00"))]
    assert one.status is InvoiceStatus.AWAITING_APPROVAL
    assert money.owed() == Decimal("12000.00")
    assert balance(Account.VAT, money.contract.supplier_id, on=date(2026, 11, 2)) == Decimal("-2000.00")
    assert subjects(session) == [f"Invoices to approve under {money.contract.reference}"]


def test_a_contract_manager_approves_once_and_is_not_the_one_who_pays(money: Money) -> None:
    assert [item.text for item in queries.waiting(money.manager, NOVEMBER)] == ["Approve 1 invoice, £12,000.00"]
    money.approve()
    assert (money.invoice.status, money.invoice.approved_by) == (InvoiceStatus.DRAFT, money.manager.person_id)
    with pytest.raises(AlreadyDone):
        money.approve()
    assert queries.waiting(money.manager, NOVEMBER) == []
    both = make_actor(money.contract.commissioner, Role.CONTRACT_MANAGER, Role.COMMISSIONER_FINANCE)
    money.invoice.status = InvoiceStatus.OPEN
    assert queries.may_pay(both, money.invoice)
    money.invoice.approved_by = both.person_id
    assert not queries.may_pay(both, money.invoice)
    assert queries.may_pay(money.payer, money.invoice)


def test_nobody_else_approves(money: Money) -> None:
    for actor in (
        money.payer,
        money.supplier,
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
        make_actor(money.contract.commissioner, Role.APPROVER),
    ):
        with pytest.raises(NotAllowed):
            actions.approve(money.invoice, actor=actor, now=NOVEMBER)


def test_the_funders_own_contract_manager_approves_its_invoice(session: Database) -> None:
    lead, funder = make_commissioner(), make_commissioner()
    contract = make_contract(lead=lead, funders=[(lead, "60"), (funder, "40")])
    mine, theirs = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    manager = make_actor(funder, Role.CONTRACT_MANAGER)
    actions.approve(theirs, actor=manager, now=NOVEMBER)
    with pytest.raises(NotAllowed):
        actions.approve(mine, actor=manager, now=NOVEMBER)


def test_paid_and_voided_leave_nothing_owed(money: Money) -> None:
    money.pay()
    assert (money.invoice.paid_amount, money.owed()) == (Decimal("12000.00"), Decimal("0.00"))
    assert balance(Account.PAID, money.contract.supplier_id, on=date(2026, 11, 2)) == Decimal("12000.00")
    actions.paid(money.invoice, at=LATER, now=LATER)
    actions.voided(money.invoice, now=LATER)
    assert money.owed() == 0
    other = Money()
    other.send()
    actions.voided(other.invoice, now=LATER)
    assert (other.invoice.status, other.owed(), other.owed(NOVEMBER)) == (
        InvoiceStatus.VOID,
        Decimal("0.00"),
        Decimal("12000.00"),
    )


# Credit notes and raising again


def test_part_of_an_invoice_that_was_sent_is_credited_and_the_rest_stays_to_be_paid(
    money: Money, session: Database
) -> None:
    money.send()
    note = actions.credit(
        money.invoice, amount=Decimal("1000.00"), reason="A week too many", actor=money.supplier, now=LATER
    )
    assert (note.number, note.net, note.vat, note.amount) == (
        f"{money.invoice.number}-C1",
        Decimal("1000.00"),
        Decimal("200.00"),
        Decimal("1200.00"),
    )
    assert (note.status, note.to_refund, note.kind) == (CreditStatus.WAITING, 0, CreditKind.CORRECTION)
    assert (money.invoice.left, money.invoice.status) == (Decimal("10800.00"), InvoiceStatus.OPEN)
    assert money.owed() == Decimal("10800.00")
    assert money.owed(NOVEMBER) == Decimal("12000.00")
    assert f"Credit note {note.number}" in subjects(session)
    actions.paid(money.invoice, at=LATER, now=LATER)
    assert (money.invoice.paid_amount, money.owed()) == (Decimal("10800.00"), 0)


def test_what_is_credited_before_it_was_approved_never_goes_to_the_provider(money: Money) -> None:
    note = actions.credit(money.invoice, amount=None, reason="Wrong month", actor=money.supplier, now=LATER)
    assert (money.invoice.status, note.status, money.owed()) == (InvoiceStatus.CREDITED, CreditStatus.ISSUED, 0)
    with pytest.raises(AlreadyDone):
        money.approve()
    with pytest.raises(AlreadyDone, match="credited already"):
        actions.credit(money.invoice, amount=None, reason="Again", actor=money.supplier, now=LATER)


def test_what_is_credited_after_it_was_approved_may_be_there_already(money: Money) -> None:
    money.approve()
    note = actions.credit(money.invoice, amount=None, reason="Wrong month", actor=money.supplier, now=LATER)
    assert (money.invoice.status, note.status) == (InvoiceStatus.CREDITED, CreditStatus.WAITING)
    actions.credit_sent(note, provider_id=None, now=LATER)
    assert note.status is CreditStatus.ISSUED


def test_what_was_paid_goes_back_when_it_is_credited(money: Money, session: Database) -> None:
    money.pay()
    note = actions.credit(
        money.invoice, amount=Decimal("1000.00"), reason="A week too many", actor=money.supplier, now=LATER
    )
    assert (note.to_refund, money.owed(), money.invoice.status) == (
        Decimal("1200.00"),
        Decimal("-1200.00"),
        InvoiceStatus.PAID,
    )
    actions.credit_sent(note, provider_id="cn_1", now=LATER)
    actions.credit_refunded(note, at=LATER, now=LATER)
    actions.credit_refunded(note, at=LATER, now=LATER)
    assert (note.status, note.provider_id, money.owed()) == (CreditStatus.REFUNDED, "cn_1", 0)
    assert balance(Account.PAID, money.contract.supplier_id, on=date(2026, 11, 5)) == Decimal("10800.00")
    assert f"Money of credit note {note.number} has been given back" in subjects(session)


@pytest.mark.parametrize("credited", ["1000.00", None])
def test_what_was_paid_whole_before_the_provider_knew_of_the_credit_goes_back(
    money: Money, credited: str | None
) -> None:
    money.send()
    note = actions.credit(
        money.invoice,
        amount=None if credited is None else Decimal(credited),
        reason="A week too many",
        actor=money.supplier,
        now=LATER,
    )
    actions.paid(money.invoice, at=LATER, amount=Decimal("12000.00"), now=LATER)
    assert (money.invoice.status, money.invoice.paid_amount) == (InvoiceStatus.PAID, Decimal("12000.00"))
    assert (note.to_refund, money.owed()) == (note.amount, -note.amount)


def test_an_invoice_credited_whole_that_counts_as_paid_at_the_provider_is_not_paid(money: Money) -> None:
    money.send()
    actions.credit(money.invoice, amount=None, reason="Wrong", actor=money.supplier, now=LATER)
    actions.paid(money.invoice, at=LATER, amount=Decimal(0), now=LATER)
    assert (money.invoice.status, money.invoice.paid_at, money.owed()) == (InvoiceStatus.CREDITED, None, 0)


def test_a_correction_is_invoiced_again_once_and_for_no_more_than_was_credited(money: Money) -> None:
    money.send()
    note = actions.credit(money.invoice, amount=None, reason="Wrong order", actor=money.supplier, now=LATER)
    with pytest.raises(Invalid, match=r"to no more than £10,000.00"):
        actions.reissue(note, amounts=[Decimal("10000.01")], actor=money.supplier, now=LATER)
    again = actions.reissue(note, amounts=[Decimal("9000.00")], actor=money.supplier, now=LATER)
    assert (again.number, again.sequence, again.reissue_of_id) == (f"{money.invoice.number}-2", 2, money.invoice.id)
    assert (again.net, again.vat, again.status) == (
        Decimal("9000.00"),
        Decimal("1800.00"),
        InvoiceStatus.AWAITING_APPROVAL,
    )
    assert (again.due_on, money.owed()) == (date(2026, 12, 5), Decimal("10800.00"))
    with pytest.raises(AlreadyDone):
        actions.reissue(note, amounts=[Decimal("9000.00")], actor=money.supplier, now=LATER)
    second = actions.credit(again, amount=None, reason="Wrong again", actor=money.supplier, now=LATER)
    third = actions.reissue(second, amounts=[Decimal("9000.00")], actor=money.supplier, now=LATER)
    assert (third.number, third.reissue_of_id) == (f"{money.invoice.number}-3", again.id)
    assert [line.text for line in third.lines] == ["Service 1, October 2026"]
    part = actions.credit(third, amount=Decimal(1), reason="A pound", actor=money.supplier, now=LATER)
    fourth = actions.reissue(part, amounts=[Decimal(1)], actor=money.supplier, now=LATER)
    assert [line.text for line in fourth.lines] == [f"Part of invoice {third.number}"]


def test_a_voided_invoice_is_raised_again_whole_and_once(money: Money) -> None:
    money.send()
    with pytest.raises(Refused):
        actions.reissue_voided(money.invoice, actor=money.supplier, now=LATER)
    actions.voided(money.invoice, now=LATER)
    again = actions.reissue_voided(money.invoice, actor=money.supplier, now=LATER)
    assert (again.amount, [line.text for line in again.lines]) == (Decimal("12000.00"), ["Service 1, October 2026"])
    assert money.owed() == Decimal("12000.00")
    with pytest.raises(AlreadyDone):
        actions.reissue_voided(money.invoice, actor=money.supplier, now=LATER)
    with pytest.raises(AlreadyDone):
        actions.credit(money.invoice, amount=None, reason="x", actor=money.supplier, now=LATER)


def test_what_was_left_of_a_voided_invoice_is_raised_again_though_a_part_of_it_was_before(money: Money) -> None:
    money.send()
    note = actions.credit(money.invoice, amount=Decimal(1000), reason="A week", actor=money.supplier, now=LATER)
    actions.reissue(note, amounts=[Decimal(900)], actor=money.supplier, now=LATER)
    actions.voided(money.invoice, now=LATER)
    again = actions.reissue_voided(money.invoice, actor=money.supplier, now=LATER)
    assert (again.net, again.vat, again.sequence) == (Decimal(9000), Decimal(1800), 3)
    assert money.owed() == Decimal(1080) + Decimal(10800)
    with pytest.raises(AlreadyDone):
        actions.reissue_voided(money.invoice, actor=money.supplier, now=LATER)


def test_only_the_suppliers_finance_credits_with_a_reason_and_not_too_much(money: Money) -> None:
    for actor in (money.manager, money.payer, finance_of(make_supplier())):
        with pytest.raises(NotAllowed):
            actions.credit(money.invoice, amount=None, reason="x", actor=actor, now=LATER)
    with pytest.raises(Invalid, match="what was wrong"):
        actions.credit(money.invoice, amount=None, reason=" ", actor=money.supplier, now=LATER)
    for amount in ("0.00", "10000.01"):
        with pytest.raises(Invalid, match="can be credited"):
            actions.credit(money.invoice, amount=Decimal(amount), reason="x", actor=money.supplier, now=LATER)


# Disputes
