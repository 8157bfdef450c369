"""Instalments of grants: planned within the grant, claimed with evidence, accepted and invoiced to the penny."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import GrantInstalment
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.invoices import actions, queries
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus, VatKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import letter, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.agreements import make_signed_agreement
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract

Database = scoped_session[Session]
WHEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
THIRDS = ["33.34", "33.33", "33.33"]


class Grant:
    """A grant of £120,000.00 by three funders in thirds, the first of them leading, and who acts for each side."""

    def __init__(self) -> None:
        self.bodies = [make_commissioner() for _ in THIRDS]
        self.agreement = make_signed_agreement(
            instrument=Instrument.GRANT,
            bands=[(0, 40)],
            lead=self.bodies[0],
            funders=list(zip(self.bodies, THIRDS, strict=True)),
        )
        self.manager = make_actor(self.bodies[0], Role.CONTRACT_MANAGER)
        self.deliverer = make_actor(self.agreement.supplier, Role.SERVICE_MANAGER)
        self.finance = finance_of(self.agreement.supplier)

    def plan(self, amount: str = "40000.01", day: date = date(2026, 12, 1), what: str = "Opened") -> GrantInstalment:
        return actions.plan_instalment(
            self.agreement, milestone=what, amount=Decimal(amount), due_on=day, actor=self.manager, now=WHEN
        )

    def claim(self) -> GrantInstalment:
        made = self.plan()
        actions.claim_instalment(made, evidence="The door is open.", actor=self.deliverer, now=WHEN)
        return made

    def path(self, rest: str = "") -> str:
        return f"/contracts/{self.agreement.id}/instalments{rest}"


@pytest.fixture
def grant(session: Database, clock: StandingClock) -> Grant:
    clock.set(WHEN)
    return Grant()


def typed(amount: str = "40000", year: str = "2026") -> dict[str, str]:
    return {
        "milestone": "Opened",
        "amount": amount,
        "due_on-day": "1",
        "due_on-month": "12",
        "due_on-year": year,
    }


def test_the_instalments_come_to_no_more_than_the_grant(grant: Grant) -> None:
    assert grant.agreement.whole_life_value == Decimal("120000.00")
    grant.plan("60000.00")
    with pytest.raises(Invalid, match=r"£60,000\.00 of it is not planned yet"):
        grant.plan("60000.01", what="Second")
    grant.plan("60000.00", what="Second")
    with pytest.raises(Invalid, match=r"£0\.00 of it is not planned yet"):
        grant.plan("0.01", what="Third")
    assert [one.number for one in queries.instalments(grant.agreement.id)] == [1, 2]


def test_what_cannot_be_planned(grant: Grant) -> None:
    for amount, day, words in (
        ("0", date(2026, 12, 1), "above £0"),
        ("1", date(2026, 9, 30), "within the grant"),
        ("1", date(2029, 10, 1), "within the grant"),
    ):
        with pytest.raises(Invalid, match=words):
            grant.plan(amount, day)
    grant.manager = make_actor(grant.bodies[1], Role.CONTRACT_MANAGER)
    with pytest.raises(NotAllowed):
        grant.plan()
    grant.agreement = make_contract(lead=grant.bodies[1])
    with pytest.raises(Refused, match="Only grants"):
        grant.plan()


def test_accepted_it_is_invoiced_to_each_funder_to_the_penny_without_vat_and_sent(
    grant: Grant, session: Database
) -> None:
    actions.state_vat(
        kind=VatKind.STANDARD, vat_number="123456789", from_day=WHEN.date(), actor=grant.finance, now=WHEN
    )
    raised = actions.accept_claim(grant.claim(), actor=grant.manager, now=WHEN)
    # £13,336.003334 and twice £13,332.003333: the odd penny to whom rounding down cost most, the first.
    assert [one.amount for one in raised] == [Decimal("13336.01"), Decimal("13332.00"), Decimal("13332.00")]
    assert sum(one.amount for one in raised) == Decimal("40000.01")
    assert [one.number for one in raised] == [f"{grant.agreement.reference}-G1-{place}" for place in (1, 2, 3)]
    assert {(one.vat, one.status) for one in raised} == {(Decimal("0.00"), InvoiceStatus.DRAFT)}
    assert raised[0].lines[0].text == "Instalment 1: Opened"
    assert [text for text, _ in raised[0].asked] == ["Instalment 1"]
    check_ledger()
    assert unbalanced(WHEN.date()) == 0
    owed = [balance(Account.OWED, one.id, on=WHEN.date()) for one in grant.bodies]
    assert owed == [one.amount for one in raised]
    assert balance(Account.SERVICES, grant.agreement.supplier_id, on=WHEN.date()) == Decimal("-40000.01")
    with pytest.raises(AlreadyDone):
        actions.accept_claim(session.scalars(select(GrantInstalment)).one(), actor=grant.manager, now=WHEN)
    assert len(session.scalars(select(Invoice)).all()) == 3


def test_months_of_a_grant_are_not_invoiced(grant: Grant) -> None:
    grant.plan()
    assert actions.raise_invoices(grant.agreement, actor=SYSTEM, now=WHEN) == []


def test_it_goes_back_and_forth_between_the_two_sides_on_pages(grant: Grant, session: Database, client: Client) -> None:
    sign_in(client, grant.manager)
    assert "No instalment is planned yet" in client.get(grant.path()).text
    assert client.post(grant.path("/new"), data=typed()).status_code == 302
    assert client.post(grant.path("/new"), data=typed()).status_code == 409
    assert "£80,000.00 of the grant has no instalment yet" in client.get(grant.path()).text
    made = session.scalars(select(GrantInstalment)).one()
    sign_in(client, grant.deliverer)
    assert "Claim it" in client.get(grant.path()).text
    assert "Say how it can be seen" in client.post(f"/instalments/{made.id}/claim", data={}).text
    claim = {"evidence": "We are open <b>now</b>."}
    assert client.post(f"/instalments/{made.id}/claim", data=claim).status_code == 302
    assert client.post(f"/instalments/{made.id}/claim", data=claim).status_code == 409
    assert "We are open" not in letter(session, "is claimed").body
    sign_in(client, grant.manager)
    page = client.get(f"/instalments/{made.id}/decide").text
    assert "We are open &lt;b&gt;now&lt;/b&gt;." in page
    assert "Say what is missing" in client.post(f"/instalments/{made.id}/decide", data={"verdict": "no"}).text
    back = {"verdict": "no", "reason": "Show the lease."}
    assert client.post(f"/instalments/{made.id}/decide", data=back).status_code == 302
    sign_in(client, grant.deliverer)
    assert "Show the lease." in client.get(grant.path()).text
    assert "We are open" in client.get(f"/instalments/{made.id}/claim").text
    client.post(f"/instalments/{made.id}/claim", data={"evidence": "Here is the lease."})
    sign_in(client, grant.manager)
    for expected in (302, 409):
        assert client.post(f"/instalments/{made.id}/decide", data={"verdict": "yes"}).status_code == expected
    page = client.get(grant.path()).text
    assert page.count("Being sent") == 3
    assert f"{grant.agreement.reference}-G1-3" in page
    rows = list(csv.DictReader(io.StringIO(client.get(grant.path(".csv")).text.lstrip("\ufeff"))))
    assert [(row["status"], row["amount"]) for row in rows] == [("accepted", "40000.00")]
    money = client.get(f"/contracts/{grant.agreement.id}/money").text
    assert "£40,000.00" in money
    assert "Outside VAT" in money


def test_what_is_claimed_is_not_removed(grant: Grant, session: Database, client: Client) -> None:
    claimed, other = grant.claim(), grant.plan("1.00", what="Other")
    sign_in(client, grant.manager)
    assert client.post(f"/instalments/{claimed.id}/remove").status_code == 409
    assert client.post(f"/instalments/{other.id}/remove").status_code == 302
    assert [one.id for one in session.scalars(select(GrantInstalment))] == [claimed.id]


def test_who_does_what(grant: Grant, client: Client) -> None:
    made = grant.claim()
    other_supplier = make_actor(make_supplier(), Role.SERVICE_MANAGER)

    def status(actor: Actor, path: str) -> int:
        return sign_in(client, actor).post(path, data={"evidence": "x", "verdict": "yes"}).status_code

    assert status(grant.deliverer, f"/instalments/{made.id}/decide") == 403
    assert status(make_actor(grant.bodies[1], Role.CONTRACT_MANAGER), f"/instalments/{made.id}/decide") == 403
    assert status(make_actor(make_commissioner(), Role.CONTRACT_MANAGER), f"/instalments/{made.id}/decide") == 404
    assert status(other_supplier, f"/instalments/{made.id}/claim") == 404
    assert sign_in(client, other_supplier).get(grant.path()).status_code == 404
    assert made.status is InstalmentStatus.CLAIMED
    assert sign_in(client, finance_of(grant.bodies[1])).get(grant.path()).status_code == 200
    contract = make_contract()
    manager = make_actor(contract.commissioner, Role.CONTRACT_MANAGER)
    assert sign_in(client, manager).get(f"/contracts/{contract.id}/instalments").status_code == 404


def test_both_sides_find_at_home_what_waits_for_them(grant: Grant) -> None:
    made = grant.plan(day=date(2026, 12, 1))

    def waits(actor: Actor) -> list[str]:
        return [one.text for one in queries.waiting(actor, WHEN) if "nstalment" in one.text]

    reference = grant.agreement.reference
    assert waits(grant.manager) == [f"Plan the instalments of grant {reference}: £79,999.99 has none yet"]
    grant.plan("79999.99", day=date(2027, 1, 1), what="The rest")
    assert waits(grant.manager) == []
    assert waits(grant.deliverer) == [f"Claim instalment 1 of {reference} when its milestone is reached"]
    actions.claim_instalment(made, evidence="x", actor=grant.deliverer, now=WHEN)
    assert waits(grant.deliverer) == []
    assert waits(grant.manager) == [f"Accept instalment 1 of {reference}, £40,000.01, or send it back"]
    actions.send_back_claim(made, reason="x", actor=grant.manager, now=WHEN)
    assert waits(grant.manager) == []
    assert waits(grant.finance) == [f"Instalment 1 of {reference} was sent back: claim it again"]


def test_the_list_asks_the_database_as_often_however_long_it_is(
    grant: Grant, session: Database, client: Client
) -> None:
    sign_in(client, grant.manager)

    def count(*amounts: str) -> int:
        for amount in amounts:
            made = grant.plan(amount)
            actions.claim_instalment(made, evidence="x", actor=grant.deliverer, now=WHEN)
            actions.accept_claim(made, actor=grant.manager, now=WHEN)
        session.expire_all()
        with counted_queries() as sent:
            assert client.get(grant.path()).status_code == 200
        return len(sent)

    assert count("10.00") == count("11.00", "12.00", "13.00", "14.00")
