"""Reads of payments: what is to be done with the provider, accounts, payments, and what waits for whom."""

from contracts.payments.queries.home import waiting
from contracts.payments.queries.invoices import PaidThrough, paid_through
from contracts.payments.queries.receiving import accounts_to_open, receiving_account, waiting_for_account
from contracts.payments.queries.work import events_to_apply, invoices_to_send

__all__ = [
    "PaidThrough",
    "accounts_to_open",
    "events_to_apply",
    "invoices_to_send",
    "paid_through",
    "receiving_account",
    "waiting",
    "waiting_for_account",
]
