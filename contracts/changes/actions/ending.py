"""Ending a contract before its last day: agreed by both sides, or by the commissioner's notice."""

from __future__ import annotations

from datetime import date, datetime

from contracts.agreements.models import Agreement
from contracts.changes.actions.drafting import begin, check_notice, end_day
from contracts.changes.models import Variation
from contracts.changes.rules import Ground, Purpose
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import Invalid
from marketplace.extensions import db


def begin_ending(
    agreement: Agreement,
    *,
    last_day: date,
    ground: Ground,
    reason: str,
    by_notice: bool,
    actor: Actor,
    now: datetime,
) -> Variation:
    """Draft an early ending: the contract as it is, with an earlier last day.

    Agreed, it goes the way of every variation: approved by the funders, signed by both sides. A notice is approved
    by the funders and given when the last of them has. Refused for a day that is past, not earlier than the last day
    agreed, before a version that is agreed already applies, and, by notice, sooner than its ground allows.
    """
    today = clock.london(now).date()
    if last_day < today:
        raise Invalid("The contract can end today at the earliest", field="last_day")
    if agreement.ends_on is not None and last_day >= agreement.ends_on:
        raise Invalid("It ends on that day or sooner already", field="last_day")
    if last_day < agreement.latest.in_force_from:
        raise Invalid("It cannot end before what is agreed last applies", field="last_day")
    variation = begin(
        agreement,
        reason=reason,
        # A notice applies from the day on which it is given.
        in_force_from=end_day(agreement, last_day, now),
        purpose=Purpose.NOTICE if by_notice else Purpose.ENDING,
        ground=ground,
        ends_on=last_day,
        actor=actor,
        now=now,
    )
    if by_notice:
        check_notice(variation, now)
    db.session.flush()
    audit.record(
        "Began to end the contract early", variation, actor=actor, now=now, last_day=str(last_day), ground=ground.value
    )
    return variation
