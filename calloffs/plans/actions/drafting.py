"""Working on a plan: the need, and each part of what is assumed, until the figures are settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.funds.queries import fund_for
from calloffs.plans import rules
from calloffs.plans.actions.reference import enter_unit_costs
from calloffs.plans.models import NeedsData, Plan, PlanBudget, PlanGrowth, PlanHistory, PlanVersion
from calloffs.plans.queries import unit_costs_of
from calloffs.plans.rules import Growth, Route, VolumeBasis, Worked
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places import queries as places
from marketplace.places.models import Place


@dataclass(frozen=True)
class Carried:
    """What a plan takes over from a service that ran: referrals of its contract years, all of them eligible (R73)."""

    history: tuple[tuple[int, int], ...]
    source: str


def start_plan(
    *,
    title: str,
    category_code: str,
    place_code: str,
    need: str,
    starts_on: date,
    months: int,
    carried: Carried | None = None,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Write down a need of the body acted for; its first version is worked on until it is settled.

    Refused: a category or area that is not in use, and the very same need a second time (a button pressed twice).
    """
    actor.must(Permission.PLAN)
    written = _need(title, category_code, place_code, need)
    # Two presses at once come one after the other.
    own = select(Organisation.id).where(Organisation.id == actor.organisation)
    db.session.execute(own.with_for_update(key_share=True))
    same = select(Plan.id).filter_by(organisation_id=actor.organisation, created_by=actor.person, **written)
    if db.session.scalar(same.limit(1)) is not None:
        raise AlreadyDone("You have saved this plan already. It is in the list of plans.")
    plan = Plan(organisation_id=actor.organisation, created_by=actor.person, created_at=now, **written)
    version = PlanVersion(
        number=1,
        created_at=now,
        created_by=actor.person,
        starts_on=starts_on,
        months=_months(months),
        larger_from=rules.LARGER_FROM,
        edges=list(rules.BAND_EDGES),
        fixed_percent=rules.FIXED_PERCENT,
    )
    if carried is not None:
        version.basis = VolumeBasis.CASELOAD
        version.history = [PlanHistory(year=year, caseload=count) for year, count in sorted(carried.history)]
        version.history_source = carried.source
        version.eligible_percent = Decimal(100)
        version.eligible_source = "Everyone counted here was referred, so everyone was eligible."
    plan.versions = [version]
    db.session.add(plan)
    db.session.flush()
    audit.record("Planned a need", plan, actor=actor, now=now, carried=carried is not None)
    db.session.flush()
    return plan


