"""Making the scorecards of a month that is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import insert as plain_insert
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.rules import last_of_month
from contracts.performance import letters, queries
from contracts.performance.models import Scorecard, ScorecardRow
from contracts.performance.rules import Part
from marketplace import clock
from marketplace.errors import TooLate
from marketplace.extensions import db


def make_scorecards(
    agreement_ids: Sequence[int], month: date, *, now: datetime, tell: bool = True
) -> Sequence[Scorecard]:
    """Make the scorecards of a month that these contracts lack; those made before stay as they are.

    Refused while the month runs. May run twice, and beside itself. `tell`: both sides of each contract.
    """
    if last_of_month(month) >= clock.london(now).date():
        raise TooLate("This month is not over.")
    found = queries.figures(agreement_ids, month, until=last_of_month(month))
    rows = [
        {
            "agreement_id": key,
            "month": month,
            "made_at": now,
            **{part.value: card.rating(part) for part in Part},
            "overall": card.overall,
        }
        for key, card in found.items()
    ]
    if not rows:
        return []
    made = {
        agreement_id: key
        for key, agreement_id in db.session.execute(
            insert(Scorecard).on_conflict_do_nothing().returning(Scorecard.id, Scorecard.agreement_id), rows
        )
    }
    figures = [
        {
            "scorecard_id": made[key],
            "measure": one.measure,
            "met": one.met,
            "cases": one.cases,
            "percent": one.target.percent,
            "tolerance": one.target.tolerance,
            "is_agreed": one.is_agreed,
        }
        for key in made
        for one in found[key].figures
    ]
    if figures:
        db.session.execute(plain_insert(ScorecardRow), figures)
    cards = db.session.scalars(select(Scorecard).where(Scorecard.id.in_(made.values())).order_by(Scorecard.id)).all()
    if tell:
        for card in cards:
            letters.tell_made(card, now=now)
    return cards
