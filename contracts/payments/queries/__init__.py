"""Reads of payments: what is to be done with the provider, accounts, payments, differences, and what waits for whom."""

from contracts.payments.queries.differences import (
    Filter,
    difference,
    differences,
    every_difference,
    keys_still_open,
    keys_to_look_at,
    last_comparison,
    standing_count,
    transfers_to_look_at,
)
from contracts.payments.queries.home import waiting
from contracts.payments.queries.invoices import PaidThrough, paid_through, undone_on
from contracts.payments.queries.receiving import accounts_to_open, receiving_account, waiting_for_account
from contracts.payments.queries.recovering import (
    RecoveryFilter,
    every_recovery,
    recoveries,
    recovery,
    to_return,
    waiting_recoveries,
)
from contracts.payments.queries.work import (
    chargebacks_to_recover,
    credits_to_send,
    events_set_aside,
    events_to_apply,
    invoices_to_send,
    recoveries_to_make,
    undone_to_post,
)

__all__ = [
    "Filter",
    "PaidThrough",
    "RecoveryFilter",
    "accounts_to_open",
    "chargebacks_to_recover",
    "credits_to_send",
    "difference",
    "differences",
    "events_set_aside",
    "events_to_apply",
    "every_difference",
    "every_recovery",
    "invoices_to_send",
    "keys_still_open",
    "keys_to_look_at",
    "last_comparison",
    "paid_through",
    "receiving_account",
    "recoveries",
    "recoveries_to_make",
    "recovery",
    "standing_count",
    "to_return",
    "transfers_to_look_at",
    "undone_on",
    "undone_to_post",
    "waiting",
    "waiting_for_account",
    "waiting_recoveries",
]
