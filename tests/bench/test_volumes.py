"""The measurement in small: it makes its data set, the counters are right, and every question is asked both ways."""

from __future__ import annotations

import pytest

from bench.volumes import Measured, Volumes, volumes

pytestmark = pytest.mark.processes


def test_every_question_is_asked_both_ways_over_counters_that_are_right() -> None:
    found = volumes(24, 400, repetitions=2)
    assert found.wrong == []
    assert [(row.name, row.referrals) for row in found.rows] == [
        (name, count)
        for count in (40, 400)
        for name in ("one line’s position", "a region’s board", "the nation’s board")
    ]
    assert all(row.ours > 0 and row.driver > 0 for row in found.rows)
    assert "| one line’s position | 400 |" in found.table()


def test_what_takes_too_long_is_named() -> None:
    fast, slow = Measured("one line", 100, 1.0, 0.5), Measured("one line", 1000, 1.29, 0.44)
    assert Volumes([fast, slow]).slow == []
    assert len(Volumes([fast, Measured("one line", 1000, 1.31, 0.43)]).slow) == 2
