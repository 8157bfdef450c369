"""A service heads under its minimum: it is warned of, made known, slowed, weighed by season, and followed up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.volumes import jobs
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_framework_team
from tests.factories.places import DOVER, KSS_REGION, make_places
from tests.factories.referrals import FOUR_BANDS, make_referral, make_referrals, make_service
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker

pytestmark = pytest.mark.journey


def test_from_an_alert_by_what_is_done_to_whether_it_helped(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        make_places(DOVER)
        lead = make_commissioner("Kent, Surrey and Sussex Probation", place_code=KSS_REGION)
        line = make_service(title="Rooms for Dover", bands=FOUR_BANDS, commissioner=lead, places=[DOVER])
        make_referrals(line, 12)
        make_referral(line, sent_at=clock() - timedelta(days=10))
        people = [make_actor(lead, role) for role in (Role.CONTRACT_MANAGER, Role.RESPONSIBLE_OFFICER)]
        people.append(make_actor(make_framework_team(), Role.FRAMEWORK_TEAM))
        line_id = line.id
        db.session.commit()
        jobs.raise_due_alerts()
        db.session.remove()
    manager, officer = (Walker(visitor(one)) for one in people[:2])
    today = clock().date()

    manager.go("/home").follow("Heading under its minimum: Rooms for Dover").sees("Then and now")
    manager.follow("Record what will be done").press("Continue").sees("There is a problem")
    manager.pick("kind", "market").press("Continue")
    manager.fill(what="Visit the courts.").date("follow_up_on", today + timedelta(days=28))
    manager.visitor.page.get_by_label("Write to the officers").check()
    manager.press("Put on record").sees("It is on record", "To be written within minutes")
    manager.go(f"/volumes/{line_id}/act?kind=slow").press("Put on record").sees("There is a problem")
    manager.fill(what="Ask for a call.", message="Ring the service first.")
    manager.date("message_until", today + timedelta(days=20)).date("follow_up_on", today + timedelta(days=21))
    manager.press("Put on record")

    manager.go(f"/volumes/{line_id}").sees("Acted on", "Likely year end").follow("no season is set")
    manager.follow("Set a season").fill(month_1="0", reason="Courts close.").press("See what it does")
    manager.press("Set this season").sees("Courts close.")

    with site.app.app_context():
        jobs.write_to_officers()
        db.session.remove()
    officer.go("/find/").sees("Has room now", "Ring the service first.").follow("Rooms for Dover")
    officer.follow("Refer someone").sees("Ring the service first.")

    clock.move(days=28)
    manager, team = (Walker(visitor(one)) for one in (people[0], people[2]))
    manager.go("/home").follow("Follow up: Make the service known, Rooms for Dover")
    manager.pick("verdict", "goes_on").fill(words="Two courts to go.").press("Put on record").sees("There is a problem")
    manager.date("next_on", today + timedelta(days=56)).press("Put on record").sees("Two courts to go.")
    manager.pick("verdict", "helped").fill(words="Twice as many come.").press("Put on record").sees("It helped")
    manager.go("/volumes/actions").sees("Ask for a call.", "It helped").go("/volumes/alerts")
    manager.go("/volumes/").follow("late referrals").follow("Rooms for Dover").press("Ask the supplier about them")
    manager.sees("have been asked about these referrals")
    manager.go("/volumes/?sort=room").go("/volumes/rate-card").sees("£1,000.00")

    team.go("/volumes/nation?by=both").sees("Delivered", "Due by contract").go("/volumes/comparison")
    team.go(f"/volumes/places/{KSS_REGION}").sees("Kent")
