"""Suppliers set up how they are paid; their invoices wait until they can be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import actions, jobs, queries
from contracts.payments.models import ReceivingAccount
from contracts.payments.rules import AccountStatus, reason_words, wanted_words
from marketplace import audit
from marketplace.access import Actor, Role
from marketplace.adapters.payments.records import AccountStanding, SupplierAccount
from marketplace.errors import NotAllowed
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.invoices import finance_of, make_contract, make_invoice
from tests.factories.payments import make_payable, make_receiving
from tests.marketplace.adapters.conftest import Running

Database = scoped_session[Session]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def told(account: ReceivingAccount, standing: AccountStanding, *missing: str) -> SupplierAccount:
    return SupplierAccount(account.provider_id or "", None, standing, missing, None, None)


def begun(clerk: Actor, provider: Running) -> ReceivingAccount:
    """An account that the supplier has begun and the provider has opened."""
    with transaction():
        key = actions.begin_receiving(clerk.organisation, actor=clerk, now=NOW).id
    jobs.open_account(key)
    found = queries.receiving_account(clerk.organisation)
    assert found is not None
    return found


def subjects(session: Database) -> list[str]:
    return list(session.scalars(select(Letter.subject).order_by(Letter.id)))


# What the words are


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (["external_account"], ["The bank account to be paid into"]),
        (["directors.first_name", "executives.dob.day"], ["Who directs your organisation"]),
        (["company.verification.document"], ["A document about your organisation"]),
        (["company.address.line1"], ["Name, address and telephone number of your organisation"]),
        (["settings.odd"], ["Other particulars (settings.odd)"]),
        ([], []),
    ],
)
def test_what_the_provider_wants_is_said_in_plain_words_once(fields: list[str], words: list[str]) -> None:
    assert wanted_words(fields) == words


def test_why_it_pays_nothing_is_said_unless_the_list_says_it() -> None:
    assert reason_words(None) == reason_words("requirements.past_due") == ""
    assert "turned your organisation away" in reason_words("rejected.fraud")
    assert "paused" in reason_words("platform_paused")
    assert "looking into" in reason_words("under_review")


# Setting it up


def test_an_account_is_begun_once_and_opened_at_the_provider(
    session: Database, provider: Running, clock: StandingClock
) -> None:
    clock.set(NOW)
    clerk = finance_of(make_supplier("Second Chance"))
    account = begun(clerk, provider)
    again = begun(clerk, provider)
    assert (again.id, account.status) == (account.id, AccountStatus.INCOMPLETE)
    assert "external_account" in account.wanted
    (there,) = provider.payments().accounts()
    assert (there.id, there.reference) == (account.provider_id, f"{clerk.organisation}-20261102090000")
    assert [event.what for event in audit.events_for(account)] == ["Setting up payments begun"]


def test_only_finance_of_a_supplier_begins(session: Database) -> None:
    supplier = make_supplier()
    with pytest.raises(NotAllowed):
        actions.begin_receiving(supplier.id, actor=make_actor(supplier, Role.SIGNATORY), now=NOW)


@pytest.mark.parametrize("fault", ["no answer", "broken", "broken for its key", "too busy"])
def test_whatever_goes_wrong_on_the_way_there_is_one_account_in_the_end(
    session: Database, provider: Running, clock: StandingClock, fault: str
) -> None:
    clock.set(NOW)
    clerk = finance_of(make_supplier())
    provider.behave(faults=[{"kind": fault, "path": "/v1/accounts", "method": "POST"}])
    account = begun(clerk, provider)
    assert (account.provider_id, account.last_error) == (None, "The payment provider did not answer.")
    provider.clock.seconds += 25 * 3600
    jobs.open_accounts()
    session.expire_all()
    assert account.provider_id is not None
    assert account.last_error is None
    assert len(list(provider.payments().accounts())) == 1
    assert queries.accounts_to_open() == []


def test_pressed_twice_at_once_it_is_one_account(committed_app: Flask, clock: StandingClock) -> None:
    clock.set(NOW)
    with committed_app.app_context(), transaction():
        clerk = finance_of(make_supplier())
    together, failed = threading.Barrier(3), []

    def press() -> None:
        with committed_app.app_context():
            together.wait(20)
            try:
                with transaction():
                    actions.begin_receiving(clerk.organisation, actor=clerk, now=NOW)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    with committed_app.app_context():
        account = queries.receiving_account(clerk.organisation)
        assert account is not None
        assert len(audit.events_for(account)) == 1


# How it stands


def test_older_news_changes_nothing(session: Database) -> None:
    account = make_receiving(make_supplier(), status=AccountStatus.INCOMPLETE)
    at = NOW + timedelta(minutes=5)
    actions.take_account(told(account, AccountStanding.ABLE), at=at, now=NOW)
    actions.take_account(told(account, AccountStanding.INCOMPLETE, "external_account"), at=NOW, now=NOW)
    assert (account.status, account.wanted, account.as_of) == (AccountStatus.ABLE, [], at)
    actions.take_account(told(account, AccountStanding.RESTRICTED, "owners.dob"), at=at, now=NOW)
    assert account.status is AccountStatus.RESTRICTED


def test_an_account_of_somebody_else_is_passed_over(session: Database) -> None:
    stranger = SupplierAccount("acct_else", "1-2026", AccountStanding.ABLE, (), None, None)
    actions.take_account(stranger, at=NOW, now=NOW)
    assert session.scalar(select(func.count()).select_from(ReceivingAccount)) == 0


def test_the_supplier_is_told_when_it_can_and_when_it_cannot_be_paid(session: Database) -> None:
    supplier = make_supplier()
    finance_of(supplier)
    account = make_receiving(supplier, status=AccountStatus.INCOMPLETE)
    moves = [AccountStanding.CHECKING, AccountStanding.ABLE, AccountStanding.ABLE, AccountStanding.RESTRICTED]
    for minutes, standing in enumerate(moves):
        actions.take_account(told(account, standing), at=NOW + timedelta(minutes=minutes), now=NOW)
    assert subjects(session) == ["You can be paid", "The payment provider cannot pay you"]
    assert [event.what for event in audit.events_for(account)][::-1] == [
        "Payments: being checked",
        "Payments: can be paid",
        "Payments: cannot be paid",
    ]


# Invoices wait for it


def test_an_invoice_waits_for_the_supplier_to_be_able_to_be_paid_and_then_goes_by_itself(
    session: Database, provider: Running, clock: StandingClock
) -> None:
    clock.set(NOW)
    contract = make_contract()
    clerk = finance_of(contract.supplier)
    invoice = make_invoice(contract)
    session.commit()
    jobs.send_due_invoices()
    words = f"{contract.supplier.name} cannot be paid through the payment provider yet. It is sent as soon as they can."
    assert (invoice.status, invoice.last_error) == (InvoiceStatus.DRAFT, words)
    assert subjects(session) == ["Invoices wait until you can be paid"]
    account = begun(clerk, provider)
    clock.move(hours=7)
    jobs.send_due_invoices()
    assert invoice.status is InvoiceStatus.DRAFT
    assert subjects(session) == ["Invoices wait until you can be paid"] * 2  # once for none, once for an unfinished one
    assert list(provider.payments().invoices()) == []
    provider.ask("POST", "/stub/account", json={"account": account.provider_id, "standing": "complete"})
    actions.take_account(provider.payments().account(account.provider_id or ""), at=clock(), now=clock())
    session.commit()
    jobs.send_due_invoices()
    session.expire_all()
    assert (invoice.status, invoice.last_error) == (InvoiceStatus.OPEN, None)
    (there,) = provider.payments().invoices()
    assert there.account_id == account.provider_id


def test_a_supplier_that_has_become_unable_is_asked_about_and_its_invoice_waits(
    session: Database, provider: Running, clock: StandingClock
) -> None:
    """Its events never came: we think that it can be paid, and the provider refuses."""
    clock.set(NOW)
    contract = make_payable()
    account = queries.receiving_account(contract.supplier.id)
    assert account is not None
    provider.ask("POST", "/stub/account", json={"account": account.provider_id, "standing": "document"})
    invoice = make_invoice(contract)
    session.commit()
    jobs.send_due_invoices()
    session.expire_all()
    assert invoice.status is InvoiceStatus.DRAFT
    assert invoice.last_error == "The payment provider refused it (insufficient_capabilities_for_transfer)."
    assert (account.status, account.wanted) == (AccountStatus.RESTRICTED, ["company.verification.document"])
    provider.ask("POST", "/stub/account", json={"account": account.provider_id, "standing": "complete"})
    clock.move(minutes=1)
    actions.take_account(provider.payments().account(account.provider_id or ""), at=clock(), now=clock())
    session.commit()
    jobs.send_due_invoices()
    session.expire_all()
    assert invoice.status is InvoiceStatus.OPEN
    assert len(list(provider.payments().invoices())) == 1


def test_what_waits_for_whom(session: Database, clock: StandingClock) -> None:
    contract = make_contract()
    supplier = contract.supplier
    boss = make_actor(supplier, Role.ADMINISTRATOR)
    assert queries.waiting(boss, NOW) == []
    make_invoice(contract, amount="120.50")
    (item,) = queries.waiting(boss, NOW)
    assert item.text == "Give somebody the finance role, to set up how you are paid: 1 invoice waits for it, £120.50"
    clerk = finance_of(supplier)
    assert queries.waiting(boss, NOW) == []
    (item,) = queries.waiting(clerk, NOW)
    assert item.text == "Set up how you are paid: 1 invoice waits for it, £120.50"
    assert item.url.endswith("/payments/account")
    account = make_receiving(supplier, status=AccountStatus.RESTRICTED)
    assert queries.waiting(clerk, NOW)[0].text.startswith("Finish setting up how you are paid: 1 invoice")
    for status in (AccountStatus.CHECKING, AccountStatus.ABLE):
        account.status = status
        session.flush()
        assert queries.waiting(clerk, NOW) == []
    assert queries.waiting(finance_of(make_supplier()), NOW) == []
    assert queries.waiting(finance_of(make_commissioner()), NOW) == []


# Pages


def test_from_the_first_press_to_being_paid_on_the_pages(
    session: Database, client: Client, provider: Running, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    clock.set(NOW)
    contract = make_contract()
    make_invoice(contract, amount="120.50")
    sign_in(client, finance_of(contract.supplier))
    page = client.get("/payments/account").text
    assert "1 invoice waits for this: £120.50" in page
    for _ in range(2):
        assert client.post("/payments/account").location.endswith("/payments/account")
    assert "being opened at the provider" in client.get("/payments/account").text
    run_jobs()
    page = client.get("/payments/account").text
    assert "The bank account to be paid into" in page
    assert "external_account" not in page
    away = client.get("/payments/account/provider")
    assert away.status_code == 303
    assert away.location.startswith(f"{provider.url}/setup/")
    assert "Everything is there" in requests.get(away.location, timeout=5).text
    back = requests.post(away.location, data={"end": "complete"}, timeout=5, allow_redirects=False)
    assert back.headers["Location"].endswith("/payments/account/back")
    assert client.get("/payments/account/back").status_code == 303
    page = client.get("/payments/account").text
    assert "Can be paid" in page
    assert "The invoices that waited are being sent" in page


def test_while_the_provider_is_away_people_are_told(
    session: Database, client: Client, provider: Running, clock: StandingClock
) -> None:
    clock.set(NOW)
    clerk = finance_of(make_supplier())
    begun(clerk, provider)
    sign_in(client, clerk)
    for path in ("provider", "back"):
        provider.behave(faults=[{"kind": "broken", "count": 1}])
        answer = client.get(f"/payments/account/{path}", follow_redirects=True)
        assert (answer.status_code, "does not answer" in answer.text) == (200, True)


def test_before_it_is_opened_the_ways_to_the_provider_lead_back(session: Database, client: Client) -> None:
    sign_in(client, finance_of(make_supplier()))
    for path in ("provider", "back"):
        assert client.get(f"/payments/account/{path}").location.endswith("/payments/account")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (AccountStatus.CHECKING, "The provider is checking it"),
        (AccountStatus.RESTRICTED, "What the provider still wants to know"),
        (AccountStatus.INCOMPLETE, "Give your particulars to the provider"),
    ],
)
def test_each_standing_says_what_comes_next(
    session: Database, client: Client, status: AccountStatus, words: str
) -> None:
    supplier = make_supplier()
    make_receiving(supplier, status=status, wanted=["external_account"])
    sign_in(client, finance_of(supplier))
    assert words in client.get("/payments/account").text


def test_who_is_turned_away_reads_why(session: Database, client: Client) -> None:
    supplier = make_supplier()
    make_receiving(supplier, status=AccountStatus.RESTRICTED, reason="rejected.other")
    sign_in(client, finance_of(supplier))
    assert "has turned your organisation away" in client.get("/payments/account").text


def test_only_waiting_invoices_of_the_supplier_count(session: Database) -> None:
    mine, other = make_contract(), make_contract()
    make_invoice(mine, amount="10.00")
    make_invoice(mine, funder=0, month=date(2026, 11, 1), amount="5.00", status=InvoiceStatus.OPEN)
    make_invoice(other, amount="3.00")
    found = queries.waiting_for_account(mine.supplier.id)
    assert (found.count, found.amount) == (1, Decimal("10.00"))
    assert session.scalar(select(func.count()).select_from(Invoice)) == 3
