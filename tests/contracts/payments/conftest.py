"""The application with the real payments stub behind it, served on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.marketplace.adapters.conftest import Clock, Running, serve


@pytest.fixture
def provider(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The payment provider of the tests' application. It goes by today's clock: signatures are dated."""
    with serve(tmp_path / "stub", Clock(time.time())) as running:
        monkeypatch.setitem(app.extensions, "payments", running.payments())
        yield running
