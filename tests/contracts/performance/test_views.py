from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.agreements.models import LineTermsPlace
from contracts.performance import actions
from contracts.performance.models import ImprovementAction, MeasureTarget
from contracts.performance.rules import ActionStatus, Measure, TargetStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.performance import AUGUST, MADE, make_performer
from tests.factories.places import KENT

pytestmark = pytest.mark.usefixtures("session", "clock")


@pytest.fixture(autouse=True)
def _after_august(clock: StandingClock) -> None:
    clock.set(MADE)


def _text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


def _rows(client: FlaskClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text.removeprefix("\ufeff"))))


def test_both_sides_see_the_same_scorecard(client: FlaskClient) -> None:
    made = make_performer()
    made.bad_months()
    path = f"/contracts/{made.agreement.id}/performance"
    pages = []
    for actor in (made.manager, made.deliverer):
        sign_in(client, actor)
        assert "No month of this contract is over yet" in _text(client, path)
    card = made.card()
    for actor in (made.manager, made.deliverer):
        sign_in(client, actor)
        page = _text(client, f"{path}?month=2026-08")
        assert "Performance in August 2026" in page
        assert "0 of 5 (0%)" in page  # recorded a day late
        assert "Target missed" in page
        assert "At least 95% (‡ not agreed)" in page
        table = re.search(r"<caption[^>]*>Basics</caption>.*?</table>", page)
        assert table
        pages.append(table[0])
        assert "Performance in September 2026" in _text(client, f"{path}?month=2026-13")
    assert pages[0] == pages[1]
    rows = {row["measure"]: row for row in _rows(client, f"{path}.csv")}
    assert (rows["recorded"]["met"], rows["recorded"]["cases"], rows["recorded"]["rating"]) == ("0", "5", "missed")
    assert "few" in _text(client, f"{path}?measure=completed")
    assert card.month == AUGUST


def test_a_target_from_proposal_to_agreement_on_the_pages(client: FlaskClient) -> None:
    made = make_performer()
    path = f"/contracts/{made.agreement.id}/targets"
    _ = made.deliverer
    sign_in(client, made.manager)
    assert "‡ Our default, not agreed" in _text(client, path)
    assert "75" in _text(client, f"{path}/new?measure=attended")
    typed = {"measure": "attended", "percent": "80", "tolerance": "40", "from_month": "2026-10-01", "why": "As bid."}
    wrong = client.post(f"{path}/new", data={**typed, "percent": "30"})
    assert wrong.status_code == 422
    assert "more than the target itself" in wrong.text
    assert "As bid." in wrong.text
    client.post(f"{path}/new", data={**typed, "tolerance": "5"})
    assert "It waits" not in _text(client, path)
    assert client.post(f"{path}/usual", follow_redirects=True).status_code == 200
    assert "Take back" in _text(client, path)

    sign_in(client, made.deliverer)
    assert f"Agree 9 targets of {made.agreement.reference}" in _text(client, "/home")
    page = client.get(path).text
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    first = db.session.scalars(select(MeasureTarget).where(MeasureTarget.measure == Measure.ATTENDED)).one()
    assert client.post(f"/contracts/targets/{first.id}/decline", data={"reason": ""}).status_code == 422
    client.post(f"/contracts/targets/{first.id}/decline", data={"reason": "Too high."})
    assert client.post(f"{path}/agree", data={"seen": seen[1]}).status_code == 409
    seen = re.search(r'name="seen" value="([^"]+)"', client.get(path).text)
    assert seen
    assert "The targets are agreed" in client.post(f"{path}/agree", data={"seen": seen[1]}, follow_redirects=True).text
    assert "Too high." in _text(client, path)
    assert first.status is TargetStatus.DECLINED
    assert "(‡ not agreed)" in _text(client, f"/contracts/{made.agreement.id}/performance")
    _text(client, f"/contracts/targets/{first.id}/decline", 409)


def test_comment_review_and_action_on_the_pages(client: FlaskClient) -> None:
    made = make_performer()
    made.bad_months()
    card = made.card()
    path = f"/contracts/{made.agreement.id}/performance?month=2026-08"
    sign_in(client, made.deliverer)
    assert f"Say what you make of {made.agreement.reference} in August 2026" in _text(client, "/home")
    assert "Comment" in _text(client, path)
    client.post(f"/contracts/scorecards/{card.id}/comment", data={"comment": "Tablets were late."})
    assert "Say what you make" not in _text(client, "/home")
    _text(client, f"/contracts/scorecards/{card.id}/review", 403)

    sign_in(client, made.manager)
    assert f"Review {made.agreement.reference} in August 2026" in _text(client, "/home")
    assert "Tablets were late." in _text(client, f"/contracts/scorecards/{card.id}/review")
    client.post(f"/contracts/scorecards/{card.id}/review", data={"review": "Agreed to record at once."})
    assert "No money is taken by itself" not in _text(client, path)  # the target was not agreed
    card.rows[[row.measure for row in card.rows].index(Measure.RECORDED)].is_agreed = True
    assert "No money is taken by itself" in _text(client, path)
    _text(client, f"/contracts/scorecards/{card.id}/comment", 403)
    due = {"due_on-day": "30", "due_on-month": "9", "due_on-year": "2026"}
    new = f"/contracts/scorecards/{card.id}/actions/new"
    assert client.post(new, data={"what": "Record at once", "side": "", **due}).status_code == 422
    client.post(new, data={"what": "Record at once", "side": "supplier", **due})
    assert "Record at once" in _text(client, path)
    one = db.session.scalars(select(ImprovementAction)).one()
    all_of_them = f"/contracts/{made.agreement.id}/actions"

    sign_in(client, made.deliverer)
    assert f"Improve {made.agreement.reference}: 1 action to do" in _text(client, "/home")
    assert "Say that it is done" in _text(client, all_of_them)
    client.post(f"/contracts/actions/{one.id}/done", data={"shown": "Bought."})
    _text(client, f"/contracts/actions/{one.id}/reopen", 403)

    sign_in(client, made.manager)
    assert f"Check 1 action of {made.agreement.reference}" in _text(client, "/home")
    client.post(f"/contracts/actions/{one.id}/reopen", data={"reason": "Show it."})
    assert "Show it." in _text(client, all_of_them)
    actions.say_done(one, shown="Shown.", actor=made.deliverer, now=MADE)
    client.post(f"/contracts/actions/{one.id}/close")
    assert one.status is ActionStatus.CLOSED


