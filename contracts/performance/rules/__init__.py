"""Performance: what is measured and how, targets, ratings, scorecards, and the clocks that referrals run against."""

from contracts.performance.rules.clocks import (
    ANSWER_WORKING_DAYS,
    FIRST_SESSION_WORKING_DAYS,
    FREEZE_WORKING_DAYS,
    IN_TOUCH_DAYS,
    LateClock,
    days_due,
    freezes_on,
    last_day_past,
    late_since,
)
from contracts.performance.rules.measures import DEFINITIONS, Definition, Measure, Part, Target, usual_targets
from contracts.performance.rules.scoring import FEW, GRAVEST_FIRST, Figure, Rating, Scorecard, rating_of, worst
from contracts.performance.rules.steps import ACTION_MOVES, TARGET_MOVES, ActionStatus, TargetStatus

__all__ = [
    "ACTION_MOVES",
    "ANSWER_WORKING_DAYS",
    "DEFINITIONS",
    "FEW",
    "FIRST_SESSION_WORKING_DAYS",
    "FREEZE_WORKING_DAYS",
    "GRAVEST_FIRST",
    "IN_TOUCH_DAYS",
    "TARGET_MOVES",
    "ActionStatus",
    "Definition",
    "Figure",
    "LateClock",
    "Measure",
    "Part",
    "Rating",
    "Scorecard",
    "Target",
    "TargetStatus",
    "days_due",
    "freezes_on",
    "last_day_past",
    "late_since",
    "rating_of",
    "usual_targets",
    "worst",
]
