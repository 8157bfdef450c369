"""Buttons of deductions, instalments and payments pressed by many at the same moment do their work once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, GrantInstalment, Subcontractor
from contracts.invoices import actions, queries
from contracts.invoices.models import Deduction, Invoice, SubcontractorPayment
from contracts.invoices.rules import InvoiceKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone
from marketplace.extensions import db
from tests.factories.accounts import make_actor
from tests.factories.agreements import make_signed_agreement
from tests.factories.at_once import at_once
from tests.factories.invoices import finance_of, make_contract, manager_of
from tests.factories.mobilisation import Contract

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MANY = 6


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def done(answers: list[object]) -> int:
    """How many did it; each of the others was told that it is done."""
    refused = [one for one in answers if isinstance(one, Exception)]
    assert all(isinstance(one, AlreadyDone) for one in refused), refused
    return len(answers) - len(refused)


def test_a_deduction_is_made_once_and_withdrawn_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        contract = make_contract()
        manager, key = manager_of(contract), contract.id
        db.session.commit()

    def deduct(_: int) -> None:
        found = db.session.get_one(Agreement, key)
        actions.deduct(
            found,
            found.lines[0],
            month=date(2026, 10, 1),
            amount=Decimal(100),
            reason="x",
            actor=manager,
            now=NOW,
        )

    assert done(at_once(committed_app, MANY, deduct)) == 1

    def withdraw(_: int) -> None:
        made = db.session.scalars(select(Deduction)).one()
        actions.withdraw_deduction(made, db.session.get_one(Agreement, key), actor=manager, now=NOW)

    assert done(at_once(committed_app, MANY, withdraw)) == 1
    with committed_app.app_context():
        assert count(Deduction) == 1


def test_a_deduction_withdrawn_while_a_month_is_raised_costs_nothing_in_the_end(committed_app: Flask) -> None:
    with committed_app.app_context():
        contract = make_contract()
        manager, key = manager_of(contract), contract.id
        actions.deduct(
            contract,
            contract.lines[0],
            month=date(2026, 10, 1),
            amount=Decimal(100),
            reason="x",
            actor=manager,
            now=NOW,
        )
        db.session.commit()

    def either(number: int) -> None:
        found = db.session.get_one(Agreement, key)
        if number % 2:
            made = db.session.scalars(select(Deduction)).one()
            actions.withdraw_deduction(made, found, actor=manager, now=NOW)
        else:
            actions.raise_invoices(found, actor=SYSTEM, now=NOW)

    at_once(committed_app, MANY, either)
    with committed_app.app_context():
        (found,) = queries.deductions(key)
        invoices = db.session.scalars(select(Invoice)).all()
        months = [one for one in invoices if one.kind is InvoiceKind.MONTH]
        assert found.deduction.withdrawn_at is not None
        assert found.taken in (0, 100)
        # What a month had taken by then is invoiced back.
        assert sum(one.net for one in months) == 10_000 * len(months) - found.taken
        assert sum(one.net for one in invoices) == 10_000 * len(months)
        assert unbalanced(NOW.date()) == 0


@pytest.fixture
def grant(committed_app: Flask) -> tuple[int, Actor, Actor]:
    with committed_app.app_context():
        made = make_signed_agreement(instrument=Instrument.GRANT, bands=[(0, 40)])
        manager = make_actor(made.commissioner, Role.CONTRACT_MANAGER)
        supplier = make_actor(made.supplier, Role.SERVICE_MANAGER)
        db.session.commit()
        return made.id, manager, supplier


def test_an_instalment_is_planned_claimed_and_accepted_once(
    committed_app: Flask, grant: tuple[int, Actor, Actor]
) -> None:
    key, manager, supplier = grant

    def plan(_: int) -> None:
        actions.plan_instalment(
            db.session.get_one(Agreement, key),
            milestone="Opened",
            amount=Decimal(1000),
            due_on=date(2026, 12, 1),
            actor=manager,
            now=NOW,
        )

    def made() -> GrantInstalment:
        return db.session.scalars(select(GrantInstalment)).one()

    assert done(at_once(committed_app, MANY, plan)) == 1
    claim = at_once(
        committed_app, MANY, lambda _: actions.claim_instalment(made(), evidence="x", actor=supplier, now=NOW)
    )
    assert done(claim) == 1

    def decide(number: int) -> None:
        if number % 2:
            actions.accept_claim(made(), actor=manager, now=NOW)
        else:
            actions.send_back_claim(made(), reason="x", actor=manager, now=NOW)

    assert done(at_once(committed_app, MANY, decide)) == 1
    with committed_app.app_context():
        accepted = made().accepted_at is not None
        assert count(Invoice) == int(accepted)
        body = db.session.get_one(Agreement, key).commissioner_id
        assert balance(Account.OWED, body, on=NOW.date()) == (1000 if accepted else 0)


def test_instalments_planned_at_once_are_together_no_more_than_the_grant(
    committed_app: Flask, grant: tuple[int, Actor, Actor]
) -> None:
    key, manager, _ = grant

    def plan(number: int) -> None:
        actions.plan_instalment(
            db.session.get_one(Agreement, key),
            milestone=f"Milestone {number}",
            amount=Decimal(50000),
            due_on=date(2026, 12, 1),
            actor=manager,
            now=NOW,
        )

    answers = at_once(committed_app, MANY, plan)
    assert sum(one is None for one in answers) == 2
    with committed_app.app_context():
        assert sorted(db.session.scalars(select(GrantInstalment.number))) == [1, 2]


def test_a_payment_to_the_supply_chain_is_confirmed_once_and_corrected_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        mobilised = Contract(make_contract())
        member, finance = mobilised.subcontractor().id, finance_of(mobilised.agreement.supplier)
        db.session.commit()

    def confirm(number: int) -> None:
        actions.confirm_payment(
            db.session.get_one(Subcontractor, member),
            month=date(2026, 10, 1),
            amount=Decimal(number + 1),
            invoiced_on=date(2026, 11, 2),
            paid_on=date(2026, 11, 9),
            actor=finance,
            now=NOW,
        )

    assert done(at_once(committed_app, MANY, confirm)) == 1
    with committed_app.app_context():
        assert count(SubcontractorPayment) == 1
        key = db.session.scalars(select(SubcontractorPayment.id)).one()

    def correct(number: int) -> None:
        actions.correct_payment(
            db.session.get_one(SubcontractorPayment, key),
            amount=Decimal(100 + number),
            invoiced_on=date(2026, 11, 2),
            paid_on=date(2026, 11, 9),
            reason="A digit was wrong",
            actor=finance,
            now=NOW,
        )

    assert done(at_once(committed_app, MANY, correct)) == 1
    with committed_app.app_context():
        assert count(SubcontractorPayment) == 2