def test_others_see_percents_of_enough_cases_and_no_numbers(client: FlaskClient) -> None:
    made = make_performer(places=(KENT,))
    made.bad_months(5)
    lone = made.referral(MADE.replace(day=1, month=7), accepted_at=MADE.replace(day=1, month=7))
    lone.ended_at, lone.status = MADE.replace(day=9, month=8), "completed"
    made.card()
    region = make_commissioner(place_code=db.session.scalar(select(LineTermsPlace.place_code)))
    path = f"/contracts/{made.agreement.id}/performance"
    sign_in(client, make_actor(region, Role.REGIONAL_COORDINATOR))
    page = _text(client, f"{path}?month=2026-08")
    assert "of 5" not in page
    assert "0%" in page
    assert "Too few to show" in page
    rows = {row["measure"]: row for row in _rows(client, f"{path}.csv")}
    assert rows["recorded"]["cases"] == rows["completed"]["percent"] == ""
    assert rows["recorded"]["percent"] == "0"
    sign_in(client, made.manager)
    assert {row["measure"]: row for row in _rows(client, f"{path}.csv")}["completed"]["percent"] == "100"


def test_contracts_side_by_side(client: FlaskClient) -> None:
    lead = make_commissioner()
    manager = make_actor(lead, Role.CONTRACT_MANAGER)
    sign_in(client, manager)
    assert "No contract of your organisation has a scorecard yet" in _text(client, "/contracts/performance")
    good, bad = (make_performer(commissioner=lead, title=title) for title in ("A good one", "Badly run"))
    good.good_months()
    bad.bad_months()
    for one in (good, bad):
        one.card()
    for _ in range(24):
        make_performer(commissioner=lead).card()
    page = _text(client, "/contracts/performance")
    assert page.index("Badly run") < page.index("A good one")
    assert "26 contracts" in page and "Page 1 of 2" in page
    assert "1 contracts" not in _text(client, "/contracts/performance?rating=missed&text=badly")
    assert "No contract matches in July 2026" in _text(client, "/contracts/performance?month=2026-07")
    assert "No contract matches" in _text(client, "/contracts/performance?category=DEP")
    rows = _rows(client, "/contracts/performance.csv?rating=missed")
    assert [(row["title"], row["basics"], row["overall"]) for row in rows] == [("Badly run", "missed", "missed")]
    kinds = {row["measure"]: row for row in _rows(client, "/contracts/performance/kinds.csv")}
    assert (kinds["recorded"]["contracts"], kinds["recorded"]["percent"]) == ("2", "75")  # 15 of 20
    assert "Accommodation" in _text(client, "/contracts/performance/kinds")
    sign_in(client, make_actor(lead, Role.COMMERCIAL_PARTNER))
    assert "/contracts/performance/kinds" in _text(client, "/plans")
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert "No scorecard with a case" in _text(client, "/contracts/performance/kinds")


def test_lists_and_pages_ask_as_often_for_many_as_for_few(client: FlaskClient) -> None:
    lead = make_commissioner()
    first = make_performer(commissioner=lead)
    first.good_months()
    manager = make_actor(lead, Role.CONTRACT_MANAGER)
    first.card(date(2026, 7, 1))
    first.card()
    sign_in(client, manager)
    counts = []
    for more in (0, 6):
        for _ in range(more):
            made = make_performer(commissioner=lead)
            made.bad_months(1)
            made.card()
        first.bad_months(more)
        if more:
            for month in (4, 5, 6):
                first.card(date(2026, month, 1))
        db.session.commit()
        found = []
        for path in ("", "/kinds", f"/../{first.agreement.id}/performance", f"/../{first.agreement.id}/targets"):
            with counted_queries() as sent:
                assert client.get(f"/contracts/performance{path}".replace("performance/../", "")).status_code == 200
            found.append(len(sent))
        counts.append(found)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 20, counts


def test_nobody_else_finds_it(client: FlaskClient) -> None:
    made = make_performer()
    card, target = made.card(), made.proposed()
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    for path in ("performance", "performance.csv", "targets", "targets/new", "actions"):
        _text(client, f"/contracts/{made.agreement.id}/{path}", 404)
    _text(client, f"/contracts/targets/{target.id}/decline", 404)
    _text(client, f"/contracts/scorecards/{card.id}/comment", 404)
    assert client.post(f"/contracts/targets/{target.id}/agree").status_code == 404
