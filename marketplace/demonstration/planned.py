"""A need planned by the whole method, not called off yet."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from calloffs.plans import actions as planning
from calloffs.plans.rules import Growth, GrowthKind, Route
from marketplace.access import Role
from marketplace.demonstration.cast import REGION

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

# The caseload of so many years back, and what is assumed.
CASELOAD = ((3, 1180), (2, 1235), (1, 1262))
CASELOAD_SOURCE = "Probation caseload of the force area at 31 March, Offender Management Statistics"
ELIGIBLE_SOURCE = "Share with a drug or alcohol need and a community requirement, assessments of the last year"
GROWTH = (
    (GrowthKind.POLICE, "2.5", "1", "Police workforce statistics: officers recruited since, one year’s lag"),
    (GrowthKind.SENTENCING, "-1", "0", "Regional estimate of earlier release"),
)
GAP_REASON = (
    "The budget is what it is this year. The service takes people at high and medium intensity first; those at low "
    "intensity are offered local mutual aid."
)
ROUTE_REASON = "Six suppliers are on the framework for this category here, so a call-off can draw more than one bid."


def plan(play: Play) -> None:
    """Announce needs data, and settle a plan whose budget is under its calculated cost."""
    partner = play.who(REGION, Role.COMMERCIAL_PARTNER)
    starts = (play.today + timedelta(days=240)).replace(day=1)
    with play.at(play.today - timedelta(days=30)) as now:
        data = planning.announce_needs_data(
            title=f"Needs of people on probation in Northumbria, {play.today.year}",
            source="HMPPS, planning cycle",
            place_code="E23000007",
            due_on=play.today - timedelta(days=90),
            published_on=play.today - timedelta(days=80),
            good_until=play.today + timedelta(days=285),
            actor=partner,
            now=now,
        )
        plan = planning.start_plan(
            title="Dependency and recovery in Northumbria",
            category_code="DEP",
            place_code="E23000007",
            need="Three in ten people on probation here need help with drugs or alcohol, and today’s service ends.",
            starts_on=starts,
            months=30,
            actor=partner,
            now=now,
        )
        planning.rest_on(plan, needs_data_id=data.id, reason="", actor=partner, now=now)
        planning.project(
            plan,
            history=[(play.today.year - back, count) for back, count in CASELOAD],
            history_source=CASELOAD_SOURCE,
            eligible_percent=Decimal("18.5"),
            eligible_source=ELIGIBLE_SOURCE,
            actor=partner,
            now=now,
        )
        planning.forecast(
            plan,
            growth=[Growth(kind, Decimal(first), Decimal(later), source) for kind, first, later, source in GROWTH],
            actor=partner,
            now=now,
        )
        planning.price(
            plan,
            unit_costs=(Decimal("1100.00"), Decimal("2000.00"), Decimal("3400.00")),
            source="Average of our contracts, by intensity",
            as_of=play.today - timedelta(days=120),
            mix=(Decimal(45), Decimal(35), Decimal(20)),
            actor=partner,
            now=now,
        )
        planning.put_money(
            plan,
            budgets=[Decimal("420000.00"), Decimal("430000.00"), Decimal("215000.00")],
            budget_reason=GAP_REASON,
            route=Route.CONTRACT,
            route_reason=ROUTE_REASON,
            actor=partner,
            now=now,
        )
        planning.settle(plan, actor=partner, now=now)
