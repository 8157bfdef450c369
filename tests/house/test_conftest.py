"""The fixtures keep what they promise."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import pytest
from flask import Flask
from pytest_socket import SocketConnectBlockedError
from sqlalchemy import text

from marketplace import clock as clock_module
from marketplace import queueing
from marketplace.extensions import db
from marketplace.transactions import after_commit, transaction
from tests.conftest import Client, StandingClock

done: list[int] = []


def remember(number: int) -> None:
    """A job: takes a key, works in an application context."""
    db.session.execute(text("SELECT 1"))
    done.append(number)


@pytest.mark.parametrize("time", [1, 2])
def test_what_one_test_commits_the_next_does_not_see(time: int, session: object) -> None:
    assert db.session.scalar(text("SELECT to_regclass('kept')")) is None
    with transaction():
        db.session.execute(text("CREATE TABLE kept (id int)"))
    assert db.session.scalar(text("SELECT to_regclass('kept')")) == "kept"


def test_a_request_sees_what_the_test_prepared(client: Client) -> None:
    assert client.get("/health").json == {"database": "up", "queue": "up"}


def test_jobs_run_after_the_commit_and_only_then(app: Flask, session: object, run_jobs: Callable[[], int]) -> None:
    done.clear()
    with suppress(ZeroDivisionError), transaction():
        after_commit(lambda: queueing.enqueue(remember, 1))
        raise ZeroDivisionError
    with transaction():
        after_commit(lambda: queueing.enqueue(remember, 2))
    assert run_jobs() == 1
    assert done == [2]


def test_what_must_come_first_overtakes_what_waits(app: Flask, session: object, run_jobs: Callable[[], int]) -> None:
    done.clear()
    queueing.enqueue(remember, 1)
    queueing.enqueue(remember, 2)
    queueing.enqueue(remember, 3, first=True)
    assert run_jobs() == 3
    assert done == [3, 1, 2]


def test_committed_data_is_seen_by_other_threads(committed_app: Flask) -> None:
    seen: list[int | None] = []

    def look() -> None:
        with committed_app.app_context():
            seen.append(db.session.scalar(text("SELECT count(*) FROM kept")))

    with committed_app.app_context(), transaction():
        db.session.execute(text("CREATE TABLE kept (id int)"))
        db.session.execute(text("INSERT INTO kept VALUES (1)"))
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


def test_the_clock_stands_still_until_moved(clock: StandingClock) -> None:
    before = clock_module.now()
    assert clock_module.now() == before
    clock.move(days=1)
    assert (clock_module.now() - before).days == 1


def test_the_network_is_closed() -> None:
    with (
        pytest.warns(UserWarning, match="192.0.2.1"),
        pytest.raises(SocketConnectBlockedError),
        socket.socket() as probe,
    ):
        probe.connect(("192.0.2.1", 80))
