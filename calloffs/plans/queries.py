"""Plans: which rows a person may see, reference figures, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask import url_for
from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from calloffs.plans.models import NeedsData, Plan, PlanVersion, UnitCosts
from calloffs.plans.rules import Evidence
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import paginate
from marketplace.places.models import PlaceWithin
from marketplace.waiting import Waiting


class Sort(StrEnum):
    """How the list of plans is sorted."""

    LATEST = "latest"
    TITLE = "title"
    VOLUME = "volume"
    BUDGET = "budget"
    GAP = "gap"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            Sort.LATEST: "Latest first",
            Sort.TITLE: "Title",
            Sort.VOLUME: "Most referrals",
            Sort.BUDGET: "Highest budget",
            Sort.GAP: "Widest gap",
        }[self]


@dataclass(frozen=True)
class Narrowed:
    """What the list is narrowed to and how it is sorted; whatever is left out narrows nothing."""

    category_code: str = ""
    place_code: str = ""
    text: str = ""
    evidence: Evidence | None = None
    sort: Sort = Sort.LATEST


def plans_of(actor: Actor, narrowed: Narrowed, *, on: date, page: int = 1) -> Pagination:
    """The plans of the body acted for, each as the version that holds; its items are versions."""
    return paginate(_wanted(actor, narrowed, on), page)


def all_plans_of(actor: Actor, narrowed: Narrowed, *, on: date) -> Sequence[PlanVersion]:
    """All of them, for a file."""
    return db.session.scalars(_wanted(actor, narrowed, on)).all()


def plan_for(actor: Actor, plan_id: int) -> Plan:
    """The plan, if it is of the body acted for; else there is none."""
    plan = db.session.scalar(
        select(Plan)
        .where(Plan.id == plan_id, Plan.organisation_id == actor.organisation)
        .options(
            joinedload(Plan.category),
            joinedload(Plan.place),
            selectinload(Plan.versions).options(
                joinedload(PlanVersion.needs_data), joinedload(PlanVersion.author), joinedload(PlanVersion.fund)
            ),
        )
    )
    if plan is None:
        raise NotFound("There is no such plan, or it is not yours to see.")
    return plan


def version_of(plan: Plan, number: int) -> PlanVersion:
    """One version of a plan by its number."""
    found = next((one for one in plan.versions if one.number == number), None)
    if found is None:
        raise NotFound("This plan has no such version.")
    return found


def unit_costs_of(organisation_id: int, category_code: str) -> UnitCosts | None:
    """A body's reference figures for a category: those of the latest day, and of these the ones entered last."""
    return db.session.scalar(
        select(UnitCosts)
        .where(UnitCosts.organisation_id == organisation_id, UnitCosts.category_code == category_code)
        .order_by(UnitCosts.as_of.desc(), UnitCosts.id.desc())
        .limit(1)
    )


def all_unit_costs(actor: Actor, category_code: str = "") -> Sequence[UnitCosts]:
    """Every entry of the body acted for, by category, the latest first."""
    wanted = select(UnitCosts).where(UnitCosts.organisation_id == actor.organisation)
    if category_code:
        wanted = wanted.where(UnitCosts.category_code == category_code)
    return db.session.scalars(
        wanted.options(joinedload(UnitCosts.category), joinedload(UnitCosts.person)).order_by(
            UnitCosts.category_code, UnitCosts.as_of.desc(), UnitCosts.id.desc()
        )
    ).all()


def needs_data_about(place_code: str) -> Sequence[NeedsData]:
    """Needs data of a place, of those around it and of those inside it, whoever entered it; the latest first."""
    around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == place_code)
    inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == place_code)
    return db.session.scalars(
        _data().where(NeedsData.place_code.in_(around.union(inside))).order_by(NeedsData.due_on.desc(), NeedsData.id)
    ).all()


def needs_data_by_page(place_code: str, evidence: Evidence | None, *, on: date, page: int = 1) -> Pagination:
    """Needs data of all areas, or of one and what is around and inside it, perhaps in one standing; latest first."""
    return paginate(_wanted_data(place_code, evidence, on), page)


def all_needs_data(place_code: str, evidence: Evidence | None, *, on: date) -> Sequence[NeedsData]:
    """All of it, for a file."""
    return db.session.scalars(_wanted_data(place_code, evidence, on)).all()


def _wanted_data(place_code: str, evidence: Evidence | None, on: date) -> Select[Any]:
    wanted = _data().order_by(NeedsData.due_on.desc(), NeedsData.id)
    if place_code:
        around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == place_code)
        inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == place_code)
        wanted = wanted.where(NeedsData.place_code.in_(around.union(inside)))
    if evidence is not None:
        wanted = wanted.where(stands(evidence, on))
    return wanted


