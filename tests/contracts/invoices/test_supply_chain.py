"""Payments down the supply chain: confirmed month by month, late ones flagged, seen by the commissioner."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Subcontractor
from contracts.invoices import actions, queries
from contracts.invoices.models import SubcontractorPayment
from contracts.invoices.rules import ChainStanding, chain_standing
from marketplace.access import Actor, Role
from marketplace.errors import NotAllowed
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract
from tests.factories.mobilisation import Contract

Database = scoped_session[Session]
# October and November 2026 are over.
DECEMBER = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)


class Chain:
    """A contract with one agreed member of its supply chain, from before its start."""

    def __init__(self) -> None:
        self.contract = Contract(make_contract())
        self.agreement = self.contract.agreement
        self.member: Subcontractor = self.contract.subcontractor("Open Door")
        self.finance = finance_of(self.agreement.supplier)
        self.manager = self.contract.manager

    @property
    def path(self) -> str:
        return f"/contracts/{self.agreement.id}/supply-chain-payments"

    def confirm(self, client: Client, month: date = OCTOBER, **changed: str) -> int:
        """Paid on 25 November what was invoiced on 5 November, unless changed."""
        data = {
            "was_due": "yes",
            "amount": "1200.00",
            **{f"invoiced_on-{part}": value for part, value in (("day", "5"), ("month", "11"), ("year", "2026"))},
            **{f"paid_on-{part}": value for part, value in (("day", "25"), ("month", "11"), ("year", "2026"))},
            **changed,
        }
        return client.post(f"/subcontractors/{self.member.id}/payments/{month}", data=data).status_code


@pytest.fixture
def chain(session: Database, clock: StandingClock) -> Chain:
    clock.set(DECEMBER)
    return Chain()


@pytest.mark.parametrize(
    ("paid_on", "standing"),
    [
        (date(2026, 11, 5), ChainStanding.IN_TIME),
        (date(2026, 12, 5), ChainStanding.IN_TIME),
        (date(2026, 12, 6), ChainStanding.PAID_LATE),
    ],
)
def test_thirty_days_are_in_time_and_thirty_one_are_late(paid_on: date, standing: ChainStanding) -> None:
    assert chain_standing(date(2026, 11, 5), paid_on, is_confirmed=True) is standing
    assert chain_standing(None, None, is_confirmed=True) is ChainStanding.NOTHING_DUE
    assert chain_standing(None, None, is_confirmed=False) is ChainStanding.TO_CONFIRM


def test_the_suppliers_finance_confirms_each_month_that_is_over_once(
    chain: Chain, session: Database, client: Client
) -> None:
    sign_in(client, chain.finance)
    page = client.get(chain.path).text
    assert page.count("Not confirmed yet</strong>") == 2
    assert "October 2026" in page
    assert "December 2026" not in page
    assert chain.confirm(client) == 302
    assert chain.confirm(client) == 409
    assert chain.confirm(client, date(2026, 11, 1), was_due="no") == 302
    (row,) = [row for row in rows(client, chain.path) if row["month"] == "2026-10"]
    assert (row["standing"], row["amount"], row["days"]) == ("in_time", "1200.00", "20")
    page = client.get(chain.path).text
    assert "1 of 1" in page
    assert "Nothing due" in page
    assert session.scalars(select(SubcontractorPayment.amount).order_by(SubcontractorPayment.month)).all() == [
        Decimal("1200.00"),
        Decimal(0),
    ]


def rows(client: Client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path + ".csv").text.lstrip("\ufeff"))))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"was_due": ""}, "Choose whether anything was due"),
        ({"amount": ""}, "Enter how much you paid"),
        ({"amount": "0"}, "Enter how much you paid"),
        (
            {"invoiced_on-day": "", "invoiced_on-month": "", "invoiced_on-year": ""},
            "Enter the day on which their invoice",
        ),
        ({"paid_on-day": "", "paid_on-month": "", "paid_on-year": ""}, "Enter the day on which you paid"),
        ({"paid_on-day": "4"}, "must not be before their invoice came"),
        ({"paid_on-month": "12"}, "must not be in the future"),
        ({"paid_on-day": "31"}, "Enter a real date"),
    ],
)
def test_what_cannot_be_is_refused(
    chain: Chain, client: Client, changed: dict[str, str], words: str, session: Database
) -> None:
    sign_in(client, chain.finance)
    assert chain.confirm(client, **changed) == 422
    data = {"was_due": "yes", "amount": "1200.00"}
    data |= {f"invoiced_on-{part}": v for part, v in (("day", "5"), ("month", "11"), ("year", "2026"))}
    data |= {f"paid_on-{part}": v for part, v in (("day", "25"), ("month", "11"), ("year", "2026"))}
    assert words in client.post(f"/subcontractors/{chain.member.id}/payments/{OCTOBER}", data=data | changed).text
    assert session.scalars(select(SubcontractorPayment)).all() == []


def test_a_late_payment_is_flagged_and_the_lead_is_told(chain: Chain, session: Database, client: Client) -> None:
    sign_in(client, chain.finance)
    data = {"paid_on-day": "7", "paid_on-month": "12"}
    assert chain.confirm(client, **data) == 302
    (told,) = session.scalars(select(Letter).where(Letter.subject.contains("was paid late"))).all()
    assert told.subject == f"The supply chain of {chain.agreement.reference} was paid late"
    assert chain.path in told.body
    assert "32 days" in told.body
    sign_in(client, chain.manager)
    page = client.get(f"{chain.path}?standing=paid_late").text
    assert "Paid late" in page
    assert "0 of 1" in page
    assert "Confirm<" not in page
    assert "No month is like this" in client.get(f"{chain.path}?standing=nothing_due").text
    assert "What the supply chain was paid" in client.get(f"/contracts/{chain.agreement.id}/money").text


# Corrections


def correct(chain: Chain, client: Client, payment: SubcontractorPayment, **changed: str) -> Any:
    """Paid £1,300.00 on 30 November what was invoiced on 5 November, unless changed."""
    data = {
        "was_due": "yes",
        "amount": "1300.00",
        **{f"invoiced_on-{part}": value for part, value in (("day", "5"), ("month", "11"), ("year", "2026"))},
        **{f"paid_on-{part}": value for part, value in (("day", "30"), ("month", "11"), ("year", "2026"))},
        "reason": "A digit was wrong",
        **changed,
    }
    return client.post(f"/supply-chain-payments/{payment.id}/correct", data=data)


def standing(session: Database) -> SubcontractorPayment:
    session.expire_all()
    return session.scalars(select(SubcontractorPayment).where(SubcontractorPayment.corrected_at.is_(None))).one()


def test_what_was_confirmed_is_corrected_with_a_reason_and_the_buyer_sees_both(
    chain: Chain, session: Database, client: Client
) -> None:
    sign_in(client, chain.finance)
    chain.confirm(client)
    first = standing(session)
    assert 'value="1200.00"' in client.get(f"/supply-chain-payments/{first.id}/correct").text
    assert correct(chain, client, first).status_code == 302
    second = standing(session)
    assert (second.amount, second.paid_on, second.reason, first.corrected_at) == (
        Decimal("1300.00"),
        date(2026, 11, 30),
        "A digit was wrong",
        DECEMBER,
    )
    # A page left open, or a second click: it is the first that it would correct.
    again = correct(chain, client, first, amount="1400.00")
    assert (again.status_code, "corrected already" in again.text) == (409, True)
    sign_in(client, chain.manager)
    page = client.get(chain.path).text
    for words in ("£1,300.00", "<s>£1,200.00</s>", "A digit was wrong", chain.finance.name, "1 of 1"):
        assert words in page, words
    assert "Correct<" not in page
    assert [(row["amount"], row["days"], row["corrected_on"], row["reason"]) for row in rows(client, chain.path)][
        1:
    ] == [
        ("1300.00", "25", "", "A digit was wrong"),
        ("1200.00", "20", "2026-12-10", ""),
    ]
    (told,) = session.scalars(select(Letter).where(Letter.subject.contains("was corrected"))).all()
    assert chain.path in told.body
    assert "digit" not in told.body


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reason": " "}, "Say why you correct it"),
        ({"amount": "1200.00", "paid_on-day": "25"}, "This is what you confirmed before"),
        ({"paid_on-day": "4"}, "must not be before their invoice came"),
        ({"paid_on-month": "12"}, "must not be in the future"),
        ({"amount": "0"}, "Enter how much you paid"),
    ],
)
def test_what_corrects_nothing_or_cannot_be_is_refused(
    chain: Chain, session: Database, client: Client, changed: dict[str, str], words: str
) -> None:
    sign_in(client, chain.finance)
    chain.confirm(client)
    answer = correct(chain, client, standing(session), **changed)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert standing(session).amount == Decimal("1200.00")


def test_a_correction_that_makes_it_late_is_told_as_late_and_one_that_nothing_was_due_is_kept(
    chain: Chain, session: Database, client: Client
) -> None:
    sign_in(client, chain.finance)
    chain.confirm(client)
    correct(chain, client, standing(session), **{"paid_on-day": "7", "paid_on-month": "12"})
    correct(chain, client, standing(session), **{"paid_on-day": "8", "paid_on-month": "12"})
    assert len(session.scalars(select(Letter).where(Letter.subject.contains("was paid late"))).all()) == 1
    correct(chain, client, standing(session), was_due="no")
    assert (standing(session).amount, standing(session).paid_on) == (Decimal(0), None)
    assert "0 of 0" in client.get(chain.path).text
    assert [one.text for one in queries.waiting(chain.finance, DECEMBER) if "supply chain" in one.text] == [
        f"Confirm what you paid to the supply chain of {chain.agreement.reference}: 1 month"
    ]


def test_only_the_suppliers_finance_corrects(chain: Chain, session: Database, client: Client) -> None:
    sign_in(client, chain.finance)
    chain.confirm(client)
    made = standing(session)
    for actor, status in (
        (chain.manager, 403),
        (finance_of(make_supplier()), 404),
        (make_actor(chain.agreement.supplier, Role.SERVICE_MANAGER), 403),
    ):
        sign_in(client, actor)
        assert correct(chain, client, made).status_code == status
    sign_in(client, chain.finance)
    assert client.get("/supply-chain-payments/999999/correct").status_code == 404
    values = {"amount": Decimal("1.00"), "invoiced_on": OCTOBER, "paid_on": OCTOBER, "reason": "x"}
    with pytest.raises(NotAllowed):
        actions.correct_payment(made, **values, actor=finance_of(make_supplier()), now=DECEMBER)  # type: ignore[arg-type]


def test_who_confirms_and_who_sees(chain: Chain, client: Client) -> None:
    def tries(actor: Actor) -> tuple[int, int]:
        sign_in(client, actor)
        return client.get(chain.path).status_code, chain.confirm(client)

    assert tries(make_actor(chain.agreement.supplier, Role.SERVICE_MANAGER)) == (403, 403)
    assert tries(finance_of(chain.agreement.commissioner)) == (200, 403)
    assert tries(finance_of(make_supplier())) == (404, 404)
    assert tries(finance_of(make_commissioner())) == (404, 403)


def test_months_are_asked_for_from_when_the_member_was_agreed_until_it_left(chain: Chain, session: Database) -> None:
    def months(today: date) -> list[date]:
        return [one.month for one in queries.chain_months(chain.agreement, today=today)]

    assert months(date(2026, 10, 31)) == []
    assert months(date(2026, 11, 1)) == [OCTOBER]
    chain.member.agreed_at = datetime(2026, 11, 20, tzinfo=UTC)
    assert months(date(2027, 1, 1)) == [date(2026, 12, 1), date(2026, 11, 1)]
    chain.member.left_on = date(2026, 11, 30)
    assert months(date(2027, 6, 1)) == [date(2026, 11, 1)]
    chain.member.agreed_at = chain.member.agreed_by = None
    assert months(date(2027, 6, 1)) == []


def test_what_is_not_confirmed_waits_at_home(chain: Chain, client: Client) -> None:
    def waits() -> list[str]:
        return [one.text for one in queries.waiting(chain.finance, DECEMBER) if "supply chain" in one.text]

    reference = chain.agreement.reference
    assert waits() == [f"Confirm what you paid to the supply chain of {reference}: 2 months"]
    sign_in(client, chain.finance)
    chain.confirm(client)
    assert waits() == [f"Confirm what you paid to the supply chain of {reference}: 1 month"]
    chain.confirm(client, date(2026, 11, 1), was_due="no")
    assert waits() == []


def test_the_list_asks_the_database_as_often_however_long_it_is(
    chain: Chain, session: Database, client: Client, clock: StandingClock
) -> None:
    def count() -> int:
        sign_in(client, chain.finance)
        session.expire_all()
        with counted_queries() as sent:
            assert client.get(chain.path).status_code == 200
        return len(sent)

    few = count()
    chain.contract.subcontractor("Next Door")
    clock.set(datetime(2028, 6, 1, tzinfo=UTC))
    assert count() == few
    assert "Page 1 of 2" in client.get(chain.path).text
