"""What every test may ask for: a database that forgets, a client, the queue, and a clock that stands still.

The suite starts PostgreSQL and Valkey of its own. Migrations run once into a template database; each worker clones
it; each test runs inside one outer transaction that is rolled back. `committed_app` is for tests that need real
commits (threads, processes, a browser): a fresh clone, dropped afterwards.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask_migrate
import psycopg
import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy.orm import Session, scoped_session

from marketplace import clock as clock_module
from marketplace import queueing
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.extensions import db
from marketplace.local.servers import Urls, local_servers

SUITE_HOME = "MARKETPLACE_SUITE_HOME"
TEMPLATE = "suite_template"

# A busy machine makes no property untrue: how long things may take is measured elsewhere.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the whole suite, made by the process that its workers inherit from."""
    if SUITE_HOME not in os.environ:
        os.environ[SUITE_HOME] = tempfile.mkdtemp(prefix="marketplace-suite-")
        Path(os.environ[SUITE_HOME]).chmod(0o755)  # PostgreSQL is another user when we are root
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SUITE_HOME), ignore_errors=True))


@pytest.fixture(scope="session")
def servers() -> Iterator[Urls]:
    """PostgreSQL and Valkey of the suite's own; the first worker that asks starts them."""
    with local_servers(Path(os.environ[SUITE_HOME]), {}, durable=False) as urls:
        yield urls


@pytest.fixture(scope="session")
def template(servers: Urls) -> str:
    """The name of a database with every table and no row but those that migrations put there."""
    with (Path(os.environ[SUITE_HOME]) / "template.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            _administer(servers, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
            app = create_app(_settings(servers, TEMPLATE))
            with app.app_context():
                flask_migrate.upgrade()
                db.engine.dispose()
            lock.write("made")
    return TEMPLATE


@pytest.fixture(scope="session")
def app(servers: Urls, template: str) -> Iterator[Flask]:
    """The application on this worker's own database. Its context is entered per test, by `session`."""
    with _clone(servers, template) as name:
        made = _testing(create_app(_settings(servers, name)))
        made.config["WTF_CSRF_ENABLED"] = False
        made.test_client_class = Client
        yield made
        with made.app_context():
            db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[scoped_session[Session]]:
    """`db.session` inside an application context; whatever the test commits is rolled back after it."""
    queueing.connection(app).flushdb()
    with app.app_context():
        engines: Any = db.engines
        engine = engines[None]
        with engine.connect() as connection:
            outer = connection.begin()
            engines[None] = connection
            db.session.configure(join_transaction_mode="create_savepoint")
            try:
                yield db.session
            finally:
                db.session.remove()
                db.session.configure(join_transaction_mode="conditional_savepoint")
                engines[None] = engine
                outer.rollback()


class Client(FlaskClient):
    """Asks for pages as a browser does: each request in a context, and a database session, of its own.

    What the test has prepared is committed before (into the test's outer transaction), and what it holds is read
    afresh after.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """One request."""
        if has_app_context():
            db.session.commit()
        answer = Context().run(lambda: super(Client, self).open(*args, **kwargs))
        if has_app_context():
            db.session.expire_all()
        return answer


@pytest.fixture
def client(app: Flask, session: scoped_session[Session]) -> Client:
    """A browser without JavaScript, not signed in."""
    made = app.test_client()
    assert isinstance(made, Client)
    return made


@pytest.fixture
def run_jobs(app: Flask, session: scoped_session[Session]) -> Callable[[], int]:
    """Call it to do everything that is queued, here and now; it raises what a job raises."""

    def run() -> int:
        session.commit()
        done = Context().run(queueing.run_queued, app)
        session.expire_all()
        return done

    return run


@pytest.fixture
def committed_app(servers: Urls, template: str) -> Iterator[Flask]:
    """An application on a fresh database where commits are real, for threads, processes and browsers.

    No context is entered: do `with committed_app.app_context():`, in each thread its own. Forms are protected.
    """
    with committed(servers, template) as made:
        yield made


@contextmanager
def committed(servers: Urls, template: str, **environment: str) -> Iterator[Flask]:
    """The same, with other settings."""
    with _clone(servers, template) as name:
        made = _testing(create_app(_settings(servers, name, **environment)))
        queueing.connection(made).flushdb()
        yield made
        with made.app_context():
            db.session.remove()
            db.engine.dispose()


class StandingClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def set(self, moment: datetime) -> datetime:
        """Make it this moment."""
        if moment.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        self.moment = moment.astimezone(UTC)
        return self.moment

    def move(self, **by: float) -> datetime:
        """Let time pass: `clock.move(days=3, minutes=1)`."""
        return self.set(self.moment + timedelta(**by))


@pytest.fixture
def clock() -> Iterator[StandingClock]:
    """The marketplace's clock, standing at nine in the morning (London) on Monday 7 September 2026."""
    standing = StandingClock(datetime(2026, 9, 7, 8, 0, tzinfo=UTC))
    clock_module.set_source(standing)
    yield standing
    clock_module.set_source(None)


def _testing(app: Flask) -> Flask:
    app.testing = True
    return app


def _settings(servers: Urls, database: str, **environment: str) -> Settings:
    """Settings of one worker: its own database, its own part of Valkey, one home for the suite's files."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    head, _, tail = servers.database.rpartition("/marketplace?")
    return Settings.from_environment(
        {
            "MARKETPLACE_MODE": "test",
            "MARKETPLACE_HOME": str(Path(os.environ[SUITE_HOME]) / f"worker-{worker}"),
            "DATABASE_URL": f"{head}/{database}?{tail}",
            "REDIS_URL": f"{servers.redis}?db={int(worker) % 16}",
        }
        | environment
    )


@contextmanager
def _clone(servers: Urls, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    _administer(servers, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield name
    finally:
        _administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(servers: Urls, *statements: str) -> None:
    with psycopg.connect(servers.database.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]
