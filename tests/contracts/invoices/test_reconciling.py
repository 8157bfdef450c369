"""Contract years through the real actions: code, page and CSV agree to the penny, and the ledger balances."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import Agreement
from contracts.invoices import actions, jobs, queries
from contracts.invoices.actions import reconciling
from contracts.invoices.models import CreditNote, Invoice, VatStatus
from contracts.invoices.rules import CreditKind, InvoiceKind, InvoiceStatus, VatKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace import clock as london_clock
from marketplace.access import SYSTEM, Role
from marketplace.accounts.models import Person
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreeing import says_the_same_everywhere
from tests.factories.agreements import make_terms, make_version
from tests.factories.invoices import finance_of, make_contract, manager_of, reconcile

Database = scoped_session[Session]
STARTS = date(2027, 4, 1)
OVER = datetime(2028, 4, 1, 3, 0, tzinfo=UTC)
Bands = list[tuple[int, int, Decimal]]
# The bands of test_years, where each figure below is worked out by hand.
FOUR: Bands = [
    (low, high, Decimal(price))
    for low, high, price in ((60, 80, 80000), (81, 100, 100000), (101, 120, 114000), (121, 140, 126000))
]
THREE: Bands = [
    (low, high, Decimal(price)) for low, high, price in ((90, 120, 120000), (121, 150, 144000), (151, 180, 165600))
]
CAP: Bands = [(0, 120, Decimal(96000))]


def contract(bands: Bands = FOUR, *, ends_on: date = date(2029, 3, 31), **more: object) -> Agreement:
    made = make_contract(starts_on=STARTS, ends_on=ends_on, lines=[None], **more)  # type: ignore[arg-type]
    terms = made.lines[0].terms[0]
    db.session.delete(terms)
    db.session.flush()
    make_terms(made.versions[0], made.lines[0], bands=bands, planned_band=min(2, len(bands)))
    db.session.expire_all()
    return made


def varied(made: Agreement, on: date, bands: Bands) -> None:
    """The contract has other bands from a day on."""
    funders = [(one.organisation, one.percent) for one in made.funders]
    second = make_version(made, funders=funders, in_force_from=on)
    make_terms(second, made.lines[0], bands=bands, planned_band=2)
    db.session.expire_all()


def with_vat(made: Agreement) -> None:
    """Its supplier charges VAT at the standard rate."""
    stated = VatStatus(
        organisation_id=made.supplier_id,
        from_day=STARTS,
        kind=VatKind.STANDARD,
        vat_number="GB123456789",
        stated_at=OVER,
        stated_by=finance_of(made.supplier).person,
    )
    db.session.add(stated)
    db.session.flush()


def came(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """So many referrals count in every contract year."""
    monkeypatch.setattr(reconciling, "counted", lambda line_id, first, last: count)


def charged_in_all(made: Agreement, on: date) -> Decimal:
    check_ledger()
    assert unbalanced(on) == 0
    return -balance(Account.SERVICES, made.supplier_id, on=on)


@pytest.mark.parametrize(
    ("count", "bands", "ends_on", "due", "difference"),
    [
        (59, FOUR, date(2029, 3, 31), "80000.00", "-20000.00"),
        (80, FOUR, date(2029, 3, 31), "80000.00", "-20000.00"),
        (81, FOUR, date(2029, 3, 31), "100000.00", "0.00"),
        (101, FOUR, date(2029, 3, 31), "114000.00", "14000.00"),
        (140, FOUR, date(2029, 3, 31), "126000.00", "26000.00"),
        (141, FOUR, date(2029, 3, 31), "126000.00", "26000.00"),
        (120, CAP, date(2029, 3, 31), "96000.00", "0.00"),
        (55, FOUR, date(2027, 9, 30), "57000.00", "6999.98"),
        (25, FOUR, date(2027, 9, 30), "40000.02", "-10000.00"),
        (47, FOUR, date(2027, 9, 15), "52250.00", "6416.64"),
    ],
    ids=["below", "first", "planned", "third", "cap", "over", "cap alone", "part", "part below", "part of a month"],
)
def test_a_hand_worked_year_from_its_months_to_its_page(
    session: Database,
    client: Client,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    bands: Bands,
    ends_on: date,
    due: str,
    difference: str,
) -> None:
    came(monkeypatch, count)
    clock.set(OVER)
    lead, second, third = (make_commissioner() for _ in range(3))
    thirds = [(lead, "33.33"), (second, "33.33"), (third, "33.34")]
    made = contract(bands, ends_on=ends_on, lead=lead, funders=thirds)
    jobs.raise_invoices(made.id)
    db.session.expire_all()
    if difference != "0.00":
        actions.approve_year(made, STARTS, actor=manager_of(made), now=OVER)
    on = london_clock.london(OVER).date()
    assert charged_in_all(made, on) == Decimal(due)
    assert charged_in_all(made, on - timedelta(days=1)) == 0
    # Each funder is asked for its third, to the penny or two that its payments were rounded by.
    for body, percent in thirds:
        asked = balance(Account.OWED, body.id, on=on)
        assert abs(asked - Decimal(due) * Decimal(percent) / 100) < Decimal("0.07")
    months = session.scalar(select(func.sum(Invoice.net)).where(Invoice.kind == InvoiceKind.MONTH))
    (year,) = queries.reconciled_years(made.id)
    assert (year.counted, year.charged, year.due, year.difference) == (
        count,
        months,
        Decimal(due),
        Decimal(difference),
    )
    # A year of which nothing comes needs nobody's approval.
    assert (year.approved_at, year.approved_by is None) == (OVER, difference == "0.00")
    more = session.scalar(select(func.sum(Invoice.net)).where(Invoice.kind == InvoiceKind.RECONCILIATION)) or 0
    less = session.scalar(select(func.sum(CreditNote.net)).where(CreditNote.kind == CreditKind.RECONCILIATION)) or 0
    assert more - less == Decimal(difference)
    # The page and its CSV say the same, penny for penny.
    sign_in(client, manager_of(made))
    page = client.get(f"/contracts/{made.id}/years/{STARTS}").text
    assert f"£{abs(Decimal(difference)):,.2f}" in page
    assert f"£{Decimal(due):,.2f}" in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"/contracts/{made.id}/years/{STARTS}.csv").text)))
    assert sum(Decimal(row["difference"]) for row in rows) == Decimal(difference)
    if difference != "0.00":
        reconciled = (Invoice.credited > 0) | (Invoice.kind == InvoiceKind.RECONCILIATION)
        found = session.scalars(select(Invoice.id).where(reconciled).order_by(Invoice.id)).first()
        assert f"/contracts/{made.id}/years/{STARTS}" in client.get(f"/invoices/{found}").text
    listed = list(csv.DictReader(io.StringIO(client.get("/invoices.csv").text.lstrip("\ufeff"))))
    assert sum(Decimal(row["left_to_pay"]) for row in listed) == Decimal(due)
    # And so does each paper of the funder that bears the odd penny: one month's, and all that came of the year's end.
    for one in papers(third.id):
        says_the_same_everywhere(client, one, on=on)


def papers(funder_id: int) -> list[Invoice]:
    """A funder's first invoice, and each that the year's end made or credited."""
    mine = db.session.scalars(select(Invoice).where(Invoice.organisation_id == funder_id).order_by(Invoice.id)).all()
    return [one for one in mine if one is mine[0] or one.credited or one.kind is InvoiceKind.RECONCILIATION]


def test_a_year_that_was_worked_out_waits_for_the_leads_approval_and_nothing_goes_back_before(
    session: Database, client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    clock.set(OVER)
    lead, second = make_commissioner(), make_commissioner()
    made = contract(lead=lead, funders=[(lead, "60"), (second, "40")])
    manager, finance = manager_of(made), finance_of(made.supplier)
    actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    assert session.scalar(select(func.count()).select_from(CreditNote)) == 0
    assert queries.owed_back(made) == []
    told = session.scalars(select(Letter).where(Letter.subject.contains("waits for approval"))).all()
    addresses = {one.email for one in told}
    assert {session.get_one(Person, one.person).email for one in (manager, finance)} <= addresses
    # Both sides see it; the lead's contract manager is asked, and nobody else may approve it.
    here = f"/contracts/{made.id}/years/{STARTS}"
    for actor, status in (
        (finance, 403),
        (finance_of(second), 403),
        (finance_of(lead), 403),
        (make_actor(second, Role.CONTRACT_MANAGER), 403),
    ):
        sign_in(client, actor)
        page = client.get(here).text
        assert ("Waits for approval" in page, "Approve this contract year" in page) == (True, False)
        assert client.post(f"{here}/approve").status_code == status
        assert [one for one in queries.waiting(actor, OVER) if "contract year" in one.text] == []
    with pytest.raises(NotAllowed):
        actions.approve_year(made, STARTS, actor=make_actor(second, Role.CONTRACT_MANAGER), now=OVER)
    (asked,) = [one for one in queries.waiting(manager, OVER) if "contract year" in one.text]
    words = f"Approve the contract year to 31 March 2028 of {made.reference}: £20,000.00 to be given back"
    assert (asked.text, asked.url.endswith(here)) == (words, True)
    sign_in(client, manager)
    assert "Waits for approval" in client.get(f"/contracts/{made.id}/money").text
    assert f"{here}/approve" in client.get(here).text
    assert "£20,000.00 before VAT is given back" in client.get(f"{here}/approve").text
    assert client.post(f"{here}/approve", data={"seen": "-20000.00"}).status_code == 302
    assert session.scalar(select(func.sum(CreditNote.net))) == Decimal("20000.00")
    assert f"Approved by {manager.name} on 1 April 2028" in client.get(here).text
    assert client.post(f"{here}/approve", data={"seen": "-20000.00"}).status_code == 409
    assert [one for one in queries.waiting(manager, OVER) if "contract year" in one.text] == []
    assert session.scalar(select(func.count()).select_from(Letter).where(Letter.subject.endswith("is reconciled")))
    check_ledger()


def test_what_a_year_asks_for_is_approved_with_it_and_a_count_corrected_meanwhile_is_taken_up(
    session: Database, client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 60)
    clock.set(OVER)
    made = contract()
    manager = manager_of(made)
    actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    came(monkeypatch, 101)
    assert len(actions.reconcile_years(made, actor=SYSTEM, now=OVER)) == 1
    assert actions.reconcile_years(made, actor=SYSTEM, now=OVER) == []
    sign_in(client, manager)
    here = f"/contracts/{made.id}/years/{STARTS}"
    old = client.post(f"{here}/approve", data={"seen": "-20000.00"})
    assert "has been worked out again since you looked" in old.text
    assert client.post(f"{here}/approve", data={"seen": "14000.00"}).status_code == 302
    (more,) = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.RECONCILIATION)).all()
    assert (more.net, more.status, more.approved_by) == (Decimal(14000), InvoiceStatus.DRAFT, manager.person_id)
    # What is approved stays as it was approved.
    came(monkeypatch, 60)
    assert actions.reconcile_years(made, actor=SYSTEM, now=OVER) == []


def test_many_years_to_approve_are_listed_by_the_earliest(session: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    came(monkeypatch, 60)
    lead = make_commissioner()
    made = [contract(lead=lead) for _ in range(7)]
    for one in made:
        actions.reconcile_years(one, actor=SYSTEM, now=OVER)
    asked = [one.text for one in queries.waiting(manager_of(made[0]), OVER) if "contract year" in one.text]
    assert (len(asked), asked[-1]) == (6, "2 more contract years to approve after these")


def test_a_variation_within_the_year_is_charged_by_its_own_bands(
    session: Database, client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set(OVER)
    came(monkeypatch, 130)
    made = contract()
    varied(made, date(2027, 10, 1), THREE)
    with_vat(made)
    reconcile(made, now=OVER)
    (year,) = queries.reconciled_years(made.id)
    assert [(span.charged, span.band, span.due) for span in year.spans] == [
        (Decimal("50000.02"), 3, Decimal("57000.00")),
        (Decimal("72000.00"), 3, Decimal("82800.00")),
    ]
    assert charged_in_all(made, OVER.date()) == Decimal("139800.00")
    # £139,800.00 less the £122,000.02 that the months came to is one more invoice, with VAT at 20 %.
    *_, more = papers(made.commissioner_id)
    assert (more.net, more.vat, more.amount) == tuple(map(Decimal, ("17799.98", "3560.00", "21359.98")))
    sign_in(client, manager_of(made))
    # The third of four bands begins at 125 ÷ 100 of 101, 126.25, the fourth at 151.25; the third of three at 125.83.
    page = client.get(f"/contracts/{made.id}/years/{STARTS}").text
    for words in ("127 to 151 referrals in the year", "126 referrals or more in the year", "compared once"):
        assert words in page
    for one in papers(made.commissioner_id):
        says_the_same_everywhere(client, one, on=OVER.date())
    october = session.scalars(select(Invoice).where(Invoice.month == date(2027, 10, 1))).one()
    assert october.net == Decimal("12000.00")
    says_the_same_everywhere(client, october, on=OVER.date())


def test_a_variation_within_a_month_is_two_lines_everywhere(
    session: Database, client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(monkeypatch, 95)
    clock.set(OVER)
    made = contract()
    varied(made, date(2027, 10, 16), THREE)
    with_vat(made)
    reconcile(made, now=OVER)
    october = session.scalars(select(Invoice).where(Invoice.month == date(2027, 10, 1))).one()
    # 15 of 31 days of £8,333.33, and 16 of £12,000.00: test_years works them out.
    assert [(line.text, line.amount) for line in october.lines] == [
        ("Service 1, 1 to 15 October 2027", Decimal("4032.26")),
        ("Service 1, 16 to 31 October 2027", Decimal("6193.55")),
    ]
    assert (october.net, october.vat) == (Decimal("10225.81"), Decimal("2045.16"))
    sign_in(client, manager_of(made))
    for one in (october, *papers(made.commissioner_id)[1:]):
        says_the_same_everywhere(client, one, on=OVER.date())


def test_a_month_of_three_thirds_credited_and_invoiced_again_by_hand(
    session: Database, client: Client, clock: StandingClock
) -> None:
    """£8,333.34 in thirds with VAT; the odd penny's third is credited in part, invoiced again, and credited whole."""
    clock.set(datetime(2027, 5, 1, 3, 0, tzinfo=UTC))
    now, on = clock(), date(2027, 5, 1)
    lead, second, third = (make_commissioner() for _ in range(3))
    made = contract(lead=lead, funders=[(lead, "33.33"), (second, "33.33"), (third, "33.34")])
    with_vat(made)
    raised = actions.raise_invoices(made, actor=SYSTEM, now=now)
    # 33.33 % of £8,333.34 is £2,777.502…, 33.34 % £2,778.335…: £2,777.50 twice and £2,778.33, and the penny that is
    # left goes to the third, which lost most. VAT: £555.50 and £555.668, so £555.67.
    figures = [(one.net, one.vat) for one in raised]
    assert figures == [
        (Decimal("2777.50"), Decimal("555.50")),
        (Decimal("2777.50"), Decimal("555.50")),
        (Decimal("2778.34"), Decimal("555.67")),
    ]
    assert charged_in_all(made, on) == Decimal("8333.34")
    odd, finance = raised[2], finance_of(made.supplier)
    # A third of a third: £926.11 of £2,778.34 brings the VAT credited to £185.222…, so £185.22.
    part = actions.credit(odd, amount=Decimal("926.11"), reason="Ten days", actor=finance, now=now)
    assert (part.vat, part.amount, odd.left) == tuple(map(Decimal, ("185.22", "1111.33", "2222.68")))
    assert charged_in_all(made, on) == Decimal("7407.23")
    again = actions.reissue(part, amounts=[Decimal("900.00")], actor=finance, now=now)
    assert (again.net, again.vat) == (Decimal("900.00"), Decimal("180.00"))
    assert charged_in_all(made, on) == Decimal("8307.23")
    rest = actions.credit(odd, amount=None, reason="All of it", actor=finance, now=now)
    # What is left of the VAT to the penny: £555.67 less £185.22.
    assert (rest.net, rest.vat, odd.left) == (Decimal("1852.23"), Decimal("370.45"), Decimal("0.00"))
    assert charged_in_all(made, on) == Decimal("6455.00")
    assert balance(Account.OWED, third.id, on=on) == again.amount == Decimal("1080.00")
    sign_in(client, manager_of(made))
    for one in (*raised, again):
        says_the_same_everywhere(client, one, on=on)
