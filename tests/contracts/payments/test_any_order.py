"""Whatever is done to invoices, in whichever order: the ledger balances, and everybody’s pages say what it says.

Months of three funders are raised, approved, disputed, decided, credited, asked for again, paid, given back and undone
by banks, at random. What each owes is reckoned here by itself, from what was asked for, credited and moved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions, queries
from contracts.invoices.models import CreditNote, Dispute, Invoice
from contracts.invoices.rules import CreditStatus, DisputeStatus, InvoiceStatus, VatKind
from contracts.ledger.queries import balance, by_item, debts, statement, unbalanced
from contracts.ledger.rules import Account
from marketplace import clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import Refused
from marketplace.money import split
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_commissioner
from tests.factories.invoices import finance_of, make_contract, manager_of

Database = scoped_session[Session]
BEGINS = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHARES = ("33.33", "33.33", "33.34")
NOTHING = Decimal("0.00")


class There:
    """The provider's side of one invoice, by its own rules."""

    def __init__(self, invoice: Invoice) -> None:
        self.remaining, self.paid, self.refunded = invoice.amount, NOTHING, NOTHING
        self.is_undone = self.is_void = False


class Year:
    """A contract of three funders; the provider; and what has moved, reckoned by itself."""

    def __init__(self, session: Database, random: Random) -> None:
        self.session, self.random, self.now = session, random, BEGINS
        bodies = [make_commissioner() for _ in SHARES]
        funders = list(zip(bodies, SHARES, strict=True))
        self.contract = make_contract(lines=["100000.01", "7777.77"], lead=bodies[0], funders=funders)
        self.supplier, self.manager = finance_of(self.contract.supplier), manager_of(self.contract)
        self.funders = [finance_of(body) for body in bodies]
        self.state(VatKind.STANDARD)
        self.there: dict[int, There] = {}
        self.cash: dict[int, Decimal] = defaultdict(Decimal)
        self.refunds: dict[int, Decimal] = {}
        self.done = Counter[str]()
        self.raise_month()

    # What may be done

    def step(self) -> None:
        ways: list[Callable[[], object]] = [
            *(self.approve, self.approve, self.send, self.send, self.pay, self.pay, self.pay, self.tell, self.tell),
            *(self.raise_month, self.dispute, self.settle, self.settle, self.credit, self.credit, self.reissue),
            *(self.undo, self.came, self.fail_refund, self.fail_refund, self.give_back, self.give_back),
            self.random.choice((self.deduct, self.void, self.change_vat)),
        ]
        way = self.random.choice(ways)
        self.now += timedelta(hours=self.random.randint(1, 20))
        try:
            if way():
                self.done[way.__name__] += 1
        except Refused:
            self.session.flush()

    def state(self, kind: VatKind) -> bool:
        number = "" if kind is VatKind.NOT_REGISTERED else "GB 123 4567 89"
        today = clock.london(self.now).date()
        actions.state_vat(kind=kind, vat_number=number, from_day=today, actor=self.supplier, now=self.now)
        return True

    def change_vat(self) -> bool:
        return self.state(self.random.choice(list(VatKind)))

    def raise_month(self) -> bool:
        self.now += timedelta(days=self.random.choice((0, 20)))
        made = actions.raise_invoices(self.contract, actor=SYSTEM, now=self.now)
        parts: dict[tuple[date, int | None], list[Decimal]] = defaultdict(list)
        for one in made:
            for line in one.lines:
                if line.deduction_id is None:
                    parts[one.month, line.service_line_id].append(line.amount)
        for shares in parts.values():
            assert shares == split(sum(shares, NOTHING), [Decimal(share) for share in SHARES])
        return bool(made)

    def deduct(self) -> object:
        line = self.random.choice(self.contract.lines)
        amount = Decimal(self.random.randint(1, 300000)).scaleb(-2)
        month = self.contract.starts_on
        return actions.deduct(
            self.contract, line, month=month, amount=amount, reason="x", actor=self.manager, now=self.now
        )

    def approve(self) -> bool:
        invoice = self.one(Invoice.status == InvoiceStatus.AWAITING_APPROVAL)
        if invoice is None:
            return False
        actions.approve(invoice, actor=self.manager, now=self.now)
        return True

    def dispute(self) -> object:
        invoice = self.one()
        if invoice is None or not invoice.creditable_net:
            return False
        who = self.random.choice([self.manager, *self.funders])
        return actions.dispute(invoice, amount=self.part(invoice.creditable_net), reason="x", actor=who, now=self.now)

    def settle(self) -> bool:
        made = self.session.scalars(
            select(Dispute).where(Dispute.status == DisputeStatus.OPEN).order_by(Dispute.id)
        ).first()
        if made is None:
            return False
        if self.random.random() < 0.3:
            actions.accept(made, actor=self.supplier, now=self.now)
            return True
        upheld = self.random.choice([NOTHING, made.net, self.part(made.net) or made.net])
        raiser = next((one for one in self.funders if one.person_id == made.raised_by), self.manager)
        who = raiser if not upheld and self.random.random() < 0.5 else self.manager
        actions.settle(made, upheld=upheld, words="x", actor=who, now=self.now)
        return True

    def credit(self) -> object:
        invoice = self.one()
        if invoice is None or not invoice.creditable_net:
            return False
        return actions.credit(
            invoice, amount=self.part(invoice.creditable_net), reason="x", actor=self.supplier, now=self.now
        )

    def reissue(self) -> object:
        voided = self.one(Invoice.status == InvoiceStatus.VOID)
        if voided is not None and self.random.random() < 0.5:
            return actions.reissue_voided(voided, actor=self.supplier, now=self.now)
        notes = self.session.scalars(
            select(CreditNote).where(CreditNote.reissued_as_id.is_(None)).order_by(CreditNote.id)
        ).all()
        if not notes:
            return False
        note = self.random.choice(notes)
        lines = queries.lines_again(note)
        amounts = [one.amount if self.random.random() < 0.8 else NOTHING for one in lines]
        return actions.reissue(note, amounts=amounts, actor=self.supplier, now=self.now)

    # The provider

    def send(self) -> bool:
        invoice = self.one(Invoice.status == InvoiceStatus.DRAFT)
        if invoice is None:
            return False
        invoice.provider_id, invoice.sent_at = f"in_{invoice.number}", self.now
        self.there[invoice.id] = There(invoice)
        actions.sent(invoice, now=self.now)
        return True

    def pay(self) -> bool:
        """Paid there: also what was credited here meanwhile, if the provider has not been told."""
        invoice = self.one(Invoice.id.in_(self.there))
        if invoice is None:
            return False
        there = self.there[invoice.id]
        if not there.remaining or there.is_void:
            return False
        there.paid, there.remaining = there.remaining, NOTHING
        self.cash[invoice.id] += there.paid
        for _ in range(self.random.choice((1, 2))):  # told twice now and then
            actions.paid(invoice, at=self.now, amount=there.paid, now=self.now)
        return True

    def tell(self) -> bool:
        """The provider is told of the first credit note that it does not know of; what was paid it gives back."""
        notes = self.session.scalars(
            select(CreditNote)
            .join(CreditNote.invoice)
            .where(
                CreditNote.status == CreditStatus.WAITING,
                Invoice.status.not_in((InvoiceStatus.AWAITING_APPROVAL, InvoiceStatus.DRAFT)),
            )
            .order_by(CreditNote.place, CreditNote.id)
        ).all()
        if not notes:
            return False
        note = notes[0]
        there = self.there.get(note.invoice_id)
        if there is None or there.is_void:
            actions.credit_sent(note, provider_id=None, now=self.now)
            return True
        before = min(note.amount, there.remaining)
        back = max(note.amount - before - note.taken_back, NOTHING)
        if there.is_undone and back:
            return False  # the provider refuses: the bank has it
        there.remaining -= before
        there.refunded += back
        self.cash[note.invoice_id] -= back
        self.refunds[note.id] = back
        actions.credit_sent(note, provider_id=f"cn_{note.number}", given_back=back, at=self.now, now=self.now)
        return True

    def void(self) -> bool:
        invoice = self.one(Invoice.status == InvoiceStatus.OPEN)
        if invoice is None:
            return False
        self.there[invoice.id].is_void = True
        actions.voided(invoice, now=self.now)
        return True

    def undo(self) -> bool:
        """A bank takes back all that has not gone back."""
        paid = [key for key, there in self.there.items() if there.paid > there.refunded and not there.is_undone]
        if not paid:
            return False
        key = self.random.choice(paid)
        there = self.there[key]
        there.is_undone = True
        self.cash[key] -= there.paid - there.refunded
        invoice = self.session.get_one(Invoice, key)
        for _ in range(self.random.choice((1, 2))):
            actions.charged_back(invoice, there.paid - there.refunded, key=f"du_{key}", now=self.now)
        return True

    def came(self) -> bool:
        invoice = self.one(Invoice.status == InvoiceStatus.TAKEN_BACK)
        if invoice is None:
            return False
        self.cash[invoice.id] += invoice.owed_again
        actions.paid_elsewhere(invoice, on=self.now.date(), actor=self.supplier, now=self.now)
        return True

    def fail_refund(self) -> bool:
        failed = [key for key, back in self.refunds.items() if back and not self.there_of(key).is_undone]
        if not failed:
            return False
        note = self.session.get_one(CreditNote, self.random.choice(failed))
        back = self.refunds.pop(note.id)
        self.there_of(note.id).refunded -= back
        self.cash[note.invoice_id] += back
        for _ in range(2):
            actions.refund_failed(note, key=f"re_{note.id}", now=self.now)
        return True

    def give_back(self) -> bool:
        note = next((one for one in self.notes() if one.is_to_be_given_back), None)
        if note is None:
            return False
        self.cash[note.invoice_id] -= note.to_refund
        actions.given_back_elsewhere(note, on=self.now.date(), actor=self.supplier, now=self.now)
        return True

    # Finding

    def one(self, *where: object) -> Invoice | None:
        found = self.session.scalars(select(Invoice).where(*where).order_by(Invoice.id)).all()  # type: ignore[arg-type]
        return self.random.choice(found) if found else None

    def part(self, most: Decimal) -> Decimal | None:
        if self.random.random() < 0.15:
            return None
        return Decimal(self.random.randint(1, max(int(most * 30), 1))).scaleb(-2)

    def there_of(self, note_id: int) -> There:
        return self.there[self.session.get_one(CreditNote, note_id).invoice_id]

    def notes(self) -> Iterator[CreditNote]:
        yield from self.session.scalars(select(CreditNote).order_by(CreditNote.id))


