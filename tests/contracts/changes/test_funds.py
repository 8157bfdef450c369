"""A fund pays what its own body owes over the whole life, whoever pays which part from when, and whoever leads."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from calloffs.funds import actions as funds
from calloffs.funds.models import Fund
from calloffs.funds.rules import FundKind
from contracts.changes import actions, jobs, queries
from marketplace.access import Actor, Role
from marketplace.errors import Refused
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor
from tests.factories.agreements import NOW
from tests.factories.changes import APPLIES, Change, make_change

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)
SECOND_YEAR = date(2027, 10, 1)


def _fund(made: Change, amount: str = "200000.00") -> Fund:
    """The lead pays its 60 % of £300,000 from it."""
    actor = make_actor(made.agreement.commissioner, Role.COMMERCIAL_PARTNER)
    fund = funds.open_fund(
        name="Regional Outcomes Fund",
        kind=FundKind.OUTCOMES,
        purposes="Into work",
        amount=Decimal(amount),
        starts_on=date(2026, 4, 1),
        ends_on=date(2030, 3, 31),
        actor=actor,
        now=NOW,
    )
    assert made.agreement.award is not None
    funds.hold(
        fund.id,
        call_off=made.agreement.award.competition.reference,
        title="Homes",
        purpose="Into work",
        amount=Decimal(180_000),
        actor=actor,
        now=NOW,
    )
    return fund


def _pays(made: Change, lead: int, partner: int, *, from_on: date = SECOND_YEAR, by: Actor | None = None) -> None:
    """Both sides agree other parts, in percent; the first is of whoever led at first."""
    manager = by or made.manager
    variation = actions.begin(made.agreement, reason="x", in_force_from=from_on, actor=manager, now=NOW + DAY)
    bodies = (made.manager.organisation, made.partner.organisation)
    shares = [(body, Decimal(part)) for body, part in zip(bodies, (lead, partner), strict=True) if part]
    actions.set_shares(variation, shares=shares, actor=manager, now=NOW + DAY)
    actions.submit(variation, actor=manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    made.sign(variation, made.approver if by is None else made.partner)


def test_other_parts_from_the_second_year_leave_what_was_owed_before() -> None:
    """60 % of the first £100,000, then 25 % of £200,000: £110,000, and not 25 % of all."""
    made = make_change()
    fund = _fund(made)
    _pays(made, 25, 75)
    assert fund.standing.agreed == Decimal("110000.00")
    # To pay all of the last year again: £60,000, £25,000 and £100,000.
    _pays(made, 100, 0, from_on=date(2028, 10, 1))
    assert fund.standing.agreed == Decimal("185000.00")


def test_it_never_takes_more_than_there_is() -> None:
    made = make_change()
    fund = _fund(made, "180000.00")
    with pytest.raises(Refused, match=r"£0\.00 left"):
        _pays(made, 61, 39)
    assert fund.standing.held == Decimal("180000.00")


def test_the_fund_pays_for_its_own_body_after_another_leads(clock: StandingClock) -> None:
    made = make_change()
    fund = _fund(made)
    other = made.partner.organisation
    variation = made.draft()
    actions.set_lead(variation, body_id=other, actor=made.manager, now=NOW + DAY)
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    made.sign(variation, made.approver)
    assert fund.standing.agreed == Decimal("180000.00")
    clock.set(datetime.combine(APPLIES, time(9), NOW.tzinfo))
    jobs.hand_leads_over()
    assert made.agreement.commissioner_id == other
    manager = make_actor(made.agreement.commissioner, Role.CONTRACT_MANAGER)
    # The new lead pays all from the second year: the old one owes its part of the first.
    _pays(made, 0, 100, by=manager)
    assert fund.standing.agreed == Decimal("60000.00")
    assert queries.lead_on(made.agreement, SECOND_YEAR) == other
