"""Pages of evaluation, walked by the people they are for."""

from __future__ import annotations

import csv
import io

import pytest
from flask import current_app
from flask.testing import FlaskClient

from calloffs.competitions.rules import CompetitionStatus
from calloffs.evaluation import queries
from marketplace import clock as clock_module
from marketplace.access import Role
from tests.factories.accounts import actor_with, make_actor, sign_in
from tests.factories.evaluation import SECRET, CallOff, agree_all, make_call_off, make_evaluated, mark_all, seat

pytestmark = pytest.mark.usefixtures("clock")


def posted(made: CallOff, first: int, second: int, psed: int = 1, reason: str = "Because") -> dict[str, str]:
    data = {f"mark_{key}": str(mark) for key, mark in made.marks(first, second, psed).items()}
    return data | {f"reason_{question.id}": reason for question in made.questions}


def test_from_panel_to_ranking(client: FlaskClient) -> None:
    made = make_call_off()
    base = f"/evaluation/{made.competition.id}"
    sign_in(client, made.partner)
    assert "Nobody is on the panel yet" in client.get(f"{base}/panel").text
    for evaluator in made.evaluators:
        answer = client.post(f"{base}/panel", data={"person_id": evaluator.person}, follow_redirects=True)
        assert evaluator.name in answer.text
    for evaluator in made.evaluators:
        sign_in(client, evaluator)
        assert client.get(f"{base}/mark").location == f"{base}/declare"
        page = client.get(f"{base}/declare").text
        assert "Supplier A" in page
        assert SECRET not in page
        assert client.get(f"{base}/mark/{made.bids[0].id}").status_code == 403
        client.post(f"{base}/declare", data={"answer": "no"})
        for bid in made.bids:
            page = client.get(f"{base}/mark/{bid.id}").text
            assert SECRET in page
            assert "100,000" not in page  # no price while marking
            assert client.post(f"{base}/mark/{bid.id}", data=posted(made, 4, 3)).location == f"{base}/mark"
        assert "I have finished" in client.get(f"{base}/mark").text
        client.post(f"{base}/finish")
        assert "Your marks are locked" in client.get(f"{base}/mark").text
        assert "Your mark: 4" in client.get(f"{base}/mark/{made.bids[0].id}").text
    sign_in(client, made.partner)
    assert "Agree marks" in client.get(f"{base}/moderate").text
    for bid in made.bids:
        page = client.get(f"{base}/moderate/{bid.id}").text
        assert "Eve One" in page
        assert "Eli Two" in page
        client.post(f"{base}/moderate/{bid.id}", data=posted(made, 4, 4))
    assert client.post(f"{base}/conclude").location == f"{base}/report"
    page = client.get(f"{base}/report").text
    for figure in ("88.00", "48.00", "£200,000.00", "81.33", "4 ÷ 5 × 40", "£200,000.00 ÷ £240,000.00 × 40"):
        assert figure in page
    assert "See or change" in client.get(f"{base}/moderate").text


def test_what_was_typed_is_shown_again_at_its_field(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made)
    sign_in(client, made.evaluators[0])
    question = made.questions[0].id
    url = f"/evaluation/{made.competition.id}/mark/{made.bids[0].id}"
    page = client.post(url, data={f"mark_{question}": "4", f"reason_{question}": ""}).text
    assert "There is a problem" in page
    assert f'href="#reason_{question}"' in page
    assert "the mark needs its reason" in page


def test_an_evaluator_is_told_how_many_answers_are_marked(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made)
    mark_all(made, made.evaluators[1])  # another's marks do not count
    sign_in(client, made.evaluators[0])
    one, *rest = made.questions
    url = f"/evaluation/{made.competition.id}/mark/{made.bids[0].id}"
    of = f"of {len(made.questions)} answers marked."
    first = {f"mark_{one.id}": "1", f"reason_{one.id}": "Because"}
    assert f"Your marks are saved: 1 {of}" in client.post(url, data=first, follow_redirects=True).text
    assert len(rest) == 2
    assert f"Your marks are saved: 3 {of}" in client.post(url, data=posted(made, 4, 3), follow_redirects=True).text


def test_a_conflict_must_be_named_and_closes_the_bids(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made, declared=False)
    sign_in(client, made.evaluators[0])
    url = f"/evaluation/{made.competition.id}/declare"
    assert "Say what the conflict is" in client.post(url, data={"answer": "yes"}).text
    page = client.post(url, data={"answer": "yes", "details": "I chaired its board"}, follow_redirects=True).text
    assert "You do not see or mark these bids" in page
    assert client.get(f"/evaluation/{made.competition.id}/mark").status_code == 403
    sign_in(client, made.partner)
    assert "I chaired its board" in client.get(f"/evaluation/{made.competition.id}/panel").text


