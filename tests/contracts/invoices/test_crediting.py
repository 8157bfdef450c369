"""Pages of credit notes: given, listed, read, invoiced again; nothing twice, and to the penny with VAT."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions, queries
from contracts.invoices.actions.crediting import give_credit
from contracts.invoices.models import CreditNote, Deduction, Invoice
from contracts.invoices.rules import CreditKind, CreditStatus, InvoiceStatus, VatKind
from marketplace.access import Role
from marketplace.errors import Refused
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.contracts.invoices.test_disputing import put
from tests.contracts.invoices.test_settling import LATER, NOVEMBER, Money
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of

Database = scoped_session[Session]
REASON = "The wrong month’s hours."


@pytest.fixture
def money(session: Database, clock: StandingClock) -> Money:
    clock.set(LATER)
    return Money()


def given(client: Client, money: Money, **typed: str) -> tuple[CreditNote, str]:
    """The supplier's finance gives a credit note through the pages; it, and where that leads."""
    sign_in(client, money.supplier)
    seen = str(len(money.invoice.credit_notes))
    answers = {"seen": seen, "how_much": "part", "amount": "1234.56", "reason": REASON, "again": "no"} | typed
    where = put(client, f"/invoices/{money.invoice.id}/credit", **answers)
    return queries.invoice_for(money.supplier, money.invoice.id).credit_notes[-1], where


def listed(page: str) -> int:
    return len(re.findall(r'<th scope="row"[^>]*><a [^>]*href="/credit-notes/\d+"', page))


def test_a_part_is_credited_with_its_vat_to_the_penny(money: Money, session: Database, client: Client) -> None:
    note, where = given(client, money)
    assert where == f"/credit-notes/{note.id}"
    assert (note.net, note.vat, note.amount) == (Decimal("1234.56"), Decimal("246.91"), Decimal("1481.47"))
    page = client.get(where).text
    for words in ("£1,234.56", "£246.91", "£1,481.47", REASON, money.supplier.name, "Invoice it again"):
        assert words in page
    assert f'href="{where}"' in client.get(f"/invoices/{money.invoice.id}").text
    assert money.owed() == Decimal("10518.53")
    rest, _ = given(client, money, how_much="whole", amount="")
    assert (rest.vat, rest.vat + note.vat) == (Decimal("1753.09"), Decimal("2000.00"))
    assert (money.invoice.status, money.owed()) == (InvoiceStatus.CREDITED, 0)
    letters = session.scalars(select(Letter).where(Letter.subject.startswith("Credit note"))).all()
    assert letters
    assert all("/credit-notes/" in one.body and REASON not in one.body for one in letters)


def test_what_was_wrong_is_invoiced_again_with_other_lines_and_another_order(money: Money, client: Client) -> None:
    note, where = given(client, money, how_much="whole", amount="", again="yes")
    assert where == f"/credit-notes/{note.id}/reissue"
    asked = client.get(where).text
    assert 'value="10000.00"' in asked
    for typed, words in (
        ({"line_1": "10000.01"}, "no more than £10,000.00"),
        ({"line_1": "0"}, "more than £0"),
        ({"line_1": ""}, "Enter an amount, or 0"),
        ({"line_1": "1", "po_number": "x" * 61}, "60 characters or fewer"),
    ):
        answer = client.post(where, data=typed)
        assert (answer.status_code, words in answer.text) == (422, True), typed
    led = put(client, where, line_1="9000.05", po_number="PO-77")
    again = queries.invoice_for(money.supplier, int(led.rpartition("/")[2]))
    assert (again.net, again.vat, again.amount) == tuple(map(Decimal, ("9000.05", "1800.01", "10800.06")))
    assert (again.po_number, again.number, again.status) == (
        "PO-77",
        f"{money.invoice.number}-2",
        InvoiceStatus.AWAITING_APPROVAL,
    )
    assert [line.text for line in again.lines] == ["Service 1, October 2026"]
    assert money.owed() == Decimal("10800.06")
    page = client.get(f"/credit-notes/{note.id}").text
    assert f'href="/invoices/{again.id}"' in page
    assert "Invoice it again" not in page
    # A second click raises no second one.
    second = client.post(where, data={"line_1": "9000.05", "step": "go"})
    assert (second.status_code, second.location) == (302, f"/credit-notes/{note.id}")
    assert client.get(where).status_code == 409


