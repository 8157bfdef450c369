"""What happens to invoices when many things are done to them at once: real commits, real threads, no penny twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts.agreements.models import Agreement
from contracts.agreements.rules import DocumentStatus
from contracts.invoices import actions, jobs, queries
from contracts.invoices.models import CreditNote, Dispute, Invoice, InvoiceDocument, ReconciledYear
from contracts.invoices.rules import InvoiceKind, InvoiceStatus
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM
from marketplace.errors import AlreadyDone, Invalid, Refused
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.contracts.invoices.test_reconciling import FOUR, OVER, STARTS, contract
from tests.contracts.invoices.test_settling import LATER, Money
from tests.factories.at_once import at_once
from tests.factories.invoices import manager_of

THREADS = 6


class Committed:
    """One contract's money, committed: its keys and people, for threads that each read it for themselves."""

    def __init__(self, app: Flask, *, sent: bool = False) -> None:
        self.app = app
        with app.app_context():
            made = Money()
            if sent:
                made.send()
            self.supplier, self.manager, self.payer = made.supplier, made.manager, made.payer
            self.key, self.funder = made.invoice.id, made.invoice.organisation_id
            db.session.commit()

    def invoice(self) -> Invoice:
        return db.session.get_one(Invoice, self.key)

    def credit(self, amount: str, seen: int | None = None) -> CreditNote:
        return actions.credit(
            self.invoice(), amount=Decimal(amount), reason="Wrong", actor=self.supplier, now=LATER, seen=seen
        )

    def dispute(self, amount: str, seen: int | None = None) -> Dispute:
        return actions.dispute(
            self.invoice(), amount=Decimal(amount), reason="Not owed", actor=self.payer, now=LATER, seen=seen
        )

    def pay(self) -> None:
        """The provider's word that the whole was paid, under the lock that such news takes."""
        invoice = db.session.get_one(Invoice, self.key, with_for_update=True)
        actions.paid(invoice, at=LATER, now=LATER, amount=invoice.amount)

    def owed(self) -> Decimal:
        """What the ledger says is owed, which balances, and is what the invoices say."""
        on = LATER.date()
        assert unbalanced(on) == 0
        found = balance(Account.OWED, self.funder, on=on)
        invoices = db.session.scalars(select(Invoice)).all()
        kept = sum(one.amount - one.credited - (one.paid_amount or 0) for one in invoices)
        assert found == kept
        for one in invoices:
            assert one.credited == sum(note.amount for note in one.credit_notes)
            assert one.credited_net == sum(note.net for note in one.credit_notes)
        return found


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def both(app: Flask, *work: Callable[[], object]) -> tuple[list[object], list[Refused]]:
    """Each work three times, all at once; what they gave, and the refusals."""
    answers = at_once(app, len(work) * 3, lambda number: work[number % len(work)]() and None)
    refused = [one for one in answers if isinstance(one, Refused)]
    return [one for one in answers if not isinstance(one, Refused)], refused


def test_one_page_sent_many_times_at_once_credits_once(committed_app: Flask, clock: StandingClock) -> None:
    money = Committed(committed_app)
    done, refused = both(
        committed_app, lambda: money.credit("1000.00", seen=0), lambda: money.credit("1000.00", seen=0)
    )
    assert (len(done), {type(one) for one in refused}) == (1, {AlreadyDone})
    with committed_app.app_context():
        assert (count(CreditNote), money.owed()) == (1, Decimal("10800.00"))


def test_credits_of_many_people_at_once_never_take_more_than_there_is(
    committed_app: Flask, clock: StandingClock
) -> None:
    money = Committed(committed_app)
    done, refused = both(committed_app, lambda: money.credit("3333.33"), lambda: money.credit("3333.33"))
    assert (len(done), {type(one) for one in refused}) == (3, {Invalid})
    with committed_app.app_context():
        # £0.01 and its VAT, nought, are left; the notes' VAT is the invoice's to the penny.
        assert money.owed() == Decimal("0.01")
        assert sorted(note.place for note in money.invoice().credit_notes) == [1, 2, 3]
        assert money.invoice().credited == Decimal("11999.99")


def test_of_a_credit_and_a_dispute_at_once_the_later_is_told_of_the_earlier(
    committed_app: Flask, clock: StandingClock
) -> None:
    money = Committed(committed_app)
    done, refused = both(
        committed_app, lambda: money.credit("1000.00", seen=0), lambda: money.dispute("4000.00", seen=0)
    )
    assert (len(done), len(refused)) == (1, 5)
    with committed_app.app_context():
        assert count(CreditNote) == 1
        assert money.owed() == (Decimal("7200.00") if count(Dispute) else Decimal("10800.00"))


def test_many_disputes_at_once_are_one(committed_app: Flask, clock: StandingClock) -> None:
    money = Committed(committed_app)
    done, refused = both(committed_app, lambda: money.dispute("4000.00"), lambda: money.dispute("5000.00"))
    assert (len(done), {type(one) for one in refused}) == (1, {AlreadyDone})
    with committed_app.app_context():
        assert (count(Dispute), count(CreditNote)) == (1, 1)
        assert money.owed() in (Decimal("7200.00"), Decimal("6000.00"))