def test_others_marks_are_shut_until_all_have_finished(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made)
    mark_all(made, made.evaluators[0])
    sign_in(client, made.partner)
    answer = client.get(f"/evaluation/{made.competition.id}/moderate/{made.bids[0].id}")
    assert answer.status_code == 403
    assert "has not finished marking yet" in answer.text
    assert "Said by" not in answer.text
    sign_in(client, made.evaluators[1])
    assert client.get(f"/evaluation/{made.competition.id}/moderate").status_code == 403
    assert "Said by" not in client.get(f"/evaluation/{made.competition.id}/mark/{made.bids[0].id}").text


def test_refusals_stand_on_the_page(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made, made.evaluators[0], declared=False)
    sign_in(client, made.partner)
    base = f"/evaluation/{made.competition.id}"
    page = client.post(f"{base}/panel", data={"person_id": made.evaluators[0].person}).text
    assert "Choose an evaluator" in page
    assert client.post(f"{base}/conclude").status_code == 403
    client.post(f"{base}/panel/{made.evaluators[0].person}/release")
    assert "Nobody is on the panel yet" in client.get(f"{base}/panel").text


def test_the_report_as_csv_checks_by_hand(client: FlaskClient) -> None:
    made = make_evaluated(marks=((5, 5, 0), (4, 3, 1)))
    made.bids[1].organisation.name = "=Supplier B"
    sign_in(client, made.approver)
    answer = client.get(f"/evaluation/{made.competition.id}/report.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["Bidder"], row["Rank"], row["What"], row["Score"], row["Exact score"]) for row in rows[:6]] == [
        ("'=Supplier B", "1", "Question 1", "32.00", "32"),
        ("'=Supplier B", "1", "Question 2", "12.00", "12"),
        ("'=Supplier B", "1", "Question 3: Public Sector Equality Duty: pass or fail", "", ""),
        ("'=Supplier B", "1", "Quality", "44.00", "44"),
        ("'=Supplier B", "1", "Whole-life price", "40.00", "40"),
        ("'=Supplier B", "1", "Total", "84.00", "84"),
    ]
    assert rows[-1]["Reason"] == "Failed a pass or fail question"


@pytest.mark.parametrize("page", ["panel", "declare", "mark", "moderate", "report", "report.csv"])
@pytest.mark.parametrize("role", list(Role))
def test_strangers_see_nothing(client: FlaskClient, page: str, role: Role) -> None:
    made = make_evaluated()
    sign_in(client, actor_with(role))
    answer = client.get(f"/evaluation/{made.competition.id}/{page}")
    assert answer.status_code in (403, 404)
    assert "Supplier A" not in answer.text


def test_a_funders_partner_reads_the_report_and_changes_nothing(client: FlaskClient) -> None:
    made = make_evaluated()
    sign_in(client, make_actor(made.funder, Role.COMMERCIAL_PARTNER))
    base = f"/evaluation/{made.competition.id}"
    assert "88.00" in client.get(f"{base}/report").text
    assert client.get(f"{base}/moderate").status_code == 403
    assert client.post(f"{base}/conclude").status_code == 403


def test_an_evaluator_is_led_from_the_panel_to_their_own_marking(client: FlaskClient) -> None:
    made = make_call_off()
    seat(made, made.evaluators[0], declared=False)
    seat(made, made.evaluators[1], conflict=True)
    base = f"/evaluation/{made.competition.id}"
    sign_in(client, made.evaluators[0])
    page = client.get(f"{base}/panel").text
    assert f'href="{base}/mark"' in page
    assert "Appoint an evaluator" not in page
    assert "Take off" not in page
    # Nor do they read bids and prices by another way.
    answer = client.get(f"/bids/{made.competition.id}/opened")
    assert answer.status_code == 403
    assert SECRET not in answer.text


def test_what_waits(client: FlaskClient) -> None:
    made = make_call_off()
    now = clock_module.now()
    with current_app.test_request_context():

        def texts(actor: object) -> list[str]:
            return [item.text for item in queries.waiting(actor, now)]  # type: ignore[arg-type]

        title, one = made.competition.title, made.evaluators[0]
        assert texts(made.partner) == [f"Appoint the panel for {title}"]
        seat(made, declared=False)
        assert texts(one) == [f"Declare your interests before you mark the bids for {title}"]
        assert texts(made.partner) == []
        for member in queries.panel(made.competition):
            member.declared_at, member.has_conflict, member.declaration = now, False, ""
        assert texts(one) == [f"Mark the bids for {title}"]
        for evaluator in made.evaluators:
            mark_all(made, evaluator)
        assert texts(one) == []
        assert texts(made.partner) == [f"Agree the marks for {title}"]
        agree_all(made, made.marks(3, 3), made.marks(3, 3))
        made.competition.status = CompetitionStatus.EVALUATED
        assert texts(made.partner) == []
