"""What cannot simply be undone is asked once more, on a page of its own that says what will happen."""

from __future__ import annotations

from datetime import date

import pyotp

from calloffs.bids import actions as bids
from contracts.invoices.rules import InvoiceStatus
from contracts.referrals.rules import ReferralStatus
from marketplace.access import Role
from marketplace.accounts.queries import actor_for
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import give_role, make_actor, make_commissioner, make_person
from tests.factories.competitions import make_tender
from tests.factories.invoices import finance_of, make_contract, make_invoice
from tests.factories.referrals import make_referral, make_service
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker


def test_a_bid_is_withdrawn_and_a_referral_completed_only_after_asking(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        made = make_tender()
        bids.save_draft(made.competition, content=made.content, base_version=0, actor=made.bidder, now=clock())
        bids.submit(made.competition, version=1, actor=made.bidder, now=clock())
        competition = made.competition.id
        line = make_service(title="Rooms for Kent")
        referral = make_referral(line, status=ReferralStatus.ACCEPTED).id
        manager = make_actor(line.agreement.supplier, Role.SERVICE_MANAGER)
        db.session.commit()
    nia = Walker(visitor(made.bidder))
    nia.go(f"/bids/{competition}").follow("Withdraw the bid").sees("Withdraw your bid?").follow("Keep the bid")
    nia.follow("Withdraw the bid").press("Withdraw the bid").sees("Your bid is withdrawn.")
    mo = Walker(visitor(manager))
    mo.go(f"/referrals/{referral}").follow("Complete").sees("The officer is told at once").follow("Not yet")
    mo.follow("Complete").press("Complete referral").sees("Completed. The officer is told.")


def test_a_lost_authenticator_is_cleared_and_many_invoices_are_one_line(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        body, key = make_commissioner("Probation North"), pyotp.random_base32()
        boss, pat = (make_person(name, totp_secret=key, totp_confirmed_at=clock()) for name in ("Bo Boss", "Pat Lost"))
        give_role(boss, body, Role.ADMINISTRATOR)
        give_role(pat, body, Role.EVALUATOR)
        administrator = actor_for(boss.id, body.id)
        contract = make_contract(with_finance=False)
        payer = finance_of(contract.funders[0].organisation)
        for month in range(1, 7):
            make_invoice(contract, month=date(2027, month, 1), status=InvoiceStatus.OPEN)
        db.session.commit()
    bo = Walker(visitor(administrator))
    bo.go("/organisation/people").follow("Clear lost authenticator app").sees("speak to them")
    bo.press("Clear the authenticator app").sees("The authenticator app of Pat Lost is cleared")
    fay = Walker(visitor(payer))
    fay.go("/home").follow("6 invoices to pay, £60,000.00").sees("Still to be paid")
