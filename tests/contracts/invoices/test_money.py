"""The money page of a contract: its years and its schedule, to the penny as the rules, the invoices and the ledger."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from contracts.invoices import actions, queries
from contracts.invoices.queries import ContractMoney
from contracts.invoices.rules import VatKind
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import SYSTEM, Actor, Role
from tests.conftest import Client, StandingClock
from tests.factories.accounts import letter, make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.agreements import make_terms, make_version
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract, manager_of
from tests.factories.places import DOVER, KSS_REGION, make_places

Database = scoped_session[Session]
# Three months of the contract are over: October, November and December 2026.
JANUARY = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
TODAY = date(2027, 1, 4)


def money_of(contract: Agreement, actor: Actor, today: date = TODAY) -> ContractMoney:
    return queries.contract_money(actor, contract, today=today)


def raised(contract: Agreement) -> None:
    actions.raise_invoices(contract, actor=SYSTEM, now=JANUARY)


def test_planned_years_are_the_price_and_their_months_sum_to_it(session: Database) -> None:
    contract = make_contract(lines=["100000.00", "20000.01"])
    raised(contract)
    found = money_of(contract, manager_of(contract))
    assert [(year.first, year.last, year.planned) for year in found.years] == [
        (date(2026, 10, 1), date(2027, 9, 30), Decimal("120000.01")),
        (date(2027, 10, 1), date(2028, 9, 30), Decimal("120000.01")),
    ]
    for year in found.years:
        assert len(year.months) == 12
        assert sum(month.planned for month in year.months) == year.planned
    first = found.years[0]
    assert [bool(month.invoices) for month in first.months] == [True] * 3 + [False] * 9
    assert [month.invoiced for month in first.months[:3]] == [month.planned for month in first.months[:3]]
    assert first.sums.charged == first.sums.owed == sum(month.planned for month in first.months[:3])


def test_what_is_credited_and_paid_with_vat_is_what_the_ledger_says(session: Database) -> None:
    contract = make_contract()
    supplier, body = finance_of(contract.supplier), contract.funders[0].organisation_id
    actions.state_vat(kind=VatKind.STANDARD, vat_number="123456789", from_day=TODAY, actor=supplier, now=JANUARY)
    october, november, _ = actions.raise_invoices(contract, actor=SYSTEM, now=JANUARY)
    actions.credit(october, amount=Decimal("1000.00"), reason="Too much", actor=supplier, now=JANUARY)
    actions.approve(november, actor=manager_of(contract), now=JANUARY)
    november.provider_id, november.sent_at = "in_1", JANUARY
    actions.sent(november, now=JANUARY)
    actions.paid(november, at=JANUARY, now=JANUARY)
    session.flush()
    found = money_of(contract, supplier)
    sums = found.total
    assert (sums.charged, sums.credited, sums.vat) == (Decimal("30000.00"), Decimal("1000.00"), Decimal("5800.00"))
    assert (sums.paid, sums.owed) == (Decimal("12000.00"), Decimal("22800.00"))
    assert sums.charged - sums.credited + sums.vat == sums.paid + sums.owed
    assert sums.owed == balance(Account.OWED, body, on=TODAY)
    # At an earlier day nothing of it was there.
    assert money_of(contract, supplier, date(2027, 1, 3)).total.charged == 0


def test_what_was_voided_and_raised_again_is_invoiced_once(session: Database) -> None:
    contract = make_contract()
    supplier = finance_of(contract.supplier)
    october, *_ = actions.raise_invoices(contract, actor=SYSTEM, now=JANUARY)
    actions.approve(october, actor=manager_of(contract), now=JANUARY)
    october.provider_id, october.sent_at = "in_1", JANUARY
    actions.sent(october, now=JANUARY)
    actions.voided(october, now=JANUARY)
    assert money_of(contract, supplier).years[0].months[0].invoiced == 0
    actions.reissue_voided(october, actor=supplier, now=JANUARY)
    month = money_of(contract, supplier).years[0].months[0]
    assert (len(month.invoices), month.invoiced) == (2, month.planned)


def test_another_funder_sees_its_share_and_the_shares_sum_to_the_whole(session: Database) -> None:
    bodies = [make_commissioner() for _ in range(3)]
    contract = make_contract(
        lines=["100000.00"], funders=list(zip(bodies, ["33.34", "33.33", "33.33"], strict=True)), lead=bodies[0]
    )
    raised(contract)
    whole = money_of(contract, manager_of(contract))
    assert not whole.is_share
    partial = [money_of(contract, finance_of(one)) for one in bodies[1:]]
    assert all(one.is_share for one in partial)
    assert [one.years[0].months[0].planned for one in partial] == [Decimal("2777.50")] * 2
    assert [one.total.charged for one in partial] == [Decimal("8332.50"), Decimal("8332.50")]
    # The months as they were split: £8,333.34 three times, of which the lead bears £2,778.34.
    assert whole.total.charged == Decimal("25000.02")
    assert all(len(month.invoices) == 1 for month in partial[0].years[0].months[:3])


def test_a_variation_within_a_month_changes_its_price_from_its_day(session: Database) -> None:
    contract = make_contract(lines=["120000.00"])
    version = make_version(contract, funders=[(contract.commissioner, Decimal(100))], in_force_from=date(2027, 1, 16))
    make_terms(version, contract.lines[0], bands=[(0, 100, Decimal("240000.00"))])
    session.expire_all()
    months = money_of(contract, manager_of(contract)).years[0].months
    # 15 days of £10,000.00 and 16 of £20,000.00, of 31.
    assert [month.planned for month in months[2:5]] == [
        Decimal("10000.00"),
        Decimal("4838.71") + Decimal("10322.58"),
        Decimal("20000.00"),
    ]


def test_the_page_and_its_file_have_the_same_figures(session: Database, client: Client, clock: StandingClock) -> None:
    clock.set(JANUARY)
    contract = make_contract(lines=["100000.00"])
    raised(contract)
    manager = manager_of(contract)
    sign_in(client, manager)
    page = client.get(f"/contracts/{contract.id}/money").text
    for words in (
        "£25,000.02",
        "£8,333.34",
        "To be invoiced on 1 February 2027",
        "After 30 September 2027",
        "None given",
    ):
        assert words in page, words
    second = client.get(f"/contracts/{contract.id}/money?year=2027-10-01").text
    assert "October 2027" in second
    assert "February 2027" not in second
    rows = list(csv.DictReader(io.StringIO(client.get(f"/contracts/{contract.id}/money.csv").text)))
    assert len(rows) == 24
    assert sum(Decimal(row["planned"]) for row in rows[:12]) == Decimal("100000.00")
    assert [row["invoiced_less_credited"] for row in rows[2:4]] == ["8333.34", ""]
    assert client.get(f"/contracts/{contract.id}/money?year=nonsense").status_code == 200


def test_who_sees_it(session: Database, client: Client) -> None:
    contract = make_contract()
    for actor, status in (
        (finance_of(contract.supplier), 200),
        (finance_of(contract.commissioner), 200),
        (finance_of(make_commissioner()), 404),
        (finance_of(make_supplier()), 404),
        (make_actor(contract.commissioner, Role.EVALUATOR), 403),
    ):
        assert sign_in(client, actor).get(f"/contracts/{contract.id}/money").status_code == status


def test_whoever_sees_a_contract_only_for_the_place_it_serves_does_not_see_its_money(
    session: Database, client: Client
) -> None:
    contract = make_contract(funders=[(make_commissioner(), "100")])
    contract.lines[0].terms[0].places = [make_places()[DOVER]]
    contract.instrument = Instrument.GRANT
    session.flush()
    region = make_commissioner(place_code=KSS_REGION)
    sign_in(client, make_actor(region, Role.REGIONAL_COORDINATOR, Role.CONTRACT_MANAGER, Role.COMMISSIONER_FINANCE))
    path = f"/contracts/{contract.id}"
    page = client.get(path)
    assert (page.status_code, f"{path}/money" in page.text, f"{path}/instalments" in page.text) == (200, False, False)
    for part in ("money", "money.csv", "deductions", "deductions.csv", "purchase-order"):
        assert client.get(f"{path}/{part}").status_code == 404, part
    for part in ("supply-chain-payments", "supply-chain-payments.csv", "instalments", "instalments.csv"):
        assert client.get(f"{path}/{part}").status_code == 404, part
    contract.versions[0].funders[0].organisation = region
    session.flush()
    page = client.get(path).text
    assert (f"{path}/money" in page, f"{path}/instalments" in page) == (True, True)
    for part in ("money", "deductions.csv", "supply-chain-payments", "instalments", "purchase-order"):
        assert client.get(f"{path}/{part}").status_code == 200, part


def test_a_contract_that_is_not_signed_has_nothing_to_pay(session: Database, client: Client) -> None:
    contract = make_contract(status=AgreementStatus.AWAITING_SUPPLIER)
    sign_in(client, finance_of(contract.supplier))
    page = client.get(f"/contracts/{contract.id}/money")
    assert page.status_code == 200
    assert "the contract is not signed" in page.text


def test_the_page_asks_the_database_as_often_however_many_invoices_there_are(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(JANUARY)
    contract = make_contract()
    sign_in(client, manager_of(contract))

    def count() -> int:
        session.expire_all()
        with counted_queries() as sent:
            assert client.get(f"/contracts/{contract.id}/money").status_code == 200
        return len(sent)

    actions.raise_invoices(contract, actor=SYSTEM, now=datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    few = count()
    raised(contract)
    assert count() == few


# Interest on an invoice that is late


def test_a_late_invoice_flags_the_interest_that_the_law_gives_and_one_paid_late_keeps_it(
    session: Database, client: Client, clock: StandingClock
) -> None:
    contract = make_contract()
    invoice, *_ = actions.raise_invoices(contract, actor=SYSTEM, now=datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    payer = finance_of(contract.commissioner)
    finance_of(contract.supplier)
    actions.approve(invoice, actor=manager_of(contract), now=JANUARY)
    clock.set(datetime(2026, 12, 2, 12, 0, tzinfo=UTC))
    path = f"/invoices/{invoice.id}"
    assert "Interest that the law gives" not in sign_in(client, payer).get(path).text
    # Due on 2 December: £10,000.00 at 8 and 3.75 % for 33 days, £106.2329.
    clock.set(JANUARY)
    page = sign_in(client, payer).get(path).text
    assert "by today: £106.23 ‡. It is not charged." in page
    assert "is 3.75% ‡" in page
    invoice.provider_id, invoice.sent_at = "in_1", JANUARY
    actions.sent(invoice, now=JANUARY)
    actions.paid(invoice, at=JANUARY, now=JANUARY)
    clock.set(datetime(2027, 3, 1, 12, 0, tzinfo=UTC))
    page = sign_in(client, payer).get(path).text
    assert "for the days that it was late: £106.23" in page
    assert f"/remittances/2027-01-04/{contract.supplier_id}" in page
    advice = f"/remittances/2027-01-04/{contract.commissioner_id}"
    assert advice in letter(session, "has been paid").body
    supplier = finance_of(contract.supplier)
    assert invoice.number in sign_in(client, supplier).get(advice).text
    assert unbalanced(TODAY) == 0
    assert queries.invoice_for(payer, invoice.id).amount == Decimal("10000.00")
