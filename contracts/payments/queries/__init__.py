"""Reads of payments: what is to be done with the provider, accounts, payments, differences, and what waits for whom."""

from contracts.payments.queries.differences import (
    Filter,
    difference,
    differences,
    every_difference,
    keys_to_look_at,
    last_comparison,
    standing_count,
)
from contracts.payments.queries.home import waiting
from contracts.payments.queries.invoices import PaidThrough, paid_through, undone_on
from contracts.payments.queries.receiving import accounts_to_open, receiving_account, waiting_for_account
from contracts.payments.queries.work import credits_to_send, events_to_apply, invoices_to_send, undone_to_post

__all__ = [
    "Filter",
    "PaidThrough",
    "accounts_to_open",
    "credits_to_send",
    "difference",
    "differences",
    "events_to_apply",
    "every_difference",
    "invoices_to_send",
    "keys_to_look_at",
    "last_comparison",
    "paid_through",
    "receiving_account",
    "standing_count",
    "undone_on",
    "undone_to_post",
    "waiting",
    "waiting_for_account",
]
