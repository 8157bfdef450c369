"""What published call-offs were planned with: the assumptions, and the gap between cost and budget (R45)."""

from __future__ import annotations

import csv
import io

import pytest

from calloffs.competitions import actions as calling
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from calloffs.plans import actions as planning
from catalogue.publishing.rules import ASSUMPTION_COLUMNS, PLAN_COLUMNS
from marketplace import clock
from marketplace.extensions import db
from tests.conftest import Client
from tests.factories.competitions import CLOSES_AT, Tender, make_plan, make_tender
from tests.factories.counting import counted_queries

pytestmark = pytest.mark.usefixtures("session", "clock")


def call_off(made: Tender) -> Competition:
    """A draft from a plan: £224,000 a year's worth of people for £100,000."""
    plan = make_plan(made.lead, made.author, annual_budget=50_000)
    return calling.start_from_plan(plan, actor=made.author, now=clock.now())


def publish(draft: Competition, made: Tender) -> None:
    draft.status = CompetitionStatus.PUBLISHED
    draft.published_at, draft.closes_at, draft.approved_by = clock.now(), CLOSES_AT, made.approver.person
    db.session.flush()


def rows(client: Client, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"/open-data/{name}.csv").text)))


def test_figures_and_assumptions_are_public_from_publication_on(client: Client) -> None:
    made = make_tender()
    draft = call_off(made)
    assert rows(client, "plans") == rows(client, "assumptions") == []
    publish(draft, made)
    figures = rows(client, "plans")
    assert list(figures[0]) == list(PLAN_COLUMNS)
    assert [row["contract_year"] for row in figures] == ["1", "2"]
    # 200 people: 100 × £400, 60 × £600, 40 × £900.
    first = figures[0]
    assert [first[name] for name in ("projected_volume", "low", "medium", "high")] == ["200", "100", "60", "40"]
    assert [first[name] for name in ("calculated_cost_gbp", "budget_gbp", "gap_gbp")] == [
        "112000.00",
        "50000.00",
        "62000.00",
    ]
    assert first["budget_adjustment_gbp"] == "-62000.00"
    assumed = {row["assumption"]: row["value"] for row in rows(client, "assumptions")}
    assert list(rows(client, "assumptions")[0]) == list(ASSUMPTION_COLUMNS)
    assert assumed["Source of the projection"] == "The region’s own forecast, May 2026"
    assert assumed["Unit cost, high intensity"] == "£900.00"
    notice = client.get(f"/call-offs/notices/{draft.id}").text
    assert "How the volume and the budget were worked out" in notice
    assert "The budget is £124,000.00 under the calculated cost" in notice
    assert "Fewer people at high intensity in the first year." in notice
    page = client.get("/open-data").text
    assert "/open-data/plans.csv" in page and "/open-data/assumptions.csv" in page


def test_a_later_version_of_the_plan_changes_nothing_that_is_published(client: Client) -> None:
    made = make_tender()
    draft = call_off(made)
    publish(draft, made)
    before = rows(client, "plans"), rows(client, "assumptions")
    assert draft.plan_version is not None
    plan = draft.plan_version.plan
    planning.begin_version(plan, reason="A new forecast", actor=made.author, now=clock.now())
    planning.state_volume(plan, volume=400, source="x", actor=made.author, now=clock.now())
    planning.settle(plan, actor=made.author, now=clock.now())
    assert (rows(client, "plans"), rows(client, "assumptions")) == before


def test_files_ask_as_often_for_many_as_for_one(client: Client) -> None:
    made = make_tender()
    publish(call_off(made), made)
    with counted_queries() as one:
        client.get("/open-data/plans.csv")
    for _ in range(5):
        publish(call_off(made), made)
    with counted_queries() as many:
        client.get("/open-data/plans.csv")
    assert len(many) <= len(one)
