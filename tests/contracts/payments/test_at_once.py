"""Credit notes and payments at the same moment: real threads, real commits, the provider's stub over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from contracts.payments import jobs
from contracts.payments.models import Recovery
from contracts.payments.rules import RecoveryStatus
from marketplace.audit import AuditEvent
from marketplace.clock import london
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.deals import Deal
from tests.marketplace.adapters.conftest import Clock, serve

Work = Callable[[], object]


@pytest.fixture
def deal(committed_app: Flask, tmp_path: Path, clock: StandingClock) -> Iterator[Deal]:
    """An invoice over £10,000.00 that was sent."""
    with serve(tmp_path / "stub", Clock(time.time())) as running, committed_app.app_context():
        committed_app.extensions["payments"] = running.payments()
        yield Deal(running, clock).send()


@pytest.fixture
def begin(committed_app: Flask) -> Iterator[Callable[[Work], Future[object]]]:
    """Begin work in a thread of its own; its result raises what it raised."""
    with ThreadPoolExecutor(8) as pool:

        def inside(work: Work) -> object:
            with committed_app.app_context():
                try:
                    return work()
                finally:
                    db.session.remove()

        yield lambda work: pool.submit(inside, work)


def at_once(begin: Callable[[Work], Future[object]], *works: Work) -> None:
    gate = threading.Barrier(len(works))

    def together(work: Work) -> Work:
        def both() -> object:
            gate.wait(20)
            return work()

        return both

    for one in [begin(together(work)) for work in works]:
        one.result(60)
    db.session.rollback()
    db.session.expire_all()


def test_three_workers_give_one_credit_back_once(deal: Deal, begin: Callable[[Work], Future[object]]) -> None:
    deal.pay()
    deal.hear()
    note = deal.credit("1000.00")
    key = note.id
    at_once(begin, *[lambda: jobs.send_credits([key])] * 3)
    assert (note.status, note.given_back, deal.owed()) == (CreditStatus.REFUNDED, Decimal("1000.00"), 0)
    assert [one.amount for one in deal.refunds()] == [Decimal("1000.00")]
    assert len(deal.credits()) == 1
    said = f"Money of credit note {note.number} given back"
    assert db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.what == said)) == 1


def test_workers_share_the_credits_of_an_invoice_in_their_order(
    deal: Deal, begin: Callable[[Work], Future[object]]
) -> None:
    notes = [deal.credit(f"{100 * place}.00") for place in range(1, 5)]
    db.session.commit()
    for _ in notes:  # whoever finds the invoice in another's hands leaves it to them
        at_once(begin, *[jobs.send_due_credits] * 3)
    assert {note.status for note in notes} == {CreditStatus.ISSUED}
    assert [amount for _, amount in deal.credits()][::-1] == [note.amount for note in notes]
    assert deal.there().amount_due == deal.invoice.left == deal.owed() == Decimal("9000.00")


def test_a_payment_while_the_credit_is_on_its_way(deal: Deal, begin: Callable[[Work], Future[object]]) -> None:
    """Asked for while the invoice was open, done when it had been paid: the provider refuses, and is asked anew."""
    note = deal.credit("1000.00")
    key = note.id
    deal.provider.behave(faults=[{"kind": "hold", "path": "/v1/credit_notes", "method": "POST"}])
    sending = begin(lambda: jobs.send_credits([key]))
    assert deal.provider.stub.faults.wait_until_held(20)
    deal.pay()
    deal.keep()
    hearing = begin(jobs.apply_waiting_events)  # waits for the invoice, which the other holds
    deal.provider.stub.faults.release()
    sending.result(60)
    hearing.result(60)
    db.session.rollback()
    deal.hear()
    assert (deal.invoice.status, deal.invoice.paid_amount) == (InvoiceStatus.PAID, Decimal("10000.00"))
    assert (note.status, note.to_refund, deal.owed()) == (CreditStatus.REFUNDED, Decimal("1000.00"), 0)
    assert [one.amount for one in deal.refunds()] == [Decimal("1000.00")]


def test_news_of_the_payment_and_of_the_credit_in_many_workers(
    deal: Deal, begin: Callable[[Work], Future[object]]
) -> None:
    note = deal.credit("1000.00")
    deal.pay()
    jobs.send_due_credits()
    keys = deal.keep()
    at_once(begin, *[lambda key=key: jobs.apply_event(key) for key in keys[-6:]])  # type: ignore[misc]
    at_once(begin, *[jobs.apply_waiting_events] * 4)
    assert (note.status, deal.invoice.status, deal.owed()) == (CreditStatus.REFUNDED, InvoiceStatus.PAID, 0)


def test_a_payment_undone_and_a_credit_in_two_workers(deal: Deal, begin: Callable[[Work], Future[object]]) -> None:
    """Whoever is first: the money has gone back to the funder once."""
    deal.pay()
    deal.hear()
    made = deal.provider.ask("POST", "/stub/dispute", json={"invoice": deal.invoice.provider_id}).json()
    deal.provider.ask("POST", "/stub/close-dispute", json={"dispute": made["id"], "status": "lost"})
    deal.keep()
    note = deal.credit("4000.00")
    key = note.id
    at_once(begin, lambda: jobs.send_credits([key]), jobs.apply_waiting_events)
    deal.later(hours=7)
    jobs.send_due_credits()
    deal.hear()
    assert (note.status, note.taken_back, deal.refunds()) == (CreditStatus.ISSUED, Decimal("4000.00"), [])
    assert (deal.invoice.status, deal.invoice.left, deal.owed()) == (
        InvoiceStatus.TAKEN_BACK,
        Decimal("6000.00"),
        Decimal("6000.00"),
    )


def test_three_workers_recover_what_a_bank_undid_once(deal: Deal, begin: Callable[[Work], Future[object]]) -> None:
    """While the provider tells of it, too."""
    deal.pay()
    deal.hear()
    made = deal.provider.ask("POST", "/stub/dispute", json={"invoice": deal.invoice.provider_id}).json()
    deal.provider.ask("POST", "/stub/close-dispute", json={"dispute": made["id"], "status": "lost"})
    deal.keep()
    at_once(begin, *[jobs.apply_waiting_events] * 3)
    recovery = db.session.scalars(select(Recovery)).one()
    deal.provider.behave(faults=[{"kind": "no answer", "path": "/reversals", "method": "POST", "count": 1}])
    at_once(begin, *[jobs.make_due_recoveries] * 3)
    deal.keep()
    deal.later(minutes=10)
    at_once(begin, jobs.make_due_recoveries, jobs.make_due_recoveries, jobs.apply_waiting_events)
    assert (recovery.status, deal.owed()) == (RecoveryStatus.RECOVERED, Decimal("10000.00"))
    supplier, on = deal.contract.supplier_id, london(deal.clock()).date()
    assert balance(Account.TO_RETURN, supplier, on=on) == 0
    moment = deal.clock()
    (transfer,) = deal.provider.payments().transfers(since=moment - timedelta(days=2), until=moment + timedelta(days=2))
    assert transfer.reversed == Decimal("10000.00")
    said = "£10,000.00 was taken back from the supplier’s account"
    assert db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.what == said)) == 1
