"""Deductions, and grants with an instalment, made through the actions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, GrantInstalment
from contracts.invoices import actions
from contracts.invoices.models import Deduction
from marketplace.access import Role
from marketplace.accounts.models import Organisation
from tests.factories.accounts import make_actor
from tests.factories.agreements import make_signed_agreement
from tests.factories.invoices import manager_of


def make_deduction(agreement: Agreement, *, month: date, now: datetime) -> Deduction:
    """A pound from a month of the contract's first service."""
    line, manager = agreement.lines[0], manager_of(agreement)
    return actions.deduct(agreement, line, month=month, amount=Decimal(1), reason="x", actor=manager, now=now)


def make_instalment(*, lead: Organisation, supplier: Organisation, now: datetime) -> GrantInstalment:
    """The first instalment of a new grant, planned."""
    grant = make_signed_agreement(lead=lead, supplier=supplier, instrument=Instrument.GRANT)
    manager = make_actor(lead, Role.CONTRACT_MANAGER)
    return actions.plan_instalment(
        grant, milestone="x", amount=Decimal(1), due_on=grant.starts_on, actor=manager, now=now
    )
