"""What waits for those who act on volumes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from flask import url_for
from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.volumes.models import VolumeAction, VolumeAlert
from contracts.volumes.queries.lines import Narrowed, chosen, led_or_paid, with_lines
from contracts.volumes.rules import ActionStatus, AlertKind, AlertStatus, Position, Standing
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.waiting import Waiting

# More services than these in one standing, or under one alert, are one line of the home page.
NAMED = 5
_URGENT = (Standing.FULL, Standing.NEAR_CAP, Standing.UNDER_MINIMUM)


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """What is to be followed up, alerts that nobody has acted on, and services near their cap before an alert (R46)."""
    if actor.is_supplier or not actor.may(Permission.ACT_ON_VOLUMES):
        return []
    return [*_follow_ups(actor, now), *_alerts(actor, now), *_standings(actor, now)]


def _follow_ups(actor: Actor, now: datetime) -> list[Waiting]:
    """What was decided and whose day has come: for those who act for the bodies that lead or pay the contract now."""
    on = clock.london(now).date()
    rows = db.session.execute(
        select(VolumeAction.id, VolumeAction.kind, VolumeAction.follow_up_on, ServiceLine.title)
        .join(VolumeAction.line)
        .join(ServiceLine.agreement)
        .where(VolumeAction.status == ActionStatus.UNDER_WAY, VolumeAction.follow_up_on <= on, led_or_paid(actor, on))
        .order_by(VolumeAction.follow_up_on, VolumeAction.id)
    ).all()
    if len(rows) > NAMED:
        where = url_for("volumes.actions", status=ActionStatus.UNDER_WAY.value)
        return [Waiting(f"Follow up what was decided about {len(rows):,} services", where, rows[0][2])]
    return [
        Waiting(
            f"Follow up: {row.kind.label}, {row.title}",
            url_for("volumes.action", action_id=row.id),
            row.follow_up_on,
        )
        for row in rows
    ]


def _alerts(actor: Actor, now: datetime) -> list[Waiting]:
    rows = db.session.execute(
        select(VolumeAlert.id, VolumeAlert.kind, ServiceLine.title)
        .join(VolumeAlert.line)
        .join(ServiceLine.agreement)
        .where(VolumeAlert.status == AlertStatus.OPEN, led_or_paid(actor, clock.london(now).date()))
        .order_by(VolumeAlert.id)
    ).all()
    items = []
    for kind in AlertKind:
        some = [row for row in rows if row.kind is kind]
        if len(some) > NAMED:
            words = f"{kind.label}: {len(some):,} services"
            items.append(Waiting(words, url_for("volumes.alerts", status=AlertStatus.OPEN.value, kind=kind.value)))
            continue
        items += [Waiting(f"{kind.label}: {row.title}", url_for("volumes.alert", alert_id=row.id)) for row in some]
    return items


def _standings(actor: Actor, now: datetime) -> list[Waiting]:
    """Services on which somebody should act before an alert is due; where one was raised this contract year, it is
    what waits, or somebody has dealt with it."""
    on = clock.london(now).date()
    urgent = [one for one in chosen(actor, Narrowed(), on=on) if one.standing in _URGENT]
    keys = [one.line_id for one in urgent]
    wanted = select(ServiceLine.id).join(ServiceLine.agreement).where(ServiceLine.id.in_(keys), led_or_paid(actor, on))
    ours = set(db.session.scalars(wanted))
    urgent = [one for one in urgent if one.line_id in ours]
    alerted = _alerted(urgent)
    items = []
    for standing in _URGENT:
        some = [one for one in urgent if one.standing is standing and (one.line_id, one.first_day) not in alerted]
        if len(some) > NAMED:
            words = f"{standing.label}: {len(some):,} services"
            items.append(Waiting(words, url_for("volumes.index", standing=standing.value)))
            continue
        items += [
            Waiting(f"{standing.label}: {row.line.title}", url_for("volumes.line", line_id=row.line.id))
            for row in with_lines(some)
        ]
    return items


def _alerted(found: Sequence[Position]) -> set[tuple[int, date]]:
    """The lines and contract years among them that an alert was raised for."""
    if not found:
        return set()
    rows = db.session.execute(
        select(VolumeAlert.line_id, VolumeAlert.year_begins)
        .where(VolumeAlert.line_id.in_([one.line_id for one in found]))
        .distinct()
    )
    return {(row.line_id, row.year_begins) for row in rows}
