"""What waits for somebody is late when its moment is over, or the day by which it is due."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketplace.waiting import Waiting


@pytest.mark.parametrize(
    ("due", "runs_out_at", "by_the_day"),
    [
        # Clocks go back on 25 October: the day's end is an hour later by UTC.
        (date(2026, 10, 24), datetime(2026, 10, 24, 23, 0, tzinfo=UTC), True),
        (date(2026, 10, 25), datetime(2026, 10, 26, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 16, 0, tzinfo=UTC), datetime(2026, 10, 25, 16, 0, tzinfo=UTC), False),
    ],
)
def test_a_day_lasts_to_its_end_in_london(due: date | datetime, runs_out_at: datetime, by_the_day: bool) -> None:
    item = Waiting("Sign", "/", due)
    assert (item.runs_out_at, item.is_due_by_the_day) == (runs_out_at, by_the_day)


def test_what_has_no_day_is_never_late() -> None:
    assert Waiting("Look", "/").runs_out_at is None
