"""A grant after signature: varied, claimed, held, accepted; and paid, ended early, accounted for, given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.invoices import actions
from contracts.invoices.models import CreditNote
from contracts.ledger.queries import unbalanced
from marketplace.access import Actor
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.grants import GrantChange, make_grant
from tests.factories.invoices import finance_of
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker

pytestmark = pytest.mark.journey
DECEMBER = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)
AFTER = datetime(2027, 4, 12, 8, 0, tzinfo=UTC)


@dataclass
class Set:
    """A signed grant, and the people of the journey."""

    made: GrantChange
    manager: Actor
    approver: Actor
    signatory: Actor
    deliverer: Actor
    key: int
    reference: str


@pytest.fixture
def grant(site: Site, clock: StandingClock) -> Set:
    clock.set(DECEMBER)
    with site.app.app_context():
        made = make_grant(funders=1)
        people = made.manager, made.approver, made.signatory, made.deliverer
        db.session.commit()
        return Set(made, *people, made.agreement.id, made.agreement.reference)


def test_a_grant_is_varied_claimed_held_and_accepted(site: Site, visitor: MakeVisitor, grant: Set) -> None:
    lee, bryn = Walker(visitor(grant.manager)), Walker(visitor(grant.approver))
    lee.go(f"/contracts/{grant.key}/changes").follow("Change the grant").fill(reason="A second house opens.")
    lee.date("in_force_from", date(2027, 1, 1)).press("Begin the draft").follow("Value of the grant")
    lee.fill(value="125000").press("Save and continue").follow("Instalments").sees("Still without an instalment")
    lee.follow("Add an instalment").fill(milestone="The second house is open", amount="5000")
    lee.date("due_on", date(2027, 3, 31)).press("Add it").sees("4. The second house is open")
    lee.follow("Change instalment 2").date("due_on", date(2027, 10, 31)).press("Save")
    lee.follow("Back to the change").sees("£125,000.00", "None", "£5,000.00, expected by 31 March 2027")
    lee.press("Ask the funders to approve").sees("Funders to approve")
    bryn.go("/home").follow("Approve the change to").press("Approve the change")
    Walker(visitor(grant.signatory)).go("/home").follow("Sign the change to").pick("agreed", "y").press(
        "Sign the change"
    )
    bryn.go("/home").follow("Sign the change to").pick("agreed", "y").press("Sign the change").sees("Agreed")
    lee.go(f"/contracts/{grant.key}?on=2027-01-01").sees("The second house is open")

    mark = Walker(visitor(grant.deliverer))
    mark.go("/home").follow(f"Claim instalment 1 of {grant.reference}").fill(evidence="See the lease.")
    mark.press("Claim it")
    lee.go(f"/contracts/{grant.key}/suspend").sees("its instalments are held").fill(reason="The books are late.")
    lee.press("Stop new referrals").go(f"/contracts/{grant.key}/instalments").sees("Held while the grant is suspended")
    lee.go(f"/contracts/{grant.key}/changes").follow("Take referrals again").fill(reason="They are here.")
    lee.press("Lift the suspension")
    lee.go("/home").follow(f"Accept instalment 1 of {grant.reference}").pick("verdict", "yes").press("Decide")
    lee.sees("Both sides have agreed these instalments", f"{grant.reference}-G1-1")


def test_a_grant_that_was_paid_ends_early_and_what_is_unspent_goes_back(
    site: Site, visitor: MakeVisitor, clock: StandingClock, grant: Set
) -> None:
    with site.app.app_context():
        grant.made.agreement = db.session.merge(grant.made.agreement)
        (invoice,) = grant.made.accept(1, now=DECEMBER)
        invoice.provider_id = "in_1"
        actions.sent(invoice, now=DECEMBER)
        actions.paid(invoice, at=DECEMBER, now=DECEMBER)
        finance = finance_of(grant.made.agreement.supplier)
        db.session.commit()
    lee, bryn = Walker(visitor(grant.manager)), Walker(visitor(grant.approver))
    lee.go(f"/contracts/{grant.key}/end").sees("the grant is worth what is left").date("last_day", date(2027, 3, 31))
    lee.pick("how", "ending").pick("ground", "not_needed").fill(reason="The house closes.").press("Continue")
    lee.sees("£40,000.01", "None").press("Ask the funders to approve")
    bryn.go("/home").follow("Approve the change to").press("Approve the change")
    Walker(visitor(grant.signatory)).go("/home").follow("Sign the change to").pick("agreed", "y").press(
        "Sign the change"
    )
    bryn.go("/home").follow("Sign the change to").pick("agreed", "y").press("Sign the change")

    clock.set(AFTER)  # sessions have ended meanwhile
    lee, mark = Walker(visitor(grant.manager)), Walker(visitor(grant.deliverer))
    mark.go("/home").follow(f"Report what instalment 1 of {grant.reference} was used for")
    # With the keyboard alone.
    page = mark.visitor.page
    page.get_by_label("How much of it has been spent").focus()
    for typed in ("30000", "Rent and a warden. Twelve people have a home.", "The accounts, at our office."):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The use is reported.").wait_for()
    mark.visitor.check()
    lee.go("/home").follow("Look at what instalment 1").sees("£10,000.01", "Twelve people").pick("verdict", "no")
    lee.fill(question="Which months?").press("Decide").sees("Which months?")
    mark.go("/home").follow("Answer the question").sees("Which months?")
    mark.fill(what="Rent and a warden, December to March. Twelve people have a home.").press("Report it")
    lee.go(f"/contracts/{grant.key}/instalments").follow("Accept it or ask").pick("verdict", "yes").press("Decide")
    lee.sees("£10,000.01 is owed back to the funders.", "Not spent, owed back")
    with site.app.app_context():
        note = db.session.scalars(select(CreditNote)).one()
        actions.credit_sent(note, provider_id="cn_1", now=AFTER)
        db.session.commit()
        key, number = note.id, note.number
    Walker(visitor(finance)).go(f"/credit-notes/{key}").sees(number, "£10,000.01", "Grant not spent")
    lee.go(f"/contracts/{grant.key}/money").sees("£30,000")
    with site.app.app_context():
        assert unbalanced(AFTER.date()) == 0
        assert str(db.session.get_one(Agreement, grant.key).whole_life_value) == "40000.01"
