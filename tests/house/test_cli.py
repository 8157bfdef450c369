"""The `marketplace` command: help, reports for people and programs, refusals in plain words."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from marketplace import cli as cli_module
from marketplace.cli import cli, main
from marketplace.config import Settings
from marketplace.errors import Refused
from marketplace.extensions import db
from tests.factories.referrals import make_referrals, make_service


@pytest.fixture
def run(committed_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a subcommand on a fresh database and give its report."""
    settings: Settings = committed_app.config["SETTINGS"]
    given = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "MARKETPLACE_MODE": "test"}
    for name, value in (given | {"MARKETPLACE_HOME": str(settings.home)}).items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> Any:
        done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return command


def commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found |= commands(command, f"{path}{name} ") if isinstance(command, click.Group) else {path + name: command}
    return found


@pytest.mark.parametrize("name", sorted(commands(cli)))
def test_every_command_says_what_it_does(name: str) -> None:
    command = commands(cli)[name]
    assert command.help
    assert CliRunner().invoke(cli, [*name.split(), "--help"]).exit_code == 0


def test_reference_data_is_loaded_once(run: Any) -> None:
    first, second = run("load-reference"), run("load-reference")
    assert first["places"]["added"] == 373
    assert second["places"] == {"added": 0, "changed": 0, "unchanged": 373, "retired": 0}


def test_jobs_are_listed_and_can_be_run_now(run: Any) -> None:
    listed = run("jobs", "list")
    assert {"letters", "invoices"} <= {job["name"] for job in listed["jobs"]}
    assert run("jobs", "run", "letters") == {"job": "letters", "queued_jobs_done": 0}


def test_a_service_is_counted_again_and_put_right_only_if_asked(committed_app: Flask, run: Any) -> None:
    with committed_app.app_context():
        line = make_service()
        make_referrals(line, 2)
        db.session.execute(text("UPDATE line_days SET total = 5"))
        db.session.commit()
        key = line.id
    differs = ["2026-09-01: 5 (0 completed) kept, 2 (0 completed) counted again"]
    assert run("recount", str(key)) == differs
    assert run("recount", str(key), "--put-right") == differs
    assert run("recount", str(key)) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("This has been done already."), "This has been done already."),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), "No such file or directory: x.csv"),
        (KeyboardInterrupt(), "Stopped."),
    ],
)
def test_refusals_are_plain_words_and_end_with_1(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(cli_module, "_migrate", refuse)
    monkeypatch.setattr(cli_module, "application", lambda: _nothing())
    monkeypatch.setattr(sys, "argv", ["marketplace", "migrate"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert capsys.readouterr().err.strip() == words


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *args: object) -> None: ...


def test_the_first_command_furnishes_a_new_installation(committed_app: Flask, run: Any) -> None:
    with committed_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
    assert run("load-reference")["places"] == {"added": 0, "changed": 0, "unchanged": 373, "retired": 0}