def test_a_payment_that_crosses_a_dispute_is_kept_whole_and_what_is_disputed_goes_back(
    committed_app: Flask, clock: StandingClock
) -> None:
    money = Committed(committed_app, sent=True)
    _, refused = both(committed_app, money.pay, lambda: money.dispute("4000.00"))
    with committed_app.app_context():
        invoice = money.invoice()
        assert (invoice.status, invoice.paid_amount) == (InvoiceStatus.PAID, Decimal("12000.00"))
        if count(Dispute):
            (note,) = invoice.credit_notes
            assert (note.to_refund, money.owed()) == (Decimal("4800.00"), Decimal("-4800.00"))
        else:
            assert (len(refused), money.owed()) == (3, 0)


def test_a_payment_that_crosses_a_credit_leaves_the_same_whichever_is_first(
    committed_app: Flask, clock: StandingClock
) -> None:
    money = Committed(committed_app, sent=True)
    both(committed_app, money.pay, lambda: money.credit("1000.00", seen=0))
    with committed_app.app_context():
        (note,) = money.invoice().credit_notes
        assert (note.to_refund, money.owed()) == (Decimal("1200.00"), Decimal("-1200.00"))


def test_a_dispute_settled_many_times_at_once_is_invoiced_again_once(
    committed_app: Flask, clock: StandingClock
) -> None:
    money = Committed(committed_app)
    with committed_app.app_context():
        key = money.dispute("4000.00").id
        db.session.commit()

    def made() -> Dispute:
        return db.session.get_one(Dispute, key)

    done, refused = both(
        committed_app,
        lambda: actions.settle(made(), upheld=Decimal(0), words="Owed", actor=money.manager, now=LATER),
        lambda: actions.accept(made(), actor=money.supplier, now=LATER),
    )
    assert (len(done), {type(one) for one in refused}) == (1, {AlreadyDone})
    with committed_app.app_context():
        again = count(Invoice) == 2
        assert money.owed() == (Decimal("12000.00") if again else Decimal("7200.00"))


def test_a_credit_note_invoiced_again_many_times_at_once_is_so_once(committed_app: Flask, clock: StandingClock) -> None:
    money = Committed(committed_app)
    with committed_app.app_context():
        key = money.credit("10000.00").id
        db.session.commit()

    def again() -> Invoice:
        note = db.session.get_one(CreditNote, key)
        return actions.reissue(note, amounts=[Decimal("9000.00")], actor=money.supplier, now=LATER)

    done, refused = both(committed_app, again, again)
    assert (len(done), {type(one) for one in refused}) == (1, {AlreadyDone})
    with committed_app.app_context():
        assert (count(Invoice), money.owed()) == (2, Decimal("10800.00"))


@pytest.mark.parametrize("ends_on", [date(2029, 3, 31), date(2027, 9, 15)])
def test_a_year_reconciled_many_times_at_once_is_reconciled_once(
    committed_app: Flask, clock: StandingClock, ends_on: date
) -> None:
    clock.set(OVER)
    with committed_app.app_context():
        made = contract(FOUR, ends_on=ends_on)
        key, supplier = made.id, made.supplier_id
        db.session.commit()

    def reconcile(number: int) -> Sequence[ReconciledYear]:
        agreement = db.session.get_one(Agreement, key)
        return [None for _ in actions.reconcile_years(agreement, actor=SYSTEM, now=OVER)]  # type: ignore[misc]

    answers = at_once(committed_app, THREADS, reconcile)
    assert sorted(map(len, answers)) == [0] * (THREADS - 1) + [1]  # type: ignore[arg-type]
    with committed_app.app_context():
        (year,) = queries.reconciled_years(key)
        manager = manager_of(db.session.get_one(Agreement, key))
        db.session.commit()

    def approve(number: int) -> None:
        agreement = db.session.get_one(Agreement, key)
        actions.approve_year(agreement, STARTS, actor=manager, now=OVER)

    refused = [one for one in at_once(committed_app, THREADS, approve) if isinstance(one, Exception)]
    assert (len(refused), {type(one) for one in refused}) == (THREADS - 1, {AlreadyDone})
    with committed_app.app_context():
        (year,) = queries.reconciled_years(key)
        months = db.session.scalars(select(Invoice.month).where(Invoice.kind == InvoiceKind.MONTH)).all()
        assert len(months) == len(set(months)) == (12 if ends_on.year == 2029 else 6)
        # Nobody came: the guaranteed minimum, £80,000.00 a year; of 5 months and a half, 5 × £6,666.67 and £3,333.34.
        assert unbalanced(OVER.date()) == 0
        charged = -balance(Account.SERVICES, supplier, on=OVER.date())
        assert charged == year.due == (Decimal("80000.00") if ends_on.year == 2029 else Decimal("36666.69"))


def test_a_pdf_wanted_again_while_it_is_being_made_is_made_once_more(
    committed_app: Flask, clock: StandingClock
) -> None:
    clock.set(datetime(2026, 11, 5, 9, 0, tzinfo=UTC))
    money = Committed(committed_app)
    with committed_app.app_context():
        document = db.session.scalars(select(InvoiceDocument.id)).one()

    def one(number: int) -> None:
        if number % 2:
            money.credit("1000.00", seen=0)
        else:
            jobs.make_document(document)

    at_once(committed_app, 4, one)
    with committed_app.app_context():
        found = db.session.get_one(InvoiceDocument, document)
        jobs.make_document(document)
        db.session.refresh(found)
        assert found.status is DocumentStatus.MADE
        page = jobs.invoice_page(money.invoice())
        kept = committed_app.extensions["files"].read(found.sha256)
        assert committed_app.extensions["pdf"].render(page) == kept
        assert "Left to pay after the credit notes" in page
