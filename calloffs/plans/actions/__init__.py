"""What is done with plans, by subject; everything is found here by its name."""

from __future__ import annotations

from calloffs.plans.actions.drafting import (
    Carried,
    change_need,
    forecast,
    price,
    project,
    put_money,
    rest_on,
    set_bands,
    start_plan,
    state_volume,
)
from calloffs.plans.actions.reference import announce_needs_data, enter_unit_costs, publish_needs_data
from calloffs.plans.actions.settling import begin_version, discard_version, settle

__all__ = [
    "Carried",
    "announce_needs_data",
    "begin_version",
    "change_need",
    "discard_version",
    "enter_unit_costs",
    "forecast",
    "price",
    "project",
    "publish_needs_data",
    "put_money",
    "rest_on",
    "set_bands",
    "settle",
    "start_plan",
    "state_volume",
]
