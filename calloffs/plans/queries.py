"""Plans: which rows a person may see."""

from __future__ import annotations

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from calloffs.plans.models import Plan
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import paginate


def plans_of(actor: Actor, *, category_code: str | None = None, page: int = 1) -> Pagination:
    """The plans of the body acted for, latest first, perhaps of one category."""
    wanted = (
        select(Plan)
        .where(Plan.organisation_id == actor.organisation)
        .options(joinedload(Plan.category), joinedload(Plan.place))
        .order_by(Plan.id.desc())
    )
    if category_code:
        wanted = wanted.where(Plan.category_code == category_code)
    return paginate(wanted, page)


def plan_for(actor: Actor, plan_id: int) -> Plan:
    """The plan, if it is of the body acted for; else there is none."""
    plan = db.session.scalar(
        select(Plan)
        .where(Plan.id == plan_id, Plan.organisation_id == actor.organisation)
        .options(joinedload(Plan.category), joinedload(Plan.place))
    )
    if plan is None:
        raise NotFound("There is no such plan, or it is not yours to see.")
    return plan
