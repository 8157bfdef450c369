"""Reads of the ledger, by subject; everything is found here by its name."""

from __future__ import annotations

from contracts.ledger.queries.accounts import (
    BETWEEN_US,
    NOTHING,
    Remittance,
    RemittedItem,
    Statement,
    StatementRow,
    Sums,
    balance,
    by_item,
    days_paid,
    others,
    remittances,
    remitted,
    statement,
    unbalanced,
)
from contracts.ledger.queries.debts import (
    Interest,
    OpenDebt,
    by_age,
    by_other,
    debts,
    interest_by_item,
)
from contracts.ledger.queries.rates import (
    Rates,
    base_rate_from,
    base_rates,
    every_base_rate,
    used,
)

__all__ = [
    "BETWEEN_US",
    "NOTHING",
    "Interest",
    "OpenDebt",
    "Rates",
    "Remittance",
    "RemittedItem",
    "Statement",
    "StatementRow",
    "Sums",
    "balance",
    "base_rate_from",
    "base_rates",
    "by_age",
    "by_item",
    "by_other",
    "days_paid",
    "debts",
    "every_base_rate",
    "interest_by_item",
    "others",
    "remittances",
    "remitted",
    "statement",
    "unbalanced",
    "used",
]
