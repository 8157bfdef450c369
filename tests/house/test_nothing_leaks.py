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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue
from sqlalchemy import select, text

from calloffs.competitions.models import Competition
from contracts.referrals.models import Referral
from marketplace import clock, queueing
from marketplace.access import Actor, Role
from marketplace.accounts.models import Person
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
from tests.factories.accounts import PASSWORD, make_actor, sign_in
from tests.factories.competitions import Tender, make_tender
from tests.factories.referrals import make_officer, make_referral, make_service, make_session
from tests.house.leaking import contents_of, dumps_of, files_in, leaks
from tests.house.test_supervisor import Installation, two_free_ports, wait

SECRETS = {
    "the bid's phrase": "Quillfeather-Osprey-Lanterns",
    "the draft's first phrase": "Brindled-Tidewater-Almanac",
    "a late phrase": "Halcyon-Pewter-Causeway",
    "the bid's price": "91357.46",
    "the bid's price in words": "91,357.46",
    "the case reference": "Q913574",
    "the need": "Marram-Grass-Boathouse",
    "the note of a session": "Thimble-Foxglove-Viaduct",
    "the reason of a return": "Ochre-Sandpiper-Lintel",
    "a password": PASSWORD,
}
PLANTED = {
    "a text": "Marmalade-Gantry-One",
    "bytes": "Marmalade-Gantry-Two",
    "base64": "Marmalade-Gantry-Three",
    "a document": "Marmalade-Gantry-Four",
    "a key of Valkey": "Marmalade-Gantry-Five",
    "a job": "Marmalade-Gantry-Six",
    "a log": "Marmalade-Gantry-Seven",
}
TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')

# Method, path, fields; the text of the page that comes in the end.
Send = Callable[[str, str, dict[str, str]], str]


@dataclass
class People:
    """Who takes part, and what they work on."""

    tender: Tender
    competition: int
    questions: list[int]
    line: int
    # A service with one place, and the officer's referral that has it.
    full: int
    placed: int
    # Where the person goes on with another supplier.
    elsewhere: int
    officer: Actor
    manager: Actor
    next_manager: Actor
    caseworker: Actor
    bidder_email: str


def make_people() -> People:
    """A call-off open for an hour, and a service that takes referrals, by the machine's own clock."""
    now = clock.now()
    tender = make_tender(closes_at=now + timedelta(hours=1))
    service = make_service(starts_on=clock.today() - timedelta(days=30))
    elsewhere = make_service(starts_on=clock.today() - timedelta(days=30))
    full, officer = make_service(starts_on=clock.today() - timedelta(days=30), bands=((0, 1),)), make_officer()
    supplier = service.agreement.supplier
    made = People(
        tender=tender,
        competition=tender.competition.id,
        questions=[one.id for one in tender.competition.questions],
        line=service.id,
        full=full.id,
        elsewhere=elsewhere.id,
        next_manager=make_actor(elsewhere.agreement.supplier, Role.SERVICE_MANAGER),
        placed=make_referral(full, officer=officer, sent_at=now).id,
        officer=officer,
        manager=make_actor(supplier, Role.SERVICE_MANAGER),
        caseworker=make_actor(supplier, Role.CASEWORKER),
        bidder_email=db.session.get_one(Person, tender.bidder.person).email,
    )
    db.session.commit()
    return made