def change_need(
    plan: Plan,
    *,
    title: str,
    category_code: str,
    place_code: str,
    need: str,
    starts_on: date,
    months: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what is needed, where, from when and for how long. Budgets of years that fall away fall away too."""
    version = _draft(plan, actor)
    written = _need(title, category_code, place_code, need)
    if category_code != plan.category_code:
        # Unit costs are those of a category.
        version.unit_low = version.unit_medium = version.unit_high = None
        version.mix_low = version.mix_medium = version.mix_high = None
        version.unit_source, version.unit_as_of = "", None
    if version.needs_data is not None and not _about(place_code, version.needs_data.place_code):
        version.needs_data = None
    for name, value in written.items():
        setattr(plan, name, value)
    version.starts_on, version.months = starts_on, _months(months)
    years = len(rules.year_lengths(months))
    version.budgets = [one for one in version.budgets if one.year <= years]
    _changed("Changed the need", version, actor, now)


def rest_on(plan: Plan, *, needs_data_id: int | None, reason: str, actor: Actor, now: datetime) -> None:
    """Name the needs data that the plan rests on, of its own area or one around or inside it; or say why there is none.

    Data that is not published yet may be named: the plan then says so until it is (R48).
    """
    version = _draft(plan, actor)
    if needs_data_id is None:
        if not reason:
            raise Invalid("Say why there is no needs data.", field="reason")
        version.needs_data, version.evidence_reason = None, reason
    else:
        found = db.session.get(NeedsData, needs_data_id)
        if found is None or not _about(plan.place_code, found.place_code):
            raise Invalid("Choose needs data of this area.", field="needs_data")
        version.needs_data, version.evidence_reason = found, ""
    _changed("Changed the needs data", version, actor, now)


def state_volume(plan: Plan, *, volume: int, source: str, actor: Actor, now: datetime) -> None:
    """Enter a projection that was worked out elsewhere, in referrals a year, with its source."""
    version = _draft(plan, actor)
    if volume < 1:
        raise Invalid("The projected volume must be at least 1 referral a year.", field="stated_volume")
    version.basis, version.stated_volume, version.stated_source = VolumeBasis.STATED, volume, source
    _changed("Changed the volume", version, actor, now)


def project(
    plan: Plan,
    *,
    history: Sequence[tuple[int, int]],
    history_source: str,
    eligible_percent: Decimal,
    eligible_source: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter the caseload of past years and which share of it is eligible, each with its source (R40)."""
    version = _draft(plan, actor)
    years = [year for year, _ in history]
    if len(set(years)) != len(years):
        raise Invalid("Enter each year once.")
    version.basis = VolumeBasis.CASELOAD
    version.history = []
    db.session.flush()
    version.history = [PlanHistory(year=year, caseload=count) for year, count in sorted(history)]
    version.history_source = history_source
    version.eligible_percent, version.eligible_source = eligible_percent, eligible_source
    if found := [one.words for one in rules.plan_faults(version.assumptions) if one.section is rules.Section.VOLUME]:
        raise Invalid(". ".join(found) + ".")
    _changed("Changed the volume", version, actor, now)


def forecast(plan: Plan, *, growth: Sequence[Growth], actor: Actor, now: datetime) -> None:
    """Enter what is assumed about growth. Refused without an assumption about police officer numbers (R40)."""
    version = _draft(plan, actor)
    if not any(one.kind is rules.GrowthKind.POLICE for one in growth):
        raise Invalid("Say what you assume of police officer numbers, even if it is 0%.", field="first_police")
    for total in (sum(one.first_percent for one in growth), sum(one.later_percent for one in growth)):
        if total < -100:
            raise Invalid("Together the assumptions take away more than all there is.")
    version.growth = []
    db.session.flush()
    version.growth = [
        PlanGrowth(kind=one.kind, first_percent=one.first_percent, later_percent=one.later_percent, source=one.source)
        for one in growth
    ]
    _changed("Changed the forecast growth", version, actor, now)


def price(
    plan: Plan,
    *,
    unit_costs: tuple[Decimal, Decimal, Decimal],
    source: str,
    as_of: date,
    mix: tuple[Decimal, Decimal, Decimal],
    actor: Actor,
    now: datetime,
) -> None:
    """Enter what one referral costs at low, medium and high intensity, and the mix of them in percent (R44).

    Figures that the body does not have for the category yet become its reference figures: nothing is typed twice.
    """
    version = _draft(plan, actor)
    if (total := sum(mix, Decimal(0))) != 100:
        raise Invalid(f"The mix must total 100%. It totals {total.normalize():f}%.", field="mix_low")
    known = unit_costs_of(plan.organisation_id, plan.category_code)
    if known is None or (known.low, known.medium, known.high, known.source, known.as_of) != (
        *unit_costs,
        source,
        as_of,
    ):
        enter_unit_costs(
            category_code=plan.category_code, amounts=unit_costs, source=source, as_of=as_of, actor=actor, now=now
        )
    version.unit_low, version.unit_medium, version.unit_high = unit_costs
    version.unit_source, version.unit_as_of = source, as_of
    version.mix_low, version.mix_medium, version.mix_high = mix
    _changed("Changed the unit costs", version, actor, now)


def put_money(
    plan: Plan,
    *,
    budgets: Sequence[Decimal],
    budget_reason: str,
    route: Route,
    route_reason: str,
    fund: tuple[int, str] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter the budget of each contract year, where the money comes from, and by which route the need is met.

    A budget under the calculated cost is never refused, but explained (R45); the route of ring-fenced money has a
    reason (R31).
    """
    version = _draft(plan, actor)
    version.budgets = []
    db.session.flush()
    version.budgets = [PlanBudget(year=year, amount=amount) for year, amount in enumerate(budgets, start=1)]
    version.budget_reason, version.route, version.route_reason = budget_reason, route, route_reason
    version.fund, version.fund_purpose = None, None
    if fund is not None:
        chosen = fund_for(actor, fund[0])
        if fund[1] not in chosen.purpose_list:
            raise Invalid("Choose one of the fund’s purposes.", field="source")
        version.fund, version.fund_purpose = chosen, fund[1]
    if found := rules.money_faults(version.assumptions):
        raise Invalid(". ".join(found) + ".")
    _changed("Changed the budget and route", version, actor, now)


def set_bands(
    plan: Plan,
    *,
    edges: Sequence[int],
    fixed_percent: Decimal,
    larger_from: Decimal,
    actor: Actor,
    now: datetime,
) -> None:
    """Change where bands begin and end, how much cost stays whatever the volume, and which contracts have bands."""
    version = _draft(plan, actor)
    if found := rules.edge_faults(edges):
        raise Invalid(". ".join(found) + ".")
    version.edges, version.fixed_percent, version.larger_from = list(edges), fixed_percent, larger_from
    _changed("Changed the cap or bands", version, actor, now)


def figures_into(version: PlanVersion) -> Worked:
    """Keep with a version what its assumptions come to. Refused: more than can be meant."""
    worked = version.worked
    if any(year.annual > rules.MOST_VOLUME for year in worked.years):
        raise Invalid(f"These figures come to more than {rules.MOST_VOLUME:,} referrals a year. Check the percentages.")
    if worked.cost is not None and worked.cost >= rules.MOST_COST:
        raise Invalid("These figures come to a cost of £10 billion or more. Check the volume and the unit costs.")
    version.projected_annual_volume = worked.annual_volume or None
    version.annual_budget, version.budget = worked.annual_budget, worked.budget
    version.calculated_cost = worked.cost
    return worked


def locked(plan: Plan, actor: Actor) -> Plan:
    """The plan, held and fresh, for the body whose it is: two people's changes come one after the other."""
    actor.must(Permission.PLAN)
    if plan.organisation_id != actor.organisation:
        raise NotAllowed("Only the body whose plan it is can change it.")
    db.session.flush()
    found = db.session.scalars(
        select(Plan).where(Plan.id == plan.id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such plan.")
    db.session.refresh(found, ["versions"])
    return found


def _draft(plan: Plan, actor: Actor) -> PlanVersion:
    version = locked(plan, actor).draft
    if version is None:
        raise Refused("The figures of this plan are settled. Begin a new version to change them.")
    return version


def _about(place_code: str, data_place_code: str) -> bool:
    return places.is_inside(place_code, data_place_code) or places.is_inside(data_place_code, place_code)


def _need(title: str, category_code: str, place_code: str, need: str) -> dict[str, str]:
    category = db.session.get(Category, category_code)
    if category is None or category.retired_on is not None:
        raise Invalid("Choose a category from the list.", field="category_code")
    place = db.session.get(Place, place_code)
    if place is None or place.retired_on is not None:
        raise Invalid("Choose an area from the list.", field="place_code")
    return {"title": title, "category_code": category_code, "place_code": place_code, "need": need}


def _months(months: int) -> int:
    if not 1 <= months <= rules.MOST_MONTHS:
        raise Invalid("The contract must be for 1 to 120 months.", field="months")
    return months


def _changed(what: str, version: PlanVersion, actor: Actor, now: datetime) -> None:
    figures_into(version)
    audit.record(what, version.plan, actor=actor, now=now, version=version.number)
    db.session.flush()
