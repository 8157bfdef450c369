"""Rows of before are right after: invoices as they were kept before they had kinds, VAT, approval and a ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceKind, InvoiceStatus
from contracts.ledger.queries import balance, by_item, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.factories.invoices import finance_of
from tests.house.test_migrations import _empty

# Every head between the first that kept invoices of versions of a contract, and the last without a ledger.
HEADS = ("0007", "0008", "0009", "0010", "0011", "0012", "0013")
RAISED = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
PAID = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
VOIDED = datetime(2026, 11, 5, 10, 0, tzinfo=UTC)
SHARES = (("60.00", "1"), ("40.00", "2"))


class Before:
    """One contract from 15 September 2026 to 20 March 2027, £120,000.00 a year, by two funders; as rows."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        common = {"created_at": RAISED, "is_demonstration": False}
        self.supplier = self.insert(
            "organisations", kind="supplier", name="Harbour Trust", supplier_status="vcse", **common
        )
        self.bodies = [self.insert("organisations", kind="pcc", name=f"PCC {number}", **common) for number in (1, 2)]
        self.agreement = self.insert(
            "agreements",
            reference="C-1",
            origin="register",
            status="signed",
            supplier_id=self.supplier,
            commissioner_id=self.bodies[0],
            title="Rooms",
            specification="",
            starts_on=date(2026, 9, 15),
            ends_on=date(2027, 3, 20),
            created_at=RAISED,
            instrument="contract",
        )
        version = self.insert(
            "agreement_versions",
            agreement_id=self.agreement,
            number=1,
            in_force_from=date(2026, 9, 15),
            agreed_at=RAISED,
            ends_on=date(2027, 3, 20),
        )
        for body, (percent, _) in zip(self.bodies, SHARES, strict=True):
            self.insert(
                "agreement_funders",
                agreement_id=self.agreement,
                version_id=version,
                organisation_id=body,
                percent=percent,
            )
        self.line = self.insert(
            "service_lines",
            agreement_id=self.agreement,
            number=1,
            title="Rooms",
            open_to_women=True,
            open_to_men=True,
            minimum_age=18,
            referrals_from=date(2026, 9, 15),
        )
        terms = self.insert("line_terms", line_id=self.line, version_id=version, volume_kind="cap", planned_band=1)
        self.insert("line_bands", terms_id=terms, number=1, low=0, high=100, annual_price="120000.00")
        # September was begun within; what became of each month differs by funder.
        self.invoice("2026-09-01", 0, "3200.00", "paid", paid_at=PAID)
        self.invoice("2026-09-01", 1, "2133.33", "open")
        self.invoice("2026-10-01", 0, "6000.00", "draft")
        voided = self.invoice("2026-10-01", 1, "4000.00", "void")
        self.insert(
            "audit_events",
            at=VOIDED,
            person_name="The marketplace",
            organisation_name="",
            what="Voided",
            subject_kind="invoices",
            subject_id=voided,
            details="{}",
        )
        # Of a month in which the contract ends, and of one that its dates, since changed, no longer cover.
        self.invoice("2027-03-01", 0, "3870.97", "open")
        self.invoice("2027-04-01", 0, "6000.00", "void")
        connection.commit()

    def insert(self, table: str, **values: object) -> int:
        names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
        made = self.connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"), values)
        return int(made.scalar_one())

    def invoice(self, month: str, funder: int, amount: str, status: str, paid_at: datetime | None = None) -> int:
        sent = status != "draft"
        number = f"C-1-{month[:7].replace('-', '')}-{funder + 1}"
        made = self.insert(
            "invoices",
            number=number,
            agreement_id=self.agreement,
            organisation_id=self.bodies[funder],
            month=date.fromisoformat(month),
            percent=SHARES[funder][0],
            amount=amount,
            status=status,
            raised_at=RAISED,
            due_on=date(2026, 12, 1),
            provider_id=f"in_{number}" if sent else None,
            sent_at=RAISED if sent else None,
            paid_at=paid_at,
            next_attempt_at=RAISED,
            attempts=0,
        )
        self.insert("invoice_lines", invoice_id=made, service_line_id=self.line, text="Rooms", amount=amount)
        return made


