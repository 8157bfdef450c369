"""Figures that many plans use: needs data of areas with its dates, and a body's unit costs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.plans.models import NeedsData, UnitCosts
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place


def announce_needs_data(
    *,
    title: str,
    source: str,
    place_code: str,
    due_on: date,
    good_until: date,
    published_on: date | None,
    actor: Actor,
    now: datetime,
) -> NeedsData:
    """Enter needs data of an area: when it is due, whether it is published, and until when it is good (R48)."""
    actor.must(Permission.PLAN)
    place = db.session.scalar(select(Place).where(Place.code == place_code).with_for_update(key_share=True))
    if place is None or place.retired_on is not None:
        raise Invalid("Choose an area from the list.", field="place_code")
    if good_until <= due_on:
        raise Invalid("The data must be good until a day after it is due.", field="good_until")
    _not_to_come(published_on, now)
    if db.session.scalar(select(NeedsData.id).filter_by(place_code=place_code, title=title)) is not None:
        raise AlreadyDone("Needs data of this name is there already for this area.", field="title")
    found = NeedsData(
        place_code=place_code,
        organisation_id=actor.organisation,
        title=title,
        source=source,
        due_on=due_on,
        published_on=published_on,
        good_until=good_until,
        entered_at=now,
        entered_by=actor.person,
    )
    db.session.add(found)
    db.session.flush()
    audit.record("Entered needs data", found, actor=actor, now=now, due_on=due_on.isoformat())
    db.session.flush()
    return found


def publish_needs_data(data: NeedsData, *, published_on: date, good_until: date, actor: Actor, now: datetime) -> None:
    """Say that needs data is published, on which day, and until when it is good. By the body that entered it."""
    actor.must(Permission.PLAN)
    if data.organisation_id != actor.organisation:
        raise NotAllowed("Only the body that entered this needs data can change its dates.")
    _not_to_come(published_on, now)
    if good_until <= max(published_on, data.due_on):
        raise Invalid("The data must be good until a day after it is due and published.", field="good_until")
    data.published_on, data.good_until = published_on, good_until
    audit.record("Published needs data", data, actor=actor, now=now, published_on=published_on.isoformat())
    db.session.flush()


def enter_unit_costs(
    *,
    category_code: str,
    amounts: tuple[Decimal, Decimal, Decimal],
    source: str,
    as_of: date,
    actor: Actor,
    now: datetime,
) -> UnitCosts:
    """Enter what one referral costs in a category at low, medium and high intensity, with source and date (R44).

    What was entered before stays to be read. Refused: a cost that falls as intensity rises, a day to come, and the very
    same figures twice.
    """
    actor.must(Permission.PLAN)
    low, medium, high = amounts
    if not 0 <= low <= medium <= high or high <= 0:
        raise Invalid("A higher intensity cannot cost less than a lower one.", field="unit_high")
    if as_of > clock.london(now).date():
        raise Invalid("The day of the figures cannot be in the future.", field="as_of")
    category = db.session.get(Category, category_code)
    if category is None or category.retired_on is not None:
        raise Invalid("Choose a category from the list.", field="category_code")
    own = select(Organisation.id).where(Organisation.id == actor.organisation)
    db.session.execute(own.with_for_update(key_share=True))
    same = select(UnitCosts.id).filter_by(
        organisation_id=actor.organisation,
        category_code=category_code,
        low=low,
        medium=medium,
        high=high,
        source=source,
        as_of=as_of,
    )
    if db.session.scalar(same.limit(1)) is not None:
        raise AlreadyDone("These unit costs are entered already.")
    found = UnitCosts(
        organisation_id=actor.organisation,
        category_code=category_code,
        low=low,
        medium=medium,
        high=high,
        source=source,
        as_of=as_of,
        entered_at=now,
        entered_by=actor.person,
    )
    db.session.add(found)
    db.session.flush()
    audit.record("Entered unit costs", found, actor=actor, now=now, category=category_code, as_of=as_of.isoformat())
    db.session.flush()
    return found


def _not_to_come(published_on: date | None, now: datetime) -> None:
    if published_on is not None and published_on > clock.london(now).date():
        raise Invalid("The day of publication cannot be in the future. Enter it as due.", field="published_on")
