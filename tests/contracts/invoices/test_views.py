from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions
from contracts.invoices.models import PaymentEvent
from contracts.invoices.rules import InvoiceStatus
from marketplace.access import Role
from marketplace.adapters.payments.stub.delivery import signature
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract, make_invoice
from tests.marketplace.adapters.conftest import SECRET, Running

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def listed(page: str) -> int:
    return len(re.findall(r'href="/invoices/\d+"', page))


# Who sees what


def test_the_funder_the_lead_and_the_supplier_see_an_invoice_and_nobody_else(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(NOVEMBER)
    lead, funder, other_funder = make_commissioner(), make_commissioner("Kent PCC"), make_commissioner()
    contract = make_contract(lead=lead, funders=[(funder, "60"), (other_funder, "40")])
    invoice = make_invoice(contract, status=InvoiceStatus.OPEN)
    seen = {
        "funder": (finance_of(funder), 200),
        "lead": (make_actor(lead, Role.CONTRACT_MANAGER), 200),
        "supplier": (finance_of(contract.supplier), 200),
        # The other funder of the same contract has an invoice of its own.
        "other funder": (finance_of(other_funder), 404),
        "another body": (finance_of(make_commissioner()), 404),
        "another supplier": (finance_of(make_supplier()), 404),
        "no such role": (make_actor(funder, Role.RESPONSIBLE_OFFICER), 403),
    }
    for who, (actor, status) in seen.items():
        page = sign_in(client, actor).get(f"/invoices/{invoice.id}")
        assert page.status_code == status, who
        assert ("Kent PCC" in page.text and "£10,000.00" in page.text) is (status == 200), who
        if status != 403:
            assert listed(client.get("/invoices").text) == (1 if status == 200 else 0), who
            assert (invoice.number in client.get("/invoices.csv").text) is (status == 200), who


def test_only_the_funders_finance_is_given_the_way_to_pay(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(NOVEMBER)
    lead, funder = make_commissioner(), make_commissioner()
    contract = make_contract(lead=lead, funders=[(funder, "100")])
    invoice = make_invoice(contract, status=InvoiceStatus.OPEN)
    paid = make_invoice(contract, month=date(2026, 11, 1), status=InvoiceStatus.PAID)
    button = "Pay this invoice"
    for actor, shown in (
        (finance_of(funder), True),
        (make_actor(funder, Role.CONTRACT_MANAGER), False),
        (finance_of(lead), False),
        (finance_of(contract.supplier), False),
    ):
        sign_in(client, actor)
        assert (button in client.get(f"/invoices/{invoice.id}").text) is shown
        assert button not in client.get(f"/invoices/{paid.id}").text


def test_no_such_invoice(session: Database, client: Client) -> None:
    sign_in(client, finance_of(make_commissioner()))
    assert client.get("/invoices/999999").status_code == 404


def test_why_it_could_not_be_sent_is_shown(session: Database, client: Client) -> None:
    contract = make_contract()
    invoice = make_invoice(contract, last_error="Nobody at Kent PCC has the finance role yet.")
    sign_in(client, finance_of(contract.supplier))
    assert "Nobody at Kent PCC has the finance role yet." in client.get(f"/invoices/{invoice.id}").text


# The list


def test_the_list_is_filtered_summed_and_paged(session: Database, client: Client, clock: StandingClock) -> None:
    clock.set(NOVEMBER)
    body = make_commissioner()
    contract = make_contract(lead=body)
    other = make_contract(lead=body)
    for number in range(30):
        status = InvoiceStatus.OPEN if number < 27 else InvoiceStatus.PAID
        make_invoice(contract, month=date(2027 + number // 12, number % 12 + 1, 1), status=status, amount="100.10")
    make_invoice(other, status=InvoiceStatus.DRAFT, amount="5.00")
    sign_in(client, finance_of(body))
    whole = client.get("/invoices").text
    assert (listed(whole), "Page 1 of 2" in whole) == (25, True)
    assert "£3,008.00" in whole  # 30 × £100.10 and £5.00
    assert "£2,702.70" in whole  # 27 × £100.10 still to be paid
    assert listed(client.get("/invoices?page=2").text) == 6
    assert listed(client.get("/invoices?page=99").text) == 6
    assert listed(client.get("/invoices?page=-1&status=nonsense").text) == 25
    assert listed(client.get("/invoices?status=paid").text) == 3
    assert listed(client.get(f"/invoices?agreement={other.id}").text) == 1
    assert "with this status" in client.get(f"/invoices?agreement={other.id}&status=void").text
    rows = list(csv.DictReader(io.StringIO(client.get("/invoices.csv?status=open").text)))
    assert len(rows) == 27
    assert rows[0]["amount"] == "100.10"
    assert rows[0]["share_percent"] == "100.00"
    paid = csv.DictReader(io.StringIO(client.get("/invoices.csv?status=paid").text))
    assert {row["paid_on"] for row in paid} == {"2026-11-01"}


def test_an_empty_list_says_what_comes(session: Database, client: Client) -> None:
    sign_in(client, finance_of(make_commissioner()))
    assert "An invoice is raised on the first day after each month" in client.get("/invoices").text


def test_the_list_asks_the_database_as_often_however_long_it_is(session: Database, client: Client) -> None:
    body = make_commissioner()

    def count() -> int:
        session.expire_all()
        with counted_queries() as sent:
            assert client.get("/invoices").status_code == 200
        return len(sent)

    sign_in(client, finance_of(body))
    make_invoice(make_contract(lead=body))
    few = count()
    for _ in range(6):
        make_invoice(make_contract(lead=body))
    assert count() == few


def test_no_name_becomes_a_formula_in_a_spreadsheet(session: Database, client: Client) -> None:
    contract = make_contract(supplier=make_supplier("=HYPERLINK(1)"))
    make_invoice(contract)
    sign_in(client, finance_of(contract.supplier))
    (row,) = csv.DictReader(io.StringIO(client.get("/invoices.csv").text))
    assert row["supplier"] == "'=HYPERLINK(1)"


# What the provider tells us


@pytest.fixture
def told(session: Database, provider: Running, clock: StandingClock) -> tuple[bytes, dict[str, str]]:
    """What the provider posts to us when an invoice of ours was paid."""
    clock.set(NOVEMBER)
    invoice = make_invoice(make_contract())
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


def test_the_webhook_takes_posts_only(client: Client) -> None:
    assert client.get("/webhooks/payments").status_code in (404, 405)
