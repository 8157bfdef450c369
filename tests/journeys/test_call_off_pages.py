"""Every page of plans, call-offs and bids as people see it, in each state that shows something of its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from calloffs.bids import actions
from calloffs.competitions.rules import CompetitionStatus
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, make_plan, make_tender
from tests.factories.places import make_all_places
from tests.factories.referrals import make_referrals, make_service
from tests.journeys.conftest import MakeVisitor, Site

pytestmark = pytest.mark.journey


def test_pages_of_a_commissioner_before_publication(site: Site, visitor: MakeVisitor, clock: StandingClock) -> None:
    with site.app.app_context():
        make_all_places()
        made = make_tender(CompetitionStatus.DRAFT, bands=True)
        plan = make_plan(made.lead, made.author, annual_budget=600_000).id
        begun = make_plan(made.lead, made.author, settled=False).id
        make_referrals(make_service(commissioner=made.lead), 12)
        draft, waits = made.competition.id, make_tender(CompetitionStatus.AWAITING_APPROVAL)
        waiting = waits.competition.id
        psed = made.competition.questions[0].id
        db.session.commit()
    author = visitor(made.author)
    base = f"/call-offs/{draft}/draft"
    paths = [
        "/plans",
        "/plans/new",
        f"/plans/{plan}",
        *_parts_of(begun),
        "/cohorts",
        "/cohorts?place=&by=month",
        "/call-offs",
        "/call-offs/new",
        f"/call-offs/{draft}",
        base,
    ]
    parts = ("basics", "specification", "volume", "questions", "questions/new", "funders", "dates", "check")
    for path in [*paths, *(f"{base}/{part}" for part in parts), f"{base}/questions/{psed}"]:
        author.goto(path)
        author.check()
    author.goto("/plans/new")
    author.page.get_by_role("button", name="Save the plan").click()
    author.page.get_by_role("link", name="Enter a title for the plan").click()
    author.check()
    author.goto(f"{base}/volume")
    author.page.get_by_label("Band 3: up to").fill("")
    author.page.get_by_role("button", name="Save and continue").click()
    author.check()
    approver = visitor(waits.approver)
    for path in ("/home", f"/call-offs/{waiting}/decide"):
        approver.goto(path)
        approver.check()
    # Without current needs data it is published only for a reason, which its file keeps.
    approver.page.get_by_role("button", name="Approve and publish now").click()
    expect(approver.page.get_by_role("link", name="Say why this is published without")).to_be_visible()
    approver.check()
    approver.page.get_by_label("Why publish without current needs data").fill(NEEDS_REASON)
    approver.page.get_by_role("button", name="Approve and publish now").click()
    expect(approver.page.get_by_text(NEEDS_REASON)).to_be_visible()
    approver.check()


def _parts_of(plan: int) -> list[str]:
    """Every page of a plan that is being worked on, and of the figures that plans share."""
    parts = ("need", "evidence", "volume", "growth", "price", "money", "bands", "check")
    shared = ("needs-data", "needs-data/new", "unit-costs", "unit-costs/new")
    return [
        f"/plans/{plan}/draft",
        *(f"/plans/{plan}/draft/{part}" for part in parts),
        f"/plans/{plan}/versions",
        *(f"/plans/{one}" for one in shared),
    ]


def test_pages_of_a_bid(site: Site, visitor: MakeVisitor, clock: StandingClock) -> None:
    with site.app.app_context():
        made = make_tender(bands=True)
        key = made.competition.id
        content = made.content
        db.session.commit()
    anybody, bidder = visitor(), visitor(made.bidder)
    for path in ("/call-offs/notices", "/call-offs/notices?category=ETE", f"/call-offs/notices/{key}"):
        anybody.goto(path)
        anybody.check()
    for path in ("/bids", f"/bids/{key}", f"/bids/{key}/edit"):
        bidder.goto(path)
        bidder.check()
    bidder.page.get_by_label("2. How will you find homes?").fill("word " * 12)
    bidder.page.get_by_label("Band 1: annual price").fill("90,000")
    bidder.page.get_by_role("button", name="Save the draft").click()
    bidder.check()
    bidder.goto(f"/bids/{key}/submit")
    bidder.check()
    with site.app.app_context():
        competition = db.session.merge(made.competition)
        actions.save_draft(competition, content=content, base_version=1, actor=made.colleague, now=clock())
        db.session.commit()
    bidder.page.go_back()
    bidder.page.get_by_role("button", name="Save the draft").click()
    bidder.check()
    bidder.goto(f"/bids/{key}/submit")
    bidder.page.get_by_role("button", name="Submit the bid").click()
    bidder.check()
    clock.set(CLOSES_AT)
    officer, second = visitor(made.partner), visitor(made.approver)
    officer.goto(f"/bids/{key}/opening")
    officer.check()
    officer.page.get_by_role("button", name="Turn your key").click()
    officer.check()
    second.goto(f"/bids/{key}/opening")
    second.page.get_by_role("button", name="Turn the second key").click()
    second.check()
    second.page.get_by_text("Read the bid").click()
    second.check()
    second.goto(f"/call-offs/{key}")
    second.check()
    late = visitor(made.bidder)
    late.goto(f"/bids/{key}")
    late.check()
