"""Background work of changes: exit plans of contracts that near their end, and the day's reminders."""

from __future__ import annotations

from datetime import timedelta

from contracts.agreements.models import Agreement
from contracts.changes import actions, letters, queries
from contracts.changes.rules import OPTION_REMINDERS, TaskStanding, reminder_due
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.errors import AlreadyDone
from marketplace.extensions import db
from marketplace.transactions import transaction


def prepare_endings() -> None:
    """Each morning: make the exit plan of each contract that nears its end. May run twice."""
    now = clock.now()
    for agreement_id in queries.contracts_near_their_end(clock.london(now).date()):
        try:
            with transaction():
                actions.begin_exit(db.session.get_one(Agreement, agreement_id), actor=SYSTEM, now=now)
        except AlreadyDone:
            continue


def hand_leads_over() -> None:
    """Each morning, before all else: contracts that another body leads from today. May run twice."""
    now = clock.now()
    for agreement_id in queries.leads_to_hand_over(clock.london(now).date()):
        with transaction():
            actions.hand_lead_over(db.session.get_one(Agreement, agreement_id), actor=SYSTEM, now=now)


def remind() -> None:
    """Each morning: options to be decided (three times ‡), tasks of endings that are near or late (once each)."""
    now = clock.now()
    on = clock.london(now).date()
    with transaction():
        for option in queries.options_to_decide(on, on + timedelta(days=max(OPTION_REMINDERS))):
            days = reminder_due(option.decide_by, on)
            if days is not None:
                letters.remind_of_option(option, days=days, now=now)
        for task in queries.exit_tasks_owed(on):
            letters.remind_of_exit(task, is_late=task.standing(on) is TaskStanding.LATE, now=now)