def owed_on(year: Year, invoice: Invoice) -> Decimal:
    """What is owed on an invoice: what it asks for, less what was credited and what has come and stayed."""
    if invoice.status is InvoiceStatus.VOID:
        return NOTHING
    return invoice.amount - invoice.credited - year.cash[invoice.id]


def check(year: Year) -> None:
    session, on = year.session, clock.london(year.now).date()
    session.flush()
    check_ledger()
    assert unbalanced(on) == 0
    invoices = session.scalars(select(Invoice)).all()
    items = by_item(year.contract.id, on=on)
    of_funder: dict[int, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        owed = owed_on(year, invoice)
        of_funder[invoice.organisation_id] += owed
        assert (items[invoice.number].owed if invoice.number in items else NOTHING) == owed, invoice.number
        to_come_back = sum(
            (one.to_refund for one in invoice.credit_notes if one.status is not CreditStatus.REFUNDED), NOTHING
        )
        assert owed == invoice.left - to_come_back, (invoice.number, invoice.status)
        assert invoice.left >= 0
        assert invoice.credited == sum((one.amount for one in invoice.credit_notes), NOTHING)
        if invoice.status is not InvoiceStatus.CREDITED or invoice.amount:
            assert invoice.net == sum((line.amount for line in invoice.lines), NOTHING)
    for funder in year.funders:
        assert balance(Account.OWED, funder.organisation, on=on) == of_funder[funder.organisation]
        pages(year, funder, of_funder[funder.organisation], on)
    pages(year, year.supplier, sum(of_funder.values(), NOTHING), on)
    assert balance(Account.PAID, year.contract.supplier_id, on=on) == sum(year.cash.values(), NOTHING)
    sums = queries.contract_money(year.supplier, year.contract, today=on).total
    assert sums.charged - sums.credited + sums.vat == sums.paid + sums.owed
    assert (sums.owed, sums.paid) == (sum(of_funder.values(), NOTHING), sum(year.cash.values(), NOTHING))


def pages(year: Year, actor: Actor, owed: Decimal, on: date) -> None:
    """The list, the statement and the debts of one side say what the ledger says."""
    own = None if actor.is_supplier else actor.organisation
    listed = queries.invoices_for(actor, queries.Filter(funder_id=own))
    mine = [one for one in year.session.scalars(select(Invoice)) if own in (None, one.organisation_id)]
    assert listed.unpaid == sum((one.left for one in mine), NOTHING)
    assert listed.amount == sum((one.amount for one in mine), NOTHING)
    found = statement(actor, first=BEGINS.date() - timedelta(days=5), last=on)
    assert (found.before, found.after, sum(found.totals.values(), NOTHING)) == (NOTHING, owed, owed)
    assert not found.rows or found.rows[-1].owed == owed
    assert sum((one.owed for one in debts(actor, on=on)), NOTHING) == owed


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_in_any_order(session: Database, seed: int) -> None:
    year = Year(session, Random(seed))
    check(year)
    for place in range(1, 161):
        year.step()
        if place % 4 == 0:
            check(year)
    check(year)
    # A run in which little happened would prove little.
    assert len(year.done) >= 12, year.done
