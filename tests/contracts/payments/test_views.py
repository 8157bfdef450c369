from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.payments import actions
from contracts.payments.models import PaymentEvent
from marketplace.adapters.payments.stub.delivery import signature
from tests.conftest import Client, StandingClock
from tests.factories.invoices import make_invoice
from tests.factories.payments import make_payable
from tests.marketplace.adapters.conftest import SECRET, Running

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def told(session: Database, provider: Running, clock: StandingClock) -> tuple[bytes, dict[str, str]]:
    """What the provider posts to us when an invoice of ours was paid."""
    clock.set(NOVEMBER)
    invoice = make_invoice(make_payable())
    actions.send_invoice(invoice, payments=provider.payments(), now=NOVEMBER)
    session.commit()
    provider.payments().mark_paid_out_of_band(invoice.provider_id or "", key="k")
    provider.deliver()
    payload, header = provider.webhook.came[-1]
    assert json.loads(payload)["type"] == "invoice.paid"
    return payload, {"Stripe-Signature": header}


def kept(session: Database) -> int:
    return session.scalar(select(func.count()).select_from(PaymentEvent)) or 0


def test_a_signed_event_is_kept_at_once_and_applied_by_a_job(
    session: Database, client: Client, told: tuple[bytes, dict[str, str]], run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    payload, headers = told
    answer = client.post("/webhooks/payments", data=payload, headers=headers)
    assert (answer.status_code, answer.json) == (200, {"status": "kept"})
    event = session.scalars(select(PaymentEvent)).one()
    assert (event.applied_at, event.received_at, event.kind) == (None, NOVEMBER, "invoice.paid")
    assert run_jobs() == 1
    assert event.applied_at == NOVEMBER


def test_an_event_that_comes_twice_is_kept_once_and_answered_well(
    session: Database, client: Client, told: tuple[bytes, dict[str, str]], run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    payload, headers = told
    client.post("/webhooks/payments", data=payload, headers=headers)
    run_jobs()
    again = client.post("/webhooks/payments", data=payload, headers=headers)
    assert (again.status_code, again.json, kept(session), run_jobs()) == (200, {"status": "known"}, 1, 0)


@pytest.mark.parametrize("spoil", ["no header", "wrong secret", "changed body", "replayed later"])
def test_what_the_provider_has_not_signed_is_refused_in_plain_words(
    session: Database, client: Client, told: tuple[bytes, dict[str, str]], spoil: str
) -> None:
    payload, headers = told
    now = int(time.time())
    if spoil == "no header":
        headers = {}
    elif spoil == "wrong secret":
        headers = {"Stripe-Signature": signature(payload, "whsec_guessed", now)}
    elif spoil == "changed body":
        payload = payload.replace(b'"status": "paid"', b'"status": "void"')
    else:
        headers = {"Stripe-Signature": signature(payload, SECRET, now - 301)}
    answer = client.post("/webhooks/payments", data=payload, headers=headers)
    assert answer.status_code == 400
    assert "The signature is not the payment provider" in answer.text
    assert kept(session) == 0


def test_an_event_about_something_else_is_kept_and_done_with(
    session: Database, client: Client, provider: Running, run_jobs: Callable[[], int]
) -> None:
    about = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "created": int(time.time())}
    payload = json.dumps({**about, "data": {"object": {"id": "ch_1", "object": "charge"}}}).encode()
    headers = {"Stripe-Signature": signature(payload, SECRET, int(time.time()))}
    assert client.post("/webhooks/payments", data=payload, headers=headers).status_code == 200
    run_jobs()
    assert session.scalars(select(PaymentEvent)).one().applied_at is not None


def test_nothing_is_kept_of_an_event_that_we_have_no_use_for(
    session: Database, client: Client, provider: Running
) -> None:
    about = {
        "id": "evt_1",
        "object": "event",
        "type": "account.updated",
        "created": int(time.time()),
        "account": "acct_1",
    }
    banks = {"data": [{"object": "bank_account", "account_holder_name": "Ada Byron", "last4": "2345"}]}
    person = {"first_name": "Ada", "email": "ada@example.org"}
    account = {"id": "acct_1", "object": "account", "payouts_enabled": True, "details_submitted": True}
    more = {
        "external_accounts": banks,
        "individual": person,
        "email": "ada@example.org",
        "requirements": {"errors": [person]},
    }
    payload = json.dumps({**about, "data": {"object": {**account, **more}}}).encode()
    headers = {"Stripe-Signature": signature(payload, SECRET, int(time.time()))}
    assert client.post("/webhooks/payments", data=payload, headers=headers).status_code == 200
    assert session.scalars(select(PaymentEvent.payload)).one() == {
        **about,
        "data": {"object": {**account, "requirements": {}}},
    }


def test_the_webhook_takes_posts_only(client: Client) -> None:
    assert client.get("/webhooks/payments").status_code in (404, 405)
