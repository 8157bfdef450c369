"""Statements, aged debt and payments on pages and in files: as the ledger has them, on any day."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.ledger.actions import post
from contracts.ledger.queries import balance, by_item, remittances, remitted
from contracts.ledger.rules import Account, PostingKind, credited, paid, refunded
from marketplace.access import Role
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import DAY, NOVEMBER, charge, debt, pay, settle
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract

Database = scoped_session[Session]


class Books:
    """A funder with two contracts: A-1 paid late, A-2 credited in part and late, B-1 paid and given back in part."""

    def __init__(self) -> None:
        self.body = make_commissioner("Kent PCC")
        self.contract = make_contract(lead=self.body, supplier=make_supplier("Harbour Trust"))
        self.other = make_contract(lead=self.body, supplier=make_supplier("Open Door"))
        self.payer = finance_of(self.body)
        charge(self.contract, "100.00", "A-1")
        charge(self.contract, "50.00", "A-2")
        self.credit(self.contract, "10.00", "A-2", 10)
        pay(self.contract, "120.00", "A-1", NOVEMBER + timedelta(days=40))
        charge(self.other, "1.00", "B-1", NOVEMBER + timedelta(days=20), due_on=DAY + timedelta(days=50))
        pay(self.other, "1.20", "B-1", NOVEMBER + timedelta(days=40))
        post(
            PostingKind.REFUND,
            refunded(Decimal("0.20")),
            key="refund:B-1",
            debt=debt(self.other, "B-1"),
            document="B-1",
            now=NOVEMBER + timedelta(days=45),
        )
        settle()

    def credit(self, contract: Agreement, net: str, number: str, days: int) -> None:
        post(
            PostingKind.CREDIT_NOTE,
            credited(Decimal(net), Decimal(net) / 5),
            key=f"credit:{number}",
            debt=debt(contract, number),
            document=f"{number}-C1",
            now=NOVEMBER + timedelta(days=days),
        )


@pytest.fixture
def books(session: Database, clock: StandingClock) -> Books:
    clock.set(NOVEMBER + timedelta(days=60))
    return Books()


def day(days: int) -> date:
    return DAY + timedelta(days=days)


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))


# Statements


def test_a_statement_goes_from_what_was_owed_before_to_what_is_owed_at_its_end(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    rows = rows_of(client, f"/statement.csv?first={day(1)}&last={day(60)}")
    assert [(row["what"], row["document"], row["change"], row["owed_after"]) for row in rows] == [
        ("Opening balance", "", "", "180.00"),
        ("Credit note", "A-2-C1", "-12.00", "168.00"),
        ("Invoice", "B-1", "1.20", "169.20"),
        ("Payment", "A-1", "-120.00", "49.20"),
        ("Payment", "B-1", "-1.20", "48.00"),
        ("Refund", "B-1", "0.20", "48.20"),
        ("Closing balance", "", "", "48.20"),
    ]
    page = client.get(f"/statement?first={day(1)}&last={day(60)}").text
    for words in ("£180.00", "A-2-C1", "£168.00", "−£120.00", "£48.20", "Harbour Trust", "Open Door"):
        assert words in page, words
    with_one = rows_of(client, f"/statement.csv?first={day(1)}&last={day(60)}&other={books.other.supplier_id}")
    assert [row["document"] for row in with_one] == ["", "B-1", "B-1", "B-1", ""]


def test_any_days_balance_reads_back_on_the_page_as_the_ledger_has_it(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    for days in (-1, 0, 9, 10, 20, 39, 40, 45, 60):
        rows = rows_of(client, f"/statement.csv?first={day(-30)}&last={day(days)}")
        owed = balance(Account.OWED, books.body.id, on=day(days))
        assert Decimal(rows[-1]["owed_after"]) == owed, days
        debts = rows_of(client, f"/aged-debt.csv?on={day(days)}")
        assert sum((Decimal(row["owed"]) for row in debts), Decimal(0)) == owed, days
    # What is posted later changes none of it.
    before = client.get(f"/statement.csv?first={day(0)}&last={day(40)}").text
    charge(books.contract, "7.00", "A-9", NOVEMBER + timedelta(days=60))
    assert client.get(f"/statement.csv?first={day(0)}&last={day(40)}").text == before


def test_both_sides_read_the_same_and_nobody_elses(books: Books, client: Client) -> None:
    period = f"first={day(0)}&last={day(60)}"
    for actor, closing in (
        (books.payer, "48.20"),
        (finance_of(books.contract.supplier), "48.00"),
        (finance_of(books.other.supplier), "0.20"),
        (finance_of(make_commissioner()), "0.00"),
    ):
        rows = rows_of(sign_in(client, actor), f"/statement.csv?{period}")  # type: ignore[arg-type]
        assert rows[-1]["owed_after"] == closing
    # One asked for with whom there is no account is as if none had been asked for.
    stranger = make_supplier()
    sign_in(client, books.payer)
    assert rows_of(client, f"/statement.csv?{period}&other={stranger.id}")[-1]["owed_after"] == "48.20"
    assert sign_in(client, make_actor(books.body, Role.EVALUATOR)).get("/statement").status_code == 403


def test_a_period_is_asked_in_parts_and_its_address_can_be_kept(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    parts = "first-day=3&first-month=11&first-year=2026&last-day=1&last-month=12&last-year=2026"
    answer = client.get(f"/statement?{parts}&other={books.contract.supplier_id}")
    assert answer.location == f"/statement?first=2026-11-03&last=2026-12-01&other={books.contract.supplier_id}"
    wrong = client.get("/statement?first-day=31&first-month=2&first-year=2026&last-day=1&last-month=12&last-year=2026")
    assert "Enter a real date" in wrong.text
    assert "Nothing was invoiced" in client.get(f"/statement?first={day(50)}&last={day(55)}").text
    for nonsense in ("first=x&last=y", "first=9999-12-31", "last=0001-01-01", "page=99"):
        assert client.get(f"/statement?{nonsense}").status_code == 200


# Aged debt and interest


def test_debts_by_age_and_party_with_the_interest_that_the_law_gives(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    rows = rows_of(client, f"/aged-debt.csv?on={day(60)}")
    # £48.00 at 3.75 + 8 % for 30 days: £0.464. B-1: £0.20 for 10 days: nothing to speak of.
    assert [(row["invoice"], row["age"], row["owed"], row["interest_by_law_not_charged"]) for row in rows] == [
        ("A-2", "1_to_30", "48.00", "0.46"),
        ("B-1", "1_to_30", "0.20", "0.00"),
    ]
    page = client.get(f"/aged-debt?on={day(60)}").text
    for words in ("1 to 30 days late", "£48.20", "£0.46 ‡", "Harbour Trust", "3.75% ‡", "nothing is charged by itself"):
        assert words in page, words
    earlier = client.get(f"/aged-debt?on={day(30)}").text
    assert "£169.20" in earlier
    assert "Nothing was owed" in client.get(f"/aged-debt?on={day(-1)}").text
    one = client.get(f"/aged-debt?on={day(60)}&other={books.other.supplier_id}").text
    assert "A-2" not in one
    # What is to come back makes nothing less late.
    books.credit(books.contract, "20.00", "A-1", 50)
    page = client.get(f"/aged-debt?on={day(60)}").text
    assert "<dt>Late</dt><dd>£48.20</dd>" in page
    assert "<dt>Owed</dt><dd>£24.20</dd>" in page


# Payments


def test_a_remittance_says_what_a_days_payment_covered(books: Books, client: Client) -> None:
    for actor, other in (
        (books.payer, books.contract.supplier_id),
        (finance_of(books.contract.supplier), books.body.id),
    ):
        sign_in(client, actor)
        assert f"/remittances/{day(40)}/{other}" in client.get("/remittances").text
        page = client.get(f"/remittances/{day(40)}/{other}").text
        assert "A-1" in page
        assert "£120.00" in page
        assert "B-1" not in page
        (row,) = rows_of(client, f"/remittances/{day(40)}/{other}.csv")
        assert (row["invoice"], row["charged"], row["credited"], row["paid"]) == ("A-1", "120.00", "0.00", "120.00")
        for nothing in (f"{day(41)}/{other}", f"nonsense/{other}", f"{day(40)}/{make_supplier().id}"):
            assert client.get(f"/remittances/{nothing}").status_code == 404
    assert (
        sign_in(client, finance_of(make_commissioner()))
        .get(f"/remittances/{day(40)}/{books.contract.supplier_id}")
        .status_code
        == 404
    )


def test_what_was_credited_before_a_payment_stands_in_its_advice(books: Books) -> None:
    pay(books.contract, "48.00", "A-2", NOVEMBER + timedelta(days=60))
    found = remitted(books.payer, day=day(60), other_id=books.contract.supplier_id)
    assert found is not None
    (item,) = found[1]
    assert (item.charged, item.credited, item.paid) == (Decimal("60.00"), Decimal("12.00"), Decimal("48.00"))
    assert found[0].amount == item.paid


def test_what_was_credited_after_a_payment_does_not_stand_in_its_advice(books: Books) -> None:
    """An advice reads on any later day as it read on its own."""
    post(
        PostingKind.CREDIT_NOTE,
        credited(Decimal("10.00"), Decimal("2.00")),
        key="credit:late",
        debt=debt(books.contract, "A-1"),
        document="A-1-C1",
        now=NOVEMBER + timedelta(days=41),
    )
    found = remitted(books.payer, day=day(40), other_id=books.contract.supplier_id)
    assert found is not None
    (item,) = found[1]
    assert (item.charged, item.credited, item.paid) == (Decimal("120.00"), Decimal("0.00"), Decimal("120.00"))


def test_what_a_bank_took_back_stands_below_nought_on_its_day(books: Books, client: Client) -> None:
    post(
        PostingKind.CHARGEBACK,
        refunded(Decimal("120.00")),
        key="chargeback:A-1",
        debt=debt(books.contract, "A-1"),
        document="A-1",
        now=NOVEMBER + timedelta(days=50),
    )
    sign_in(client, books.payer)
    page = client.get("/remittances").text
    assert ("−£120.00" in page, f"/remittances/{day(50)}/" in page) == (True, True)
    listed = remittances(books.payer, other_id=books.contract.supplier_id).rows
    assert [(one.day, one.payments, one.taken_back, one.amount) for one in listed] == [
        (day(50), 0, 1, Decimal("-120.00")),
        (day(40), 1, 0, Decimal("120.00")),
    ]
    other = books.contract.supplier_id
    advice = client.get(f"/remittances/{day(50)}/{other}").text
    assert ("Taken back on" in advice, "−£120.00" in advice) == (True, True)
    (row,) = rows_of(client, f"/remittances/{day(50)}/{other}.csv")
    assert (row["charged"], row["paid"], row["taken_back"]) == ("120.00", "0.00", "-120.00")
    # Paid by another way on the day on which the bank took it back: both stand there, and together come to nought.
    post(
        PostingKind.PAYMENT,
        paid(Decimal("120.00")),
        key="payment:A-1:again",
        debt=debt(books.contract, "A-1"),
        document="A-1",
        now=NOVEMBER + timedelta(days=50),
    )
    (row,) = rows_of(client, f"/remittances/{day(50)}/{other}.csv")
    assert (row["paid"], row["taken_back"]) == ("120.00", "-120.00")
    assert sum(one.amount for one in remittances(books.payer, other_id=other).rows) == Decimal("120.00")


def test_payments_are_listed_by_day_and_narrowed(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    page = client.get("/remittances").text
    assert page.count(f"/remittances/{day(40)}/") == 2
    assert client.get(f"/remittances?other={books.other.supplier_id}").text.count(f"/remittances/{day(40)}/") == 1
    sign_in(client, finance_of(make_supplier()))
    assert "Nothing has been paid yet" in client.get("/remittances").text


# What the ledger has of each invoice


def test_sums_of_each_invoice_balance_on_every_day(books: Books) -> None:
    for days in range(-1, 61):
        for contract in (books.contract, books.other):
            for item, sums in by_item(contract.id, on=day(days)).items():
                assert sums.charged - sums.credited + sums.vat == sums.paid + sums.owed, (item, days)
                assert sums.owed == balance(Account.OWED, books.body.id, on=day(days), item=item)


def test_pages_ask_the_database_as_often_however_much_was_posted(books: Books, client: Client) -> None:
    sign_in(client, books.payer)
    paths = ("/statement", "/aged-debt", "/remittances")

    def count() -> list[int]:
        found = []
        for path in paths:
            with counted_queries() as sent:
                assert client.get(path).status_code == 200
            found.append(len(sent))
        return found

    few = count()
    for number in range(8):
        charge(books.contract, "10.00", f"C-{number}", due_on=day(5))
        pay(books.contract, "1.00", f"C-{number}", NOVEMBER + timedelta(days=number))
    assert count() == few
