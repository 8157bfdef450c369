"""What every action on a call-off asks first: who leads it, which row, which move, whether it is whole."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from calloffs.competitions import rules
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import COMPETITION_MOVES, CompetitionStatus
from marketplace.access import Actor
from marketplace.errors import Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db


def locked(competition: Competition) -> Competition:
    """The same row, held and fresh: two decisions at once are taken one after the other."""
    db.session.flush()
    return db.session.scalars(
        select(Competition)
        .where(Competition.id == competition.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def must_lead(competition: Competition, actor: Actor) -> None:
    """Refuse everyone outside the lead body: co-commissioners read only."""
    if competition.organisation_id != actor.organisation:
        raise NotAllowed("Only the body that leads the call-off can do this.")


def move(competition: Competition, to: CompetitionStatus) -> None:
    """Move it, if the table of moves permits."""
    if to not in COMPETITION_MOVES[competition.status]:
        raise Refused("This cannot be done at the stage that the call-off has reached.")
    competition.status = to


def must_be_whole(competition: Competition, now: datetime) -> None:
    """Refuse while anything is missing or wrong, naming all of it."""
    found = rules.faults(competition.requirement, now=now)
    if not found:
        return
    words = ". ".join(fault.words for fault in found) + "."
    if competition.closes_at is not None and competition.closes_at <= now:
        raise TooLate(words)
    raise Invalid(words)
