"""Pages of what is done about volumes: choosing, recording, following up, and the log."""

from __future__ import annotations

import csv
import io
import re

from flask.testing import FlaskClient

from contracts.volumes import actions, queries
from contracts.volumes.actions import Decision
from contracts.volumes.queries import ActionFilter
from contracts.volumes.rules import ActionKind, ActionStatus, Verdict
from marketplace.access import Role
from marketplace.extensions import db
from tests.contracts.volumes.acting import LATER, NOW, Case, in_a_database
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.counting import counted_queries
from tests.factories.referrals import make_service


@in_a_database
def test_pages_choose_record_and_follow_up(client: FlaskClient) -> None:
    case = Case()
    sign_in(client, case.manager)
    act = f"/volumes/{case.line.id}/act"
    assert act in client.get(f"/volumes/{case.line.id}").text
    assert act in client.get(f"/volumes/alerts/{case.alert.id}").text
    assert "Slow referrals" in client.get(act).text
    assert "Choose what will be done" in client.get(f"{act}?asked=yes").text
    assert "What do officers see" not in client.get(f"{act}?kind=market").text
    wrong = client.post(f"{act}?kind=slow", data={"what": "Kept."})
    assert wrong.status_code == 422
    assert "Kept." in wrong.text
    assert "Enter the message" in wrong.text
    answers = {
        "what": "Ask for fewer.",
        "message": "Ring first.",
        "owner": str(case.manager.person),
        "message_until-day": "30",
        "message_until-month": "9",
        "message_until-year": "2026",
        "follow_up_on-day": "5",
        "follow_up_on-month": "10",
        "follow_up_on-year": "2026",
    }
    refused = client.post(f"{act}?kind=slow", data={**answers, "message_until-year": "2027"})
    assert refused.status_code == 422
    assert "at most 92 days from now" in refused.text
    to = client.post(f"{act}?kind=slow", data=answers).location
    page = client.get(to).text
    assert "Ring first." in page
    assert "Then and now" in page
    assert "Under way already" in client.get(act).text
    due = re.search(r'name="due_on" value="([^"]+)"', page)
    assert due
    assert client.post(to, data={"due_on": due[1]}).status_code == 422
    review = {"due_on": due[1], "verdict": "helped", "words": "Fewer came."}
    assert client.post(to, data=review).status_code == 302
    assert client.post(to, data=review).status_code == 409
    page = client.get(to).text
    assert "Fewer came." in page
    assert "Follow it up" not in page
    assert "it helped" in client.get(f"/volumes/{case.line.id}").text


@in_a_database
def test_to_vary_leads_on_to_the_draft_of_the_change(client: FlaskClient) -> None:
    case = Case()
    answers = {
        "what": "Lower the bands.",
        "owner": str(case.manager.person),
        "follow_up_on-day": "5",
        "follow_up_on-month": "10",
        "follow_up_on-year": "2026",
    }
    sign_in(client, case.manager)
    answer = client.post(f"/volumes/{case.line.id}/act?kind=vary", data=answers)
    assert answer.location == f"/contracts/{case.line.agreement.id}/changes/new"
    coordinator = Case()
    actor = make_actor(coordinator.body, Role.REGIONAL_COORDINATOR)
    sign_in(client, actor)
    answer = client.post(f"/volumes/{coordinator.line.id}/act?kind=vary", data={**answers, "owner": str(actor.person)})
    assert answer.location.startswith("/volumes/actions/")


@in_a_database
def test_the_log_is_narrowed_and_a_file_and_shows_nobody_elses(client: FlaskClient) -> None:
    case, other = Case(), Case()
    case.follow_up(case.decide(), Verdict.HELPED)
    case.decide(ActionKind.VARY)
    other.decide()
    assert queries.actions(case.manager, ActionFilter(), number=1).total == 2
    assert queries.actions(case.manager, ActionFilter(status=ActionStatus.DONE), number=1).total == 1
    assert queries.actions(case.manager, ActionFilter(kind=ActionKind.SLOW), number=1).total == 0
    sign_in(client, case.manager)
    page = client.get("/volumes/actions").text
    assert "2 actions." in page
    assert "No action matches" in client.get("/volumes/actions?text=nothing").text
    rows = list(csv.DictReader(io.StringIO(client.get("/volumes/actions.csv").data.decode("utf-8-sig"))))
    assert [(row["status"], row["last_verdict"]) for row in rows] == [("under_way", ""), ("done", "It helped")]
    sign_in(client, case.deliverer)
    action = queries.actions(case.manager, ActionFilter(), number=1).rows[0]
    assert "Follow it up" not in client.get(f"/volumes/actions/{action.id}").text
    assert client.get(f"/volumes/{case.line.id}/act").status_code == 403


@in_a_database
def test_the_log_takes_as_many_queries_for_twenty_as_for_two() -> None:
    body = make_commissioner()
    manager = make_actor(body, Role.CONTRACT_MANAGER)
    counts = []
    for more in (2, 18):
        for _ in range(more):
            line = make_service(commissioner=body, with_manager=False)
            actions.decide(line.id, Decision(ActionKind.VARY, "x", manager.person, LATER), actor=manager, now=NOW)
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            rows = queries.actions(manager, ActionFilter(), number=1).rows
            assert all(row.line.agreement.supplier.name and row.owner.name and not row.reviews for row in rows)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 3
