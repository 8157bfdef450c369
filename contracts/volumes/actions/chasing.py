"""Chasing what is late at a service."""

from __future__ import annotations

from datetime import datetime

from contracts.referrals.actions import hold
from contracts.volumes import letters, queries
from contracts.volumes.queries import Late
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Refused

CHASED = "Chased late referrals"


def chase(line_id: int, *, actor: Actor, now: datetime) -> Late:
    """Write to the supplier's service managers that referrals are late, in numbers. Once for a service and day.

    Refused where nothing is late, and once somebody has chased it that day.
    """
    actor.must(Permission.ACT_ON_VOLUMES)
    on = clock.london(now).date()
    line = queries.line_for(actor, line_id)
    hold(line_id)
    found = queries.late_at(actor, line_id, on)
    if found is None:
        raise Refused("Nothing is late at this service any more.")
    if any(one.what == CHASED and clock.london(one.at).date() == on for one in events_for(line)):
        raise AlreadyDone("Somebody has chased this service today already.")
    audit.record(
        CHASED,
        line,
        actor=actor,
        now=now,
        unaccepted=found.unaccepted,
        unassessed=found.unassessed,
        unrecorded=found.unrecorded,
    )
    letters.chase(found, on, by=actor, now=now)
    return found
