"""People who write down what must not leak, and all that they do with it in the marketplace."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from calloffs.competitions.models import Competition
from contracts.referrals.models import Referral
from marketplace import clock
from marketplace.access import Actor, Role
from marketplace.accounts.models import Person
from marketplace.extensions import db
from tests.factories.accounts import PASSWORD, make_actor
from tests.factories.competitions import Tender, make_tender
from tests.factories.referrals import make_officer, make_referral, make_service, make_session

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
