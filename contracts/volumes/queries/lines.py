"""Lists of service lines with where each stands, and one line whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import (
    Agreement,
    AgreementFunder,
    AgreementVersion,
    LineTerms,
    LineTermsPlace,
    ServiceLine,
    ServiceLineCategory,
)
from contracts.agreements.queries import in_force, theirs, with_terms
from contracts.agreements.rules import AgreementStatus
from contracts.referrals import queries as referrals
from contracts.volumes import rules
from contracts.volumes.models import LineSeason
from contracts.volumes.queries.reading import reading, readings
from contracts.volumes.rules import Position, Standing, Step
from marketplace.access import Actor, Permission
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.paging import Page, before, nearest_page
from marketplace.places.models import PlaceWithin


class Order(StrEnum):
    """How a list of services may be sorted."""

    URGENCY = "urgency"
    TITLE = "title"
    USED = "used"
    ROOM = "room"
    UNUSED = "unused"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            Order.URGENCY: "Most urgent first",
            Order.TITLE: "Service",
            Order.USED: "Most of the cap used",
            Order.ROOM: "Most room left",
            Order.UNUSED: "Most paid and not used",
        }[self]


@dataclass(frozen=True)
class Narrowed:
    """What a list of services is narrowed to and how it is sorted; whatever is left out narrows nothing."""

    text: str = ""
    standing: Standing | None = None
    category: str = ""
    place: str = ""
    order: Order = Order.URGENCY


@dataclass(frozen=True)
class LinePosition:
    """A service line and where it stands."""

    line: ServiceLine
    position: Position


@dataclass(frozen=True)
class PageOf(Page[LinePosition]):
    """One page of lines, and how many of all stand where."""

    standings: dict[Standing, int]


def position(line: ServiceLine, *, on: date) -> Position:
    """Where one line stands at the end of a day, in the contract year that holds the day."""
    found = reading(line.id, on=on)
    if found is None:
        raise NotFound("Nothing is agreed about this service yet.")
    return found


def steps(found: Position) -> list[Step]:
    """The contract year month by month: what the chart draws and its table says."""
    last = min(found.last_day, found.on)
    return rules.steps(found, referrals.counted_by_day(found.line_id, found.first_day, last))


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """Which lines of signed contracts an actor may see: all of the nation's, or those that concern their organisation.

    Raises NotAllowed for roles that see no volumes.
    """
    if actor.may(Permission.SEE_NATIONAL_VOLUMES):
        return true()
    if not actor.may(Permission.SEE_VOLUMES):
        raise NotAllowed("Your role does not let you see volumes.")
    return theirs(actor)


def line_for(actor: Actor, line_id: int) -> ServiceLine:
    """The line of a signed contract, if the actor may see it. Raises NotFound else."""
    found = db.session.scalar(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(ServiceLine.id == line_id, Agreement.status == AgreementStatus.SIGNED, seen_by(actor))
        .options(*_whole())
    )
    if found is None:
        raise NotFound("There is no such service, or it does not concern your organisation.")
    return found


def may_act(actor: Actor, line: ServiceLine, on: date) -> bool:
    """Whether the actor acts on this service's volume for the body that leads its contract or one that pays for it."""
    agreement = line.agreement
    bodies = {agreement.commissioner_id, *(one.organisation_id for one in agreement.version_on(on).funders)}
    return actor.may(Permission.ACT_ON_VOLUMES) and actor.organisation_id in bodies


def led_or_paid(actor: Actor, on: date) -> ColumnElement[bool]:
    """`may_act`, for lists: contracts in force that the actor's organisation leads or pays for on a day."""
    pays = exists().where(
        AgreementFunder.organisation_id == actor.organisation,
        AgreementFunder.version_id == AgreementVersion.id,
        AgreementVersion.agreement_id == Agreement.id,
        in_force(on),
    )
    return or_(Agreement.commissioner_id == actor.organisation, pays)


def may_set_season(actor: Actor, line: ServiceLine) -> bool:
    """Whether the actor acts on volumes for the body that leads this contract."""
    return actor.may(Permission.ACT_ON_VOLUMES) and line.agreement.commissioner_id == actor.organisation_id


def seasons(line_id: int) -> Sequence[LineSeason]:
    """Every season ever set for a line, the latest first."""
    return db.session.scalars(
        select(LineSeason)
        .where(LineSeason.line_id == line_id)
        .order_by(LineSeason.from_day.desc(), LineSeason.id.desc())
        .options(joinedload(LineSeason.person))
    ).all()