@pytest.mark.parametrize("head", HEADS)
def test_invoices_and_payments_of_before_are_right_after(committed_app: Flask, head: str) -> None:
    with committed_app.app_context():
        with db.engine.connect() as connection:
            _empty(connection)
        flask_migrate.upgrade(revision=head)
        with db.engine.connect() as connection:
            before = Before(connection)
        flask_migrate.upgrade()
        found = {one.number: one for one in db.session.scalars(select(Invoice))}
        _are_as_they_were(found)
        _are_posted(before)
        _go_on(before)


def _are_as_they_were(found: dict[str, Invoice]) -> None:
    """Months, without VAT, nothing credited, approved by nobody when they were raised, for days of the contract."""
    assert len(found) == 6
    for one in found.values():
        assert (one.kind, one.sequence, one.reissue_of_id, one.po_number) == (InvoiceKind.MONTH, 1, None, None)
        assert (one.net, one.vat_rate, one.vat, one.credited_net, one.credited) == (one.amount, 0, 0, 0, 0)
        assert (one.approved_at, one.approved_by) == (RAISED, None)
        assert sum(line.amount for line in one.lines) == one.net
        assert one.month <= one.period_from <= one.period_to
    assert {number: (one.period_from, one.period_to) for number, one in found.items()} == {
        "C-1-202609-1": (date(2026, 9, 15), date(2026, 9, 30)),
        "C-1-202609-2": (date(2026, 9, 15), date(2026, 9, 30)),
        "C-1-202610-1": (date(2026, 10, 1), date(2026, 10, 31)),
        "C-1-202610-2": (date(2026, 10, 1), date(2026, 10, 31)),
        "C-1-202703-1": (date(2027, 3, 1), date(2027, 3, 20)),
        "C-1-202704-1": (date(2027, 4, 1), date(2027, 4, 30)),
    }
    assert {number: one.paid_amount for number, one in found.items() if one.paid_amount is not None} == {
        "C-1-202609-1": Decimal("3200.00")
    }
    assert {number: one.left for number, one in found.items() if one.left} == {
        "C-1-202609-2": Decimal("2133.33"),
        "C-1-202610-1": Decimal("6000.00"),
        "C-1-202703-1": Decimal("3870.97"),
    }


def _are_posted(before: Before) -> None:
    """Each raised when it was, paid and voided when that became known, on London's day; the ledger balances."""
    first, second = before.bodies

    def owed(body: int, day: date) -> Decimal:
        return balance(Account.OWED, body, on=day)

    assert [owed(first, date(2026, 10, 31)), owed(second, date(2026, 10, 31))] == [0, 0]
    # The last of them was voided when nobody noted it: at the moment at which it was raised.
    assert owed(first, date(2026, 11, 1)) == Decimal("13070.97")
    assert [owed(second, date(2026, 11, day)) for day in (1, 4, 5)] == [
        Decimal("6133.33"),
        Decimal("6133.33"),
        Decimal("2133.33"),
    ]
    assert [owed(first, date(2026, 11, day)) for day in (19, 20)] == [Decimal("13070.97"), Decimal("9870.97")]
    assert balance(Account.PAID, before.supplier, on=date(2026, 11, 20)) == Decimal("3200.00")
    for day in range(1, 31):
        assert unbalanced(date(2026, 11, day)) == 0
    for sums in by_item(before.agreement, on=date(2026, 11, 30)).values():
        assert sums.charged - sums.credited + sums.vat == sums.paid + sums.owed
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        db.session.execute(text("UPDATE postings SET document = 'another'"))
    db.session.rollback()


def _go_on(before: Before) -> None:
    """What is done with them now: no month is raised again, a credit and a payment are posted, pages have it all."""
    agreement = queries.agreement_with_prices(before.agreement)
    assert isinstance(agreement, Agreement)
    now = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    finance = finance_of(agreement.supplier)
    invoice = db.session.scalars(select(Invoice).where(Invoice.number == "C-1-202609-2")).one()
    with transaction():
        assert actions.raise_invoices(agreement, actor=SYSTEM, now=now) == []
        actions.credit(invoice, amount=Decimal("133.33"), reason="Too much", actor=finance, now=now)
        actions.paid(invoice, at=now, now=now)
    assert invoice.status is InvoiceStatus.PAID
    money = queries.contract_money(finance, agreement, today=now.date())
    assert money.total.owed == Decimal("9870.97")
    assert money.total.paid == Decimal("5200.00")
    assert [len(month.invoices) for month in money.years[0].months] == [2, 2, 0, 0, 0, 0, 1]
    assert unbalanced(now.date()) == 0
