"""The search itself: services in force by need, place and group, a page at a time, in a handful of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from catalogue.entries.queries import Entry, entries_of, whole
from catalogue.search.rules import TAILORED, YOUNG, For, Gazetteer, PlaceName, words_of
from contracts.agreements.models import Agreement, LineTerms, LineTermsPlace, ServiceLine, ServiceLineCategory
from contracts.agreements.queries import is_open, terms_in_force
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.framework.models import Category, DesiredOutcome
from marketplace.framework.queries import categories, outcomes
from marketplace.paging import PAGE, Page, before
from marketplace.places.models import Place


@dataclass(frozen=True)
class Needs:
    """What can be sought: every category with the outcomes desired in it."""

    categories: Sequence[Category]
    outcomes: Sequence[DesiredOutcome]

    def category_of(self, need: str) -> Category | None:
        """The category that a category's or an outcome's code stands for; None if it is neither."""
        code = next((one.category_code for one in self.outcomes if one.code == need), need)
        return next((one for one in self.categories if one.code == code), None)

    def words_for(self, need: str) -> str:
        """The need in words, as chosen; nothing if it is none."""
        named = {one.code: one.name for one in self.categories} | {one.code: one.text for one in self.outcomes}
        return named.get(need, "")

    def codes_with(self, word: str) -> list[str]:
        """The categories whose name, or one of whose outcomes, holds the word."""
        by_name = {one.code for one in self.categories if word in one.name.lower()}
        return sorted(by_name | {one.category_code for one in self.outcomes if word in one.text.lower()})


@dataclass(frozen=True)
class Sought:
    """What somebody searches for; whatever is left out narrows nothing."""

    need: str = ""
    words: str = ""
    place: PlaceName | None = None
    group: For | None = None


@dataclass(frozen=True)
class Found:
    """One service found: whether it covers all of the place sought, and whether it is tailored for the group."""

    entry: Entry
    # None where no place was named.
    covers: bool | None
    tailored: bool
    # Where only a part of the place is served: the names of that part.
    part: Sequence[str]


def gazetteer() -> Gazetteer:
    """Every place in use: 373 short rows in one query."""
    rows = db.session.execute(
        select(Place.code, Place.name, Place.level, Place.parent_code).where(Place.retired_on.is_(None))
    )
    return Gazetteer(PlaceName(row.code, row.name, row.level, row.parent_code) for row in rows)


def needs() -> Needs:
    """What can be sought."""
    return Needs(categories(), outcomes())


def find(sought: Sought, *, places: Gazetteer, known: Needs, on: date, number: int = 1) -> Page[Found]:
    """One page of the services that take referrals on a day: tailored ones first, then those that cover all of the
    place, by title."""
    number = max(number, 1)
    asked = (
        select(ServiceLine, func.count().over())
        .join(ServiceLine.agreement)
        .join(Organisation, Organisation.id == Agreement.supplier_id)
        .where(is_open(on), *_conditions(sought, places, known, on))
        .options(*whole())
        .order_by(*_order(sought, places, on), ServiceLine.title, ServiceLine.id)
        .limit(PAGE)
    )
    rows = db.session.execute(asked.offset(before(number))).all()
    if not rows and number > 1:
        number, rows = 1, db.session.execute(asked).all()
    entries = entries_of([row[0] for row in rows], on=on)
    return Page([_found(entry, sought, places) for entry in entries], rows[0][1] if rows else 0, number)


def _conditions(sought: Sought, places: Gazetteer, known: Needs, on: date) -> list[ColumnElement[bool]]:
    conditions = []
    if sought.need:
        category = known.category_of(sought.need)
        conditions.append(_in_categories([category.code] if category else []))
    conditions += [
        or_(
            ServiceLine.title.icontains(word, autoescape=True),
            Organisation.name.icontains(word, autoescape=True),
            _in_categories(known.codes_with(word)),
        )
        for word in words_of(sought.words)
    ]
    if sought.place is not None:
        conditions.append(_in_places(places.touching(sought.place.code), on))
    if sought.group is not None:
        conditions.append(_for_group(sought.group))
    return conditions


def _for_group(group: For) -> ColumnElement[bool]:
    youngest, oldest = YOUNG
    return {
        For.WOMEN: ServiceLine.open_to_women.is_(True),
        For.MEN: ServiceLine.open_to_men.is_(True),
        For.YOUNG_ADULTS: and_(
            ServiceLine.minimum_age <= oldest,
            or_(ServiceLine.maximum_age.is_(None), ServiceLine.maximum_age >= youngest),
        ),
        For.MINORITY_ETHNIC: _in_categories([TAILORED[For.MINORITY_ETHNIC]]),
    }[group]


def _order(sought: Sought, places: Gazetteer, on: date) -> list[ColumnElement[int]]:
    order: list[ColumnElement[int]] = []
    if sought.group in TAILORED:
        order.append(_last_unless(_in_categories([TAILORED[sought.group]])))
    if sought.place is not None:
        code = sought.place.code
        order.append(_last_unless(_in_places({code, *(outer.code for outer in places.parents(code))}, on)))
    return order


def _last_unless(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 0), else_=1)


def _in_categories(codes: Sequence[str]) -> ColumnElement[bool]:
    return ServiceLine.id.in_(select(ServiceLineCategory.line_id).where(ServiceLineCategory.category_code.in_(codes)))


def _in_places(codes: set[str], on: date) -> ColumnElement[bool]:
    return ServiceLine.id.in_(
        terms_in_force(on)
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .where(LineTermsPlace.place_code.in_(sorted(codes)))
        .with_only_columns(LineTerms.line_id)
    )


def _found(entry: Entry, sought: Sought, places: Gazetteer) -> Found:
    covers, part = None, []
    if sought.place is not None:
        covers = places.covers({place.code for place in entry.terms.places}, sought.place.code)
        inside = set(places.within(sought.place.code))
        part = [] if covers else [place.name for place in entry.terms.places if place.code in inside]
    tailored = sought.group in TAILORED and TAILORED[sought.group] in {one.code for one in entry.line.categories}
    return Found(entry, covers, tailored, part)
