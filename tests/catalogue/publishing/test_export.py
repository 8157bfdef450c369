from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy.orm import Session, scoped_session

from marketplace import cli
from tests.conftest import StandingClock
from tests.factories.agreements import make_award


@pytest.fixture
def run(
    app: Flask, session: scoped_session[Session], clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    @contextmanager
    def already_there() -> Iterator[Flask]:
        yield app

    monkeypatch.setattr(cli, "application", already_there)
    return CliRunner()


def test_the_register_is_written_to_a_file(run: CliRunner, tmp_path: Path) -> None:
    reference = make_award().competition.reference
    file = tmp_path / "awards.csv"
    told = run.invoke(cli.cli, ["export", "awards", "--output", str(file), "--json"], catch_exceptions=False)
    assert json.loads(told.output) == {"file": str(file), "bytes": file.stat().st_size}
    assert reference in file.read_text()


def test_a_process_is_written_to_the_terminal(run: CliRunner) -> None:
    reference = make_award().competition.reference
    told = run.invoke(cli.cli, ["export", "ocds", reference], catch_exceptions=False)
    assert json.loads(told.output)["releases"][0]["tender"]["id"] == reference


def test_what_is_not_public_is_not_exported(run: CliRunner) -> None:
    with pytest.raises(cli.CannotStart, match="Nothing is published"):
        run.invoke(cli.cli, ["export", "ocds", "DF-1999-0001"], catch_exceptions=False)
