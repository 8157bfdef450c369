"""What is sealed or personal can be read nowhere but on the pages of those it is for.

A supplier writes and submits a bid; an officer refers somebody; the supplier records a session; officers open the
bids. Then everything that is kept is searched for a phrase and the price of the bid, the case reference, the need and
the note: dumps of the database, its files and its log of changes, Valkey, all logs, letters, the audit trail. The
search is first shown to find what is planted.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue
from sqlalchemy import select, text

from marketplace import queueing
from marketplace.access import Actor
from marketplace.app import create_app
from marketplace.audit import AuditEvent
from marketplace.config import Settings
from marketplace.extensions import db
from marketplace.local.places import Home
from marketplace.local.postgres import Postgres
from marketplace.local.servers import Urls
from marketplace.local.valkey import Valkey
from marketplace.outbox import Letter, LetterStatus
from tests.conftest import committed
from tests.factories.accounts import PASSWORD, sign_in
from tests.house.leaking import contents_of, dumps_of, files_in, leaks
from tests.house.secretive import (
    PLANTED,
    SECRETS,
    Walker,
    bid_and_refer,
    close_and_open,
    make_people,
)
from tests.house.test_supervisor import Installation, two_free_ports, wait


def plant(app: Flask, folder: Path) -> None:
    """The control: phrases that the search must find, each in a form that carelessness could give it."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE planted (plain text, raw bytea, coded text, doc jsonb)"))
        values = {
            "plain": f"It says {PLANTED['a text']}.",
            "raw": PLANTED["bytes"].encode(),
            "coded": base64.b64encode(f"ab{PLANTED['base64']}cd".encode()).decode(),
            "doc": json.dumps({"answer": PLANTED["a document"]}),
        }
        connection.execute(text("INSERT INTO planted VALUES (:plain, :raw, :coded, CAST(:doc AS jsonb))"), values)
    valkey = queueing.connection(app)
    valkey.set("planted", PLANTED["a key of Valkey"])
    # A queue that nobody works on. Without a description the phrase lies packed in the job only.
    queue = Queue("nobody", connection=valkey)
    queue.enqueue("marketplace.outbox.send_letter", PLANTED["a job"], description="planted")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "planted.log").write_text(f"POST /somewhere?answer={PLANTED['a log']}\n")


IN_DUMPS = ("a text", "bytes", "base64", "a document")


def assert_search_works(places: dict[str, bytes]) -> None:
    """Every planted phrase is found, those of the database in each dump."""
    found = leaks(places, PLANTED)
    for what in PLANTED:
        assert any(one.startswith(f"{what} in ") for one in found), what
    dumps = [where for where in places if where.startswith("dump")]
    assert dumps
    missed = {f"{what} in {where}" for what in IN_DUMPS for where in dumps} - set(found)
    assert not missed


def rows_as_read() -> dict[str, bytes]:
    """The audit trail, and the letters with their seal taken off: what they say must not be secret either."""
    events = db.session.scalars(select(AuditEvent)).all()
    letters = db.session.scalars(select(Letter)).all()
    assert {"Submitted the bid", "Opened the bids", "Sent to the supplier"} <= {one.what for one in events}
    assert any("receipt" in one.subject.lower() or "submitted" in one.subject.lower() for one in letters)
    return {
        "audit trail": "\n".join(f"{one.what} {one.details}" for one in events).encode(),
        "letters": "\n".join(f"{one.key} {one.subject} {one.body} {one.last_error}" for one in letters).encode(),
    }


def client_of(app: Flask, actor: Actor) -> FlaskClient:
    """A browser without JavaScript, signed in."""
    with app.app_context():
        return sign_in(app.test_client(), actor)


