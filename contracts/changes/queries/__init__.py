"""Reads of changes: variations and their effect, suspensions, what waits."""

from contracts.changes.queries.abandoning import abandonment_of, latest_abandonment_of, may_decide
from contracts.changes.queries.exits import (
    contracts_near_their_end,
    ending_of,
    exit_begun,
    exit_task_for,
    exit_tasks,
    exit_tasks_owed,
)
from contracts.changes.queries.home import waiting
from contracts.changes.queries.options import (
    is_open_to_change,
    option_for,
    option_standing,
    options_of,
    options_to_decide,
)
from contracts.changes.queries.proposals import proposal_for, proposals_of
from contracts.changes.queries.suspensions import suspension_for, suspensions_of, suspensions_to_tell
from contracts.changes.queries.variations import (
    Effect,
    effect,
    granted_by,
    is_being_changed,
    is_shown_to,
    is_varied,
    lead_on,
    leads_to_hand_over,
    may_approve,
    must_approve,
    still_to_approve,
    turn_of,
    variation_for,
    variations_of,
)

__all__ = [
    "Effect",
    "abandonment_of",
    "contracts_near_their_end",
    "effect",
    "ending_of",
    "exit_begun",
    "exit_task_for",
    "exit_tasks",
    "exit_tasks_owed",
    "granted_by",
    "is_being_changed",
    "is_open_to_change",
    "is_shown_to",
    "is_varied",
    "latest_abandonment_of",
    "lead_on",
    "leads_to_hand_over",
    "may_approve",
    "may_decide",
    "must_approve",
    "option_for",
    "option_standing",
    "options_of",
    "options_to_decide",
    "proposal_for",
    "proposals_of",
    "still_to_approve",
    "suspension_for",
    "suspensions_of",
    "suspensions_to_tell",
    "turn_of",
    "variation_for",
    "variations_of",
    "waiting",
]
