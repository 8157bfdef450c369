"""The application with the real payments stub behind it, served on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session, scoped_session

from tests.conftest import StandingClock
from tests.factories.deals import Deal
from tests.marketplace.adapters.conftest import Clock, Running, serve


@pytest.fixture
def provider(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The payment provider of the tests' application. It goes by today's clock: signatures are dated."""
    with serve(tmp_path / "stub", Clock(time.time())) as running:
        monkeypatch.setitem(app.extensions, "payments", running.payments())
        yield running


@pytest.fixture
def deal(session: scoped_session[Session], provider: Running, clock: StandingClock) -> Deal:
    """A contract whose October is raised, with its supplier and its funder."""
    return Deal(provider, clock)
