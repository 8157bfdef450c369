"""Pages of disputes: who raises, answers and decides; what is shown after each; nothing twice, nothing typed lost."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions, queries
from contracts.invoices.models import CreditNote, Dispute, Invoice
from contracts.invoices.rules import DisputeStatus, InvoiceStatus
from marketplace.access import Actor, Role
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.contracts.invoices.test_settling import LATER, NOVEMBER, Money
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.invoices import finance_of

Database = scoped_session[Session]
REASON = "Two weeks were not staffed."


@pytest.fixture
def money(session: Database, clock: StandingClock) -> Money:
    clock.set(LATER)
    return Money()


def put(client: Client, path: str, **typed: str) -> str:
    """Type, look at the check page, go on; where that leads. The check page carries what was typed."""
    checked = client.post(path, data=typed)
    assert checked.status_code == 200, checked.text
    assert "Check your answers" in checked.text
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', checked.text))
    assert {name: kept[name] for name in typed} == typed
    answer = client.post(path, data={**typed, "step": "go"})
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def raised(client: Client, money: Money, actor: Actor | None = None, **typed: str) -> Dispute:
    sign_in(client, actor or money.payer)
    answers = {"seen": "0", "how_much": "part", "amount": "4000.00", "reason": REASON} | typed
    where = put(client, f"/invoices/{money.invoice.id}/dispute", **answers)
    (made,) = queries.invoice_for(money.payer, money.invoice.id).disputes
    assert where == f"/disputes/{made.id}"
    return made


def test_a_dispute_from_its_beginning_to_its_end(money: Money, session: Database, client: Client) -> None:
    made = raised(client, money)
    assert (made.net, made.is_whole, made.reason) == (Decimal("4000.00"), False, REASON)
    page = client.get(f"/disputes/{made.id}").text
    assert "Waits for the supplier’s answer" in page
    for figure in ("£12,000.00", "−£4,800.00", "£7,200.00"):
        assert figure in page
    invoice = client.get(f"/invoices/{money.invoice.id}").text
    assert f'href="/disputes/{made.id}"' in invoice
    assert "Dispute this invoice" not in invoice
    # It waits for the supplier, and for the lead's contract manager, and for nobody else.
    words = f"the dispute of invoice {money.invoice.number}, £4,000.00 before VAT"
    assert f"Answer {words}" in [one.text for one in queries.waiting(money.supplier, LATER)]
    assert f"Decide {words}" in [one.text for one in queries.waiting(money.manager, LATER)]
    assert [one.text for one in queries.waiting(money.payer, LATER) if words in one.text] == []
    # The supplier answers, and may change that; then it waits for it no more.
    sign_in(client, money.supplier)
    assert put(client, f"/disputes/{made.id}/answer", stance="owed", answer="Agency staff.") == f"/disputes/{made.id}"
    put(client, f"/disputes/{made.id}/answer", stance="owed", answer="Agency staff came.")
    assert [one.text for one in queries.waiting(money.supplier, LATER) if words in one.text] == []
    sign_in(client, money.manager)
    assert "Agency staff came." in client.get(f"/disputes/{made.id}/settle").text
    put(client, f"/disputes/{made.id}/settle", verdict="part", upheld="1500.00", words="One week only.")
    page = client.get(f"/disputes/{made.id}").text
    assert "partly upheld" in page
    assert f"{money.invoice.number}-2" in page
    assert "£3,000.00" in page  # £2,500.00 and its VAT are owed after all
    assert "One week only." in page
    assert money.owed() == Decimal("10200.00")


def test_letters_lead_to_the_dispute_and_hold_no_reason(money: Money, session: Database, client: Client) -> None:
    made = raised(client, money)
    assert (made.answered_by, made.answered_at) == (None, None)
    actions.answer(made, text="Agency staff.", actor=money.supplier, now=LATER)
    assert (made.answered_by, made.answered_at) == (money.supplier.person_id, LATER)
    sign_in(client, money.manager)
    assert (
        f"{money.supplier.name} of {money.invoice.agreement.supplier.name}" in client.get(f"/disputes/{made.id}").text
    )
    actions.settle(made, upheld=Decimal(0), words="Staffed.", actor=money.manager, now=LATER)
    letters = session.scalars(select(Letter).where(Letter.subject.contains("dispute"))).all()
    assert {one.subject.partition("invoice")[0] for one in letters} >= {"The supplier has answered the dispute of "}
    assert all(f"/disputes/{made.id}" in one.body for one in letters)
    assert not any(word in one.body for one in letters for word in (REASON, "Agency", "Staffed."))


def test_the_supplier_may_accept(money: Money, client: Client) -> None:
    made = raised(client, money, how_much="whole", amount="")
    assert (made.is_whole, made.net) == (True, Decimal("10000.00"))
    sign_in(client, money.supplier)
    put(client, f"/disputes/{made.id}/answer", stance="accept", answer="")
    assert (made.status, made.settled_by) == (DisputeStatus.UPHELD, money.supplier.person_id)
    assert "The supplier accepts it." in client.get(f"/disputes/{made.id}").text
    assert client.get(f"/disputes/{made.id}/answer").status_code == 409


def test_whoever_raised_it_can_only_give_it_up(money: Money, client: Client) -> None:
    made = raised(client, money, money.manager)
    page = client.get(f"/disputes/{made.id}/settle").text
    assert "Give the dispute up" in page
    assert 'value="all"' not in page
    assert client.post(f"/disputes/{made.id}/settle", data={"verdict": "all", "words": "x"}).status_code == 422
    assert [one.text for one in queries.waiting(money.manager, LATER) if "dispute" in one.text] == []
    put(client, f"/disputes/{made.id}/settle", verdict="none", words="I was wrong.")
    assert made.status is DisputeStatus.NOT_UPHELD


def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(money: Money, client: Client) -> None:
    sign_in(client, money.payer)
    path = f"/invoices/{money.invoice.id}/dispute"
    for typed, words in (
        ({"how_much": "part", "amount": "", "reason": REASON}, "Enter how much"),
        ({"how_much": "part", "amount": "0", "reason": REASON}, "above £0 and of no more than £10,000.00"),
        ({"how_much": "part", "amount": "10000.01", "reason": REASON}, "no more than £10,000.00"),
        ({"how_much": "part", "amount": "ten", "reason": REASON}, "Enter an amount in pounds"),
        ({"how_much": "", "amount": "10", "reason": REASON}, "Choose how much"),
        ({"how_much": "whole", "amount": "", "reason": " "}, "Say what is wrong"),
    ):
        answer = client.post(path, data={"seen": "0", **typed})
        assert (answer.status_code, words in answer.text) == (422, True), typed
        assert typed["reason"].strip() in answer.text
    assert "Check your answers" in client.post(path, data={"how_much": "whole", "reason": REASON}).text
    changed = client.post(path, data={"how_much": "part", "amount": "7.50", "reason": REASON, "step": "change"})
    assert (changed.status_code, REASON in changed.text, "7.50" in changed.text) == (200, True, True)


def test_a_second_click_and_a_page_that_is_old_dispute_nothing_more(
    money: Money, session: Database, client: Client
) -> None:
    made = raised(client, money)
    typed = {"seen": "0", "how_much": "part", "amount": "4000.00", "reason": REASON, "step": "go"}
    again = client.post(f"/invoices/{money.invoice.id}/dispute", data=typed)
    assert (again.status_code, again.location) == (302, f"/disputes/{made.id}")
    assert "in dispute already" in client.get(again.location).text
    # Even once it is settled, the old page disputes nothing.
    actions.settle(made, upheld=Decimal(0), words="Staffed.", actor=money.manager, now=LATER)
    again = client.post(f"/invoices/{money.invoice.id}/dispute", data=typed)
    assert (again.status_code, again.location) == (302, f"/invoices/{money.invoice.id}")
    assert "has been credited since you looked" in client.get(again.location).text
    settled = client.post(f"/disputes/{made.id}/settle", data={"verdict": "none", "words": "x", "step": "go"})
    assert settled.status_code in (302, 403)
    for model in (Dispute, CreditNote):
        assert session.scalar(select(func.count()).select_from(model)) == 1
    assert session.scalar(select(func.count()).select_from(Invoice)) == 2


def test_nobody_else_disputes_answers_or_decides(money: Money, client: Client) -> None:
    made = raised(client, money)
    strangers = (finance_of(make_supplier()), make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
    for actor, path, status in (
        (strangers[0], f"/disputes/{made.id}", 404),
        (strangers[1], f"/disputes/{made.id}", 404),
        (strangers[1], f"/disputes/{made.id}/settle", 404),
        (strangers[1], f"/invoices/{money.invoice.id}/dispute", 404),
        (money.supplier, f"/invoices/{money.invoice.id}/dispute", 403),
        (money.supplier, f"/disputes/{made.id}/settle", 403),
        (money.manager, f"/disputes/{made.id}/answer", 403),
        (finance_of(money.contract.commissioner), f"/disputes/{made.id}/settle", 403),
    ):
        assert sign_in(client, actor).get(path).status_code == status, path
        assert client.post(path, data={"step": "go", "verdict": "none", "words": "x"}).status_code in (status, 405)
    assert made.status is DisputeStatus.OPEN


def test_the_list_shows_those_in_dispute(money: Money, client: Client) -> None:
    other = Money(lead=money.contract.commissioner)
    sign_in(client, money.manager)
    assert "no invoices like this" in client.get("/invoices?dispute=open").text
    money.dispute("4000.00")
    page = client.get("/invoices?dispute=open").text
    assert (money.invoice.number in page, other.invoice.number in page) == (True, False)
    assert '<option value="open" selected>' in page
    assert "In dispute" in page
    listed = client.get("/invoices.csv?dispute=open").text
    assert (money.invoice.number in listed, other.invoice.number in listed) == (True, False)


def test_many_disputes_are_one_line_of_the_home_page(session: Database, clock: StandingClock) -> None:
    clock.set(NOVEMBER)
    first = Money()
    rest = [Money(lead=first.contract.commissioner) for _ in range(5)]
    for one in (first, *rest):
        one.dispute("4000.00")
    found = [one for one in queries.waiting(first.manager, NOVEMBER + timedelta(days=4)) if "dispute" in one.text]
    assert [one.text for one in found] == ["Decide 6 disputes of invoices, £24,000.00 before VAT"]
    assert found[0].url.endswith("/invoices?dispute=open")


def test_what_is_paid_has_no_way_to_dispute_it(money: Money, client: Client) -> None:
    money.pay()
    assert money.invoice.status is InvoiceStatus.PAID
    sign_in(client, money.payer)
    assert "Dispute this invoice" not in client.get(f"/invoices/{money.invoice.id}").text
    page = client.get(f"/invoices/{money.invoice.id}/dispute")
    assert (page.status_code, "Ask the supplier for a credit note" in page.text) == (409, True)
