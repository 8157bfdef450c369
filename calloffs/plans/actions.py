"""Plans: writing down a need."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.plans.models import Plan
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place


def plan_need(
    *,
    title: str,
    category_code: str,
    place_code: str,
    need: str,
    projected_annual_volume: int,
    annual_budget: Decimal,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Write down a need of the body acted for: volume in referrals a year, budget in pounds a year.

    Refused: a volume or budget that is not above zero, a category or area that is not in use, and the very same plan
    a second time (a button pressed twice).
    """
    actor.must(Permission.PLAN)
    if projected_annual_volume < 1:
        raise Invalid("The projected volume must be at least 1 referral a year.", field="projected_annual_volume")
    if annual_budget <= 0:
        raise Invalid("The budget must be above £0.", field="annual_budget")
    category = db.session.get(Category, category_code)
    if category is None or category.retired_on is not None:
        raise Invalid("Choose a category from the list.", field="category_code")
    place = db.session.get(Place, place_code)
    if place is None or place.retired_on is not None:
        raise Invalid("Choose an area from the list.", field="place_code")
    written: dict[str, object] = {
        "organisation_id": actor.organisation,
        "title": title,
        "category_code": category_code,
        "place_code": place_code,
        "need": need,
        "projected_annual_volume": projected_annual_volume,
        "annual_budget": annual_budget,
        "created_by": actor.person,
    }
    # Two presses at once come one after the other.
    own = select(Organisation.id).where(Organisation.id == actor.organisation)
    db.session.execute(own.with_for_update(key_share=True))
    if db.session.scalar(select(Plan.id).filter_by(**written).limit(1)) is not None:
        raise AlreadyDone("You have saved this plan already. It is in the list of plans.")
    plan = Plan(**written, created_at=now)
    db.session.add(plan)
    db.session.flush()
    audit.record(
        "Planned a need", plan, actor=actor, now=now, volume=projected_annual_volume, annual_budget=str(annual_budget)
    )
    db.session.flush()
    return plan
