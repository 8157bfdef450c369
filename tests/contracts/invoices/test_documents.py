"""PDFs of invoices and credit notes: what they say, made once, given only to those who may see them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.rules import DocumentStatus
from contracts.invoices import actions, jobs, queries
from contracts.invoices.models import InvoiceDocument, InvoiceLine
from contracts.invoices.rules import VatKind
from marketplace.access import SYSTEM, Role
from tests.conftest import Client, StandingClock
from tests.contracts.invoices.test_settling import LATER, NOVEMBER, Money
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.documents import amount_after, made, pages_of, text_of
from tests.factories.invoices import finance_of, make_contract, make_invoice

Database = scoped_session[Session]


@pytest.fixture
def money(session: Database, clock: StandingClock) -> Money:
    clock.set(LATER)
    return Money()


def test_an_invoice_says_who_owes_whom_what_and_how_to_pay(money: Money) -> None:
    one, contract = money.invoice, money.contract
    contract.supplier.company_number = "01234567"
    one.po_number = "PO-9"
    said = text_of(one)
    for words in (
        one.number,
        contract.reference,
        contract.title,
        contract.supplier.name,
        "Company number 01234567",
        "VAT number GB123456789",
        f"To {one.organisation.name}",
        f"Lead commissioner: {contract.commissioner.name}",
        "Purchase order PO-9",
        "For October 2026",
        "Share of the contract 100%",
        "Raised 2 November 2026",
        "due by 2 December 2026",
        "Service 1, October 2026 £10,000.00",
        "Before VAT £10,000.00",
        "VAT at 20% £2,000.00",
        "To pay £12,000.00",
        f"/invoices/{one.id}",
    ):
        assert words in said, words
    assert "Credited since" not in said
    assert "Demonstration" not in said


def test_demonstrations_are_labelled(money: Money, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.config import Mode

    settings = replace(app.config["SETTINGS"], mode=Mode.DEMONSTRATION)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    assert len(pages_of(made(money.invoice))) == 1, "an ordinary invoice is one page, its label included"
    reason = "It bore a purchase order that was closed. It is raised again under the new one, with the same lines. " * 3
    note = actions.credit(money.invoice, amount=Decimal(1), reason=reason, actor=money.supplier, now=LATER)
    assert len(pages_of(made(note))) == 1, "so is a credit note with its reason"
    for one in (money.invoice, note):
        assert text_of(one).startswith("Demonstration: the parties, people and prices here are invented.")


@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        (VatKind.EXEMPT, "GB123456789", "These services are exempt from VAT."),
        (VatKind.NOT_REGISTERED, "", "The supplier is not registered for VAT."),
        (None, "", "The supplier has not said how it stands with VAT."),
    ],
)
def test_why_there_is_no_vat_is_said(session: Database, kind: VatKind | None, number: str, said: str) -> None:
    contract = make_contract()
    if kind is not None:
        actions.state_vat(
            kind=kind,
            vat_number=number,
            from_day=NOVEMBER.date(),
            actor=finance_of(contract.supplier),
            now=NOVEMBER,
        )
    (one,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    text = text_of(one)
    assert said in text
    assert "VAT at 0% £0.00" in text
    assert ("VAT number" in text) is bool(number)


def test_a_grant_is_outside_vat_whatever_the_supplier_is(session: Database) -> None:
    contract = make_contract()
    actions.state_vat(
        kind=VatKind.STANDARD,
        vat_number="GB 123 4567 89",
        from_day=NOVEMBER.date(),
        actor=finance_of(contract.supplier),
        now=NOVEMBER,
    )
    (one,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert queries.vat_words(one).number == "GB123456789"
    contract.instrument = Instrument.GRANT
    assert queries.vat_words(one) == queries.VatWords(None, "A grant is outside the scope of VAT.")


def test_a_credit_note_says_what_it_takes_and_leaves_and_the_invoice_is_made_again(
    money: Money, session: Database
) -> None:
    before = made(money.invoice)
    first = actions.credit(money.invoice, amount=Decimal("0.03"), reason="A", actor=money.supplier, now=LATER)
    second = actions.credit(
        money.invoice,
        amount=Decimal("4000.00"),
        reason="Two weeks\n\nwere not staffed",
        actor=money.supplier,
        now=LATER,
    )
    said = text_of(second)
    for words in (
        f"Credit note {second.number}",
        f"Invoice {money.invoice.number} of 2 November 2026",
        "Correction. Two weeks were not staffed",
        "VAT number GB123456789",
        "Before VAT £4,000.00",
        "VAT at 20% £800.00",
        "Credited £4,800.00",
        "Credited before −£0.04",
        "Credited here −£4,800.00",
        "Left of the invoice £7,199.96",
        f"/credit-notes/{second.id}",
    ):
        assert words in said, words
    assert "Left of the invoice £11,999.96" in text_of(first)
    assert made(money.invoice) != before
    said = text_of(money.invoice)
    assert "To pay £12,000.00" in said
    assert amount_after(f"{second.number} 5 November 2026 Correction ", said) == -second.amount
    assert amount_after("Left to pay after the credit notes ", said) == money.invoice.left


def test_a_voided_invoice_asks_for_nothing(money: Money) -> None:
    money.send()
    assert "Pay by 2 December 2026" in text_of(money.invoice)
    actions.voided(money.invoice, now=LATER)
    said = text_of(money.invoice)
    assert "£12,000.00, voided" in said
    assert "Voided: nothing is to be paid." in said
    assert "Pay by" not in said


def test_what_a_bank_took_back_is_asked_for_on_the_next_copy_until_it_has_come(money: Money) -> None:
    money.pay()
    actions.credit(money.invoice, amount=Decimal("1000.00"), reason="x", actor=money.supplier, now=LATER)
    before = text_of(money.invoice)
    actions.charged_back(money.invoice, Decimal("2500.00"), key="part", now=LATER)
    said = text_of(money.invoice)
    # £1,200.00 of it was to go back in any case.
    assert "£1,300.00 is owed again" in said
    assert "Pay by" not in said
    actions.paid_elsewhere(money.invoice, on=LATER.date(), actor=money.supplier, now=LATER)
    assert text_of(money.invoice) == before


def test_a_second_invoice_names_the_first(money: Money) -> None:
    note = actions.credit(money.invoice, amount=None, reason="Wrong", actor=money.supplier, now=LATER)
    assert "Nothing of this invoice is left to pay." in text_of(money.invoice)
    again = actions.reissue(note, amounts=[Decimal("9000.00")], actor=money.supplier, now=LATER)
    assert f"Asks again for what invoice {money.invoice.number} asked for" in text_of(again)


def test_a_long_invoice_breaks_over_pages_under_its_headings(session: Database) -> None:
    one = make_invoice(make_contract(), amount="8000.00")
    one.lines = [
        InvoiceLine(text=f"Service {number}, a name that goes on, October 2026", amount=Decimal("100.00"))
        for number in range(1, 81)
    ]
    session.flush()
    pages = pages_of(rendered(one))
    assert len(pages) >= 3
    assert all("Service Amount" in page for page in pages[1:3])
    assert all(f"Page {number} of {len(pages)}" in page for number, page in enumerate(pages, start=1))
    assert sum(page.count("£100.00") for page in pages) == 80


def rendered(one: object) -> bytes:
    from flask import current_app

    content: bytes = current_app.extensions["pdf"].render(jobs.invoice_page(one))  # type: ignore[arg-type]
    return content


def test_it_is_made_once_however_often_the_job_runs_and_always_alike(money: Money, session: Database) -> None:
    first = made(money.invoice)
    (document,) = session.scalars(select(InvoiceDocument)).all()
    kept = document.sha256
    assert (document.status, document.size) == (DocumentStatus.MADE, len(first))
    jobs.make_waiting_documents()
    assert document.sha256 == kept == hashlib.sha256(first).hexdigest()
    document.status, document.sha256 = DocumentStatus.WAITING, None
    jobs.make_waiting_documents()
    session.refresh(document)
    assert document.sha256 == kept


def test_one_that_cannot_be_made_keeps_none_of_the_others_waiting(
    money: Money, session: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Money()
    right = jobs.invoice_page
    monkeypatch.setattr(jobs, "invoice_page", lambda one: 1 / 0 if one is money.invoice else right(one))
    session.commit()
    with pytest.raises(ZeroDivisionError):
        jobs.make_waiting_documents()
    waiting = queries.document_of(invoice_id=money.invoice.id)
    there = queries.document_of(invoice_id=other.invoice.id)
    assert waiting is not None and there is not None
    assert (waiting.status, there.status) == (DocumentStatus.WAITING, DocumentStatus.MADE)


def test_those_who_see_it_download_it_and_can_have_it_made_now(
    money: Money, session: Database, client: Client, run_jobs: Callable[[], int]
) -> None:
    note = actions.credit(money.invoice, amount=Decimal(1), reason="x", actor=money.supplier, now=LATER)
    sign_in(client, money.payer)
    for page, number in (
        (f"/invoices/{money.invoice.id}", money.invoice.number),
        (f"/credit-notes/{note.id}", note.number),
    ):
        assert "The PDF is being made" in client.get(page).text
        assert client.get(f"{page}/document").status_code == 404
        assert client.post(f"{page}/document").location == page
        assert run_jobs() == 1
        shown = client.get(page).text
        assert f"{number} (PDF, " in shown
        answer = client.get(f"{page}/document")
        assert answer.mimetype == "application/pdf"
        assert answer.headers["Content-Disposition"] == f"attachment; filename={number}.pdf"
        assert number in pages_of(answer.data)[0]
        assert client.post(f"{page}/document").location == page
        assert run_jobs() == 0
    for actor, status in (
        (money.supplier, 200),
        (money.manager, 200),
        (finance_of(make_commissioner()), 404),
        (finance_of(make_supplier()), 404),
        (make_actor(money.contract.commissioner, Role.EVALUATOR), 403),
    ):
        sign_in(client, actor)
        for path in (f"/invoices/{money.invoice.id}/document", f"/credit-notes/{note.id}/document"):
            assert client.get(path).status_code == status
            assert client.post(path).status_code == (302 if status == 200 else status)


def test_another_purchase_order_is_on_the_next_copy(money: Money) -> None:
    assert "None given" in text_of(money.invoice)
    actions.enter_purchase_order(
        money.contract, number="PO-12", from_day=date(2026, 11, 1), actor=money.payer, now=LATER + timedelta(days=1)
    )
    assert "Purchase order PO-12" in text_of(money.invoice)
