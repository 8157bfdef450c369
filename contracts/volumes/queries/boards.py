"""Boards: a region's or the nation's services together, by area and by kind of help: what was commissioned, what is
used, and what is paid for it (R49, R50, R52, R70)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, func, select

from contracts.agreements.models import LineTerms, LineTermsPlace, ServiceLineCategory
from contracts.agreements.queries import suspended_lines
from contracts.referrals import queries as referrals
from contracts.volumes import rules
from contracts.volumes.queries.lines import in_force_or_to_come, seen_by, touches
from contracts.volumes.queries.reading import among, applies, readings
from contracts.volumes.rules import Position, Standing
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place, PlaceWithin
from marketplace.places.rules import Level


class By(StrEnum):
    """What the rows of a board stand for."""

    AREA = "area"
    CATEGORY = "category"
    BOTH = "both"

    @property
    def label(self) -> str:
        """The choice in words."""
        return {By.AREA: "Area", By.CATEGORY: "Kind of help", By.BOTH: "Area and kind of help"}[self]


@dataclass
class Tally:
    """The sums of some services' positions. Services without a volume have referrals and nothing else.

    What is planned, and the cap, is of contracts that have begun; room is that of services that take referrals now.
    """

    services: int = 0
    # Of them, how many take referrals on the day; how many contracts are still to begin, and for how many people.
    taking: int = 0
    to_come: int = 0
    cap_to_come: int = 0
    planned: int = 0
    expected: int = 0
    counted: int = 0
    cap: int = 0
    room: int = 0
    paid: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    # Of those that count, how many are completed; and how many wait for a place.
    delivered: int = 0
    waiting: int = 0
    standings: dict[Standing, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))

    @property
    def used_percent(self) -> int | None:
        """Referrals made in percent of what was planned by now; None where nothing was."""
        return rules.half_up(self.counted * 100, self.expected) if self.expected else None

    @property
    def delivered_percent(self) -> int | None:
        """Referrals completed in percent of those made; None where none was."""
        return rules.half_up(self.delivered * 100, self.counted) if self.counted else None


@dataclass(frozen=True)
class Row:
    """One row of a board: an area, a kind of help, or both; and the sums of the services there."""

    area: str
    category: str
    tally: Tally


@dataclass(frozen=True)
class Board:
    """The rows, and the sums of all services, each counted once however many rows it stands in.

    `beyond` are the services that serve places outside the one asked for too: nothing says who came from where, so that
    they are counted whole.
    """

    rows: list[Row]
    total: Tally
    beyond: int = 0


def nation(actor: Actor, *, on: date, by: By) -> Board:
    """Every service in force or to come, by probation region and kind of help."""
    actor.must(Permission.SEE_NATIONAL_VOLUMES)
    return _board([in_force_or_to_come(on)], on, by, Level.PROBATION_REGION)


def region(actor: Actor, place_code: str, *, on: date, by: By) -> Board:
    """The services that the actor may see in a place or around it, by police force area and kind of help."""
    which = [seen_by(actor), in_force_or_to_come(on), touches(place_code)]
    return _board(which, on, by, Level.POLICE_FORCE_AREA, place_code)


def _board(which: list[ColumnElement[bool]], on: date, by: By, level: Level, place_code: str | None = None) -> Board:
    found = readings(*which, on=on)
    lines = [one.line_id for one in found]
    areas = areas_of(lines, on, level, about=place_code) if by is not By.CATEGORY else {}
    categories = _categories(lines) if by is not By.AREA else {}
    waiting, stopped = referrals.waiting_by_line(lines), suspended_lines(on)
    sums: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    total = Tally()
    for one in found:
        groups = [
            sums[area, category]
            for area in (areas.get(one.line_id, [_WIDE]) if by is not By.CATEGORY else [""])
            for category in (categories.get(one.line_id, [_NO_CATEGORY]) if by is not By.AREA else [""])
        ]
        _add(one, waiting.get(one.line_id, 0), one.line_id in stopped, [total, *groups])
    rows = [Row(area, category, tally) for (area, category), tally in sorted(sums.items())]
    return Board(rows, total, _beyond(place_code, lines, on) if place_code else 0)


# A service for a whole region stands in no police force area of it.
_WIDE = "Whole regions"
_NO_CATEGORY = "No kind of help recorded"


def _add(found: Position, waiting: int, stopped: bool, tallies: Iterable[Tally]) -> None:
    both, standing = rules.paid_against_used(found), found.standing
    planned, expected, cap = found.planned or 0, found.expected or 0, found.cap or 0
    begun, cap_to_come = found.on >= found.first_day, 0
    if not begun:
        planned, cap, cap_to_come = 0, 0, cap
    taking = begun and not stopped and found.year.opens <= found.on <= found.year.shuts
    room = found.room or 0 if taking else 0
    for tally in tallies:
        tally.services += 1
        tally.taking += taking
        tally.to_come += not begun
        tally.cap_to_come += cap_to_come
        tally.counted += found.counted
        tally.delivered += found.delivered
        tally.waiting += waiting
        tally.standings[standing] += 1
        tally.planned += planned
        tally.expected += expected
        tally.cap += cap
        tally.room += room
        if both is not None:
            tally.paid += both.paid
            tally.used += both.used


def _inside(place_code: str) -> Select[str]:
    return select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == place_code)


def _beyond(place_code: str, lines: list[int], on: date) -> int:
    """How many of these lines serve places outside this one too."""
    found = db.session.scalar(
        select(func.count(LineTerms.line_id.distinct()))
        .join(LineTerms.version)
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .where(applies(on), among(LineTerms.line_id, lines), LineTermsPlace.place_code.not_in(_inside(place_code)))
    )
    return found or 0


def areas_of(lines: list[int], on: date, level: Level, *, about: str | None = None) -> dict[int, list[str]]:
    """The names of the places of a level in which each line's places lie; only those inside or around a place, if one
    is asked about."""
    narrowed = []
    if about is not None:
        around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == about)
        narrowed = [Place.code.in_(around.union(_inside(about)))]
    rows = db.session.execute(
        select(LineTerms.line_id, Place.name)
        .join(LineTerms.version)
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .join(PlaceWithin, PlaceWithin.inner_code == LineTermsPlace.place_code)
        .join(Place, Place.code == PlaceWithin.outer_code)
        .where(applies(on), Place.level == level, among(LineTerms.line_id, lines), *narrowed)
        .distinct()
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for line_id, name in rows:
        found[line_id].append(name)
    return found


def _categories(lines: list[int]) -> dict[int, list[str]]:
    rows = db.session.execute(
        select(ServiceLineCategory.line_id, Category.name)
        .join(Category, Category.code == ServiceLineCategory.category_code)
        .where(among(ServiceLineCategory.line_id, lines))
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for line_id, name in rows:
        found[line_id].append(name)
    return found
