"""A month goes badly: both sides see the same scorecard, agree targets, speak about it, act; the region chases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.performance import MADE, make_performer
from tests.factories.places import KENT
from tests.journeys.conftest import MakeVisitor, Site

pytestmark = pytest.mark.journey


def test_from_a_month_that_went_badly_to_an_action_that_is_closed(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    clock.set(MADE)
    with site.app.app_context():
        made = make_performer(title="Rooms for Kent", places=(KENT,))
        made.bad_months(6)
        late = made.referral(datetime(2026, 8, 3, tzinfo=UTC))
        made.card()
        manager, deliverer, reference = made.manager, made.deliverer, late.reference
        desk = make_actor(make_commissioner(place_code=KENT), Role.REGIONAL_COORDINATOR, name="Bethan Rowe")
        key = made.agreement.id
        db.session.commit()

    leads = visitor(manager)
    page = leads.goto("/contracts/performance")
    leads.check()
    page.get_by_role("link", name="C-T-").click()
    page.get_by_role("heading", name="Performance in August 2026").wait_for()
    page.get_by_role("row", name="Recorded the same day Target missed 0 of 6 (0%)").wait_for()
    leads.check()
    page.get_by_role("link", name="What each measure counts").click()
    leads.check()
    page.get_by_role("button", name="Propose the usual set").click()
    page.get_by_text("The usual set is proposed.").wait_for()
    leads.check()
    page.goto(f"{site.url}/contracts/performance/kinds")
    leads.check()

    delivers = visitor(deliverer)
    page = delivers.goto("/home")
    page.get_by_role("link", name="Agree 9 targets").click()
    delivers.check()
    page.get_by_role("button", name="Agree to all 9").click()
    page.get_by_text("The targets are agreed.").wait_for()
    page.goto(f"{site.url}/home")
    page.get_by_role("link", name="Say what you make of").click()
    page.get_by_role("link", name="Comment").click()
    delivers.check()
    page.get_by_label("What do you make of this month?").fill("The tablets came late.")
    page.get_by_role("button", name="Keep comment").click()

    page = leads.goto(f"/contracts/{key}/performance?month=2026-08")
    page.get_by_text("The tablets came late.").wait_for()
    page.get_by_role("link", name="Write the review").click()
    leads.check()
    page.get_by_label("What did you find when you met?").fill("Record on the day from now on.")
    page.get_by_role("button", name="Keep review").click()
    page.get_by_role("link", name="Set an action").click()
    leads.check()
    page.get_by_label("What is to be done").fill("Record on the day")
    page.get_by_label("The supplier").check()
    for part, value in (("Day", "30"), ("Month", "9"), ("Year", "2026")):
        page.get_by_label(part, exact=True).fill(value)
    page.get_by_role("button", name="Set action").click()
    leads.check()

    page = delivers.goto("/home")
    page.get_by_role("link", name="1 action to do").click()
    delivers.check()
    page.get_by_role("link", name="Say that it is done").click()
    page.get_by_label("What was done?").fill("Tablets for everybody.")
    page.get_by_role("button", name="Say that it is done").click()
    page = leads.goto("/home")
    page.get_by_role("link", name="Check 1 action").click()
    leads.check()
    page.get_by_role("button", name="Close").click()
    page.get_by_text("The action is closed.").wait_for()

    page = leads.goto(f"/contracts/{key}/reviews")
    leads.check()
    page.get_by_role("button", name="Begin a review").click()
    page.get_by_role("link", name="Review 1").click()
    leads.check()
    page.get_by_role("link", name="Fill in what you found").click()
    leads.check()
    for found in page.get_by_label("Met", exact=True).all():
        found.check()
    page.get_by_role("button", name="Keep what you found").click()
    page.get_by_role("link", name="Finish the review").click()
    leads.check()
    page.get_by_label("Why?").fill("Well designed.")
    page.get_by_role("button", name="Finish review").click()
    page.get_by_text("The review is finished.").wait_for()
    leads.check()

    chases = visitor(desk)
    page = chases.goto("/home")
    page.get_by_role("link", name="past a clock").click()
    chases.check()
    page.get_by_role("link", name="Rooms for Kent").click()
    page.get_by_text(reference).wait_for()
    chases.check()
    page.get_by_role("button", name="Ask the supplier about them").click()
    page.get_by_text("have been asked about these referrals").wait_for()
    chases.check()
