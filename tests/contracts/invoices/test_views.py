from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.rules import InvoiceStatus
from marketplace.access import Role
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract, make_invoice

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
    assert "£2,707.70" in whole  # 27 × £100.10 and £5.00 still to be paid
    assert listed(client.get("/invoices?page=2").text) == 6
    assert listed(client.get("/invoices?page=99").text) == 6
    assert listed(client.get("/invoices?page=-1&status=nonsense").text) == 25
    assert listed(client.get("/invoices?status=paid").text) == 3
    assert listed(client.get(f"/invoices?agreement={other.id}").text) == 1
    assert "no invoices like this" in client.get(f"/invoices?agreement={other.id}&status=void").text
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
