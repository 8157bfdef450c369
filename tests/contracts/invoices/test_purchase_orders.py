"""Which invoices bear a funder's purchase order: those of its day and later that are not sent and bear none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from marketplace.access import SYSTEM
from marketplace.errors import Invalid, NotAllowed
from tests.factories.accounts import make_commissioner
from tests.factories.invoices import finance_of, make_contract, make_invoice

Database = scoped_session[Session]
DAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
# The last moment before the day in London, and its first.
BEFORE, BEGINS = datetime(2026, 11, 24, 23, 59, tzinfo=UTC), datetime(2026, 11, 25, 0, 0, tzinfo=UTC)


@pytest.fixture
def contract(session: Database) -> Agreement:
    one, other = make_commissioner(), make_commissioner()
    return make_contract(lead=one, funders=[(one, "60"), (other, "40")])


def enter(contract: Agreement, number: str = "PO-1", from_day: date = DAY, funder: int = 0) -> None:
    payer = finance_of(contract.funders[funder].organisation)
    actions.enter_purchase_order(contract, number=number, from_day=from_day, actor=payer, now=NOW)


def test_those_of_the_day_and_later_that_are_not_sent_and_bear_none_take_it_up(
    session: Database, contract: Agreement
) -> None:
    def made(month: int, status: InvoiceStatus = InvoiceStatus.DRAFT, **more: object) -> Invoice:
        values = {"raised_at": BEGINS, **more}
        return make_invoice(contract, month=date(2027, month, 1), status=status, **values)  # type: ignore[arg-type]

    taking = [made(1), made(2, InvoiceStatus.AWAITING_APPROVAL)]
    others = [
        made(3, raised_at=BEFORE),
        made(4, po_number="PO-0"),
        made(5, InvoiceStatus.OPEN),
        made(6, InvoiceStatus.PAID),
        made(7, funder=1),
    ]
    before = [one.po_number for one in others]
    enter(contract)
    session.expire_all()
    assert [one.po_number for one in taking] == ["PO-1", "PO-1"]
    assert [one.po_number for one in others] == before == [None, "PO-0", None, None, None]


def test_an_invoice_bears_the_latest_order_of_its_own_funder_that_has_begun(contract: Agreement) -> None:
    enter(contract, "OLD", date(2026, 10, 1))
    enter(contract, "NEW", date(2026, 11, 1))
    enter(contract, "SOON", date(2026, 12, 1))
    enter(contract, "OTHER", date(2026, 11, 20), funder=1)
    mine, theirs = actions.raise_invoices(contract, actor=SYSTEM, now=NOW)
    assert (mine.po_number, theirs.po_number) == ("NEW", "OTHER")


def test_entered_again_for_the_same_day_it_replaces_what_was_entered(contract: Agreement) -> None:
    enter(contract, "PO-1")
    enter(contract, " PO-2 ")
    assert [one.number for one in queries.purchase_orders(contract.id)] == ["PO-2"]


def test_only_a_funder_enters_one_and_it_has_a_number(contract: Agreement) -> None:
    for actor in (finance_of(make_commissioner()), finance_of(contract.supplier)):
        with pytest.raises(NotAllowed):
            actions.enter_purchase_order(contract, number="PO-1", from_day=DAY, actor=actor, now=NOW)
    with pytest.raises(Invalid):
        enter(contract, "  ")
