"""The thread: one walk from a supplier joining to an invoice paid, each step by the right person in the right place."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from marketplace import clock as london_clock
from marketplace.access import Role
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.timetable import scheduled
from tests.conftest import StandingClock
from tests.journeys.conftest import MakeVisitor, Site
from tests.journeys.walking import PASSWORD, Town, Walker

CENTRE, RIVAL = "Staithes Women’s Centre", "Lodestar Justice Services"
ANSWER = "We meet each woman within five working days and stay with her."


@pytest.mark.journey
def test_from_joining_to_an_invoice_paid(
    site: Site, visitor: MakeVisitor, clock: StandingClock, tmp_path: Path
) -> None:
    clock.set(datetime(2026, 9, 1, 8, 0, tzinfo=UTC))
    town = Town(site, visitor)

    # 1. Suppliers join; the framework team admits for some and declines others with reasons.
    _joins(town, "Carol", CENTRE, "1099001", ["WOM", "DEP"])
    _joins(town, "Victoria", RIVAL, "1099002", ["WOM"])
    amara = town.walker("Amara")
    _decides(amara, CENTRE, {"WOM": None, "DEP": "No clinical governance is described for this category."})
    _decides(amara, RIVAL, {"WOM": None})
    town.walker("Carol").go("/framework/application").sees("Qualified", "No clinical governance is described")

    # 2. A call-off is planned, drafted, approved by another person, and published.
    priya = town.walker("Priya")
    competition = _drafts(priya)
    priya.sees("Awaiting approval")
    graham = town.walker("Graham")
    graham.go("/home").sees("Women’s services in Northumbria")
    graham.go(f"/call-offs/{competition}/decide").press("Approve and publish now").sees("Say why this is published")
    graham.fill(needs_reason="The data of 2026 comes after the contract that runs now ends.")
    graham.press("Approve and publish now").sees("Open for bids", "Published without current needs data")
    stranger = town.walker()
    stranger.go("/").go("/call-offs/notices").sees("Women’s services in Northumbria")
    stranger.follow("Women’s services in Northumbria").sees("Probation Service – North East")

    # 3. Two suppliers bid and get receipts; after closing two officers open the bids.
    _bids(town.walker("Carol"), competition, price="330000", answer=ANSWER)
    _bids(town.walker("Victoria"), competition, price="320000", answer="A standard national service.")
    clock.set(datetime(2026, 10, 1, 16, 0, tzinfo=UTC))
    lesley = town.walker("Lesley")
    lesley.go(f"/bids/{competition}/opening").press("Turn your key").does_not_see(ANSWER)
    priya = town.walker("Priya")
    priya.go(f"/bids/{competition}/opening").press("Turn the second key and open the bids").sees(CENTRE, RIVAL)

    # 4. Two evaluators mark alone; one agreed mark each; ranking; award by somebody outside the panel.
    priya.go(f"/evaluation/{competition}/panel")
    for name in ("Moira", "Daniel"):
        option = priya.visitor.page.locator("select[name='person_id'] option", has_text=name).first
        priya.select("person_id", option.inner_text()).press("Appoint")
    for name in ("Moira", "Daniel"):
        _marks(town.walker(name), competition)
    priya = town.walker("Priya")
    _agrees(priya, competition)
    priya.go(f"/evaluation/{competition}/moderate").press("End the evaluation and make the ranking")
    priya.go(f"/evaluation/{competition}/report").sees(CENTRE, RIVAL)
    priya.go(f"/awards/{competition}/recommend").visitor.page.locator("[name=bid_id]").first.check()
    priya.fill(reason="The best quality at a fair price.").press("Recommend")
    graham = town.walker("Graham")
    graham.go(f"/awards/{competition}/approve").pick("decision", "approve").press("Confirm").sees("Standstill")
    town.walker("Carol").go(f"/awards/{competition}/assessment").sees("Your bid won")
    town.walker("Victoria").go(f"/awards/{competition}/assessment").sees(CENTRE, "The winning bid")
    site.run_jobs()
    with site.app.app_context():
        told = {letter.email for letter in db.session.scalars(select(Letter).where(Letter.subject.contains("outcome")))}
    assert {"carol@example.org", "victoria@example.org"} <= told

    # 5. After standstill the contract is drawn with nothing retyped; both sides sign; its PDF is made.
    clock.move(days=14)
    _timetable(site, "contracts-drawn")
    carol = town.walker("Carol")
    carol.go("/contracts/").follow("C-2026-").sees("Women’s services in Northumbria", "£330,000")
    contract = carol.number
    carol.follow("Read and sign").pick("agreed", "y").press("Sign the contract")
    graham = town.walker("Graham")
    graham.go(f"/contracts/{contract}/sign").pick("agreed", "y").press("Sign the contract")
    site.run_jobs()
    _timetable(site, "contract-documents")
    graham.go(f"/contracts/{contract}")
    with graham.visitor.page.expect_download() as download:
        graham.visitor.page.locator("a[href*='/documents/']").first.click()
    kept = tmp_path / "contract.pdf"
    download.value.save_as(kept)
    assert kept.read_bytes().startswith(b"%PDF-1.")

    # 6. The service is in the catalogue by itself; an officer finds it and refers; the supplier delivers.
    town.add_to(CENTRE, "Nadia", Role.SERVICE_MANAGER)
    town.add_to(CENTRE, "Ellie", Role.CASEWORKER)
    town.add_to(CENTRE, "Mark", Role.SUPPLIER_FINANCE)
    clock.set(datetime(2027, 1, 11, 10, 0, tzinfo=UTC))
    joanna = town.walker("Joanna")
    joanna.go("/find/").fill(place="Gateshead").press("Search").sees("Women’s services in Northumbria", "Room for 224")
    joanna.follow("Women’s services in Northumbria").follow("Refer")
    line = joanna.number
    _refers(joanna, "X123456")
    town.walker("Nadia").go("/home").go("/referrals/").follow("R-").follow("Accept").select(
        "caseworker", "Ellie"
    ).press("Accept referral").sees("Accepted")
    ellie = town.walker("Ellie")
    ellie.go("/referrals/").follow("R-").follow("Add a session")
    ellie.date("day", london_clock.today()).fill(at="11am").press("Add session")
    clock.move(hours=1, minutes=30)
    ellie.go("/home").go("/referrals/").follow("R-").follow("Record session")
    ellie.pick("attendance", "NO").pick("absence", "POP_UNACCEPTABLE").press("Record session")
    joanna = town.walker("Joanna")
    joanna.go("/home").sees("missed")
    assert "X123456" not in joanna.visitor.page.content()
    joanna.go("/letters").sees("missed")

    # 7. The volume position shows it.
    lesley = town.walker("Lesley")
    lesley.go("/volumes/").follow("Women’s services in Northumbria")
    lesley.sees("Band 1 begins", "Guaranteed minimum income")
    assert lesley.visitor.page.locator("svg title").first.text_content()
    town.walker("Bethan").go(f"/volumes/{line}").sees("Referrals so far")

    # 8. The month's invoices are raised for a twelfth of the planned band, shared, sent, paid, marked paid.
    clock.set(datetime(2027, 2, 1, 6, 0, tzinfo=UTC))
    _timetable(site, "invoices")
    lesley = town.walker("Lesley")
    lesley.go("/home").follow("Approve 2 invoices, £27,500.00")
    for box in lesley.visitor.page.locator("input[name=invoice]").all():
        box.check()
    lesley.press("Approve the ticked invoices").sees("2 invoices approved")
    _timetable(site, "invoices-sent")
    mark = town.walker("Mark")
    mark.go("/home").follow("Set up how you are paid").press("Set up how you are paid").sees("being opened")
    site.run_jobs()
    mark.go("/payments/account").sees("The bank account to be paid into").follow("Give your particulars")
    mark.visitor.page.get_by_label("Everything is there", exact=True).check()
    mark.visitor.page.get_by_role("button", name="Continue").click()
    mark.sees("Can be paid")
    _timetable(site, "invoices-sent")
    site.run_jobs()
    imran = town.walker("Imran")
    imran.go("/home").go("/invoices").sees("£16,500.00")
    town.walker("Sam").go("/invoices").sees("£11,000.00")
    imran.go("/home").follow("Pay invoice")
    paid = imran.visitor.page.url
    imran.visitor.page.get_by_role("button", name="Pay this invoice").or_(
        imran.visitor.page.get_by_role("link", name="Pay this invoice")
    ).click()
    imran.visitor.page.get_by_label("Pretend card that is accepted").check()
    imran.visitor.page.get_by_role("button").first.click()
    site.deliver_payment_events()
    site.run_jobs()
    clock.set(datetime(2027, 2, 1, 7, 0, tzinfo=UTC))
    town.walker("Imran").go(paid).sees("Paid")
    town.walker("Mark").go("/invoices").sees("Paid")

    # 9. The public register shows it; as CSV and as an OCDS release package.
    stranger = town.walker()
    stranger.go("/awards").sees(CENTRE, "VCSE", "£990,000", "Northumbria")
    csv = stranger.visitor.page.request.get(f"{site.url}/awards.csv").text()
    assert "990000.00" in csv
    stranger.follow("Women’s services in Northumbria")
    reference = re.search(r"DF-\d{4}-\d{4}", stranger.visitor.page.content())
    assert reference is not None
    package = json.loads(stranger.visitor.page.request.get(f"{site.url}/open-data/ocds/{reference[0]}.json").text())
    assert package["releases"][0]["tag"] == ["tender", "award", "contract"]


def _joins(town: Town, person: str, organisation: str, charity: str, categories: list[str]) -> None:
    someone = town.walker()
    someone.go("/sign-up").fill(
        name=person,
        email=f"{person.lower()}@example.org",
        password=PASSWORD,
        organisation_name=organisation,
        charity_number=charity,
    ).pick("supplier_status", "vcse").press("Sign up")
    someone.go("/framework/application").press("Start your application")
    page = someone.visitor.page
    for section in range(1, 9):
        if not page.locator(f"main a[href$='/questions/{section}']").count():
            break
        someone.go(f"/framework/application/questions/{section}")
        for name in {one.get_attribute("name") or "" for one in page.locator("main input[type=radio]").all()}:
            someone.pick(name, "no" if name in ("exclusion-grounds", "debarment") else "yes")
        for box in page.locator("main textarea").all():
            box.fill("Eight years of work with people leaving prison, near where they live.")
        someone.press("Save and continue")
        someone.go("/framework/application")
    someone.go("/framework/application/categories").pick("categories", *categories).press("Save and continue")
    for category in categories:
        someone.go(f"/framework/application/areas/{category}").pick("places", "A").press("Save and continue")
    someone.go("/framework/application/cohorts").pick("cohorts", "women").press("Save and continue")
    someone.go("/framework/application/check").pick("declared", "y").press("Submit your application")
    someone.sees("submitted")


def _decides(amara: Walker, organisation: str, reasons: dict[str, str | None]) -> None:
    amara.go("/framework/decisions").follow(organisation)
    for name in {one.get_attribute("name") or "" for one in amara.visitor.page.locator("input[name^='judged_']").all()}:
        amara.pick(name, "yes")
    for category, reason in reasons.items():
        amara.pick(f"category_{category}", "declined" if reason else "qualified")
        if reason:
            amara.fill(**{f"category_{category}_reason": reason})
    amara.press("Decide and tell the supplier").sees("Admitted")


def _plans(priya: Walker) -> None:
    """A need by the whole method: caseload, growth, unit costs, budget; settled, and a call-off begun from it."""
    priya.go("/plans").go("/plans/new").fill(
        title="Women’s services in Northumbria",
        need="Women on probation here need a place of their own to go to.",
        months="24",
        **{"starts_on-day": "1", "starts_on-month": "4", "starts_on-year": "2027"},
    )
    priya.visitor.page.locator("select[name=category_code]").select_option("WOM")
    priya.visitor.page.locator("select[name=place_code]").select_option("E23000007")
    priya.press("Save the plan")
    plan = re.search(r"/plans/(\d+)/draft", priya.visitor.page.url)
    assert plan is not None
    where = f"/plans/{plan[1]}/draft"
    priya.go(f"{where}/evidence").fill(reason="No needs data of the area is published this year.").press(
        "Save and continue"
    )
    priya.go(f"{where}/volume").pick("basis", "caseload").fill(
        year_1="2025",
        caseload_1="760",
        year_2="2026",
        caseload_2="800",
        history_source="Offender Management Statistics",
        eligible_percent="20",
        eligible_source="Assessments of 2025",
    ).press("Save and continue")
    priya.go(f"{where}/growth").fill(
        first_police="0", later_police="0", source_police="Police workforce statistics"
    ).press("Save and continue")
    priya.go(f"{where}/price").fill(
        unit_low="1500",
        unit_medium="2250",
        unit_high="4000",
        source="Contracts of 2025",
        mix_low="40",
        mix_medium="40",
        mix_high="20",
        **{"as_of-day": "31", "as_of-month": "3", "as_of-year": "2026"},
    ).press("Save and continue")
    priya.go(f"{where}/money").fill(year_1="360000", year_2="360000", budget_reason="Fewer at high intensity.").pick(
        "route", "contract"
    ).press("Save and continue")
    priya.go(f"{where}/check").sees("What it comes to").press("Settle the figures").sees("cap")
    priya.press("Start a call-off from this plan")


def _drafts(priya: Walker) -> int:
    """From a plan to a draft sent for approval; its number."""
    _plans(priya)
    draft = re.search(r"/call-offs/(\d+)", priya.visitor.page.url)
    assert draft is not None
    number = int(draft[1])
    where = f"/call-offs/{number}/draft"
    priya.go(f"{where}/basics").fill(level_reason="Needs are met across the force area.").press("Save and continue")
    priya.go(f"{where}/specification").press("Save and continue")
    bands = ((96, 127, 310000), (128, 160, 360000), (161, 192, 420000), (193, 224, 480000))
    priya.go(f"{where}/volume").pick("kind", "bands").pick("planned_band", "2")
    for band, (low, high, value) in enumerate(bands, start=1):
        priya.fill(**{f"low_{band}": str(low), f"high_{band}": str(high), f"value_{band}": str(value)})
    priya.press("Save and continue")
    for text, weight in (("How will you deliver the service?", "50"), ("Who will deliver it?", "30")):
        priya.go(f"{where}/questions/new").fill(text=text, weight=weight, word_limit="300").press("Save the question")
    priya.go(f"{where}/questions").fill(price_weight="20").press("Save the weight of price")
    priya.go(f"{where}/funders").fill(lead="60", percent_1="40").select("body_1", "Northumbria PCC").press(
        "Save and continue"
    )
    closes = datetime(2026, 10, 1, tzinfo=UTC).date()
    priya.go(f"{where}/dates").date("closes_on", closes).fill(closes_at="5pm", months="36")
    priya.date("starts_on", closes.replace(year=2027, month=1)).press("Save and continue")
    priya.go(f"{where}/check").press("Submit for approval")
    return number


def _bids(supplier: Walker, competition: int, *, price: str, answer: str) -> None:
    supplier.go("/bids").go(f"/bids/{competition}").go(f"/bids/{competition}/edit")
    for box in supplier.visitor.page.locator("main textarea").all():
        box.fill(answer)
    for number, box in enumerate(supplier.visitor.page.locator("main input[name^='price']").all()):
        box.fill(str(int(price) + (number - 1) * 20000))
    supplier.press("Save, check and submit").press("Submit the bid").sees("receipt")


def _marks(evaluator: Walker, competition: int) -> None:
    evaluator.go("/home").go(f"/evaluation/{competition}/declare").pick("answer", "no").press("Declare")
    _fill_marks(evaluator, f"/evaluation/{competition}/mark", "Save your marks")
    evaluator.go(f"/evaluation/{competition}/mark").press("I have finished")


def _agrees(priya: Walker, competition: int) -> None:
    _fill_marks(priya, f"/evaluation/{competition}/moderate", "Save the agreed marks")


def _fill_marks(walker: Walker, path: str, button: str) -> None:
    """Mark every bid: the centre 4, the other 3, equality passed."""
    page = walker.visitor.page
    walker.go(path)
    bids = [link.get_attribute("href") or "" for link in page.locator(f"main a[href^='{path}/']").all()]
    for address in dict.fromkeys(bids):
        walker.go(address)
        mark = "4" if CENTRE in page.locator("main").inner_text() else "3"
        for name in {one.get_attribute("name") or "" for one in page.locator("input[name^='mark_']").all()}:
            gate = page.locator(f"[name='{name}'][value='5']").count() == 0
            walker.pick(name, "1" if gate else mark)
        for box in page.locator("textarea[name^='reason_']").all():
            box.fill("Every part is answered, with evidence.")
        walker.press(button)


def _refers(officer: Walker, crn: str) -> None:
    officer.fill(crn=crn, need="Needs a safe place in the daytime.", rar_days="12").pick("complexity", "medium")
    outcomes = officer.visitor.page.locator("[name=outcomes]")
    if outcomes.count():
        outcomes.first.check()
    officer.press("Check your answers").press("Send referral").sees("R-")


def _timetable(site: Site, name: str) -> None:
    """A scheduled job falls due."""
    job = scheduled(name)
    assert job is not None, name
    with site.app.app_context():
        job.load()()
