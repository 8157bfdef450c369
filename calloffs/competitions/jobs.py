"""Background work on call-offs."""

from __future__ import annotations

from calloffs.competitions import queries
from calloffs.competitions.actions import invite_qualified
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.transactions import transaction


def invite_newly_qualified() -> None:
    """Every five minutes: whoever has qualified since a call-off was published is invited until it closes (R1)."""
    for competition_id in queries.open_ids(clock.now()):
        with transaction():
            invite_qualified(queries.public_competition(competition_id), actor=SYSTEM, now=clock.now())
