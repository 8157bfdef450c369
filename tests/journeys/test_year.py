"""A contract’s year: signed, delivered, varied, invoiced, disputed, credited, paid, and reconciled at its end."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceKind, InvoiceStatus
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import Actor, Role
from marketplace.extensions import db
from marketplace.timetable import scheduled
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.agreements import make_agreement
from tests.factories.invoices import approve_raised
from tests.factories.referrals import make_officer, make_referral
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import Walker

pytestmark = pytest.mark.journey

TITLE = "Rooms and support in Kent"


@dataclass
class Year:
    """The contract, the people at both ends of it, and the clock that they share."""

    site: Site
    visitor: MakeVisitor
    clock: StandingClock
    contract: int
    line: int
    people: dict[str, Actor]

    def walker(self, name: str) -> Walker:
        """Somebody by name, freshly signed in."""
        return Walker(self.visitor(self.people[name]))

    def falls_due(self, *names: str) -> None:
        """Scheduled jobs fall due, and what they queue is done."""
        for name in names:
            job = scheduled(name)
            assert job is not None, name
            with self.site.app.app_context():
                job.load()()
        self.site.run_jobs()

    def people_come(self, month: date, count: int) -> None:
        """So many referrals in a month, on different days."""
        with self.site.app.app_context():
            agreement = db.session.get_one(Agreement, self.contract)
            officer = make_officer()
            for number in range(count):
                at = datetime(month.year, month.month, 1 + number % 27, 10, tzinfo=UTC)
                make_referral(agreement.lines[0], officer=officer, sent_at=at)
            db.session.commit()

    def month_is_over(self, first_of_next: date, *, approved: bool = True) -> None:
        """The night after a month: its invoices are raised; approved and sent too, unless somebody does it here."""
        self.clock.set(datetime(first_of_next.year, first_of_next.month, 1, 6, tzinfo=UTC))
        self.falls_due("invoices")
        if approved:
            with self.site.app.app_context():
                approve_raised(self.clock())
                db.session.commit()
            self.falls_due("invoices-sent")

    def everything_is_paid(self) -> None:
        """Every funder pays what it has been asked for, at the provider."""
        with self.site.app.app_context():
            pages = db.session.scalars(select(Invoice.payment_url).where(Invoice.status == InvoiceStatus.OPEN)).all()
        for page in pages:
            with urllib.request.urlopen(page or "", data=b"way=card", timeout=30):
                pass
        self.news_comes()

    def news_comes(self) -> None:
        """The provider tells what has happened there."""
        self.site.deliver_payment_events()
        self.site.run_jobs()

    def invoice(self, month: date, funder: int = 0) -> int:
        """The key of a month’s invoice to the first (second, third) funder."""
        with self.site.app.app_context():
            found = db.session.scalars(
                select(Invoice.id)
                .where(Invoice.kind == InvoiceKind.MONTH, Invoice.period_from == month, Invoice.sequence == 1)
                .order_by(Invoice.number)
            ).all()
        return found[funder]

    def pass_by(self, *months: tuple[date, int]) -> None:
        """Whole months in which so many people come, and which are paid."""
        for month, count in months:
            self.people_come(month, count)
            self.month_is_over((month + timedelta(days=31)).replace(day=1))
            self.everything_is_paid()

    def balances(self) -> None:
        """Every posting of the ledger sums to nought, on this day."""
        with self.site.app.app_context():
            assert unbalanced(self.clock().date()) == 0


@pytest.fixture
def year(site: Site, visitor: MakeVisitor, clock: StandingClock) -> Year:
    """A contract of three funders with thirds, four bands and £100,000.00 a year planned; nobody has signed yet."""
    with site.app.app_context():
        supplier = make_supplier("Harbour Trust")
        lead, second, third = (
            make_commissioner(name) for name in ("Kent, Surrey and Sussex Probation", "Kent PCC", "Medway Council")
        )
        agreement = make_agreement(
            title=TITLE,
            supplier=supplier,
            lead=lead,
            funders=[(lead, "33.34"), (second, "33.33"), (third, "33.33")],
        )
        people = {
            "Ama": make_actor(supplier, Role.SIGNATORY, name="Ama Owusu"),
            "Mark": make_actor(supplier, Role.SUPPLIER_FINANCE, name="Mark Dunn"),
            "Nadia": make_actor(supplier, Role.SERVICE_MANAGER, name="Nadia Rahman"),
            "Carys": make_actor(lead, Role.CONTRACT_MANAGER, name="Carys Price"),
            "Bryn": make_actor(lead, Role.APPROVER, name="Bryn Hughes"),
            "Imran": make_actor(lead, Role.COMMISSIONER_FINANCE, name="Imran Shah"),
            "Mair": make_actor(second, Role.APPROVER, name="Mair Evans"),
            "Sam": make_actor(second, Role.COMMISSIONER_FINANCE, name="Sam Doyle"),
            "Tomas": make_actor(third, Role.APPROVER, name="Tomas Reid"),
            "Ruth": make_actor(third, Role.COMMISSIONER_FINANCE, name="Ruth Bell"),
        }
        db.session.commit()
        return Year(site, visitor, clock, agreement.id, agreement.lines[0].id, people)


def charts_are_readable_without_colour(walker: Walker) -> None:
    """Lines of one chart differ in more than colour, the chart says what it shows, and the page has it as a table."""
    page = walker.visitor.page
    charts = page.locator("svg.dfm-chart").all()
    assert charts, f"{page.url} has no chart"
    for chart in charts:
        assert chart.locator("title").text_content()
        assert chart.locator("desc").text_content()
        drawn = [
            (line.get_attribute("stroke-dasharray"), line.get_attribute("stroke-width"))
            for line in chart.locator("polyline:not([data-key])").all()
        ]
        assert len(set(drawn)) == len(drawn), f"{page.url}: two lines look the same without colour"
    assert page.locator("main table").count()


def test_a_year_from_signature_to_reconciliation(year: Year, clock: StandingClock) -> None:
    # 1. Signed in order: the supplier, then the commissioner.
    year.walker("Bryn").go(f"/contracts/{year.contract}").sees("waits for the supplier")
    for name in ("Ama", "Bryn"):
        year.walker(name).go(f"/contracts/{year.contract}/sign").pick("agreed", "y").press("Sign the contract")
    year.falls_due("mobilisation", "contract-documents")
    year.walker("Carys").go(f"/contracts/{year.contract}").sees("Signed", "Harbour Trust", "£100,000").go(
        f"/contracts/{year.contract}/readiness"
    )

    # 2. The supplier sets up how it is paid.
    mark = year.walker("Mark")
    mark.go("/payments/account").press("Set up how you are paid")
    year.site.run_jobs()
    mark.go("/payments/account").follow("Give your particulars")
    mark.visitor.page.get_by_label("Everything is there", exact=True).check()
    mark.visitor.page.get_by_role("button", name="Continue").click()
    mark.sees("Can be paid")

    # 3. The first month: approved, and paid in the browser by the first funder.
    year.people_come(date(2026, 10, 1), 12)
    year.month_is_over(date(2026, 11, 1), approved=False)
    carys = year.walker("Carys")
    carys.go("/home").follow("Approve 3 invoices, £8,333.34")
    for box in carys.visitor.page.locator("input[name=invoice]").all():
        box.check()
    carys.press("Approve the ticked invoices").sees("3 invoices approved")
    year.falls_due("invoices-sent")
    imran = year.walker("Imran")
    imran.go("/home").follow("Pay invoice").sees("£2,778.34")
    page = imran.visitor.page
    page.get_by_role("link", name="Pay this invoice").or_(page.get_by_role("button", name="Pay this invoice")).click()
    page.get_by_label("Pretend card that is accepted").check()
    page.get_by_role("button").first.click()
    year.news_comes()
    imran.go(f"/invoices/{year.invoice(date(2026, 10, 1))}").sees("Paid")
    year.everything_is_paid()
    year.balances()

    # 4. Up to January: months come and are paid, and the position is watched.
    year.pass_by((date(2026, 11, 1), 10), (date(2026, 12, 1), 9), (date(2027, 1, 1), 11))
    carys = year.walker("Carys")
    carys.go(f"/volumes/{year.line}").sees("Referrals so far", "42")
    charts_are_readable_without_colour(carys)

    # 5. A variation: the planned band costs more from April. Each funder approves, both sides sign.
    carys.go(f"/contracts/{year.contract}/changes").follow("Change the contract")
    carys.fill(reason="The rent of the rooms has risen.").date("in_force_from", date(2027, 4, 1)).press(
        "Begin the draft"
    )
    change = carys.visitor.page.url.removeprefix(year.site.url)
    carys.follow("Volume and price").fill(price_2="108000").press("Save and continue")
    carys.sees("£100,000.00 a year", "£108,000.00 a year").press("Ask the funders to approve")
    for name in ("Bryn", "Mair", "Tomas"):
        year.walker(name).go(change).press("Approve the change")
    for name in ("Ama", "Bryn"):
        year.walker(name).go(change).pick("agreed", "y").press("Sign the change")
    year.walker("Carys").go(change).sees("Agreed").go(f"/contracts/{year.contract}?on=2027-04-01").sees("£108,000")
    year.pass_by((date(2027, 2, 1), 9), (date(2027, 3, 1), 10), (date(2027, 4, 1), 9))
    year.walker("Sam").go(f"/invoices/{year.invoice(date(2027, 3, 1), 1)}").sees("£2,777.50")
    year.walker("Sam").go(f"/invoices/{year.invoice(date(2027, 4, 1), 1)}").sees("£2,999.70")
    year.balances()

    # 6. A funder disputes part of May; the supplier says that it is owed; the lead finds that a third of it is not.
    year.people_come(date(2027, 5, 1), 8)
    year.month_is_over(date(2027, 6, 1))
    may = year.invoice(date(2027, 5, 1), 2)
    ruth = year.walker("Ruth")
    ruth.go(f"/invoices/{may}").sees("£2,999.70").follow("Dispute this invoice").pick("how_much", "part")
    ruth.fill(amount="300", reason="The rooms were closed for three days.").press("Continue")
    ruth.sees("£300.00", "£2,699.70").press("Dispute it").sees("In dispute")
    dispute = ruth.visitor.page.url.removeprefix(year.site.url)
    year.falls_due("credits-sent")
    mark = year.walker("Mark")
    mark.go("/home").go(dispute).follow("Answer or accept it").pick("stance", "owed")
    mark.fill(answer="They were closed for one day.").press("Continue").press("Send the answer")
    carys = year.walker("Carys")
    carys.go("/home").go(dispute).follow("Decide the dispute").pick("verdict", "part")
    carys.fill(upheld="100", words="One day of three.").press("Continue").sees("£200.00").press("Settle the dispute")
    carys.sees("Partly upheld", "£200.00")
    year.falls_due("invoices-sent", "credits-sent")
    year.everything_is_paid()
    year.walker("Ruth").go(f"/invoices/{may}").sees("Paid", "£2,699.70")
    year.balances()

    # 7. The supplier finds an error of its own in June, which is paid: it credits it, and the money goes back.
    year.pass_by((date(2027, 6, 1), 9))
    june = year.invoice(date(2027, 6, 1), 1)
    mark = year.walker("Mark")
    mark.go(f"/invoices/{june}").follow("Give a credit note").pick("how_much", "part").pick("again", "no")
    mark.fill(amount="50", reason="A session was counted twice.").press("Continue").sees("£50.00")
    mark.press("Give the credit note").sees("not given back yet")
    note = mark.visitor.page.url.removeprefix(year.site.url)
    year.falls_due("credits-sent")
    year.news_comes()
    year.walker("Sam").go(note).sees("£50.00, given back on").go("/credit-notes").sees("£50.00")
    year.balances()

    # 8. The year is over: it is reconciled to the band that 110 people reached, invoiced, and paid.
    year.pass_by((date(2027, 7, 1), 8), (date(2027, 8, 1), 8))
    year.people_come(date(2027, 9, 1), 7)
    year.month_is_over(date(2027, 10, 1))
    carys = year.walker("Carys")
    carys.go("/home").follow("Approve the contract year to 30 September 2027").sees("Waits for approval")
    carys.follow("Approve this contract year").sees("£15,999.98").press("Approve it").sees("Approved by Carys")
    year.falls_due("invoices-sent")
    year.everything_is_paid()
    carys = year.walker("Carys")
    carys.go(f"/contracts/{year.contract}/years/2026-10-01").sees("110", "£104,000.02", "£120,000.00", "£15,999.98")
    carys.go(f"/volumes/{year.line}?on=2027-09-30").sees("110")
    charts_are_readable_without_colour(carys)
    year.walker("Mark").go("/invoices").sees("Paid").does_not_see("Overdue")
    year.balances()
    with year.site.app.app_context():
        agreement, on = db.session.get_one(Agreement, year.contract), date(2027, 10, 1)
        assert -balance(Account.SERVICES, agreement.supplier_id, on=on) == Decimal("119850.00")
        assert sum(balance(Account.OWED, one.organisation_id, on=on) for one in agreement.funders) == 0
