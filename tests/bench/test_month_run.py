"""The month's run in small: the worker killed once, the queue emptied once, each invoice once here and there."""

from __future__ import annotations

import pytest

from bench.month_run import month_run

pytestmark = pytest.mark.processes


def test_killed_and_emptied_meanwhile_each_invoice_is_there_once() -> None:
    run = month_run(24, kills=1, most_seconds=300)
    assert run.wrong == []
    assert run.invoices == 30
    assert run.credits == 3  # of two contracts that have ended, one with two funders
    assert len(run.done) == 2
    assert run.sent_in > 0