@pytest.mark.parametrize(("typed", "borne"), [("", None), ("PO-9", "PO-9")])
def test_a_purchase_order_left_empty_is_none_whatever_the_funder_has(
    money: Money, client: Client, typed: str, borne: str | None
) -> None:
    on = LATER.date()
    actions.enter_purchase_order(money.contract, number="PO-1", from_day=on, actor=money.payer, now=LATER)
    _, where = given(client, money, how_much="whole", amount="", again="yes")
    assert 'value="PO-1"' in client.get(where).text
    led = put(client, where, line_1="9000.00", po_number=typed)
    assert queries.invoice_for(money.supplier, int(led.rpartition("/")[2])).po_number == borne


def test_deductions_are_invoiced_again_as_what_they_are(money: Money, session: Database, client: Client) -> None:
    (line,) = money.contract.lines
    made = Deduction(
        service_line_id=line.id,
        month=date(2026, 11, 1),
        amount=Decimal("500.00"),
        reason="Nobody came",
        decided_at=LATER,
        decided_by=money.manager.person,
    )
    session.add(made)
    december = LATER.replace(month=12)
    (invoice,) = actions.raise_invoices(money.contract, actor=money.supplier, now=december)
    money.invoice = invoice
    assert invoice.net == Decimal("9500.00")
    _, where = given(client, money, how_much="whole", amount="", again="yes")
    assert "taken off" in client.get(where).text
    led = put(client, where, line_1="10000.00", line_2="600.00")
    again = queries.invoice_for(money.supplier, int(led.rpartition("/")[2]))
    assert [line.amount for line in again.lines] == [Decimal("10000.00"), Decimal("-600.00")]
    # What the deduction has taken is what the first invoice took of it, once.
    (one,) = queries.deductions(money.contract.id)
    assert (one.taken, one.left) == (Decimal("500.00"), 0)


def test_a_line_is_not_turned_into_its_opposite(money: Money) -> None:
    note = actions.credit(money.invoice, amount=None, reason="x", actor=money.supplier, now=LATER)
    with pytest.raises(actions.crediting.Invalid, match="stays a charge"):
        actions.reissue(note, amounts=[Decimal(-1)], actor=money.supplier, now=LATER)


def test_what_was_paid_is_said_to_go_back(money: Money, client: Client) -> None:
    money.pay()
    sign_in(client, money.supplier)
    typed = {"seen": "0", "how_much": "part", "amount": "100", "reason": REASON, "again": "no"}
    checked = client.post(f"/invoices/{money.invoice.id}/credit", data=typed).text
    assert "Goes back to the funder" in checked
    assert "what is credited goes back to the funder" in checked
    note, where = given(client, money, amount="100")
    assert "£120.00, not given back yet" in client.get(where).text
    actions.credit_refunded(note, at=LATER, now=LATER)
    assert "given back on 5 November 2026" in client.get(where).text


