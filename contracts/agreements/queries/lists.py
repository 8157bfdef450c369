"""Lists of contracts: filtered, sorted, paged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements.models import (
    Agreement,
    ServiceLine,
)
from contracts.agreements.queries.finding import theirs, with_terms
from contracts.agreements.rules import (
    TURN,
    AgreementStatus,
    Origin,
    Standing,
)
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


class Order(StrEnum):
    """How a list of contracts may be sorted."""

    NEWEST = "newest"
    REFERENCE = "reference"
    SUPPLIER = "supplier"
    STARTS = "starts"
    ENDS = "ends"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            Order.NEWEST: "Newest first",
            Order.REFERENCE: "Reference",
            Order.SUPPLIER: "Supplier",
            Order.STARTS: "Start date",
            Order.ENDS: "End date, soonest first",
        }[self]


@dataclass(frozen=True)
class Filter:
    """What a list of contracts is narrowed to and how it is sorted."""

    text: str = ""
    standing: Standing | None = None
    origin: Origin | None = None
    order: Order = Order.NEWEST


def agreements(actor: Actor, narrowed: Filter, *, number: int, on: date) -> Page[Agreement]:
    """One page of the contracts that concern the actor."""
    matching = _matching(actor, narrowed, on)
    total = db.session.scalar(select(func.count()).select_from(matching.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.scalars(matching.offset(before(number)).limit(PAGE)).all()
    return Page(rows, total, number)


def every_agreement(actor: Actor, narrowed: Filter, *, on: date) -> Iterator[Agreement]:
    """All contracts that concern the actor, in order, a hundred at a time: for downloads."""
    yield from db.session.scalars(_matching(actor, narrowed, on).execution_options(yield_per=100))


def _matching(actor: Actor, narrowed: Filter, on: date) -> Select[Agreement]:
    actor.must(Permission.SEE_CONTRACTS)
    supplier, commissioner = aliased(Organisation), aliased(Organisation)
    query = (
        select(Agreement)
        .join(supplier, Agreement.supplier_id == supplier.id)
        .join(commissioner, Agreement.commissioner_id == commissioner.id)
        .where(theirs(actor))
        .options(
            joinedload(Agreement.supplier),
            joinedload(Agreement.commissioner),
            selectinload(Agreement.lines).options(*with_terms()),
            selectinload(Agreement.lines).selectinload(ServiceLine.categories),
        )
    )
    for word in narrowed.text.split():
        query = query.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (Agreement.reference, Agreement.title, supplier.name, commissioner.name)
                )
            )
        )
    if narrowed.origin is not None:
        query = query.where(Agreement.origin == narrowed.origin)
    if narrowed.standing is not None:
        query = query.where(_standing(narrowed.standing, on))
    keys = {
        Order.NEWEST: (Agreement.id.desc(),),
        Order.REFERENCE: (Agreement.reference,),
        Order.SUPPLIER: (supplier.name, Agreement.reference),
        Order.STARTS: (Agreement.starts_on, Agreement.id),
        Order.ENDS: (Agreement.ends_on.asc().nulls_last(), Agreement.id),
    }
    return query.order_by(*keys[narrowed.order])


def _standing(standing: Standing, on: date) -> ColumnElement[bool]:
    """The rule `standing_of` for lists; a test holds the two together."""
    signed = Agreement.status == AgreementStatus.SIGNED
    return {
        Standing.AWAITING_SIGNATURE: Agreement.status.in_(TURN),
        Standing.ABANDONED: Agreement.status == AgreementStatus.ABANDONED,
        Standing.NOT_BEGUN: and_(signed, Agreement.starts_on > on),
        Standing.IN_FORCE: and_(
            signed, Agreement.starts_on <= on, or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on)
        ),
        Standing.ENDED: and_(signed, Agreement.starts_on <= on, Agreement.ends_on < on),
    }[standing]