def test_no_program_says_a_secret_however_much_it_is_asked_to_say(
    servers: Urls,
    template: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one process, with every logger at its most talkative: statements and rows of the database included."""
    with committed(servers, template, MARKETPLACE_HOME=str(tmp_path / "home")) as app:
        app.testing = False
        with app.app_context():
            people = make_people()
        plant(app, tmp_path / "home" / "log")
        for name in ("", "sqlalchemy", "werkzeug", "rq.worker", "marketplace"):
            caplog.set_level(logging.DEBUG, name)
        caplog.clear()

        def enter(actor: Actor) -> Walker:
            client = client_of(app, actor)
            return Walker(
                lambda method, path, data: client.open(path, method=method, data=data, follow_redirects=True).text
            )

        bidder = enter(people.tender.bidder)
        bid_and_refer(people, bidder, enter, app.app_context)
        before = dumps_of(app.config["SETTINGS"].database_url)
        edit = f"/bids/{people.competition}/edit"
        answer = f"answer_{people.questions[0]}"
        assert "Too much at once" in bidder.post(edit, version="2", **{answer: SECRETS["the bid's phrase"] * 100_000})
        # Something breaks with the whole bid in hand, and says so in its error.
        with monkeypatch.context() as broken:
            broken.setattr("calloffs.bids.actions.save_draft", _break)
            assert "there is a problem" in bidder.post(edit, version="2", **{answer: SECRETS["the bid's phrase"]})
        close_and_open(people, bidder, enter, app.app_context)
        assert queueing.run_queued(app)
        with app.app_context():
            read = rows_as_read()
        said = "\n".join(caplog.messages)
        assert "INSERT INTO bids" in said, "the database's statements were not captured"
        assert "RuntimeError" in said, "the error was not logged"
        places = {
            "what was logged": (said + caplog.text).encode(),
            **{f"{where}, before opening": data for where, data in before.items()},
            **dumps_of(app.config["SETTINGS"].database_url),
            **contents_of(queueing.connection(app)),
            **files_in(tmp_path / "home"),
            **read,
        }
    assert any(where.startswith("letters/") for where in places)
    assert leaks(places, {"a title": "Homes in Manchester"}) != []
    assert_search_works(places)
    assert leaks(places, SECRETS) == []


def _break(competition: object, *, content: Any, **rest: object) -> None:
    raise RuntimeError(f"cannot save {content.answers}")


@pytest.fixture
def installation() -> Iterator[Installation]:
    home = Path(os.environ["MARKETPLACE_SUITE_HOME"]) / f"whole-{os.urandom(4).hex()}"
    made = Installation(home, two_free_ports())
    yield made
    if made.process and made.process.poll() is None:
        made.end(signal.SIGTERM)


@contextmanager
def inside(installation: Installation, database: str) -> Iterator[Flask]:
    """The installation's application, in this process: to prepare rows and to read them."""
    valkey = Valkey(Home(installation.home))
    valkey.locate()
    settings = {"MARKETPLACE_MODE": "test", "MARKETPLACE_HOME": str(installation.home), "PORT": str(installation.port)}
    app = create_app(Settings.from_environment(settings | {"DATABASE_URL": database, "REDIS_URL": valkey.url()}))
    try:
        yield app
    finally:
        queueing.connection(app).close()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.mark.processes
def test_no_dump_log_queue_or_file_of_a_whole_installation_holds_a_secret(installation: Installation) -> None:
    """Web, worker, scheduler, PostgreSQL and Valkey as they really run; at the end every file they leave behind."""
    installation.run()
    postgres = Postgres(Home(installation.home))
    postgres.locate()
    with inside(installation, postgres.url()) as app, ExitStack() as browsers:
        with app.app_context():
            people = make_people()
        plant(app, installation.home / "log")

        def browser() -> tuple[requests.Session, Walker]:
            made = browsers.enter_context(requests.Session())
            made.trust_env = False
            url = app.config["SETTINGS"].public_url
            return made, Walker(lambda method, path, data: made.request(method, url + path, data=data, timeout=30).text)

        def enter(actor: Actor) -> Walker:
            made, walker = browser()
            cookie = client_of(app, actor).get_cookie("marketplace", "127.0.0.1")
            assert cookie is not None
            made.cookies.set("marketplace", cookie.value, domain="127.0.0.1", path="/")
            return walker

        _, bidder = browser()
        bidder.get("/sign-in")
        assert "Sign out" in bidder.post("/sign-in", email=people.bidder_email, password=PASSWORD)
        bid_and_refer(people, bidder, enter, app.app_context)
        before = dumps_of(postgres.url())
        close_and_open(people, bidder, enter, app.app_context)
        assert wait(lambda: all_letters_are_sent(app), seconds=20)
        with app.app_context():
            read = rows_as_read()
        places = {
            **{f"{where}, before opening": data for where, data in before.items()},
            **dumps_of(postgres.url()),
            **contents_of(queueing.connection(app)),
            **read,
        }
    installation.end(signal.SIGINT)
    places |= files_in(installation.home)
    if not postgres.data.is_relative_to(installation.home):
        places |= files_in(postgres.data)
    log = places["log/marketplace.log"].decode()
    assert re.search(r" web +POST /bids/<int:competition_id>/edit 409", log), "the pages were not logged"
    for kind in ("letters/", "valkey/", "pg_wal/", "base/"):
        assert any(kind in where for where in places), kind
    assert_search_works(places)
    assert leaks(places, SECRETS) == []


def all_letters_are_sent(app: Flask) -> bool:
    """Whether the worker has nothing more to send."""
    with app.app_context():
        return not db.session.scalars(select(Letter.id).where(Letter.status != LetterStatus.SENT)).all()
