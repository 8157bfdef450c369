"""Background work of referrals: comparing the running counters with the referrals, each night."""

from __future__ import annotations

import logging

from contracts.referrals import actions, queries
from marketplace import clock
from marketplace.access import SYSTEM
from marketplace.transactions import transaction

log = logging.getLogger(__name__)


def compare_counters() -> None:
    """Every night: count each line again, a line to a transaction. A person must look into what differs."""
    for line_id in queries.line_ids_with_referrals():
        with transaction():
            found = actions.check_counters(line_id, actor=SYSTEM, now=clock.now())
        for one in found:
            log.error(
                "running count of line %s on %s: %s, but counted again: %s", line_id, one.day, one.kept, one.recounted
            )
