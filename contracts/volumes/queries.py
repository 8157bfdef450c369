"""Reads of volumes: positions of service lines, one or many, always in the same few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import theirs, with_terms
from contracts.agreements.rules import AgreementStatus, contract_year
from contracts.referrals import queries as referrals
from contracts.volumes import rules
from contracts.volumes.rules import Position, Standing, Step
from marketplace import clock
from marketplace.access import Actor, Permission, Role
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import Page, before, nearest_page
from marketplace.waiting import Waiting

# More services than these in one standing are one line of the home page.
NAMED = 5


@dataclass(frozen=True)
class LinePosition:
    """A service line and where it stands."""

    line: ServiceLine
    position: Position


@dataclass(frozen=True)
class PageOf(Page[LinePosition]):
    """One page of lines, those first on which somebody should act; and how many stand where."""

    standings: dict[Standing, int]


def position(line: ServiceLine, *, on: date) -> Position:
    """Where one line stands at the end of a day, in the contract year that holds the day."""
    return positions([line], on=on)[line.id]


def positions(lines: Sequence[ServiceLine], *, on: date) -> dict[int, Position]:
    """Where each line stands, by its key. Referrals are counted by one grouped query for all lines."""
    years = {line.id: contract_year(line.agreement.starts_on, on) for line in lines}
    counts = referrals.counted_by_line({key: (first, min(last, on)) for key, (first, last) in years.items()})
    return {
        line.id: rules.assess(
            line.id,
            [band.band for band in line.terms_on(on).bands],
            line.terms_on(on).planned_band,
            year=rules.profile(
                *years[line.id],
                referrals_from=line.referrals_from,
                referrals_until=line.terms_on(on).referrals_until,
                ends_on=line.agreement.ends_on,
            ),
            on=on,
            counted=counts[line.id],
        )
        for line in lines
    }


def room_by_line(line_ids: Iterable[int], *, on: date) -> dict[int, int | None]:
    """How many more people each line takes this contract year; None where no cap is recorded."""
    lines = db.session.scalars(
        select(ServiceLine)
        .where(ServiceLine.id.in_(list(line_ids)))
        .options(joinedload(ServiceLine.agreement), *with_terms())
    ).all()
    return {key: found.room for key, found in positions(lines, on=on).items()}


def steps(line: ServiceLine, found: Position) -> list[Step]:
    """The contract year month by month: what the chart draws and its table says."""
    return rules.steps(found, referrals.counted_by_day(line.id, found.first_day, min(found.last_day, found.on)))


def line_for(actor: Actor, line_id: int) -> ServiceLine:
    """The line of a signed contract that concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_VOLUMES)
    found = db.session.scalar(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(ServiceLine.id == line_id, Agreement.status == AgreementStatus.SIGNED, theirs(actor))
        .options(*_whole())
    )
    if found is None:
        raise NotFound("There is no such service, or it does not concern your organisation.")
    return found


def lines_for(actor: Actor, *, on: date, standing: Standing | None, text: str, number: int) -> PageOf:
    """One page of the lines in force or to come that concern the actor, those first on which somebody should act.

    A standing follows from the count, so all lines of the organisation are assessed; a region has some dozens.
    """
    actor.must(Permission.SEE_VOLUMES)
    asked = (
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(
            theirs(actor),
            Agreement.status == AgreementStatus.SIGNED,
            (Agreement.ends_on.is_(None)) | (Agreement.ends_on >= on),
        )
        .options(*_whole())
        .order_by(ServiceLine.title, ServiceLine.id)
    )
    for word in text.split():
        asked = asked.where(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
        )
    lines = db.session.scalars(asked).all()
    found = positions(lines, on=on)
    standings = dict.fromkeys(Standing, 0)
    for one in found.values():
        standings[one.standing] += 1
    urgency = list(Standing)
    rows = sorted(
        (
            LinePosition(line, found[line.id])
            for line in lines
            if standing is None or found[line.id].standing is standing
        ),
        key=lambda row: urgency.index(row.position.standing),
    )
    number = nearest_page(number, len(rows))
    return PageOf(rows[before(number) : before(number + 1)], len(rows), number, standings)


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Services that are full, near their cap or heading under their minimum: for those who act on it (R46)."""
    if not actor.may(Permission.SEE_VOLUMES) or not actor.roles & {Role.CONTRACT_MANAGER, Role.REGIONAL_COORDINATOR}:
        return []
    page = lines_for(actor, on=clock.london(now).date(), standing=None, text="", number=1)
    items = []
    for standing in (Standing.FULL, Standing.NEAR_CAP, Standing.UNDER_MINIMUM):
        count = page.standings[standing]
        if count > NAMED:
            words = f"{standing.label}: {count:,} services"
            items.append(Waiting(words, url_for("volumes.index", standing=standing.value)))
            continue
        items += [
            Waiting(f"{standing.label}: {row.line.title}", url_for("volumes.line", line_id=row.line.id))
            for row in page.rows
            if row.position.standing is standing
        ]
    return items


def _whole() -> tuple[Any, ...]:
    return (
        joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
        *with_terms(),
    )
