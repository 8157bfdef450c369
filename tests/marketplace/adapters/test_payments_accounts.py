"""Suppliers as connected accounts: opened, furnished with particulars at the stub's page, able to be paid or not."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from marketplace.adapters.payments.records import (
    AccountStanding,
    InvoiceStatus,
    PaymentInvoice,
    PaymentLine,
    PaymentsRefused,
    SupplierAccount,
)
from marketplace.adapters.payments.stripe import Payments

LINES = [PaymentLine("May", Decimal("100.00"))]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BACK, AGAIN = "http://127.0.0.1:9/back", "http://127.0.0.1:9/again"


@pytest.fixture
def account(payments: Payments) -> SupplierAccount:
    """A supplier's account of which nothing is known."""
    return payments.open_account(
        reference="supplier-3", name="Second Chance", email="finance@second.example", asked_since=LONG_AGO
    )


def page(payments: Payments, account: SupplierAccount) -> str:
    return payments.onboarding_page(account.id, back=BACK, again=AGAIN)


def give(address: str, end: str) -> requests.Response:
    requests.get(address, timeout=5)
    return requests.post(address, data={"end": end}, timeout=5, allow_redirects=False)


def invoice_for(payments: Payments, account: SupplierAccount) -> PaymentInvoice:
    buyer = payments.ensure_customer(reference="b", name="Kent PCC", email="finance@kent.example").id
    return payments.raise_invoice(customer_id=buyer, reference="I", lines=LINES, account_id=account.id)


def test_an_account_is_opened_once_and_nothing_of_it_is_known(
    payments: Payments, running: Any, account: SupplierAccount
) -> None:
    again = payments.open_account(
        reference="supplier-3", name="Second Chance", email="finance@second.example", asked_since=LONG_AGO
    )
    running.clock.seconds += 25 * 3600  # the key is forgotten
    later = payments.open_account(
        reference="supplier-3", name="Another name", email="other@second.example", asked_since=LONG_AGO
    )
    assert later == again == account == payments.account(account.id)
    assert (account.standing, account.reference) == (AccountStanding.INCOMPLETE, "supplier-3")
    assert {"external_account", "company.tax_id"} <= set(account.missing)
    assert account.reason == "requirements.past_due"
    assert list(payments.accounts()) == [account]


@pytest.mark.parametrize(
    ("end", "standing", "missing", "reason"),
    [
        ("complete", AccountStanding.ABLE, (), None),
        ("checking", AccountStanding.CHECKING, (), "requirements.pending_verification"),
        ("document", AccountStanding.RESTRICTED, ("company.verification.document",), "requirements.past_due"),
        ("rejected", AccountStanding.RESTRICTED, (), "rejected.other"),
    ],
)
def test_what_the_owner_gives_decides_whether_it_can_be_paid(
    payments: Payments,
    running: Any,
    account: SupplierAccount,
    end: str,
    standing: AccountStanding,
    missing: tuple[str, ...],
    reason: str | None,
) -> None:
    running.clock.seconds = time.time()
    answer = give(page(payments, account), end)
    assert (answer.status_code, answer.headers["Location"]) == (303, BACK)
    now = payments.account(account.id)
    assert (now.standing, now.missing, now.reason) == (standing, missing, reason)
    running.deliver()
    payload, header = running.webhook.came[-1]
    event = payments.construct_event(payload, header)
    assert (event.type, event.about) == ("account.updated", now)
    assert json.loads(payload)["account"] == account.id
    # It happened to the account, not to us: it is not in our own list.
    assert list(payments.events_since(event.created)) == []


def test_going_back_without_giving_anything_changes_nothing(payments: Payments, account: SupplierAccount) -> None:
    assert give(page(payments, account), "later").headers["Location"] == BACK
    assert payments.account(account.id) == account


def test_nothing_chosen_is_asked_again(payments: Payments, account: SupplierAccount) -> None:
    answer = give(page(payments, account), "")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert "form-action 'self' http://127.0.0.1:9;" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("late", [False, True])
def test_the_page_opens_once_and_soon(payments: Payments, running: Any, account: SupplierAccount, late: bool) -> None:
    address = page(payments, account)
    if late:
        running.clock.seconds += 301
    else:
        assert "pretend to have given" in requests.get(address, timeout=5).text
    answer = requests.get(address, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, AGAIN)


def test_the_page_cannot_be_guessed(running: Any) -> None:
    for method in ("GET", "POST"):
        assert requests.request(method, f"{running.url}/setup/guess", timeout=5).status_code == 404


def test_an_invoice_is_paid_on_to_the_supplier_and_bears_its_name(payments: Payments, account: SupplierAccount) -> None:
    give(page(payments, account), "complete")
    invoice = invoice_for(payments, account)
    assert (invoice.status, invoice.account_id) == (InvoiceStatus.OPEN, account.id)
    assert invoice.hosted_url is not None
    shown = requests.post(invoice.hosted_url, data={"way": "card"}, timeout=5).text
    assert "Second Chance" in shown
    (taken,) = payments.payments_of(invoice.id)
    assert (taken.amount, taken.invoice_id) == (Decimal("100.00"), invoice.id)
    assert taken.payment is not None


@pytest.mark.parametrize("end", ["later", "checking", "document", "rejected"])
def test_no_invoice_becomes_final_for_a_supplier_that_cannot_be_paid(
    payments: Payments, account: SupplierAccount, end: str
) -> None:
    give(page(payments, account), end)
    with pytest.raises(PaymentsRefused, match="capabilities enabled: transfers") as refused:
        invoice_for(payments, account)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    assert [one.status for one in payments.invoices()] == [InvoiceStatus.DRAFT]


def test_an_account_that_is_not_ours_gets_no_invoice(payments: Payments) -> None:
    stranger = SupplierAccount("acct_none", None, AccountStanding.ABLE, (), None, None)
    with pytest.raises(PaymentsRefused, match="No such on_behalf_of: 'acct_none'"):
        invoice_for(payments, stranger)


def test_the_providers_checks_may_change_their_mind(payments: Payments, running: Any, account: SupplierAccount) -> None:
    give(page(payments, account), "complete")
    for standing, expected in (("document", AccountStanding.RESTRICTED), ("complete", AccountStanding.ABLE)):
        assert running.ask("POST", "/stub/account", json={"account": account.id, "standing": standing}).ok
        assert payments.account(account.id).standing is expected
    assert running.ask("POST", "/stub/account", json={"account": account.id, "standing": "odd"}).status_code == 400


def test_an_invented_supplier_can_be_paid_at_once(payments: Payments) -> None:
    made = payments.open_account(
        reference="s", name="Invented", email="i@i.example", invented=True, asked_since=LONG_AGO
    )
    assert made.standing is AccountStanding.ABLE


def test_events_of_accounts_may_have_a_secret_of_their_own(
    payments: Payments, running: Any, account: SupplierAccount
) -> None:
    running.clock.seconds = time.time()
    give(page(payments, account), "complete")
    running.deliver()
    two = running.payments(webhook_secret="whsec_of_the_platform", connect_secret="whsec_for_the_tests")
    assert two.construct_event(*running.webhook.came[-1]).type == "account.updated"
