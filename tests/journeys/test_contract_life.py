"""A contract after signature: proposed to be changed, changed, stopped, extended by an option or not, and ended."""

from __future__ import annotations

import pytest

from contracts.changes.queries import exit_tasks
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor
from tests.factories.agreements import NOW, approver_of, make_agreement, sign_as, signatory_of
from tests.factories.changes import Change
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker

pytestmark = pytest.mark.journey


def test_from_a_proposal_by_a_pause_to_the_notice_and_the_exit_plan(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    clock.set(NOW)
    with site.app.app_context():
        made = Change(make_agreement())
        agreement = made.agreement
        manager, approver = made.manager, made.approver
        deliverer = make_actor(agreement.supplier, Role.SERVICE_MANAGER)
        key = agreement.id
        db.session.commit()
    at = f"/contracts/{key}"

    leads = Walker(visitor(manager))
    leads.go(f"{at}/options/new").fill(months="12")
    page = leads.visitor.page
    for name, part in (("day", "31"), ("month", "3"), ("year", "2029")):
        page.fill(f"[name=decide_by-{name}]", part)
    page.get_by_role("button", name="Add the option").click()
    page.get_by_text("In a draft").wait_for()
    leads.visitor.check()
    leads.go(f"{at}/abandon")

    with site.app.app_context():
        agreement = db.session.merge(agreement)
        for signer in (signatory_of(agreement), approver_of(agreement)):
            sign_as(signer, agreement)
        db.session.commit()

    delivers = Walker(visitor(deliverer))
    delivers.go(f"{at}/changes/propose").fill(what="Forty more people.", reason="We turn people away.")
    other = delivers.visitor.page
    for name, part in (("day", "1"), ("month", "1"), ("year", "2027")):
        other.fill(f"[name=from_on-{name}]", part)
    other.get_by_role("button", name="Send the proposal").click()
    other.get_by_text("To be answered").wait_for()
    delivers.visitor.check()

    leads.go("/home")
    page.get_by_role("link", name="Answer the supplier’s proposal").click()
    leads.visitor.check()
    page.get_by_role("button", name="Draft a change from it").click()
    page.get_by_text("Change one part after the other").wait_for()
    leads.visitor.check()
    for words in ("Who leads the contract", "Dates", "Who pays which part"):
        page.get_by_role("link", name=words).click()
        leads.visitor.check()
        page.get_by_role("link", name="Back", exact=True).click()
    page.get_by_role("link", name="Withdraw this change").click()
    page.fill("[name=reason]", "Not this year.")
    page.get_by_role("button", name="Withdraw").click()

    leads.go(f"{at}/suspend").fill(reason="Two posts are empty.")
    page.get_by_role("button", name="Stop new referrals").click()
    page.get_by_text("No new referrals").first.wait_for()
    leads.visitor.check()
    leads.go(at)
    leads.go(f"{at}/changes")
    page.get_by_role("button", name="Take referrals again").click()
    leads.visitor.check()

    leads.go(f"{at}/ending")
    page.get_by_role("link", name="Use it").first.click()
    leads.visitor.check()
    leads.go(f"{at}/end").fill(reason="Nobody comes.")
    for name, part in (("day", "31"), ("month", "12"), ("year", "2027")):
        page.fill(f"[name=last_day-{name}]", part)
    page.get_by_label("We give notice").check()
    page.get_by_label("The service is no longer needed").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Early ending by notice").wait_for()
    leads.visitor.check()
    page.get_by_role("button", name="Ask the funders to approve").click()

    approves = Walker(visitor(approver))
    approves.go("/home")
    last = approves.visitor.page
    last.get_by_role("link", name="Approve the change to").click()
    approves.visitor.check()
    last.get_by_role("button", name="Approve the notice").click()
    last.get_by_text("You have approved it.").wait_for()

    delivers.go(f"{at}/ending")
    other.get_by_text("The contract ends on 31 December 2027").wait_for()
    with site.app.app_context():
        task = next(one for one in exit_tasks(db.session.merge(agreement)) if one.title == "Records")
        task_id = task.id
    delivers.go(f"/contracts/exit-tasks/{task_id}")
    delivers.go(f"/contracts/exit-tasks/{task_id}/done").fill(note="All boxes sent.")
    other.get_by_role("button", name="Say that it is done").click()
    other.get_by_text("1 of 10 tasks done").wait_for()
    delivers.visitor.check()
