"""When a referral is late, so that somebody chases it (R72): clocks that are only words on pages today."""

from __future__ import annotations

from datetime import date, timedelta

from marketplace.working_days import is_working_day

# Working days. To accept or return a referral: our own default. From there to the first session attended: the time
# that is set for the initial assessment. To record whether a session was attended: the same day.
ACCEPT_WITHIN = 2
ASSESS_WITHIN = 10


def late_before(on: date, working_days: int) -> date:
    """What happened before this day, and was to be followed within so many working days, is late on `on`."""
    day, left = on, working_days
    while left:
        day -= timedelta(days=1)
        left -= is_working_day(day)
    return day
