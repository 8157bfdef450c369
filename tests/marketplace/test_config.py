"""Settings that are read as more than text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketplace.config import Settings, UnsafeSettings

SERVERS = {"MARKETPLACE_MODE": "test", "DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}


@pytest.mark.parametrize(("typed", "rate"), [(None, "4.00"), ("5.25", "5.25"), ("0", "0")])
def test_the_base_rate(typed: str | None, rate: str, tmp_path: object) -> None:
    asked = {"MARKETPLACE_HOME": str(tmp_path), **({"BASE_RATE": typed} if typed else {})}
    assert Settings.from_environment(SERVERS | asked).base_rate == Decimal(rate)


@pytest.mark.parametrize("typed", ["five", "-1", "101", "NaN", "Infinity"])
def test_a_base_rate_that_is_none_is_refused(typed: str, tmp_path: object) -> None:
    with pytest.raises(UnsafeSettings, match="BASE_RATE must be a percentage"):
        Settings.from_environment({**SERVERS, "MARKETPLACE_HOME": str(tmp_path), "BASE_RATE": typed})