def test_what_a_bank_took_back_in_part_is_settled_first_and_only_the_rest_goes_back(
    money: Money, client: Client
) -> None:
    money.pay()
    actions.charged_back(money.invoice, Decimal("2500.00"), key="part", now=LATER)
    path, back = f"/invoices/{money.invoice.id}", "Goes back to the funder"
    typed = {"seen": "0", "how_much": "part", "amount": "1000", "reason": REASON, "again": "no"}
    for actor, ask in ((money.supplier, "credit"), (money.payer, "dispute")):
        sign_in(client, actor)
        checked = client.post(f"{path}/{ask}", data=typed).text
        assert ("£1,300.00" in checked, back in checked) == (True, False), ask
    # The £9,500.00 that stand paid are not the funder's to dispute: £2,083.33 and £416.67 of VAT are.
    refused = client.post(f"{path}/dispute", data=typed | {"amount": "2083.34"})
    assert (refused.status_code, "no more than £2,083.33" in refused.text) == (422, True)
    assert "All that a bank took back, £2,083.33" in client.get(f"{path}/dispute").text
    sign_in(client, money.supplier)
    checked = client.post(f"{path}/credit", data=typed | {"amount": "3000"}).text
    assert ("£0.00" in checked, back in checked, "£1,100.00" in checked) == (True, True, True)
    note, _ = given(client, money, amount="3000")
    assert (note.to_refund, money.invoice.left) == (Decimal("1100.00"), 0)
    assert "All of it that is not credited yet, £7,000.00" in client.get(f"{path}/credit").text


def test_a_second_click_and_an_old_page_credit_nothing_more(money: Money, session: Database, client: Client) -> None:
    given(client, money)
    path = f"/invoices/{money.invoice.id}/credit"
    typed = {"seen": "0", "how_much": "part", "amount": "1234.56", "reason": REASON, "again": "no", "step": "go"}
    for seen in ("0", "", "nonsense", "9" * 30):
        again = client.post(path, data=typed | {"seen": seen})
        assert (again.status_code, again.location) == (302, f"/invoices/{money.invoice.id}"), seen
    assert "has been credited since you looked" in client.get(f"/invoices/{money.invoice.id}").text
    assert session.scalar(select(func.count()).select_from(CreditNote)) == 1


def test_what_cannot_be_credited_is_refused_before_anything_is_typed(money: Money, client: Client) -> None:
    made = money.dispute("1.00")
    sign_in(client, money.supplier)
    path = f"/invoices/{money.invoice.id}/credit"
    assert "settle the dispute first" in client.get(path).text
    assert "Give a credit note" not in client.get(f"/invoices/{money.invoice.id}").text
    actions.accept(made, actor=money.supplier, now=LATER)
    assert "Give a credit note" in client.get(f"/invoices/{money.invoice.id}").text
    note = money.invoice.credit_notes[0]
    assert client.get(f"/credit-notes/{note.id}/reissue").status_code == 409
    assert "Invoice it again" not in client.get(f"/credit-notes/{note.id}").text


def test_nobody_else_sees_or_gives_credit_notes(money: Money, client: Client) -> None:
    note, _ = given(client, money)
    pages = (f"/credit-notes/{note.id}", f"/credit-notes/{note.id}/reissue", f"/invoices/{money.invoice.id}/credit")
    for actor, statuses in (
        (money.payer, (200, 403, 403)),
        (money.manager, (200, 403, 403)),
        (finance_of(make_supplier()), (404, 404, 404)),
        (finance_of(make_commissioner()), (404, 403, 403)),
        (make_actor(money.contract.supplier, Role.CASEWORKER), (403, 403, 403)),
    ):
        sign_in(client, actor)
        assert tuple(client.get(path).status_code for path in pages) == statuses
        if statuses[0] == 404:
            assert note.number not in client.get("/credit-notes").text + client.get("/credit-notes.csv").text


