"""Somebody waits for a place on a full service, is offered one, and goes to the supplier."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.referrals import actions
from contracts.referrals.rules import ReferralStatus
from marketplace.access import Role
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.referrals import make_officer, make_referral, make_service
from tests.journeys.conftest import MakeVisitor, Site

pytestmark = pytest.mark.journey


def test_from_a_full_service_by_the_waiting_list_to_a_place(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        now = clock()
        lead = make_commissioner("Kent, Surrey and Sussex Probation")
        line = make_service(title="Rooms for Kent", bands=((0, 2),), commissioner=lead)
        officer, other = make_officer(), make_officer()
        sent = [make_referral(line, officer=other, sent_at=now - timedelta(days=9)).id for _ in range(2)]
        make_referral(line, officer=other, status=ReferralStatus.WAITING, sent_at=now - timedelta(days=6))
        manager = make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)
        contracts = make_actor(lead, Role.CONTRACT_MANAGER)
        line_id = line.id
        db.session.commit()

    refers = visitor(officer)
    page = refers.goto(f"/services/{line_id}")
    page.get_by_text("Full: waiting list, 1 waiting").wait_for()
    refers.check()
    page.get_by_role("button", name="Add someone to the waiting list").click()
    refers.check()
    page.get_by_label("Case reference number").fill("X123456")
    page.get_by_label("Prevented from losing").check()
    page.get_by_label("What does the supplier need to know?").fill("Sleeps in a car.")
    page.get_by_label("High").check()
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_text("The person would be 2nd on it.").wait_for()
    refers.check()
    page.get_by_role("button", name="Add to the waiting list").click()
    page.get_by_text("It is 2nd on the waiting list.").wait_for()
    refers.check()
    page.get_by_role("button", name="Take off the waiting list").click()
    refers.check()
    page.get_by_role("link", name="Not now").click()

    looks_on = visitor(contracts)
    page = looks_on.goto("/home")
    page.get_by_role("link", name="2 people wait for a place").click()
    looks_on.check()

    # Two places come free: one for whoever waited before, one for ours.
    with site.app.app_context(), transaction():
        for one in sent:
            actions.withdraw(one, reason="Recalled", actor=other, now=clock())

    page = refers.goto("/home")
    refers.check()
    page.get_by_role("link", name="A place is free").click()
    refers.check()
    page.get_by_label("What does the supplier need to know?").fill("Sleeps in a car; now with a dog.")
    page.get_by_role("button", name="Take the place and send").click()
    page.get_by_text("Sent to the supplier. You will hear").wait_for()
    refers.check()

    receives = visitor(manager)
    page = receives.goto("/home")
    page.get_by_role("link", name="1 new referral to accept or return").click()
    receives.check()
