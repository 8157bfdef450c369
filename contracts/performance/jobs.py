"""Background work of performance: the scorecards of months that are over, and reminders of what is late."""

from __future__ import annotations

from contracts.performance import actions, letters, queries
from marketplace import clock
from marketplace.transactions import transaction

# So many contracts are counted together, and committed together.
TOGETHER = 100


def make_due_scorecards() -> None:
    """Each morning: make the scorecards that are lacking, and tell both sides of the latest. May run twice."""
    now = clock.now()
    months = queries.months_to_make(clock.london(now).date())
    for month in months:
        lacking = queries.contracts_without(month)
        for start in range(0, len(lacking), TOGETHER):
            with transaction():
                actions.make_scorecards(lacking[start : start + TOGETHER], month, now=now, tell=month == months[-1])


def remind() -> None:
    """Each morning: of actions that are late, once each."""
    now = clock.now()
    with transaction():
        for made in queries.late_improvements(clock.london(now).date()):
            letters.remind(made, now=now)
