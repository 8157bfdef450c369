"""Saying when in the year referrals are expected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from contracts.agreements import queries as agreements
from contracts.referrals.actions import hold
from contracts.volumes import letters, queries, rules
from contracts.volumes.models import LineSeason
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db


def set_season(
    line_id: int, weights: Sequence[int], *, from_day: date, reason: str, actor: Actor, now: datetime
) -> LineSeason:
    """Have a line's profile weigh each month so, from a day on. The supplier is told.

    Refused: for others than those who act on volumes for the body that leads, weights that cannot be, a day that is
    past (what was said of a past day stays), no reason, and what holds from that day already.
    """
    line = agreements.line(line_id)
    if not queries.may_set_season(actor, line):
        raise NotAllowed("Only those who act on volumes for the body that leads the contract can set a season.")
    hold(line_id)
    faults = rules.season_faults(weights)
    if faults:
        raise Invalid(faults[0], field="month_1")
    if from_day < clock.london(now).date():
        raise Invalid("Enter today or a day to come: what was said of a past day stays.", field="from_day")
    if not reason.strip():
        raise Invalid("Say why these months differ.", field="reason")
    if queries.season_on(line_id, from_day) == tuple(weights):
        raise AlreadyDone("This season holds from that day already.")
    season = LineSeason(
        line_id=line_id,
        from_day=from_day,
        weights=list(weights),
        reason=reason.strip(),
        set_by=actor.person,
        set_at=now,
    )
    db.session.add(season)
    audit.record("Set the season", line, actor=actor, now=now, weights=list(weights), from_day=from_day.isoformat())
    db.session.flush()
    letters.season(season, line, now=now)
    return season
