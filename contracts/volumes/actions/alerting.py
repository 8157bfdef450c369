"""Alerts: raised once each, and closed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements import queries as agreements
from contracts.volumes import letters, queries, rules
from contracts.volumes.models import VolumeAlert
from contracts.volumes.rules import ALERT_MOVES, AlertStatus, Position
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db


def raise_alerts(found: Position, *, now: datetime) -> list[VolumeAlert]:
    """Put on record the alerts that a position calls for and that are not yet, and tell those who can act.

    Each is raised once, whoever asks and however often. Of several about the cap at one moment people are told of the
    gravest, and the lesser are closed with it.
    """
    raised = [alert for due in rules.due_alerts(found) if (alert := _raise(found, due, now=now)) is not None]
    told = rules.told_of([rules.DueAlert(one.kind, one.volume) for one in raised])
    for alert in raised:
        if rules.DueAlert(alert.kind, alert.volume) in told:
            _overtake(alert, now=now)
            letters.alert(alert, found, now=now)
    db.session.flush()
    return raised


def _raise(found: Position, due: rules.DueAlert, *, now: datetime) -> VolumeAlert | None:
    """The alert, if it was not on record. Somebody else who raises it at this moment is waited for."""
    key = db.session.scalar(
        insert(VolumeAlert)
        .values(
            line_id=found.line_id,
            year_begins=found.first_day,
            kind=due.kind,
            volume=due.volume,
            status=AlertStatus.OPEN,
            raised_on=found.on,
            raised_at=now,
            counted=found.counted,
            projected=found.projected,
        )
        .on_conflict_do_nothing(index_elements=["line_id", "year_begins", "kind", "volume"])
        .returning(VolumeAlert.id)
    )
    if key is None:
        return None
    alert = db.session.get_one(VolumeAlert, key)
    audit.record(f"Raised: {due.kind.label}", alert, actor=SYSTEM, now=now, counted=found.counted, volume=due.volume)
    return alert


def _overtake(alert: VolumeAlert, *, now: datetime) -> None:
    """Close what the alert says more gravely and nobody has acted on yet."""
    lesser = db.session.scalars(
        select(VolumeAlert)
        .where(
            VolumeAlert.line_id == alert.line_id,
            VolumeAlert.year_begins == alert.year_begins,
            VolumeAlert.kind.in_(rules.overtaken_by(alert.kind)),
            VolumeAlert.status == AlertStatus.OPEN,
        )
        .order_by(VolumeAlert.id)
        .with_for_update()
    )
    for one in lesser:
        shut(one, f"Overtaken by: {alert.kind.label}.", actor=SYSTEM, now=now)


def close_what_is_over(alert_id: int, why: str, *, now: datetime) -> None:
    """Close an alert about a contract year that is over, or a volume that was changed. Twice does nothing more."""
    alert = _held(alert_id)
    if alert.status is not AlertStatus.CLOSED:
        shut(alert, why, actor=SYSTEM, now=now)


def close(alert_id: int, *, why: str, actor: Actor, now: datetime) -> VolumeAlert:
    """Somebody who can act says why nothing more is done about an alert.

    Refused without a reason, for others than those who act for a body that leads or pays, and once it is closed.
    """
    alert = _held(alert_id)
    if not queries.may_act(actor, agreements.line(alert.line_id), clock.london(now).date()):
        raise NotAllowed("Only those who act on volumes for a body that leads or pays can close this.")
    if AlertStatus.CLOSED not in ALERT_MOVES[alert.status]:
        raise AlreadyDone("This alert is closed already.")
    if not why.strip():
        raise Invalid("Say why nothing more is done about it.", field="why")
    shut(alert, why.strip(), actor=actor, now=now)
    return alert


def shut(alert: VolumeAlert, why: str, *, actor: Actor, now: datetime) -> None:
    """Close an alert that the caller holds and has found to be over."""
    alert.status, alert.closed_at, alert.closed_by, alert.closed_why = AlertStatus.CLOSED, now, actor.person_id, why
    audit.record("Closed", alert, actor=actor, now=now)
    db.session.flush()


def _held(alert_id: int) -> VolumeAlert:
    return db.session.scalars(
        select(VolumeAlert)
        .where(VolumeAlert.id == alert_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
