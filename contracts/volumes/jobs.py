"""Background work of volumes: warning those who can act, reminding them of what they decided, making services known."""

from __future__ import annotations

from contracts.volumes import actions, letters, queries
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


def remind() -> None:
    """Each morning: actions whose day has come to be followed up. Each is told of once for each day planned."""
    now = clock.now()
    with transaction():
        for action in queries.actions_to_follow_up(clock.london(now).date()):
            letters.remind(action, now=now)


def write_to_officers() -> None:
    """Every few minutes: letters to officers that a service has room, an action to a transaction. May run twice."""
    for action_id in queries.letters_wanted():
        with transaction():
            actions.letters_written(action_id, now=clock.now())
