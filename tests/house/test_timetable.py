"""Every scheduled job exists, takes nothing, and has a name and a time of its own."""

from __future__ import annotations

import inspect

import pytest
from croniter import croniter

from marketplace.timetable import TIMETABLE, Scheduled, scheduled


@pytest.mark.parametrize("job", TIMETABLE, ids=lambda job: job.name)
def test_a_scheduled_job_can_be_run_by_the_clock_alone(job: Scheduled) -> None:
    needed = [one for one in inspect.signature(job.load()).parameters.values() if one.default is one.empty]
    assert needed == []
    assert (job.every is None) != (job.cron == "")
    assert not job.cron or croniter.is_valid(job.cron)
    assert job.what_for
    assert scheduled(job.name) is job
