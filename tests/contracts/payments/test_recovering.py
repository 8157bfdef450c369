"""What a bank takes from the marketplace is taken back from the supplier that it had been passed on to, once."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from contracts.payments import actions, jobs, queries
from contracts.payments.models import Chargeback, Difference, PaymentEvent, Recovery
from contracts.payments.rules import DifferenceKind, RecoveryStatus
from marketplace import audit, clock
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.outbox import Letter
from tests.conftest import Client
from tests.contracts.payments.test_undone import differences, take_back
from tests.factories.accounts import make_actor, make_framework_team, sign_in
from tests.factories.deals import Deal
from tests.factories.invoices import finance_of

Database = scoped_session[Session]
WHOLE = Decimal("10000.00")


@pytest.fixture
def undone(deal: Deal) -> Deal:
    """£10,000.00 that were paid, passed on to the supplier, and undone by a bank."""
    deal.send()
    deal.pay()
    deal.hear()
    take_back(deal)
    deal.hear()
    return deal


def to_return(deal: Deal) -> Decimal:
    """What the supplier is to return, as the ledger has it."""
    on = clock.london(deal.clock()).date()
    assert unbalanced(on) == 0
    found = balance(Account.TO_RETURN, deal.contract.supplier_id, on=on)
    assert balance(Account.LAID_OUT, deal.contract.supplier_id, on=on) == -found
    return found


def the_one(session: Database) -> Recovery:
    session.expire_all()
    return session.scalars(select(Recovery)).one()


def reversed_there(deal: Deal) -> list[Decimal]:
    (transfer,) = deal.provider.payments().transfers(
        since=deal.clock() - timedelta(days=9), until=deal.clock() + timedelta(days=9)
    )
    return [one.amount for one in transfer.reversals]


def team() -> Actor:
    return make_actor(make_framework_team(), Role.FRAMEWORK_TEAM)


def test_it_is_laid_out_taken_back_once_and_told_to_the_supplier(session: Database, undone: Deal) -> None:
    assert to_return(undone) == WHOLE
    assert (the_one(session).status, reversed_there(undone)) == (RecoveryStatus.WAITING, [])
    for _ in range(2):
        jobs.make_due_recoveries()
        undone.hear(order=lambda keys: keys + keys)
    assert (the_one(session).status, reversed_there(undone), to_return(undone)) == (
        RecoveryStatus.RECOVERED,
        [WHOLE],
        Decimal(0),
    )
    # What the funder owes is a matter of its own.
    assert undone.owed() == WHOLE
    subject = f"£10,000.00 was taken back from your account for invoice {undone.invoice.number}"
    letters = session.scalars(select(Letter).where(Letter.subject == subject)).all()
    assert [one.person_id for one in letters] == [undone.supplier.person_id]
    assert differences(session, undone) == []


def test_while_the_bank_decides_and_if_the_payment_stands_nothing_is_taken(session: Database, deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    take_back(deal, "won")
    deal.hear()
    jobs.make_due_recoveries()
    assert (session.scalars(select(Recovery)).all(), reversed_there(deal), to_return(deal)) == ([], [], 0)


@pytest.mark.parametrize("kind", ["too busy", "broken", "broken for its key", "no answer"])
def test_a_failure_that_passes_is_tried_again_later_and_nothing_is_taken_twice(
    session: Database, undone: Deal, kind: str
) -> None:
    undone.provider.behave(faults=[{"kind": kind, "path": "/reversals", "method": "POST", "count": 1}])
    jobs.make_due_recoveries()
    assert (the_one(session).status, the_one(session).last_error) == (
        RecoveryStatus.WAITING,
        "The payment provider did not answer.",
    )
    jobs.make_due_recoveries()  # not due yet
    assert the_one(session).attempts == 1
    undone.later(minutes=3)
    jobs.make_due_recoveries()
    assert (the_one(session).status, reversed_there(undone), to_return(undone)) == (
        RecoveryStatus.RECOVERED,
        [WHOLE],
        Decimal(0),
    )


def test_news_of_it_may_come_before_we_know_that_we_asked(session: Database, undone: Deal) -> None:
    undone.provider.behave(faults=[{"kind": "no answer", "path": "/reversals", "method": "POST", "count": 1}])
    jobs.make_due_recoveries()
    undone.hear(order=lambda keys: keys + keys)
    assert (the_one(session).status, to_return(undone)) == (RecoveryStatus.RECOVERED, Decimal(0))


def test_lost_news_of_it_is_asked_for(session: Database, undone: Deal) -> None:
    undone.provider.behave(faults=[{"kind": "no answer", "path": "/reversals", "method": "POST", "count": 1}])
    jobs.make_due_recoveries()
    undone.provider.ask("POST", "/stub/settings", json={"lose_next": 9})
    jobs.ask_for_missed_events()
    assert the_one(session).status is RecoveryStatus.RECOVERED
    kinds = session.scalars(select(PaymentEvent.kind).where(PaymentEvent.was_asked_for)).all()
    assert "transfer.reversed" in kinds


def test_what_was_posted_before_there_were_recoveries_is_begun_by_the_job(session: Database, undone: Deal) -> None:
    session.add(
        Chargeback(
            provider_id="du_old",
            payment="pi_unknown_there",
            invoice_id=undone.invoice.id,
            amount=Decimal("2500.00"),
            reason="general",
            status="lost",
            opened_at=undone.clock() - timedelta(days=30),
            closed_at=undone.clock() - timedelta(days=3),
            posted_at=undone.clock() - timedelta(days=3),
        )
    )
    session.commit()
    jobs.make_due_recoveries()
    session.expire_all()
    statuses = session.scalars(select(Recovery.status).order_by(Recovery.id)).all()
    assert statuses == [RecoveryStatus.RECOVERED, RecoveryStatus.NOT_PASSED_ON]
    assert to_return(undone) == 0


# Where somebody took it back at the provider by hand


def by_hand(deal: Deal, amount: int) -> None:
    (transfer,) = deal.provider.payments().transfers(
        since=deal.clock() - timedelta(days=9), until=deal.clock() + timedelta(days=9)
    )
    assert deal.provider.ask("POST", f"/v1/transfers/{transfer.id}/reversals", data={"amount": amount}).ok


def test_where_less_is_left_it_is_refused_shown_and_kept_as_returned_by_the_framework_team(
    session: Database, undone: Deal, client: Client
) -> None:
    by_hand(undone, 250000)
    jobs.make_due_recoveries()
    refused = the_one(session)
    assert "only £7,500.00 is left of what was passed on" in (refused.last_error or "")
    assert refused.next_attempt_at == undone.clock() + actions.LONGEST_WAIT
    somebody = team()
    texts = [item.text for item in queries.waiting(somebody, undone.clock())]
    assert "1 payment that a bank undid is not returned by the supplier yet, £10,000.00" in texts
    sign_in(client, somebody)
    assert "only £7,500.00 is left" in client.get("/payments/recoveries?status=waiting").text
    assert "None is like this" in client.get("/payments/recoveries?status=recovered").text
    path = f"/payments/recoveries/{refused.id}/returned"
    today = clock.london(undone.clock()).date()
    assert client.post(path, data={}).status_code == 422
    given = {f"on-{part}": getattr(today, part) for part in ("day", "month", "year")}
    assert client.post(path, data=given).status_code == 302
    assert (the_one(session).status, to_return(undone)) == (RecoveryStatus.ELSEWHERE, Decimal(0))
    assert client.post(path, data=given).status_code == 409
    rows = list(csv.DictReader(io.StringIO(client.get("/payments/recoveries.csv").text.lstrip("\ufeff"))))
    assert [(row["invoice"], row["amount"], row["status"]) for row in rows] == [
        (undone.invoice.number, "10000.00", "elsewhere")
    ]
    undone.later(hours=7)
    jobs.make_due_recoveries()
    assert reversed_there(undone) == [Decimal("2500.00")]


def test_what_was_taken_back_by_hand_is_a_difference(session: Database, undone: Deal) -> None:
    jobs.make_due_recoveries()
    recovered = the_one(session)
    assert differences(session, undone) == []
    with_less = Decimal("9000.00")
    recovered.amount = with_less
    session.commit()
    assert differences(session, undone) == [("recovered", "£9,000.00", "£10,000.00")]
    recovered.amount = WHOLE
    session.commit()
    assert differences(session, undone) == []


def test_what_we_have_and_the_provider_does_not_is_a_difference(session: Database, undone: Deal) -> None:
    jobs.make_due_recoveries()
    the_one(session).transfer = "tr_none"
    session.commit()
    found = differences(session, undone)
    assert ("recovered", "£10,000.00", "£0.00") in found
    assert ("recovered", "£0.00", "£10,000.00") in found
    subjects = session.scalars(select(Difference.subject).where(Difference.kind == DifferenceKind.RECOVERED)).all()
    assert undone.invoice.number in subjects


def test_only_the_framework_team_says_that_it_came_and_once(session: Database, undone: Deal) -> None:
    waiting, today = the_one(session), clock.london(undone.clock()).date()
    for actor in (undone.supplier, finance_of(undone.invoice.organisation), undone.manager):
        with pytest.raises(NotAllowed):
            actions.recovered_elsewhere(waiting, on=today, actor=actor, now=undone.clock())
    somebody = team()
    actions.recovered_elsewhere(waiting, on=today, actor=somebody, now=undone.clock())
    with pytest.raises(AlreadyDone):
        actions.recovered_elsewhere(waiting, on=today, actor=somebody, now=undone.clock())
    session.commit()
    jobs.make_due_recoveries()
    assert reversed_there(undone) == []
    assert audit.events_for(undone.invoice)[0].what.startswith("£10,000.00 came back from the supplier by another way")


# What the supplier sees


def test_the_supplier_sees_what_it_is_to_return_and_the_funder_does_not(
    session: Database, undone: Deal, client: Client
) -> None:
    sign_in(client, undone.supplier)
    assert "£10,000.00 is to be returned" in client.get("/payments/account").text
    assert "Still to be returned" in client.get(f"/invoices/{undone.invoice.id}/payment").text
    jobs.make_due_recoveries()
    assert "is to be returned" not in client.get("/payments/account").text
    assert "Taken from the supplier’s account" in client.get(f"/invoices/{undone.invoice.id}/payment").text
    sign_in(client, finance_of(undone.invoice.organisation))
    assert "Taken from the supplier" not in client.get(f"/invoices/{undone.invoice.id}/payment").text
    assert client.get("/payments/recoveries").status_code == 403


def test_an_empty_list_says_what_to_do_next(client: Client, session: Database) -> None:
    sign_in(client, team())
    page = client.get("/payments/recoveries").text
    assert "No bank has undone a payment for good" in page
    assert client.get("/payments/recoveries/999999/returned").status_code == 404
