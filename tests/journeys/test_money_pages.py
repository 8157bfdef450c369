"""The money of a contract and of a body, walked by both sides: every page looked at with axe, wide and narrow."""

from __future__ import annotations

from datetime import UTC, date, datetime

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.invoices import actions
from marketplace.access import SYSTEM, Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.agreements import make_signed_agreement
from tests.factories.invoices import finance_of, make_contract, manager_of
from tests.factories.mobilisation import Contract
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker

OCTOBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)


def test_a_deduction_a_purchase_order_vat_and_what_is_owed(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    clock.set(OCTOBER)
    with site.app.app_context():
        contract = make_contract(lead=make_commissioner("Kent PCC"), supplier=make_supplier("Harbour Trust"))
        mobilised = Contract(contract)
        mobilised.subcontractor("Open Door")
        manager, payer = manager_of(contract), finance_of(contract.commissioner)
        supplier = finance_of(contract.supplier)
        (invoice,) = actions.raise_invoices(contract, actor=SYSTEM, now=OCTOBER)
        actions.approve(invoice, actor=manager, now=OCTOBER)
        invoice.provider_id, invoice.sent_at = "in_1", OCTOBER
        actions.sent(invoice, now=OCTOBER)
        db.session.commit()
        key, reference = contract.id, contract.reference
    path = f"/contracts/{key}/money"
    clock.set(DECEMBER)
    nadia = Walker(visitor(supplier))
    nadia.go("/payments/account").follow("How you stand with VAT").pick("kind", "standard")
    nadia.fill(vat_number="GB 123 4567 89").press("Keep this").sees("GB123456789")
    lee = Walker(visitor(manager))
    lee.go(path).sees("£10,000.00", "To be invoiced on 1 January 2027", "GB123456789")
    lee.follow("Deductions").follow("Make a deduction").select("month", "November 2026")
    lee.fill(amount="1250.50", reason="Two weeks were not staffed.").press("Make the deduction")
    lee.sees("Still to be taken", "£1,250.50")
    imran = Walker(visitor(payer))
    imran.go("/home").follow(f"Enter the purchase order of {reference}").fill(number="PO-77")
    imran.press("Enter the purchase order").sees("PO-77, since 10 December 2026")
    with site.app.app_context():
        actions.raise_invoices(db.session.get_one(Agreement, key), actor=SYSTEM, now=DECEMBER)
        db.session.commit()
    imran.go("/statement").sees("Owed at the end of 10 December 2026", "£20,499.40")
    imran.go("/aged-debt").sees("1 to 30 days late", "£10,000.00", "£25.75", "nothing is charged by itself")
    imran.go("/remittances").sees("Nothing has been paid yet")
    imran.go("/purchase-orders").sees("PO-77")
    nadia.go("/home").follow("Confirm what you paid to the supply chain").follow("Confirm").pick("was_due", "yes")
    nadia.fill(amount="1200.00").date("invoiced_on", date(2026, 11, 2)).date("paid_on", date(2026, 12, 8))
    nadia.press("Confirm").sees("Paid late", "0 of 1")
    lee.go(f"/contracts/{key}/deductions").sees("Taken").go(path).follow("What the supply chain was paid")
    lee.sees("Open Door", "36")


def test_a_grant_is_planned_claimed_and_accepted(site: Site, visitor: MakeVisitor, clock: StandingClock) -> None:
    clock.set(DECEMBER)
    with site.app.app_context():
        grant = make_signed_agreement(instrument=Instrument.GRANT, bands=[(0, 40)])
        manager = make_actor(grant.commissioner, Role.CONTRACT_MANAGER)
        deliverer = make_actor(grant.supplier, Role.SERVICE_MANAGER)
        db.session.commit()
        key, reference = grant.id, grant.reference
    path = f"/contracts/{key}/instalments"
    lee, nadia = Walker(visitor(manager)), Walker(visitor(deliverer))
    lee.go("/home").follow(f"Plan the instalments of grant {reference}").follow("Plan an instalment")
    lee.fill(milestone="The door is open", amount="40000").date("due_on", date(2026, 12, 9)).press("Plan it")
    nadia.go("/home").follow(f"Claim instalment 1 of {reference}").fill(evidence="Forty came on Monday.")
    nadia.press("Claim it").sees("Waits to be accepted")
    lee.go("/home").follow(f"Accept instalment 1 of {reference}").sees("Forty came on Monday.").pick("verdict", "no")
    lee.fill(reason="Show the lease.").press("Decide").sees("The claim is sent back.")
    nadia.go(path).sees("Show the lease.").follow("Claim it again").press("Claim it")
    lee.go(path).follow("Accept it or send it back").pick("verdict", "yes").press("Decide")
    lee.sees("The instalment is accepted and invoiced.", f"{reference}-G1-1").go(f"/contracts/{key}/money")
    lee.sees("£40,000.00", "Outside VAT")
