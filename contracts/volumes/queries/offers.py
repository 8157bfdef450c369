"""What is offered and for how much: the rate card (R54), and regions compared by kind of help and by whom it is for
(R53)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select

from contracts.agreements.models import LineTerms, LineTermsPlace, ServiceLine
from contracts.referrals import queries as referrals
from contracts.volumes import rules
from contracts.volumes.queries.boards import areas_of
from contracts.volumes.queries.lines import Narrowed, Order, chosen, in_category, in_force_or_to_come, with_lines
from contracts.volumes.queries.reading import among, applies, readings
from contracts.volumes.rules import Position
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.money import pounds
from marketplace.paging import Page, before, nearest_page
from marketplace.places.models import Place
from marketplace.places.queries import places_at
from marketplace.places.rules import Level


class RateOrder(StrEnum):
    """How the rate card may be sorted."""

    TITLE = "title"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"

    @property
    def label(self) -> str:
        """The order in words."""
        return {RateOrder.CHEAPEST: "Lowest price first", RateOrder.DEAREST: "Highest price first"}.get(self, "Service")


@dataclass(frozen=True)
class Rate:
    """One service's price: of a year as planned, and of one referral of that year."""

    line: ServiceLine
    places: Sequence[str]
    position: Position
    annual: Decimal
    volume: int

    @property
    def unit(self) -> Decimal:
        """Pounds for one referral, if exactly as many come as planned."""
        return pounds(self.annual / self.volume)


def rate_card(actor: Actor, narrowed: Narrowed, order: RateOrder, *, on: date, number: int) -> Page[Rate]:
    """One page of the services that the actor may see and that have a price."""
    found = _priced(actor, narrowed, order, on)
    number = nearest_page(number, len(found))
    return Page(_rates(found[before(number) : before(number + 1)], on), len(found), number)


def every_rate(actor: Actor, narrowed: Narrowed, order: RateOrder, *, on: date) -> list[Rate]:
    """All of them, in order: for downloads."""
    return _rates(_priced(actor, narrowed, order, on), on)


def _priced(actor: Actor, narrowed: Narrowed, order: RateOrder, on: date) -> list[Position]:
    by_title = Narrowed(narrowed.text, category=narrowed.category, place=narrowed.place, order=Order.TITLE)
    found = [one for one in chosen(actor, by_title, on=on) if one.plan and one.plan[-1].volume]
    if order is RateOrder.TITLE:
        return found
    return sorted(found, key=_unit, reverse=order is RateOrder.DEAREST)


def _unit(found: Position) -> Decimal:
    return Decimal(found.plan[-1].price) / found.plan[-1].volume


def _rates(found: Sequence[Position], on: date) -> list[Rate]:
    served = _places([one.line_id for one in found], on)
    return [
        Rate(
            row.line,
            served.get(row.line.id, []),
            row.position,
            row.position.plan[-1].price,
            row.position.plan[-1].volume,
        )
        for row in with_lines(found)
    ]


def _places(lines: Sequence[int], on: date) -> dict[int, list[str]]:
    rows = db.session.execute(
        select(LineTerms.line_id, Place.name)
        .join(LineTerms.version)
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .join(Place, Place.code == LineTermsPlace.place_code)
        .where(applies(on), among(LineTerms.line_id, lines))
        .order_by(Place.name)
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for line_id, name in rows:
        found[line_id].append(name)
    return found


class Group(StrEnum):
    """For whom a service is."""

    ANYBODY = "anybody"
    WOMEN_ONLY = "women_only"
    MEN_ONLY = "men_only"
    YOUNG_ADULTS = "young_adults"

    @property
    def label(self) -> str:
        """The group in words."""
        return {
            Group.ANYBODY: "All services",
            Group.WOMEN_ONLY: "For women only",
            Group.MEN_ONLY: "For men only",
            Group.YOUNG_ADULTS: "For young adults only (up to 25)",
        }[self]


# The oldest of those whom a service for young adults takes.
OLDEST_YOUNG = 25


@dataclass
class Offer:
    """What is offered in one region. A service that serves several stands in each of them, whole."""

    region: str
    services: int = 0
    women_only: int = 0
    planned: int = 0
    expected: int = 0
    counted: int = 0
    waiting: int = 0
    # What a year of the planned volumes costs, and of how many referrals.
    annual: Decimal = Decimal(0)
    volume: int = 0

    @property
    def unit(self) -> Decimal | None:
        """Pounds for one planned referral on average; None where nothing is priced."""
        return pounds(self.annual / self.volume) if self.volume else None

    @property
    def used_percent(self) -> int | None:
        """Referrals made in percent of what was planned by now; None where nothing was."""
        return rules.half_up(self.counted * 100, self.expected) if self.expected else None


def comparison(actor: Actor, *, category: str, group: Group, on: date) -> list[Offer]:
    """Every probation region, those without an offer too: what is offered there of a kind of help, to a group."""
    actor.must(Permission.SEE_NATIONAL_VOLUMES)
    found = readings(in_force_or_to_come(on), *([in_category(category)] if category else []), on=on)
    lines = [one.line_id for one in found]
    for_whom = _for_whom(lines)
    areas, queues = areas_of(lines, on, Level.PROBATION_REGION), referrals.queues_of(lines)
    offers = {one.name: Offer(one.name) for one in places_at(Level.PROBATION_REGION)}
    for one in found:
        groups = for_whom[one.line_id]
        if group not in groups:
            continue
        for name in areas.get(one.line_id, []):
            offer = offers.setdefault(name, Offer(name))
            offer.services += 1
            offer.women_only += Group.WOMEN_ONLY in groups
            offer.planned += one.planned or 0
            offer.expected += one.expected or 0
            offer.counted += one.counted
            offer.waiting += queues[one.line_id].waiting
            if one.plan:
                offer.annual += one.plan[-1].price
                offer.volume += one.plan[-1].volume
    return sorted(offers.values(), key=lambda offer: offer.region)


def _for_whom(lines: Sequence[int]) -> dict[int, set[Group]]:
    rows = db.session.execute(
        select(ServiceLine.id, ServiceLine.open_to_women, ServiceLine.open_to_men, ServiceLine.maximum_age).where(
            among(ServiceLine.id, lines)
        )
    )
    return {
        row.id: {
            Group.ANYBODY,
            *([] if row.open_to_men else [Group.WOMEN_ONLY]),
            *([] if row.open_to_women else [Group.MEN_ONLY]),
            *([Group.YOUNG_ADULTS] if row.maximum_age is not None and row.maximum_age <= OLDEST_YOUNG else []),
        }
        for row in rows
    }
