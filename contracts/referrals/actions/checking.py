"""Whether the running counters are what the referrals say. What differs is put on record, and put right only
where somebody says so."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete

from contracts.agreements import queries as agreements
from contracts.referrals import queries
from contracts.referrals.actions import counting, waiting
from contracts.referrals.models import LineDay
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


def put_right(line_id: int, *, actor: Actor, now: datetime) -> list[Difference]:
    """Have one line's running count be what its referrals say, by somebody's decision. What differed is given back and
    goes on the line's record; room that this shows is offered to those who wait."""
    found = check_counters(line_id, actor=actor, now=now)
    if found:
        for one in found:
            db.session.execute(delete(LineDay).where(LineDay.line_id == line_id, LineDay.day == one.day))
            if one.recounted is not None:
                db.session.add(LineDay(line_id=line_id, day=one.day, **asdict(one.recounted)))
        line = agreements.line(line_id)
        audit.record("The running count was put right", line, actor=actor, now=now, days=len(found))
        db.session.flush()
        waiting.pass_on(line_id, now=now)
    return found
