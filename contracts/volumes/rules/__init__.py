"""Volumes: actual referrals against the profile, the bands and the cap.

Source: the government's own method (domain.md, "Planning a need"; R41-R43, R46, R50): "assess the actual volume of
referrals against" the estimate, act before a cap or a band edge.
"""

from contracts.volumes.rules.alerts import CAP_ALERTS, AlertKind, DueAlert, due_alerts
from contracts.volumes.rules.chart import Step, steps
from contracts.volumes.rules.position import (
    NEAR_CAP_PERCENT,
    NEAR_CAP_WORKING_DAYS,
    TOLERANCE_PERCENT,
    Edge,
    Position,
    Standing,
    assess,
    band_paid,
    band_reached,
    planned_from,
)
from contracts.volumes.rules.price import (
    AtStake,
    OneMore,
    PaidAgainstUsed,
    at_stake,
    one_more,
    paid_against_used,
    paid_to_date,
)
from contracts.volumes.rules.profile import (
    EVEN,
    MOST_WEIGHT,
    Elapsed,
    Plan,
    Planned,
    Profile,
    half_up,
    profile,
    scaled_up,
    season_faults,
)
from contracts.volumes.rules.sureness import (
    CLOSE_PERCENT,
    FAIR_PERCENT,
    RANGE_PERCENT,
    Likelihood,
    Range,
    Sureness,
    at_most,
    likelihood,
    more_at,
    year_end_range,
)

__all__ = [
    "CAP_ALERTS",
    "CLOSE_PERCENT",
    "EVEN",
    "FAIR_PERCENT",
    "MOST_WEIGHT",
    "NEAR_CAP_PERCENT",
    "NEAR_CAP_WORKING_DAYS",
    "RANGE_PERCENT",
    "TOLERANCE_PERCENT",
    "AlertKind",
    "AtStake",
    "DueAlert",
    "Edge",
    "Elapsed",
    "Likelihood",
    "OneMore",
    "PaidAgainstUsed",
    "Plan",
    "Planned",
    "Position",
    "Profile",
    "Range",
    "Standing",
    "Step",
    "Sureness",
    "assess",
    "at_most",
    "at_stake",
    "band_paid",
    "band_reached",
    "due_alerts",
    "half_up",
    "likelihood",
    "more_at",
    "one_more",
    "paid_against_used",
    "paid_to_date",
    "planned_from",
    "profile",
    "scaled_up",
    "season_faults",
    "steps",
    "year_end_range",
]
