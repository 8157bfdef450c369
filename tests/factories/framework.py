"""The framework as its reference data has it: categories ACC, ETE…, cohorts, selection questions."""

from __future__ import annotations

from marketplace import clock
from marketplace.framework.actions import load_framework
from marketplace.framework.models import Framework
from marketplace.framework.queries import framework


def make_framework() -> Framework:
    """Load it, if it is not there yet."""
    load_framework(now=clock.now())
    return framework()