def needs_data_for(actor: Actor, data_id: int) -> NeedsData:
    """Needs data that the body acted for has entered, so that it may change its dates."""
    found: NeedsData | None = db.session.scalar(
        _data().where(NeedsData.id == data_id, NeedsData.organisation_id == actor.organisation)
    )
    if found is None:
        raise NotFound("There is no such needs data, or another body entered it.")
    return found


def stands(evidence: Evidence, on: date) -> ColumnElement[bool]:
    """`rules.evidence_on` as a condition, for lists that are cut into pages; a test holds the two together."""
    is_out = and_(NeedsData.published_on.is_not(None), NeedsData.published_on <= on)
    is_not = or_(NeedsData.published_on.is_(None), NeedsData.published_on > on)
    conditions = {
        Evidence.NONE: NeedsData.id.is_(None),
        Evidence.AWAITED: and_(NeedsData.id.is_not(None), is_not, NeedsData.due_on >= on),
        Evidence.LATE: and_(NeedsData.id.is_not(None), is_not, NeedsData.due_on < on),
        Evidence.CURRENT: and_(is_out, NeedsData.good_until >= on),
        Evidence.OLD: and_(is_out, NeedsData.good_until < on),
    }
    return conditions[evidence]


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Plans that this person began and has not settled, and needs data of their body that is late."""
    if not actor.may(Permission.PLAN):
        return []
    drafts = db.session.scalars(
        select(Plan)
        .join(Plan.versions)
        .where(
            Plan.organisation_id == actor.organisation,
            PlanVersion.settled_at.is_(None),
            PlanVersion.created_by == actor.person,
        )
        .order_by(Plan.id)
        .limit(50)
    )
    late = db.session.scalars(
        select(NeedsData)
        .where(NeedsData.organisation_id == actor.organisation, stands(Evidence.LATE, clock.london(now).date()))
        .order_by(NeedsData.due_on)
        .limit(50)
    )
    return [
        *(Waiting(f"Finish the plan “{one.title}”", url_for("plans.draft", plan_id=one.id)) for one in drafts),
        *(
            Waiting(f"Needs data was due and is not published: {one.title}", url_for("plans.publish", data_id=one.id))
            for one in late
        ),
    ]


def _data() -> Select[Any]:
    return select(NeedsData).options(joinedload(NeedsData.place), joinedload(NeedsData.organisation))


def _wanted(actor: Actor, narrowed: Narrowed, on: date) -> Select[Any]:
    """The version of each plan that holds: the last settled, or its only one."""
    later = aliased(PlanVersion)
    holds = ~exists().where(
        later.plan_id == PlanVersion.plan_id, later.number > PlanVersion.number, later.settled_at.is_not(None)
    )
    only = ~exists().where(later.plan_id == PlanVersion.plan_id, later.settled_at.is_not(None))
    wanted = (
        select(PlanVersion)
        .join(PlanVersion.plan)
        .outerjoin(PlanVersion.needs_data)
        .where(
            Plan.organisation_id == actor.organisation,
            or_(and_(PlanVersion.settled_at.is_not(None), holds), and_(PlanVersion.settled_at.is_(None), only)),
        )
        .options(
            contains_eager(PlanVersion.plan).options(joinedload(Plan.category), joinedload(Plan.place)),
            contains_eager(PlanVersion.needs_data),
        )
    )
    if narrowed.category_code:
        wanted = wanted.where(Plan.category_code == narrowed.category_code)
    if narrowed.place_code:
        inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == narrowed.place_code)
        wanted = wanted.where(Plan.place_code.in_(inside))
    for word in narrowed.text.split():
        wanted = wanted.where(Plan.title.icontains(word, autoescape=True))
    if narrowed.evidence is not None:
        wanted = wanted.where(stands(narrowed.evidence, on))
    gap = func.greatest(PlanVersion.calculated_cost - PlanVersion.budget, 0)
    orders: dict[Sort, Any] = {
        Sort.LATEST: Plan.id.desc(),
        Sort.TITLE: func.lower(Plan.title),
        Sort.VOLUME: PlanVersion.projected_annual_volume.desc().nulls_last(),
        Sort.BUDGET: PlanVersion.budget.desc().nulls_last(),
        Sort.GAP: gap.desc().nulls_last(),
    }
    return wanted.order_by(orders[narrowed.sort], Plan.id.desc())