def test_the_list_is_filtered_sorted_summed_paged_and_a_file(money: Money, session: Database, client: Client) -> None:
    sign_in(client, money.supplier)
    assert "no credit notes yet" in client.get("/credit-notes").text
    for pence in range(1, 28):
        actions.credit(money.invoice, amount=Decimal(pence) / 100, reason="x", actor=money.supplier, now=LATER)
    actions.accept(money.dispute("5.00"), actor=money.supplier, now=LATER)
    with counted_queries() as sent:
        page = client.get("/credit-notes").text
    few = len(sent)
    assert (listed(page), "Page 1 of 2" in page) == (25, True)
    # 1p to 27p are £3.78, with VAT £4.54 (£0.756 rounded half up); and £5.00 with £1.00.
    assert "£10.54" in page
    assert listed(client.get("/credit-notes?page=2").text) == 3
    assert listed(client.get("/credit-notes?page=99&kind=nonsense").text) == 3
    assert listed(client.get("/credit-notes?kind=dispute").text) == 1
    assert listed(client.get(f"/credit-notes?status={CreditStatus.REFUNDED}").text) == 0
    assert "no credit notes like this" in client.get("/credit-notes?kind=reconciliation").text
    assert listed(client.get(f"/credit-notes?agreement={money.contract.id}&funder=0").text) == 0
    rows = list(csv.DictReader(io.StringIO(client.get("/credit-notes.csv?sort=amount").text.lstrip("\ufeff"))))
    assert (len(rows), rows[0]["amount"], rows[1]["net"]) == (28, "6.00", "0.27")
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("10.54")
    with counted_queries() as sent:
        client.get("/credit-notes?kind=dispute")
    assert len(sent) == few


def test_a_voided_invoice_is_raised_again_by_a_button_once(money: Money, session: Database, client: Client) -> None:
    money.send()
    actions.voided(money.invoice, now=NOVEMBER)
    sign_in(client, money.supplier)
    assert "Raise it again" in client.get(f"/invoices/{money.invoice.id}").text
    path = f"/invoices/{money.invoice.id}/raise-again"
    assert client.post(path).status_code == 302
    assert client.post(path).status_code == 409
    assert session.scalar(select(func.count()).select_from(Invoice)) == 2
    assert "Raise it again" not in client.get(f"/invoices/{money.invoice.id}").text


def test_credited_whole_in_two_parts_before_it_was_approved_the_provider_is_told_of_neither(money: Money) -> None:
    for net in (Decimal("1000.00"), None):
        actions.credit(money.invoice, amount=net, reason="x", actor=money.supplier, now=LATER)
    assert money.invoice.status is InvoiceStatus.CREDITED
    assert [one.status for one in money.invoice.credit_notes] == [CreditStatus.ISSUED] * 2


def test_what_is_invoiced_again_bears_the_very_penny_of_vat_that_was_credited(money: Money) -> None:
    notes = [
        actions.credit(money.invoice, amount=Decimal("0.03"), reason="x", actor=money.supplier, now=LATER)
        for _ in range(2)
    ]
    before = money.owed()
    again = actions.reissue(notes[1], amounts=[Decimal("0.03")], actor=money.supplier, now=LATER)
    assert (again.vat, money.owed()) == (Decimal("0.00"), before + Decimal("0.03"))


def test_what_a_years_reconciliation_credited_is_not_invoiced_again(money: Money) -> None:
    note = give_credit(
        money.invoice,
        Decimal("100.00"),
        kind=CreditKind.RECONCILIATION,
        reason="x",
        actor=money.supplier,
        now=LATER,
        year_begins=money.contract.starts_on,
    )
    with pytest.raises(Refused, match="is not invoiced again"):
        actions.reissue(note, amounts=[note.net], actor=money.supplier, now=LATER)


def test_what_is_invoiced_again_bears_the_rate_of_the_first_whatever_the_supplier_is_by_then(money: Money) -> None:
    note = actions.credit(money.invoice, amount=None, reason="x", actor=money.supplier, now=LATER)
    actions.state_vat(
        kind=VatKind.NOT_REGISTERED, vat_number="", from_day=LATER.date(), actor=money.supplier, now=LATER
    )
    again = actions.reissue(note, amounts=[Decimal("5000.00")], actor=money.supplier, now=LATER)
    assert (again.vat_rate, again.vat) == (Decimal("20.00"), Decimal("1000.00"))
