"""The month's run: it may be killed and run again."""

from __future__ import annotations

from contracts.invoices import actions, queries
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.queueing import for_each
from marketplace.transactions import transaction


def raise_due_invoices() -> None:
    """Every day: raise all that is due and reconcile each year that is over, a contract to a transaction."""
    for_each(queries.agreements_to_invoice(), raise_invoices)


def raise_invoices(agreement_id: int) -> None:
    """Raise what is due under one contract, and reconcile its years that are over."""
    with transaction():
        agreement = queries.agreement_with_prices(agreement_id)
        if agreement is not None:
            actions.reconcile_years(agreement, actor=SYSTEM, now=clock.now())