class Walker:
    """Somebody at the pages, without a browser."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._token = ""

    def get(self, path: str) -> str:
        """Open a page."""
        page = self._send("GET", path, {})
        found = TOKEN.search(page)
        self._token = found[1] if found else self._token
        return page

    def post(self, path: str, **fields: str) -> str:
        """Send a form."""
        return self._send("POST", path, {"csrf_token": self._token} | fields)


Enter = Callable[[Actor], Walker]


def bid_and_refer(people: People, bidder: Walker, enter: Enter, in_app: Callable[[], Any]) -> None:
    """Everything up to the closing of bids, refusals included: what is refused must not be logged either."""
    edit, first, second = f"/bids/{people.competition}/edit", *people.questions
    secret = SECRETS["the bid's phrase"]
    answers = {f"answer_{first}": f"Our {secret} hang in the harbour.", f"answer_{second}": f"By {secret}."}
    price = SECRETS["the bid's price in words"]
    bidder.get(edit)
    draft = {f"answer_{first}": "We begin with " + SECRETS["the draft's first phrase"], "price_1": "no amount"}
    assert "amount in pounds" in bidder.post(edit, version="0", **draft)
    assert "newer version" in bidder.post(edit, version="0", **answers, price_1=price)
    assert "Check and submit" in bidder.post(edit, version="1", then="check", **answers, price_1=price)
    assert "receipt" in bidder.post(f"/bids/{people.competition}/submit", version="2").lower()

    officer, manager, caseworker = enter(people.officer), enter(people.manager), enter(people.caseworker)
    need = {"category": "ACC", "outcomes": "ACC-1", "complexity": "high", "rar_days": ""}
    need |= {"crn": SECRETS["the case reference"], "need": f"Sleeps in the {SECRETS['the need']}."}
    new = f"/referrals/new/{people.line}"
    officer.get(new)
    assert "Check before you send" in officer.post(new, step="check", **need)
    page = officer.post(new, step="send", **need)
    assert SECRETS["the need"] in page
    assert "There is a problem" in officer.post(new, step="send", **need)
    assert SECRETS["the case reference"] not in officer.post("/referrals/find", crn="Q913575")
    assert officer.post("/referrals/find", crn=SECRETS["the case reference"])
    referral = int(re.findall(r"/referrals/(\d+)/withdraw", page)[0])
    wait_for_a_place(people, officer, need)
    manager.get(f"/referrals/{referral}")
    manager.post(f"/referrals/{referral}/accept", caseworker=str(people.caseworker.person))
    with in_app():
        session = make_session(db.session.get_one(Referral, referral), starts_at=clock.now() - timedelta(minutes=5)).id
        db.session.commit()
    caseworker.get(f"/referrals/sessions/{session}")
    missed = {"attendance": "NO", "absence": "POP_UNACCEPTABLE", "note": f"Says {SECRETS['the note of a session']}."}
    assert "Recorded" in caseworker.post(f"/referrals/sessions/{session}", **missed)
    referral = move_on(people, referral, officer, enter(people.next_manager))
    reason = f"Left for the {SECRETS['the reason of a return']}."
    assert "Withdrawn" in officer.post(f"/referrals/{referral}/withdraw", reason=reason)


def move_on(people: People, referral: int, officer: Walker, next_manager: Walker) -> int:
    """The person goes on with another supplier, which reads what was recorded once they agree."""
    officer.get(f"/referrals/{referral}/move")
    page = officer.post(f"/referrals/{referral}/move", line=str(people.elsewhere))
    assert "Moved: it goes on as" in page
    assert SECRETS["the need"] in page
    moved = int(re.findall(r"/referrals/(\d+)/withdraw", page)[0])
    assert SECRETS["the need"] in next_manager.get(f"/referrals/{moved}")
    assert SECRETS["the note of a session"] not in next_manager.get(f"/referrals/{moved}/history")
    assert "written down" in officer.post(f"/referrals/{referral}/consent", answer="given")
    assert SECRETS["the note of a session"] in next_manager.get(f"/referrals/{moved}/history")
    return moved


def wait_for_a_place(people: People, officer: Walker, need: dict[str, str]) -> None:
    """The same person at a full service: refused, on the waiting list, offered a place, sent with the need as it is."""
    new = f"/referrals/new/{people.full}"
    assert "The service is full" in officer.post(new, step="send", **need)
    page = officer.post(new, step="wait", **need)
    assert "It is 1st on the waiting list" in page
    assert SECRETS["the need"] in page
    waits = int(re.findall(r"/referrals/(\d+)/leave", page)[0])
    assert "Withdrawn" in officer.post(f"/referrals/{people.placed}/withdraw", reason="Recalled")
    assert SECRETS["the need"] in officer.get(f"/referrals/{waits}/confirm")
    now_needs = f"Slept in the {SECRETS['the need']}."
    assert "Sent to the supplier" in officer.post(f"/referrals/{waits}/confirm", need=now_needs, complexity="low")


def close_and_open(people: People, bidder: Walker, enter: Enter, in_app: Callable[[], Any]) -> None:
    """Bidding closes, a late change is refused, two officers open the bids, and read them."""
    with in_app():
        db.session.get_one(Competition, people.competition).closes_at = clock.now()
        db.session.commit()
    late = {f"answer_{people.questions[0]}": SECRETS["a late phrase"]}
    assert "Your bid was not saved" in bidder.post(f"/bids/{people.competition}/edit", version="2", **late)
    for officer in (people.tender.partner, people.tender.approver):
        walker = enter(officer)
        walker.get(f"/bids/{people.competition}/opening")
        page = walker.post(f"/bids/{people.competition}/opening")
    # Whom it is for reads it: there was something to leak.
    assert SECRETS["the bid's phrase"] in page
    assert SECRETS["the bid's price in words"] in page


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
