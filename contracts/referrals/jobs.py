"""Background work of referrals: passing on the places that the clock frees, and checking the running counters."""

from __future__ import annotations

import logging

from contracts.changes.queries import suspensions_to_tell
from contracts.referrals import actions, letters, queries
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.transactions import transaction

log = logging.getLogger(__name__)


def pass_places_on() -> None:
    """Every few minutes: pass on places not taken in time, and offer the room that a new day has brought."""
    for line_id in queries.lines_to_look_at():
        with transaction():
            actions.settle(line_id, now=clock.now())


def tell_of_suspensions() -> None:
    """Every few minutes: tell officers with open referrals that a service takes no new ones, or takes them again."""
    now = clock.now()
    on = clock.london(now).date()
    with transaction():
        for one in suspensions_to_tell(on):
            if one.applies_on(on):
                officers = queries.officers_with_open(one.agreement_id, one.line_id)
                letters.tell_officers(one, officers, lifted=False, now=now)
            elif one.lifted_from is not None and one.from_on < one.lifted_from <= on:
                letters.tell_officers(one, queries.officers_to_tell_again(one, on), lifted=True, now=now)


def compare_counters() -> None:
    """Every night: count each line again, a line to a transaction. A person must look into what differs."""
    for line_id in queries.line_ids_with_referrals():
        with transaction():
            found = actions.check_counters(line_id, actor=SYSTEM, now=clock.now())
        for one in found:
            log.error(
                "running count of line %s on %s: %s, but counted again: %s", line_id, one.day, one.kept, one.recounted
            )
