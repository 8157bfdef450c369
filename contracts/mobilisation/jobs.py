"""Background work of mobilisation: making milestones of contracts just signed, and the day's reminders."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, letters, queries
from contracts.mobilisation.models import Milestone
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.errors import AlreadyDone
from marketplace.extensions import db
from marketplace.transactions import transaction


def begin_mobilisations() -> None:
    """Every few minutes: make the usual milestones of each contract signed since. May run twice."""
    now = clock.now()
    for agreement_id in queries.contracts_to_mobilise(clock.london(now).date()):
        try:
            with transaction():
                actions.begin(db.session.get_one(Agreement, agreement_id), actor=SYSTEM, now=now)
        except AlreadyDone:
            continue


def remind() -> None:
    """Each morning: milestones near or late, reports owed, clearances that end. Each is told of once."""
    now = clock.now()
    on = clock.london(now).date()
    with transaction():
        by_owner: dict[tuple[int, Side], list[Milestone]] = defaultdict(list)
        for milestone in queries.milestones_to_remind(on):
            by_owner[milestone.agreement_id, milestone.side].append(milestone)
        for (_, side), milestones in by_owner.items():
            letters.remind_of_milestones(milestones[0].agreement, side, milestones, on=on, now=now)
        days: dict[int, tuple[Agreement, list[date]]] = {}
        for agreement, due in queries.promises_to_remind(on).values():
            days.setdefault(agreement.id, (agreement, []))[1].extend(one.due_on for one in due)
        for agreement, quarters in queries.quarters_to_remind(on).values():
            days.setdefault(agreement.id, (agreement, []))[1].extend(last for (_, last), _ in quarters)
        for agreement, found in days.values():
            letters.remind_of_reports(agreement, days=found, now=now)
        for agreement, ends in queries.expiring(on):
            letters.warn_of_expiry(agreement, days=(day for day in ends if day >= on), now=now)
