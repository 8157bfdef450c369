"""Reads of changes: variations and their effect, suspensions, what waits."""

from contracts.changes.queries.suspensions import suspension_for, suspensions_of, suspensions_to_tell
from contracts.changes.queries.variations import (
    Effect,
    effect,
    may_approve,
    must_approve,
    still_to_approve,
    turn_of,
    variation_for,
    variations_of,
    waiting,
)

__all__ = [
    "Effect",
    "effect",
    "may_approve",
    "must_approve",
    "still_to_approve",
    "suspension_for",
    "suspensions_of",
    "suspensions_to_tell",
    "turn_of",
    "variation_for",
    "variations_of",
    "waiting",
]
