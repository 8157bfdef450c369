"""The addresses of both sides, which a VAT invoice must bear."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.rules import VatKind
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import Invalid, NotAllowed
from tests.conftest import Client, StandingClock
from tests.contracts.invoices.test_documents import text_of
from tests.factories.accounts import make_actor, sign_in
from tests.factories.invoices import finance_of, make_contract

Database = scoped_session[Session]
OCTOBER = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
QUAY = "12 Quay Street\n\n  Newcastle   upon Tyne \nne1 7ru"


@pytest.fixture
def contract(session: Database, clock: StandingClock) -> Agreement:
    clock.set(OCTOBER)
    return make_contract()


def give(actor: Actor, address: str = QUAY) -> None:
    actions.give_address(address, actor=actor, now=OCTOBER)


def test_an_invoice_bears_both_addresses_as_they_were_when_it_was_raised(contract: Agreement) -> None:
    supplier, payer = finance_of(contract.supplier), finance_of(contract.commissioner)
    give(supplier)
    give(payer, "County Hall\nMaidstone ME14 1XQ")
    (one,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    give(supplier, "Elsewhere\nNE1 1AA")
    assert one.supplier_address == "12 Quay Street\nNewcastle upon Tyne\nne1 7ru"
    said = " ".join(text_of(one).split())
    assert "12 Quay Street, Newcastle upon Tyne, ne1 7ru" in said
    assert "County Hall, Maidstone ME14 1XQ" in said
    assert "Elsewhere" not in said


def test_without_an_address_there_is_none_on_it(contract: Agreement) -> None:
    (one,) = actions.raise_invoices(contract, actor=SYSTEM, now=NOVEMBER)
    assert (one.supplier_address, one.funder_address) == (None, None)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (" \n ", "Enter the address"),
        ("12 Quay Street\nNewcastle", "postcode"),
        ("NE1 7RU\nNewcastle", "postcode"),
        ("1\n2\n3\n4\n5\n6\nNE1 7RU", "6 lines or fewer"),
        ("x" * 300 + " NE1 7RU", "300 characters"),
    ],
)
def test_what_is_no_address_is_refused_at_its_field(contract: Agreement, address: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        give(finance_of(contract.supplier), address)
    assert refused.value.field == "address"
    assert queries.invoice_addresses(contract.supplier_id) == {}


def test_only_finance_gives_it_and_nothing_typed_is_lost(contract: Agreement, client: Client) -> None:
    with pytest.raises(NotAllowed):
        give(make_actor(contract.supplier, Role.SERVICE_MANAGER))
    sign_in(client, finance_of(contract.commissioner))
    answer = client.post("/invoice-address", data={"address": "County Hall, Maidstone"})
    assert answer.status_code == 422
    assert "County Hall, Maidstone" in answer.text
    assert client.post("/invoice-address", data={"address": "County Hall\nME14 1XQ"}).status_code == 302
    assert "ME14 1XQ" in client.get("/invoice-address").text


def test_a_supplier_that_charges_vat_is_asked_for_it(contract: Agreement) -> None:
    finance = finance_of(contract.supplier)

    def asked() -> list[str]:
        return [one.text for one in queries.waiting(finance, OCTOBER) if "address" in one.text]

    assert asked() == []
    actions.state_vat(
        kind=VatKind.STANDARD, vat_number="GB123456789", from_day=date(2026, 10, 20), actor=finance, now=OCTOBER
    )
    assert len(asked()) == 1
    give(finance)
    assert asked() == []
