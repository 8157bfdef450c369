"""Reads of performance: targets, scorecards, contracts side by side, late referrals, what waits."""

from contracts.performance.queries.comparing import (
    MONTHS_TOGETHER,
    Compared,
    Narrowed,
    Order,
    Together,
    by_category,
    compared,
    every_compared,
    latest_month,
)
from contracts.performance.queries.counting import counts
from contracts.performance.queries.scorecards import (
    contracts_without,
    figures,
    figures_so_far,
    improvement_for,
    improvements_of,
    last_month_over,
    measures_in,
    months_to_make,
    scorecard_for,
    scorecards_of,
    sees_cases,
)
from contracts.performance.queries.targets import Applied, every_target, target_for, targets_of
from contracts.performance.queries.waiting import late_improvements, waiting

__all__ = [
    "MONTHS_TOGETHER",
    "Applied",
    "Compared",
    "Narrowed",
    "Order",
    "Together",
    "by_category",
    "compared",
    "contracts_without",
    "counts",
    "every_compared",
    "every_target",
    "figures",
    "figures_so_far",
    "improvement_for",
    "improvements_of",
    "last_month_over",
    "late_improvements",
    "latest_month",
    "measures_in",
    "months_to_make",
    "scorecard_for",
    "scorecards_of",
    "sees_cases",
    "target_for",
    "targets_of",
    "waiting",
]
