"""Chasing: a co-ordinator or contract manager asks a supplier about its late referrals, once a day at most (R72)."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements.models import ServiceLine
from contracts.performance import letters, queries
from contracts.performance.models import Chase
from contracts.referrals.actions import counting
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Refused
from marketplace.extensions import db


def chase(line: ServiceLine, *, actor: Actor, now: datetime) -> Chase:
    """Ask the supplier's service managers about every late referral of a service, in one letter.

    Refused: a second time on a day, and where nothing is late.
    """
    actor.must(Permission.CHASE_REFERRALS)
    queries.late_line(actor, line.id)
    counting.hold(line.id)
    on = clock.london(now).date()
    if any(one.day == on for one in queries.chases_of(line.id)):
        raise AlreadyDone("The supplier was asked about this service today already.")
    late = queries.every_late_referral(line.id, on=on)
    if not late:
        raise Refused("No referral of this service is late now.")
    made = Chase(line_id=line.id, line=line, day=on, late=len(late), at=now, chased_by=actor.person)
    db.session.add(made)
    db.session.flush()
    audit.record("Asked about late referrals", line, actor=actor, now=now, late=len(late))
    letters.chase(made, late, now=now)
    return made
