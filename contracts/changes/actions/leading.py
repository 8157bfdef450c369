"""The day on which another body begins to lead a contract."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.changes import queries
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.extensions import db


def hand_lead_over(agreement: Agreement, *, actor: Actor, now: datetime) -> bool:
    """From the day that was agreed, the new body leads: its people manage, sign and answer. Whether anything changed.

    May run twice. For the action that agrees a change from today, and the daily job for those from a later day.
    """
    lead_id = queries.lead_on(agreement, clock.london(now).date())
    if lead_id == agreement.commissioner_id:
        return False
    hold(agreement)
    if lead_id == agreement.commissioner_id:
        return False
    before = agreement.commissioner.name
    agreement.commissioner_id = lead_id
    db.session.flush()
    db.session.refresh(agreement, ["commissioner"])
    audit.record(
        "Handed the lead over", agreement, actor=actor, now=now, before=before, lead=agreement.commissioner.name
    )
    return True