def season_on(line_id: int, on: date) -> tuple[int, ...]:
    """How much a working day of each month weighs for a line, January to December, by what holds on a day."""
    found = db.session.scalar(
        select(LineSeason.weights)
        .where(LineSeason.line_id == line_id, LineSeason.from_day <= on)
        .order_by(LineSeason.from_day.desc(), LineSeason.id.desc())
        .limit(1)
    )
    return rules.EVEN if found is None else tuple(found)


def chosen(actor: Actor, narrowed: Narrowed, *, on: date) -> list[Position]:
    """Where every line stands that the actor may see and that is in force on a day or to come, narrowed and sorted."""
    return _sorted(_in_standing(_matching(actor, narrowed, on), narrowed.standing), narrowed.order)


def lines_for(actor: Actor, narrowed: Narrowed, *, on: date, number: int) -> PageOf:
    """One page of them. A standing follows from the count, so all are assessed; only those shown are fetched whole."""
    found = _matching(actor, narrowed, on)
    standings = dict.fromkeys(Standing, 0)
    for one in found:
        standings[one.standing] += 1
    rows = _sorted(_in_standing(found, narrowed.standing), narrowed.order)
    number = nearest_page(number, len(rows))
    return PageOf(with_lines(rows[before(number) : before(number + 1)]), len(rows), number, standings)


def with_lines(found: Sequence[Position]) -> list[LinePosition]:
    """Positions with their lines, contracts and suppliers, in the same order."""
    if not found:
        return []
    lines = {
        line.id: line
        for line in db.session.scalars(
            select(ServiceLine)
            .where(ServiceLine.id.in_([one.line_id for one in found]))
            .options(
                joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
                joinedload(ServiceLine.agreement).joinedload(Agreement.commissioner),
                selectinload(ServiceLine.categories),
            )
        )
    }
    return [LinePosition(lines[one.line_id], one) for one in found]


def _matching(actor: Actor, narrowed: Narrowed, on: date) -> list[Position]:
    which = [
        seen_by(actor),
        in_force_or_to_come(on),
        *(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
            for word in narrowed.text.split()
        ),
    ]
    if narrowed.category:
        which.append(in_category(narrowed.category))
    if narrowed.place:
        which.append(touches(narrowed.place))
    return readings(*which, on=on)


def in_force_or_to_come(on: date) -> ColumnElement[bool]:
    """Whether a line's contract is signed and not over on a day."""
    ends = or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on)
    return (Agreement.status == AgreementStatus.SIGNED) & ends


def in_category(code: str) -> ColumnElement[bool]:
    """Whether a line gives this kind of help."""
    return ServiceLine.id.in_(select(ServiceLineCategory.line_id).where(ServiceLineCategory.category_code == code))


def touches(place_code: str) -> ColumnElement[bool]:
    """Whether a line's terms (in the query at hand) serve a place inside this one, or around it."""
    around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == place_code)
    inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == place_code)
    served = select(LineTermsPlace.terms_id).where(LineTermsPlace.place_code.in_(around.union(inside)))
    return LineTerms.id.in_(served)


def _in_standing(found: list[Position], standing: Standing | None) -> list[Position]:
    return found if standing is None else [one for one in found if one.standing is standing]


def _share_used(found: Position) -> float:
    return found.counted / found.cap if found.cap else -1.0


def _unused(found: Position) -> Decimal:
    both = rules.paid_against_used(found)
    return both.difference if both else Decimal("-Infinity")


_URGENCY = {standing: rank for rank, standing in enumerate(Standing)}
_KEYS: dict[Order, Callable[[Position], Any]] = {
    Order.URGENCY: lambda found: _URGENCY[found.standing],
    Order.USED: lambda found: -_share_used(found),
    Order.ROOM: lambda found: -(-1 if found.room is None else found.room),
    Order.UNUSED: lambda found: -_unused(found),
}


def _sorted(found: list[Position], order: Order) -> list[Position]:
    """They come by title, which stays the order among equals."""
    return found if order is Order.TITLE else sorted(found, key=_KEYS[order])


def _whole() -> tuple[Any, ...]:
    return (
        joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
        joinedload(ServiceLine.agreement).joinedload(Agreement.commissioner),
        joinedload(ServiceLine.agreement).selectinload(Agreement.versions).selectinload(AgreementVersion.funders),
        selectinload(ServiceLine.categories),
        *with_terms(),
    )
