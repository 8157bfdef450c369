"""A service goes to the next supplier, and one person to another area: what each of those concerned sees and does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from contracts.referrals import actions
from contracts.referrals.models import Referral
from contracts.referrals.rules import Attendance, ReferralStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.handovers import Handing
from tests.factories.places import GREATER_MANCHESTER_REGION
from tests.factories.referrals import make_officer, make_referral, make_service, make_session
from tests.journeys.conftest import MakeVisitor, Site

pytestmark = pytest.mark.journey
Status = ReferralStatus


def _handing(clock: StandingClock) -> tuple[Handing, list[Referral]]:
    """Two suppliers in Kent; five people with the one, of whom one is with the other too."""
    lead = make_commissioner("Kent, Surrey and Sussex Probation")
    old = make_service(title="Rooms for Kent", supplier=make_supplier("Harbour Homes"), commissioner=lead)
    new = make_service(
        title="Homes and support in Kent", supplier=make_supplier("Lodestar"), commissioner=lead, bands=((0, 40),)
    )
    make_service(title="Homes in Greater Manchester", places=(GREATER_MANCHESTER_REGION,))
    handing = Handing(
        old,
        new,
        make_actor(lead, Role.CONTRACT_MANAGER, name="Cerys Manager"),
        make_officer(),
        make_actor(old.agreement.supplier, Role.SERVICE_MANAGER, name="Olu Old"),
        make_actor(new.agreement.supplier, Role.SERVICE_MANAGER, name="Nia New"),
    )
    people = [handing.referral(sent_at=clock() - timedelta(days=20 - n)) for n in range(3)]
    people += [handing.referral(Status.SENT, crn="X777777"), handing.referral(Status.SENT)]
    make_referral(new, crn="X777777")
    session = make_session(people[0], starts_at=clock() - timedelta(days=2))
    actions.record_session(
        session.id, attendance=Attendance.LATE, note="Likes mornings.", actor=handing.old_manager, now=clock()
    )
    return handing, people


def test_a_service_goes_to_the_next_supplier(site: Site, visitor: MakeVisitor, clock: StandingClock) -> None:
    with site.app.app_context():
        handing, people = _handing(clock)
        agreement, first, stays = handing.old.agreement_id, people[0].id, people[1].reference
        db.session.commit()

    plans = visitor(handing.lead)
    page = plans.goto(f"/contracts/{agreement}/handover")
    plans.check()
    page.get_by_role("button", name="Plan a handover").click()
    plans.check()
    page.get_by_label("To which service?").select_option(
        label="Homes and support in Kent, Lodestar ("
        + (page.locator("#to_line option").nth(1).inner_text().rpartition("(")[2])
    )
    for part, value in (("Day", "7"), ("Month", "9"), ("Year", "2026")):
        page.get_by_label(part, exact=True).fill(value)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Nobody outside your organisation knows of it yet").wait_for()
    page.get_by_text("The person has an open referral to the new service already").wait_for()
    plans.check()
    page.get_by_role("button", name="Fix the handover").click()
    page.get_by_text("Both suppliers and the officers are told").wait_for()

    delivers = visitor(handing.old_manager)
    page = delivers.goto("/home")
    page.get_by_role("link", name="Say who stays in the handover of Rooms for Kent").click()
    page.get_by_role("row", name=stays).get_by_role("button", name="Let it stay").click()
    page.get_by_text("It stays until it is completed.").wait_for()
    delivers.check()

    refers = visitor(handing.officer)
    page = refers.goto(f"/referrals/{first}/consent")
    refers.check()
    page.get_by_label("Yes, they agree").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The person’s answer is written down.").wait_for()
    refers.check()

    site.run_jobs()

    page = plans.goto(f"/contracts/{agreement}/handover")
    page.get_by_role("link", name="Rooms for Kent").click()
    page.get_by_text("3 referrals moved.").wait_for()
    plans.check()
    page.get_by_role("button", name="Undo the handover").click()
    plans.check()

    page = refers.goto("/referrals/moved")
    refers.check()

    with site.app.app_context():
        new = db.session.scalars(select(Referral.id).where(Referral.moved_from_id == first)).one()
    receives = visitor(handing.new_manager)
    page = receives.goto(f"/referrals/{new}")
    receives.check()
    page.get_by_role("link", name="Read what was recorded there").click()
    page.get_by_text("Likes mornings.").wait_for()
    receives.check()
    page = delivers.goto(f"/referrals/{first}")
    page.get_by_text("You can read it until 8 March 2027").wait_for()
    delivers.check()


def test_a_case_follows_the_person_to_another_area(site: Site, visitor: MakeVisitor, clock: StandingClock) -> None:
    with site.app.app_context():
        handing, people = _handing(clock)
        key = people[0].id
        db.session.commit()
    refers = visitor(handing.officer)
    page = refers.goto(f"/referrals/{key}")
    page.get_by_role("button", name="Move to another service").click()
    page.get_by_label("Place, service or supplier").fill("Manchester")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Homes in Greater Manchester").check()
    refers.check()
    page.get_by_role("button", name="Move the referral").click()
    page.get_by_text("Moved: it goes on as").wait_for()
    refers.check()
    page.get_by_role("button", name="Undo the move").click()
    refers.check()
    page.get_by_role("button", name="Undo the move").click()
    page.get_by_text("The supplier works with the person.").wait_for()
