"""Reads of mobilisation: milestones and readiness, people who deliver, promises, supply chain, what waits."""

from contracts.mobilisation.queries.contract import contract_for, managed, side_of
from contracts.mobilisation.queries.milestones import (
    Ready,
    contracts_to_mobilise,
    every_ready,
    is_begun,
    milestone_for,
    milestones_of,
    milestones_to_remind,
    readiness_of,
    ready_contracts,
)
from contracts.mobilisation.queries.promises import (
    DueReport,
    due_reports,
    promise_for,
    promises_of,
    promises_to_remind,
    report_for,
)
from contracts.mobilisation.queries.staff import (
    ClearedCount,
    access_for,
    counts_of,
    expiring,
    staff_member_for,
    staff_of,
)
from contracts.mobilisation.queries.supply_chain import (
    Chain,
    chain_of,
    mark_of,
    quarters_to_remind,
    subcontractor_for,
)
from contracts.mobilisation.queries.waiting import waiting

__all__ = [
    "Chain",
    "ClearedCount",
    "DueReport",
    "Ready",
    "access_for",
    "chain_of",
    "contract_for",
    "contracts_to_mobilise",
    "counts_of",
    "due_reports",
    "every_ready",
    "expiring",
    "is_begun",
    "managed",
    "mark_of",
    "milestone_for",
    "milestones_of",
    "milestones_to_remind",
    "promise_for",
    "promises_of",
    "promises_to_remind",
    "quarters_to_remind",
    "readiness_of",
    "ready_contracts",
    "report_for",
    "side_of",
    "staff_member_for",
    "staff_of",
    "subcontractor_for",
    "waiting",
]
