"""What was invoiced too little: asked for, approved by the lead; and what a withdrawn deduction had taken."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.models import Deduction, Invoice, Supplement
from contracts.invoices.rules import DeductionStanding, InvoiceKind, InvoiceStatus
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import letter, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.agreeing import says_the_same_everywhere
from tests.factories.at_once import at_once
from tests.factories.invoices import finance_of, make_contract, manager_of

Database = scoped_session[Session]
NOW = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)
REASON = "Three referrals were counted too low."


@pytest.fixture
def contract(session: Database, clock: StandingClock) -> Agreement:
    """£120,000.00 a year, 60 and 40 %; October and November 2026 are invoiced."""
    clock.set(NOW)
    lead, funder = make_commissioner(), make_commissioner()
    made = make_contract(lead=lead, funders=[(lead, "60"), (funder, "40")])
    finance_of(made.supplier)
    actions.raise_invoices(made, actor=SYSTEM, now=NOW)
    return made


def more(contract: Agreement, actor: Actor, amount: str = "1000.01", **changed: object) -> list[Invoice]:
    asked: dict[str, object] = {"month": OCTOBER, "amount": Decimal(amount), "reason": REASON} | changed
    return actions.supplement(contract, contract.lines[0], actor=actor, now=NOW, **asked)  # type: ignore[arg-type]


def supplementary(session: Database) -> list[Invoice]:
    return list(session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.SUPPLEMENTARY).order_by(Invoice.id)))


def test_the_suppliers_finance_asks_and_the_leads_contract_manager_alone_approves(
    session: Database, client: Client, contract: Agreement
) -> None:
    manager = manager_of(contract)
    sign_in(client, finance_of(contract.supplier))
    assert f"/contracts/{contract.id}/supplements/new" in client.get(f"/contracts/{contract.id}/money").text
    asked = {"month": "2026-10-01", "service": str(contract.lines[0].id), "amount": "1,000.01", "reason": REASON}
    answer = client.post(f"/contracts/{contract.id}/supplements/new", data=asked)
    assert answer.status_code == 302
    # £600.006 and £400.004: the penny that is left goes to the lead, which lost most.
    mine, theirs = supplementary(session)
    assert [(one.number, one.net, one.status) for one in (mine, theirs)] == [
        (f"{contract.reference}-S1-1", Decimal("600.01"), InvoiceStatus.AWAITING_APPROVAL),
        (f"{contract.reference}-S1-2", Decimal("400.00"), InvoiceStatus.AWAITING_APPROVAL),
    ]
    listed = client.get(answer.location).text
    assert mine.number in listed
    assert theirs.number in listed
    assert f"{contract.reference}-S1-2" in letter(session, "Invoices to approve under").body
    their_manager = make_actor(theirs.organisation, Role.CONTRACT_MANAGER)
    with pytest.raises(NotAllowed):
        actions.approve(theirs, actor=their_manager, now=NOW)
    # October's and November's 40 % wait for it, the supplement does not.
    assert [one.text for one in queries.waiting(their_manager, NOW)] == ["Approve 2 invoices, £8,000.00"]
    assert [one.text for one in queries.waiting(manager, NOW)] == ["Approve 6 invoices, £21,000.01"]
    for one in (mine, theirs):
        actions.approve(one, actor=manager, now=NOW)
    sign_in(client, manager)
    for one in (mine, theirs):
        says_the_same_everywhere(client, one, on=NOW.date())
    assert REASON in client.get(f"/invoices/{mine.id}").text
    check_ledger()


def test_the_leads_contract_manager_may_have_it_invoiced_which_approves_it(
    session: Database, contract: Agreement
) -> None:
    raised = more(contract, manager_of(contract))
    assert {one.status for one in raised} == {InvoiceStatus.DRAFT}
    told = letter(session, "More is invoiced under")
    assert REASON not in told.body
    # A second one for the same month has a number of its own, and is credited and invoiced again like any other.
    (first, _) = more(contract, finance_of(contract.supplier), "50.00")
    assert first.number == f"{contract.reference}-S2-1"
    note = actions.credit(first, amount=None, reason="x", actor=finance_of(contract.supplier), now=NOW)
    again = actions.reissue(note, amounts=[note.net], actor=finance_of(contract.supplier), now=NOW)
    assert again.number == f"{first.number}-2"


def test_who_may_not_ask_and_what_is_refused(
    session: Database, client: Client, contract: Agreement, clock: StandingClock
) -> None:
    finance, lead = finance_of(contract.supplier), contract.commissioner
    funder = contract.funders[1].organisation
    for actor in (finance_of(lead), make_actor(funder, Role.CONTRACT_MANAGER), finance_of(make_supplier())):
        with pytest.raises(NotAllowed):
            more(contract, actor)
    path = f"/contracts/{contract.id}/supplements/new"
    for actor, status in (
        (make_actor(funder, Role.CONTRACT_MANAGER), 403),
        (finance_of(lead), 403),
        (make_actor(make_commissioner(), Role.CONTRACT_MANAGER), 404),
        (finance_of(make_supplier()), 404),
    ):
        assert sign_in(client, actor).get(path).status_code == status
    for changed, words in (
        ({"amount": Decimal(0)}, "above £0"),
        ({"month": date(2027, 1, 1)}, "has begun"),
        ({"month": date(2026, 9, 1)}, "has begun"),
        ({"reason": " "}, "why more is owed"),
    ):
        with pytest.raises(Invalid, match=words):
            more(contract, finance, **changed)
    contract.instrument = Instrument.GRANT
    with pytest.raises(Refused, match="not under grants"):
        more(contract, finance)


def test_a_button_pressed_by_many_at_once_asks_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = make_contract()
        finance, key = finance_of(made.supplier), made.id
        db.session.commit()

    answers = at_once(committed_app, 5, lambda _: len(more(db.session.get_one(Agreement, key), finance)))
    refused = [one for one in answers if isinstance(one, Exception)]
    assert (len(refused), {type(one) for one in refused}) == (4, {AlreadyDone})
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Supplement)) == 1


def test_a_deduction_withdrawn_after_it_was_taken_is_invoiced_to_each_funder_as_it_was_spared(
    session: Database, client: Client, contract: Agreement, clock: StandingClock
) -> None:
    manager, line = manager_of(contract), contract.lines[0]
    actions.deduct(
        contract, line, month=OCTOBER, amount=Decimal("12500.05"), reason="Unstaffed.", actor=manager, now=NOW
    )
    january = NOW.replace(year=2027, month=1)
    clock.set(january)
    actions.raise_invoices(contract, actor=SYSTEM, now=january)
    owed = -balance(Account.SERVICES, contract.supplier_id, on=january.date())
    # December's £10,000.00 took £10,000.00 of it.
    (before,) = queries.deductions(contract.id)
    assert (before.taken, before.left, owed) == tuple(map(Decimal, ("10000.00", "2500.05", "20000.00")))
    sign_in(client, manager)
    path = f"/deductions/{before.deduction.id}/withdraw"
    asked = client.get(path).text
    assert "£2,500.05 for Service 1, October 2026, will not be taken." in asked
    assert "£10,000.00 was taken already" in asked
    assert client.post(path).status_code == 302
    assert client.post(path).status_code == 409
    assert [(one.organisation_id, one.net, one.status) for one in supplementary(session)] == [
        (contract.funders[0].organisation_id, Decimal("6000.00"), InvoiceStatus.DRAFT),
        (contract.funders[1].organisation_id, Decimal("4000.00"), InvoiceStatus.DRAFT),
    ]
    assert -balance(Account.SERVICES, contract.supplier_id, on=january.date()) == Decimal("30000.00")
    (after,) = queries.deductions(contract.id)
    assert (after.left, after.standing) == (0, DeductionStanding.WITHDRAWN)
    assert "invoiced again" in client.get(f"/contracts/{contract.id}/deductions").text
    check_ledger()


def test_a_deduction_that_was_credited_is_given_back_too(
    session: Database, clock: StandingClock, contract: Agreement
) -> None:
    over = datetime(2028, 10, 2, 9, 0, tzinfo=UTC)
    clock.set(over)
    actions.reconcile_years(contract, actor=SYSTEM, now=over)
    manager = manager_of(contract)
    made: Deduction = actions.deduct(
        contract,
        contract.lines[0],
        month=OCTOBER,
        amount=Decimal("100.00"),
        reason="Unstaffed.",
        actor=manager,
        now=over,
    )
    assert queries.taken_by_funder(made) == {
        contract.funders[0].organisation_id: Decimal("60.00"),
        contract.funders[1].organisation_id: Decimal("40.00"),
    }
    actions.withdraw_deduction(made, contract, actor=manager, now=over)
    assert [one.net for one in supplementary(session)] == [Decimal("60.00"), Decimal("40.00")]
    # What was given back is not taken once more.
    actions.reconcile_years(contract, actor=SYSTEM, now=over)
    assert queries.taken_by_funder(made).keys() == {one.organisation_id for one in contract.funders}
    assert [one.credited for one in supplementary(session)] == [0, 0]
    check_ledger()
