"""Background work of volumes: warning those who can act."""

from __future__ import annotations

from contracts.volumes import actions, queries
from contracts.volumes.rules import Position
from marketplace import clock
from marketplace.transactions import transaction


def raise_due_alerts() -> None:
    """Every few minutes: raise what is due, a service to a transaction, and close what is over. May run twice, and at
    once."""
    now = clock.now()
    found = queries.due(clock.london(now).date())
    for alert_id, why in found.to_close:
        with transaction():
            actions.close_what_is_over(alert_id, why, now=now)
    for position in found.to_raise:
        _raise(position)


def _raise(position: Position) -> None:
    with transaction():
        actions.raise_alerts(position, now=clock.now())
