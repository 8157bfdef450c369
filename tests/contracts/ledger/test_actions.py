"""The ledger on the database: posted once, balanced, and never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.ledger.actions import Debt, post
from contracts.ledger.models import Entry, Posting
from contracts.ledger.queries import BETWEEN_US, balance, by_age, debts, statement, unbalanced
from contracts.ledger.rules import Account, Age, Line, PostingKind, charged, credited, paid
from marketplace.extensions import db
from tests.factories.accounts import make_commissioner, make_supplier
from tests.factories.invoices import finance_of, make_contract

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = date(2026, 11, 2)
NOUGHT = Decimal("0.00")


def settle() -> None:
    """Make the checks that wait for the commit, now."""
    db.session.flush()
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    db.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def debt(contract: Agreement, number: str = "X-1") -> Debt:
    return Debt(contract.id, contract.funders[0].organisation_id, contract.supplier_id, number)


def charge(contract: Agreement, net: str, number: str = "X-1", now: datetime = NOVEMBER, **more: object) -> bool:
    values: dict[str, object] = {"due_on": DAY + timedelta(days=30), "document": number, "key": f"invoice:{number}"}
    return post(
        PostingKind.INVOICE,
        charged(Decimal(net), Decimal(net) / 5),
        debt=debt(contract, number),
        now=now,
        **(values | more),  # type: ignore[arg-type]
    )


def pay(contract: Agreement, amount: str, number: str = "X-1", now: datetime = NOVEMBER) -> None:
    key = f"payment:{number}"
    lines = paid(Decimal(amount))
    post(PostingKind.PAYMENT, lines, key=key, debt=debt(contract, number), document=number, now=now)


def test_any_days_balance_of_any_account_reads_back(session: Database) -> None:
    contract = make_contract()
    funder, supplier = contract.funders[0].organisation_id, contract.supplier_id
    charge(contract, "100.00")
    pay(contract, "120.00", now=NOVEMBER + timedelta(days=9))
    settle()
    seen = {
        (account, days): balance(
            account, funder if account is Account.OWED else supplier, on=DAY + timedelta(days=days)
        )
        for account in Account
        for days in (-1, 0, 8, 9)
    }
    assert seen == {
        **{(account, -1): NOUGHT for account in Account},
        **{(Account.OWED, days): Decimal("120.00") for days in (0, 8)},
        (Account.OWED, 9): NOUGHT,
        **{(Account.PAID, days): NOUGHT for days in (0, 8)},
        (Account.PAID, 9): Decimal("120.00"),
        **{(Account.SERVICES, days): Decimal("-100.00") for days in (0, 8, 9)},
        **{(Account.VAT, days): Decimal("-20.00") for days in (0, 8, 9)},
        **{(account, days): NOUGHT for account in BETWEEN_US for days in (0, 8, 9)},
    }
    assert [unbalanced(DAY + timedelta(days=days)) for days in (-1, 0, 9)] == [NOUGHT] * 3


def test_a_balance_with_one_supplier_under_one_contract_or_on_one_invoice(session: Database) -> None:
    body = make_commissioner()
    one, other = make_contract(lead=body), make_contract(lead=body)
    charge(one, "100.00", "A-1")
    charge(one, "10.00", "A-2")
    charge(other, "1.00", "B-1")
    assert balance(Account.OWED, body.id, on=DAY) == Decimal("133.20")
    assert balance(Account.OWED, body.id, on=DAY, other_id=other.supplier_id) == Decimal("1.20")
    assert balance(Account.OWED, body.id, on=DAY, agreement_id=one.id) == Decimal("132.00")
    assert balance(Account.OWED, body.id, on=DAY, item="A-2") == Decimal("12.00")
    assert balance(Account.SERVICES, one.supplier_id, on=DAY, other_id=body.id) == Decimal("-110.00")


def test_the_same_key_is_posted_once(session: Database) -> None:
    contract = make_contract()
    assert charge(contract, "100.00") is True
    assert charge(contract, "999.00") is False
    settle()
    assert session.scalar(select(func.count()).select_from(Posting)) == 1
    assert balance(Account.OWED, contract.funders[0].organisation_id, on=DAY) == Decimal("120.00")


def test_nothing_is_posted_for_nothing(session: Database) -> None:
    assert charge(make_contract(), "0.00") is False


@pytest.mark.parametrize(
    "lines",
    [
        [Line(Account.OWED, Decimal("10.00")), Line(Account.SERVICES, Decimal("-9.99"))],
        [Line(Account.OWED, Decimal("10.00")), Line(Account.SERVICES, Decimal("10.00"))],
    ],
)
def test_the_database_refuses_what_does_not_balance(session: Database, lines: list[Line]) -> None:
    post(PostingKind.CREDIT_NOTE, lines, key="k", debt=debt(make_contract()), document="X-1-C1", now=NOVEMBER)
    with pytest.raises(DBAPIError, match="does not balance"):
        settle()


def test_the_database_refuses_a_posting_that_lacks_entries_and_entries_that_come_later(session: Database) -> None:
    contract = make_contract()
    charge(contract, "100.00")
    settle()
    posting = session.scalars(select(Posting)).one()
    session.add_all(
        Entry(posting_id=posting.id, account=account, organisation_id=contract.supplier_id, amount=Decimal(amount))
        for account, amount in ((Account.PAID, "5.00"),)
    )
    with pytest.raises(DBAPIError, match="does not balance"):
        settle()
    session.rollback()
    contract = make_contract()
    alone = {"key": "k", "kind": PostingKind.PAYMENT, "at": NOVEMBER, "day": DAY, "entry_count": 2}
    sides = {"agreement_id": contract.id, "funder_id": contract.commissioner_id, "supplier_id": contract.supplier_id}
    session.add(Posting(**alone, **sides, item="X", document="X"))
    with pytest.raises(DBAPIError, match="does not balance"):
        settle()


@pytest.mark.parametrize(
    "change",
    [
        update(Entry).values(amount=Entry.amount + 1),
        delete(Entry),
        update(Posting).values(document="another"),
        delete(Posting),
        text("TRUNCATE posting_entries"),
        text("TRUNCATE postings CASCADE"),
    ],
    ids=["entry changed", "entry deleted", "posting changed", "posting deleted", "entries emptied", "postings emptied"],
)
def test_what_is_posted_stays(session: Database, change: object) -> None:
    charge(make_contract(), "100.00")
    settle()
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        session.execute(change)  # type: ignore[call-overload]


def test_a_day_is_that_of_the_moment_in_london(session: Database) -> None:
    contract = make_contract()
    charge(contract, "100.00", now=datetime(2027, 6, 30, 23, 30, tzinfo=UTC))
    assert session.scalars(select(Posting.day)).one() == date(2027, 7, 1)
    wrong = {"key": "k", "kind": PostingKind.PAYMENT, "at": NOVEMBER, "day": DAY - timedelta(days=1), "entry_count": 2}
    sides = {"agreement_id": contract.id, "funder_id": contract.commissioner_id, "supplier_id": contract.supplier_id}
    with pytest.raises(IntegrityError, match="day_of_moment"):
        session.execute(insert(Posting).values(**wrong, **sides, item="X", document="X"))


def test_a_statement_carries_on_from_what_was_owed_before(session: Database) -> None:
    body, elsewhere = make_commissioner(), make_supplier()
    contract, other = make_contract(lead=body), make_contract(lead=body, supplier=elsewhere)
    charge(contract, "100.00", "A-1")
    charge(contract, "50.00", "A-2", NOVEMBER + timedelta(days=30))
    charge(other, "1.00", "B-1", NOVEMBER + timedelta(days=31))
    pay(contract, "120.00", "A-1", NOVEMBER + timedelta(days=32))
    first, last = DAY + timedelta(days=1), DAY + timedelta(days=40)
    payer = finance_of(body)
    found = statement(payer, first=first, last=last)
    assert (found.before, found.after) == (Decimal("120.00"), Decimal("61.20"))
    assert [(row.posting.document, row.change, row.owed) for row in found.rows] == [
        ("A-2", Decimal("60.00"), Decimal("180.00")),
        ("B-1", Decimal("1.20"), Decimal("181.20")),
        ("A-1", Decimal("-120.00"), Decimal("61.20")),
    ]
    assert (found.totals[PostingKind.INVOICE], found.totals[PostingKind.PAYMENT]) == (
        Decimal("61.20"),
        Decimal("-120.00"),
    )
    with_one = statement(payer, first=first, last=last, other_id=contract.supplier_id)
    assert [row.posting.document for row in with_one.rows] == ["A-2", "A-1"]
    theirs = statement(finance_of(contract.supplier), first=first, last=last)
    assert (theirs.before, theirs.after) == (Decimal("120.00"), Decimal("60.00"))
    assert statement(finance_of(make_supplier()), first=first, last=last).rows == []


def test_a_statements_second_page_goes_on_where_the_first_ended(session: Database) -> None:
    body = make_commissioner()
    contract = make_contract(lead=body)
    for number in range(30):
        charge(contract, "10.00", f"A-{number:02}")
    payer = finance_of(body)
    first, second = (statement(payer, first=DAY, last=DAY, page=page) for page in (1, 2))
    assert (len(first.rows), first.rows[-1].owed, len(second.rows)) == (25, Decimal("300.00"), 5)
    assert (second.rows[0].owed, second.rows[-1].owed, second.after) == (
        Decimal("312.00"),
        Decimal("360.00"),
        Decimal("360.00"),
    )


def test_debts_by_age_on_any_day(session: Database) -> None:
    body = make_commissioner()
    contract = make_contract(lead=body)
    for number, days in (("A", 0), ("B", 40), ("C", 100), ("D", 130)):
        charge(contract, "100.00", number, due_on=DAY + timedelta(days=days))
    pay(contract, "120.00", "C", NOVEMBER + timedelta(days=120))
    payer = finance_of(body)
    on = DAY + timedelta(days=100)
    found = debts(payer, on=on)
    assert [(one.item, one.age) for one in found] == [
        ("A", Age.OVER_90),
        ("B", Age.DAYS_31_TO_60),
        ("C", Age.NOT_DUE),
        ("D", Age.NOT_DUE),
    ]
    # £120.00 at 3.75 + 8 % for 100 days: £3.863; for 60 days: £2.318.
    assert [one.interest for one in found] == [Decimal("3.86"), Decimal("2.32"), NOUGHT, NOUGHT]
    assert by_age(found) == {
        Age.NOT_DUE: Decimal("240.00"),
        Age.DAYS_1_TO_30: NOUGHT,
        Age.DAYS_31_TO_60: Decimal("120.00"),
        Age.DAYS_61_TO_90: NOUGHT,
        Age.OVER_90: Decimal("120.00"),
        Age.TO_COME_BACK: NOUGHT,
    }
    later = debts(payer, on=DAY + timedelta(days=125))
    assert [one.item for one in later] == ["A", "B", "D"]
    assert [one.owed for one in debts(finance_of(contract.supplier), on=on)] == [Decimal("120.00")] * 4


def test_what_was_credited_after_it_was_paid_is_to_come_back(session: Database) -> None:
    contract = make_contract()
    charge(contract, "100.00")
    pay(contract, "120.00")
    lines = credited(Decimal("10.00"), Decimal("2.00"))
    post(PostingKind.CREDIT_NOTE, lines, key="credit:1", debt=debt(contract), document="X-1-C1", now=NOVEMBER)
    (owed,) = debts(finance_of(contract.supplier), on=DAY + timedelta(days=90))
    assert (owed.owed, owed.interest, owed.age) == (Decimal("-12.00"), NOUGHT, Age.TO_COME_BACK)


def test_what_is_to_come_back_bears_no_interest_though_it_was_paid_late(session: Database) -> None:
    contract = make_contract()
    charge(contract, "1000.00", due_on=DAY)
    pay(contract, "1200.00", now=NOVEMBER + timedelta(days=60))
    lines = credited(Decimal("10.00"), Decimal("2.00"))
    later = NOVEMBER + timedelta(days=61)
    post(PostingKind.CREDIT_NOTE, lines, key="credit:1", debt=debt(contract), document="X-1-C1", now=later)
    (owed,) = debts(finance_of(contract.supplier), on=DAY + timedelta(days=90))
    assert (owed.owed, owed.interest, owed.rate) == (Decimal("-12.00"), NOUGHT, None)
