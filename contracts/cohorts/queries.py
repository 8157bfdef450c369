"""Reads of cohorts: referrals to services, past and present, counted by what is known without any personal data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from contracts.agreements.models import AgreementVersion, LineTerms, LineTermsPlace, ServiceLine
from contracts.agreements.rules import contract_year
from contracts.cohorts.rules import By, Counts, counts, for_whom
from contracts.referrals.models import Referral
from contracts.referrals.queries import counted
from contracts.referrals.rules import Complexity
from contracts.volumes.queries import position, seen_by
from contracts.volumes.queries.reading import among
from contracts.volumes.rules import Sureness, half_up, scaled_up
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place, PlaceWithin

# A plan takes over at most so many past years.
YEARS = 5


@dataclass(frozen=True)
class Asked:
    """Which referrals: begun from the first to the last day, in a place, of a category, of a complexity."""

    first: date
    last: date
    place_code: str = ""
    category_code: str = ""
    complexity: Complexity | None = None


@dataclass(frozen=True)
class History:
    """What a plan takes over from a service: (year in which a contract year ended, referrals), and where from."""

    years: tuple[tuple[int, int], ...]
    source: str


def cohort(actor: Actor, asked: Asked, *, by: By) -> Counts:
    """How many were referred to the services that the actor may see, as counts that may be shown.

    A person counts once, on the day on which the referral was made; moved to another service, not again. Raises
    NotAllowed for roles that plan nothing.
    """
    actor.must(Permission.EXPLORE_COHORTS)
    seen = select(ServiceLine.id).join(ServiceLine.agreement).where(seen_by(actor))
    if asked.place_code:
        seen = seen.where(ServiceLine.id.in_(_lines_about(asked.place_code)))
    begun = func.coalesce(Referral.joined_at, Referral.sent_at)
    wanted = [
        # By their keys, so that of an index by line only those lines' days are read.
        among(Referral.line_id, db.session.scalars(seen).all()),
        Referral.moved_from_id.is_(None),
        begun >= clock.begins(asked.first),
        begun < clock.ends(asked.last),
    ]
    if asked.category_code:
        wanted.append(Referral.category_code == asked.category_code)
    if asked.complexity is not None:
        wanted.append(Referral.complexity == asked.complexity)
    return counts(_BY[by](wanted, asked, begun))


def history_of(line: ServiceLine, *, on: date) -> History:
    """Referrals of each contract year of a service that is over, and of the one that runs as far as it is projected.

    One that runs is left out while it is too early to say. One that the contract's end cuts short is scaled up to a
    whole year, as it is to be compared with bands: a plan is for whole years. Who was moved here from another service
    and counts there was planned for there, and is left out. Of a projection, the same part.
    """
    agreement = line.agreement
    first, last = contract_year(agreement.starts_on, min(on, agreement.ends_on or on))
    closes = min(last, agreement.ends_on or last)
    counts: dict[int, int] = {}
    words = f"Referrals of contract {agreement.reference}, {line.title}, counted by contract year"
    running = position(line, on=on) if on <= closes else None
    if running is None:
        counts[last.year] = _first_referred(line.id, first, closes)
    elif (
        running.projected is None or running.likely_range is None or running.likely_range.sureness is Sureness.TOO_EARLY
    ):
        words += f"; the year to {_in_words(last)} left out, because it is too early to say how it ends"
    else:
        own, every = _first_referred(line.id, first, on), running.counted
        counts[last.year] = half_up(running.projected * own, every) if every else running.projected
        words += f"; the year to {_in_words(last)} as projected on {_in_words(on)}"
    if closes < last and last.year in counts:
        counts[last.year] = scaled_up(counts[last.year], first, closes, last)
        words += (
            f"; the contract ends on {_in_words(closes)}, so that its last year is scaled up to a whole one by days"
        )
    while first > agreement.starts_on and len(counts) < YEARS:
        first, last = contract_year(agreement.starts_on, first - timedelta(days=1))
        counts[last.year] = _first_referred(line.id, first, last)
    return History(tuple(sorted(counts.items())), words + ".")


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _first_referred(line_id: int, first: date, last: date) -> int:
    """What counts in a contract year at the end of a day, without those who were moved here and count elsewhere too."""
    end, earlier = clock.ends(last), aliased(Referral)
    moved_here = (
        select(func.count())
        .select_from(Referral)
        .join(earlier, Referral.moved_from_id == earlier.id)
        .where(
            Referral.line_id == line_id,
            earlier.placed_at.is_not(None),
            earlier.released_at.is_(None),
            Referral.placed_at >= clock.begins(first),
            Referral.placed_at < end,
            or_(Referral.released_at.is_(None), Referral.released_at >= end),
        )
    )
    return counted(line_id, first, last) - (db.session.scalar(moved_here) or 0)


def _lines_about(place_code: str) -> Any:
    """Lines that serve, or once served, a place inside this one, or around it."""
    around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == place_code)
    inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == place_code)
    return (
        select(LineTerms.line_id)
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .where(LineTermsPlace.place_code.in_(around.union(inside)))
    )


def _referrals(*columns: Any) -> Any:
    return select(*columns, func.count()).select_from(Referral)


def _by_category(wanted: Sequence[ColumnElement[bool]], asked: Asked, begun: Any) -> list[tuple[str, int]]:
    rows = db.session.execute(
        _referrals(Category.name)
        .join(Category, Category.code == Referral.category_code)
        .where(*wanted)
        .group_by(Category.name)
        .order_by(Category.name)
    )
    return [(name, count) for name, count in rows]


def _by_complexity(wanted: Sequence[ColumnElement[bool]], asked: Asked, begun: Any) -> list[tuple[str, int]]:
    rows = db.session.execute(_referrals(Referral.complexity).where(*wanted).group_by(Referral.complexity))
    found: dict[Complexity, int] = dict(rows.all())
    return [(one.value.capitalize(), found.get(one, 0)) for one in Complexity]


def _by_whom(wanted: Sequence[ColumnElement[bool]], asked: Asked, begun: Any) -> list[tuple[str, int]]:
    limits = (ServiceLine.open_to_women, ServiceLine.open_to_men, ServiceLine.minimum_age, ServiceLine.maximum_age)
    rows = db.session.execute(
        _referrals(*limits).join(ServiceLine, Referral.line_id == ServiceLine.id).where(*wanted).group_by(*limits)
    )
    return sorted(
        (for_whom(women=women, men=men, minimum_age=least, maximum_age=most), count)
        for women, men, least, most, count in rows
    )


def _by_area(wanted: Sequence[ColumnElement[bool]], asked: Asked, begun: Any) -> list[tuple[str, int]]:
    """By the places of each service as agreed last: one by its name, several together, so that nobody counts twice."""
    rows = db.session.execute(_referrals(Referral.line_id).where(*wanted).group_by(Referral.line_id))
    found: dict[int, int] = dict(rows.all())
    latest = (
        select(LineTerms.line_id, func.max(AgreementVersion.number).label("number"))
        .join(LineTerms.version)
        .where(AgreementVersion.agreed_at.is_not(None), LineTerms.line_id.in_(found))
        .group_by(LineTerms.line_id)
        .subquery()
    )
    places: defaultdict[int, list[str]] = defaultdict(list)
    for line_id, name in db.session.execute(
        select(LineTerms.line_id, Place.name)
        .join(LineTerms.version)
        .join(latest, (latest.c.line_id == LineTerms.line_id) & (latest.c.number == AgreementVersion.number))
        .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
        .join(Place, Place.code == LineTermsPlace.place_code)
    ):
        places[line_id].append(name)
    sums: defaultdict[str, int] = defaultdict(int)
    for line_id, count in found.items():
        names = places.get(line_id, [])
        sums[names[0] if len(names) == 1 else _SEVERAL] += count
    return sorted(sums.items())


_SEVERAL = "Several areas together"


def _by_month(wanted: Sequence[ColumnElement[bool]], asked: Asked, begun: Any) -> list[tuple[str, int]]:
    month = func.date_trunc("month", func.timezone("Europe/London", begun)).label("month")
    rows = db.session.execute(_referrals(month).where(*wanted).group_by(month).order_by(month))
    return [(f"{first:%B %Y}", count) for first, count in rows]


_BY = {
    By.CATEGORY: _by_category,
    By.COMPLEXITY: _by_complexity,
    By.FOR_WHOM: _by_whom,
    By.AREA: _by_area,
    By.MONTH: _by_month,
}
