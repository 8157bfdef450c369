"""A button pressed twice makes one thing, and says so in plain words."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from calloffs.competitions.models import Competition, Question
from calloffs.competitions.rules import CompetitionStatus
from calloffs.plans.models import Plan
from marketplace.access import Actor
from marketplace.extensions import db
from tests.factories.accounts import sign_in
from tests.factories.competitions import make_plan, make_tender
from tests.factories.places import MANCHESTER


def _count(of: type[Competition] | type[Plan] | type[Question]) -> int:
    return db.session.scalar(select(func.count()).select_from(of)) or 0


PLAN = {
    "title": "Homes in Salford",
    "category_code": "ACC",
    "place_code": MANCHESTER,
    "need": "A home.",
    "starts_on-day": "1",
    "starts_on-month": "4",
    "starts_on-year": "2027",
    "months": "24",
}
BASICS = {
    "instrument": "contract",
    "title": "Homes",
    "category_code": "ACC",
    "place_codes": MANCHESTER,
    "level_reason": "Homes are local.",
}
QUESTION = {"kind": "scored", "text": "How?", "weight": "10", "word_limit": "100"}


@pytest.mark.usefixtures("session", "clock")
class TestTwice:
    """One after the other."""

    def test_a_plan(self, client: FlaskClient) -> None:
        made = make_tender()
        sign_in(client, made.author)
        assert client.post("/plans/new", data=PLAN).status_code == 302
        assert "You have saved this plan already" in client.post("/plans/new", data=PLAN).text
        assert client.post("/plans/new", data={**PLAN, "need": "Another."}).status_code == 302
        sign_in(client, made.partner)
        assert client.post("/plans/new", data=PLAN).status_code == 302

    def test_a_draft(self, client: FlaskClient) -> None:
        made = make_tender()
        sign_in(client, made.author)
        assert client.post("/call-offs/new", data=BASICS).status_code == 302
        assert "You have a draft with this title already" in client.post("/call-offs/new", data=BASICS).text
        assert _count(Competition) == 2

    def test_a_draft_from_a_plan_is_gone_on_with(self, client: FlaskClient) -> None:
        made = make_tender()
        plan = make_plan(made.lead, made.author)
        sign_in(client, made.author)
        first, second = (client.post(f"/call-offs/from-plan/{plan.id}") for _ in range(2))
        assert first.location == second.location
        assert "begun a call-off from this plan already" in client.get(second.location).text
        draft = db.session.scalars(select(Competition).where(Competition.plan_id == plan.id)).one()
        draft.status = CompetitionStatus.AWAITING_APPROVAL
        assert client.post(f"/call-offs/from-plan/{plan.id}").location != first.location

    def test_a_question(self, client: FlaskClient) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        sign_in(client, made.author)
        page = f"/call-offs/{made.competition.id}/draft/questions/new"
        assert client.post(page, data=QUESTION).status_code == 302
        assert "This question is there already" in client.post(page, data=QUESTION).text
        assert len(made.competition.questions) == 3


def _at_once(clients: list[FlaskClient], path: str, data: dict[str, str]) -> list[int]:
    start, seen = Barrier(len(clients)), []

    def press(client: FlaskClient) -> None:
        start.wait()
        seen.append(client.post(path, data=data).status_code)

    threads = [Thread(target=press, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def test_two_presses_at_once_make_one(committed_app: Flask) -> None:
    committed_app.config["WTF_CSRF_ENABLED"] = False
    with committed_app.app_context():
        made = make_tender(CompetitionStatus.DRAFT)
        author: Actor = made.author
        plan_id = make_plan(made.lead, author).id
        question = f"/call-offs/{made.competition.id}/draft/questions/new"
        db.session.commit()
        clients = [sign_in(committed_app.test_client(), author) for _ in range(2)]
        before = (_count(Plan), _count(Competition), _count(Question))
        db.session.remove()
    asked = [
        ("/plans/new", PLAN),
        ("/call-offs/new", BASICS),
        (f"/call-offs/from-plan/{plan_id}", {}),
        (question, QUESTION),
    ]
    for path, data in asked:
        seen = _at_once(clients, path, data)
        assert 302 in seen
        assert all(status < 500 for status in seen), (path, seen)
    with committed_app.app_context():
        # Each of the two new drafts has its question on the Public Sector Equality Duty.
        assert (_count(Plan), _count(Competition), _count(Question)) == (before[0] + 1, before[1] + 2, before[2] + 3)
