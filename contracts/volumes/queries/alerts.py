"""Alerts: which are due and not on record yet, which are over, and lists of them for those whom they concern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.referrals.queries import service_managers
from contracts.volumes import rules
from contracts.volumes.models import VolumeAlert
from contracts.volumes.queries.lines import in_force_or_to_come, seen_by
from contracts.volumes.queries.reading import readings
from contracts.volumes.rules import CAP_ALERTS, AlertKind, AlertStatus, Position
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Person
from marketplace.accounts.queries import people_with
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

_RANK = {kind: rank for rank, kind in enumerate(AlertKind)}


class AlertOrder(StrEnum):
    """How a list of alerts may be sorted."""

    NEWEST = "newest"
    GRAVEST = "gravest"
    TITLE = "title"

    @property
    def label(self) -> str:
        """The order in words."""
        return {AlertOrder.NEWEST: "Newest first", AlertOrder.GRAVEST: "Gravest first"}.get(self, "Service")


@dataclass(frozen=True)
class AlertFilter:
    """What a list of alerts is narrowed to and how it is sorted; whatever is left out narrows nothing."""

    text: str = ""
    status: AlertStatus | None = None
    kind: AlertKind | None = None
    order: AlertOrder = AlertOrder.NEWEST


@dataclass(frozen=True)
class Due:
    """What the records of alerts lack, and what they have too much: positions with an alert that is not on record, and
    alerts that speak of a year or of a volume that is no more, each with why."""

    to_raise: Sequence[Position]
    to_close: Sequence[tuple[int, str]]


def due(on: date) -> Due:
    """What the alerts of all services in force lack on a day. Three queries, however many services there are."""
    found = {one.line_id: one for one in readings(in_force_or_to_come(on), on=on)}
    # A contract year that holds the day began within the last 366 days.
    known = {
        tuple(row)
        for row in db.session.execute(
            select(VolumeAlert.line_id, VolumeAlert.year_begins, VolumeAlert.kind, VolumeAlert.volume).where(
                VolumeAlert.year_begins > on - timedelta(days=367)
            )
        )
    }
    to_raise = [
        one
        for one in found.values()
        if any((one.line_id, one.first_day, due.kind, due.volume) not in known for due in rules.due_alerts(one))
    ]
    unclosed = db.session.execute(
        select(VolumeAlert.id, VolumeAlert.line_id, VolumeAlert.year_begins, VolumeAlert.kind, VolumeAlert.volume)
        .where(VolumeAlert.status != AlertStatus.CLOSED)
        .order_by(VolumeAlert.id)
    )
    to_close = [
        (row.id, why)
        for row in unclosed
        if (why := why_over(row.year_begins, row.kind, row.volume, found.get(row.line_id)))
    ]
    return Due(to_raise, to_close)


def why_over(year_begins: date, kind: AlertKind, volume: int, now: Position | None) -> str | None:
    """Why an alert speaks of nothing any more; None while it does."""
    if now is None:
        return "The contract has ended."
    if now.first_day != year_begins:
        return "The contract year is over."
    meant = now.cap if kind in CAP_ALERTS else now.minimum_volume
    return None if meant == volume else "The contract was changed."


def who_can_act(line: ServiceLine, on: date) -> list[Person]:
    """Those who act on the volumes of a service: at the body that leads, at each that pays, and the supplier's service
    managers. Each once."""
    agreement = line.agreement
    bodies = {agreement.commissioner_id, *(one.organisation_id for one in agreement.version_on(on).funders)}
    found = [one for body in sorted(bodies) for one in people_with(body, Permission.ACT_ON_VOLUMES)]
    return list({one.id: one for one in [*found, *service_managers(agreement.supplier_id)]}.values())


def alerts_of(line_id: int, year_begins: date) -> Sequence[VolumeAlert]:
    """The alerts of one line in one contract year, the latest first."""
    return db.session.scalars(
        select(VolumeAlert)
        .where(VolumeAlert.line_id == line_id, VolumeAlert.year_begins == year_begins)
        .order_by(VolumeAlert.raised_at.desc(), _gravest())
    ).all()


def alert_for(actor: Actor, alert_id: int) -> VolumeAlert:
    """The alert, if the actor may see its service. Raises NotFound else."""
    found = db.session.scalar(_alerts(actor).where(VolumeAlert.id == alert_id))
    if found is None:
        raise NotFound("There is no such alert, or it does not concern your organisation.")
    return found


def alerts(actor: Actor, narrowed: AlertFilter, *, number: int) -> Page[VolumeAlert]:
    """One page of the alerts that concern the actor's organisation."""
    asked = _narrowed(actor, narrowed)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    return Page(db.session.scalars(asked.offset(before(number)).limit(PAGE)).all(), total, number)


def every_alert(actor: Actor, narrowed: AlertFilter) -> Iterator[VolumeAlert]:
    """All of them, in order: for downloads."""
    yield from db.session.scalars(_narrowed(actor, narrowed).execution_options(yield_per=100))


def _narrowed(actor: Actor, narrowed: AlertFilter) -> Select[VolumeAlert]:
    asked = _alerts(actor)
    for word in narrowed.text.split():
        asked = asked.where(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
        )
    if narrowed.status is not None:
        asked = asked.where(VolumeAlert.status == narrowed.status)
    if narrowed.kind is not None:
        asked = asked.where(VolumeAlert.kind == narrowed.kind)
    first: dict[AlertOrder, tuple[Any, ...]] = {
        AlertOrder.NEWEST: (VolumeAlert.raised_at.desc(),),
        AlertOrder.GRAVEST: (_gravest(), VolumeAlert.raised_at.desc()),
        AlertOrder.TITLE: (ServiceLine.title, VolumeAlert.raised_at.desc()),
    }
    return asked.order_by(*first[narrowed.order], VolumeAlert.id.desc())


def _gravest() -> Any:
    return case(_RANK, value=VolumeAlert.kind)


def _alerts(actor: Actor) -> Select[VolumeAlert]:
    """The alerts of services that the actor may see."""
    return (
        select(VolumeAlert)
        .join(VolumeAlert.line)
        .join(ServiceLine.agreement)
        .where(seen_by(actor))
        .options(
            joinedload(VolumeAlert.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(VolumeAlert.closer),
        )
    )
