"""Whether the running counters are what the referrals say. What differs is put on record; nothing is put right here."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements import queries as agreements
from contracts.referrals import queries
from contracts.referrals.actions import counting
from contracts.referrals.queries import Difference
from marketplace import audit
from marketplace.access import Actor
from marketplace.extensions import db


def check_counters(line_id: int, *, actor: Actor, now: datetime) -> list[Difference]:
    """Count one line again while it is held still. A difference goes on the line's record and is given back."""
    counting.hold(line_id)
    line = agreements.line(line_id)
    found = queries.differences(line)
    if found:
        audit.record(
            "The running count differs from the referrals",
            line,
            actor=actor,
            now=now,
            days=len(found),
            first_day=found[0].day.isoformat(),
        )
        db.session.flush()
    return found
