"""Contracts side by side in one month, and what a year of scorecards says by kind of help (R71, R73)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements.models import Agreement, ServiceLine, ServiceLineCategory
from contracts.agreements.queries import theirs
from contracts.agreements.rules import months_after
from contracts.performance.models import Scorecard, ScorecardRow
from contracts.performance.rules import FEW, GRAVEST_FIRST, STANDING, Measure, Rating
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.paging import PAGE, Page, before, nearest_page

# What is said by kind of help takes in so many months: our default (‡).
MONTHS_TOGETHER = 12


class Order(StrEnum):
    """How contracts side by side may be sorted."""

    GRAVEST = "gravest"
    REFERENCE = "reference"
    SUPPLIER = "supplier"

    @property
    def label(self) -> str:
        """The order in words."""
        return {Order.GRAVEST: "Gravest first", Order.REFERENCE: "Reference", Order.SUPPLIER: "Supplier"}[self]


@dataclass(frozen=True)
class Narrowed:
    """What the list is narrowed to and how it is sorted."""

    text: str = ""
    rating: Rating | None = None
    category: str = ""
    order: Order = Order.GRAVEST


@dataclass(frozen=True)
class Compared:
    """One contract's scorecard, and how it was rated the month before, if it was."""

    card: Scorecard
    before: Rating | None


@dataclass(frozen=True)
class Together:
    """One measure of one kind of help over some months and contracts: so many cases, so many met."""

    category: str
    measure: Measure
    contracts: int
    met: int
    cases: int

    @property
    def percent(self) -> int | None:
        """The share met in whole percent, rounded down; None where there are too few cases to show."""
        return self.met * 100 // self.cases if self.cases >= FEW else None


def latest_month(actor: Actor) -> date | None:
    """The latest month with a scorecard of a contract that concerns the actor."""
    actor.must(Permission.SEE_CONTRACTS)
    return db.session.scalar(select(func.max(Scorecard.month)).join(Scorecard.agreement).where(theirs(actor)))


def compared(actor: Actor, narrowed: Narrowed, *, month: date, number: int) -> Page[Compared]:
    """One page of the contracts that concern the actor, by their scorecards of one month."""
    matching = _matching(actor, narrowed, month)
    total = db.session.scalar(select(func.count()).select_from(matching.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.scalars(matching.offset(before(number)).limit(PAGE)).all()
    return Page(_with_before(rows, month), total, number)


def every_compared(actor: Actor, narrowed: Narrowed, *, month: date) -> list[Compared]:
    """All of them, with their rows: for downloads."""
    found = db.session.scalars(_matching(actor, narrowed, month).options(selectinload(Scorecard.rows))).all()
    return _with_before(found, month)


def _matching(actor: Actor, narrowed: Narrowed, month: date) -> Select[Scorecard]:
    actor.must(Permission.SEE_CONTRACTS)
    supplier, commissioner = aliased(Organisation), aliased(Organisation)
    query = (
        select(Scorecard)
        .join(Scorecard.agreement)
        .join(supplier, Agreement.supplier_id == supplier.id)
        .join(commissioner, Agreement.commissioner_id == commissioner.id)
        .where(theirs(actor), Scorecard.month == month)
        .options(
            joinedload(Scorecard.agreement).joinedload(Agreement.supplier),
            joinedload(Scorecard.agreement).joinedload(Agreement.commissioner),
        )
    )
    for word in narrowed.text.split():
        columns = (Agreement.reference, Agreement.title, supplier.name, commissioner.name)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    if narrowed.rating is not None:
        query = query.where(Scorecard.overall == narrowed.rating)
    if narrowed.category:
        query = query.where(
            select(ServiceLine.id)
            .join(ServiceLineCategory, ServiceLineCategory.line_id == ServiceLine.id)
            .where(ServiceLine.agreement_id == Agreement.id, ServiceLineCategory.category_code == narrowed.category)
            .exists()
        )
    keys: dict[Order, tuple[Any, ...]] = {
        Order.GRAVEST: (case(GRAVEST_FIRST, value=Scorecard.overall), Agreement.reference),
        Order.REFERENCE: (Agreement.reference,),
        Order.SUPPLIER: (supplier.name, Agreement.reference),
    }
    return query.order_by(*keys[narrowed.order])


def _with_before(cards: Sequence[Scorecard], month: date) -> list[Compared]:
    rows = db.session.execute(
        select(Scorecard.agreement_id, Scorecard.overall).where(
            Scorecard.agreement_id.in_([card.agreement_id for card in cards]),
            Scorecard.month == months_after(month, -1),
        )
    )
    earlier = {row.agreement_id: row.overall for row in rows}
    return [Compared(card, earlier.get(card.agreement_id)) for card in cards]


def by_category(actor: Actor, *, until: date) -> list[Together]:
    """What the scorecards of the actor's contracts say of each kind of help, over a year: for the next plan (R73).

    A contract that gives several kinds of help stands with each of them. Of what stands at a month's end, such as a
    quality review, each contract's latest counts, and once.
    """
    actor.must(Permission.SEE_CONTRACTS)
    kinds = (
        select(ServiceLine.agreement_id, ServiceLineCategory.category_code)
        .join(ServiceLineCategory, ServiceLineCategory.line_id == ServiceLine.id)
        .distinct()
        .subquery()
    )
    each = (Scorecard.agreement_id, ScorecardRow.measure)
    said = (
        select(
            *each,
            ScorecardRow.met,
            ScorecardRow.cases,
            func.row_number().over(partition_by=each, order_by=Scorecard.month.desc()).label("back"),
        )
        .join(ScorecardRow.scorecard)
        .join(Scorecard.agreement)
        .where(
            theirs(actor),
            Scorecard.month <= until,
            Scorecard.month > months_after(until, -MONTHS_TOGETHER),
            ScorecardRow.cases > 0,
        )
        .subquery()
    )
    rows = db.session.execute(
        select(
            Category.name,
            said.c.measure,
            func.count(said.c.agreement_id.distinct()),
            func.sum(said.c.met),
            func.sum(said.c.cases),
        )
        .join(kinds, kinds.c.agreement_id == said.c.agreement_id)
        .join(Category, Category.code == kinds.c.category_code)
        .where(or_(said.c.measure.not_in(STANDING), said.c.back == 1))
        .group_by(Category.code, said.c.measure)
        .order_by(Category.position)
    )
    found = [Together(name, measure, contracts, met, cases) for name, measure, contracts, met, cases in rows]
    order = list(Measure)
    return sorted(found, key=lambda one: (one.category, order.index(one.measure)))
