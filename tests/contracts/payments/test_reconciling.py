"""The provider's books and ours, compared: what differs is written down, told once, and never mended by itself."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import requests
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import actions, jobs, queries
from contracts.payments.models import Difference, PaymentEvent
from contracts.payments.rules import AccountStatus, DifferenceKind
from marketplace import audit
from marketplace.access import Actor, Role
from marketplace.adapters.payments import reading
from marketplace.adapters.payments.records import PaymentLine
from marketplace.errors import Invalid, NotAllowed
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_framework_team, make_supplier, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_invoice
from tests.factories.payments import make_difference, make_payable
from tests.marketplace.adapters.conftest import Running

Database = scoped_session[Session]


@pytest.fixture
def team(session: Database) -> Actor:
    """Somebody of the framework team."""
    return make_actor(make_framework_team(), Role.FRAMEWORK_TEAM)


@pytest.fixture
def invoice(session: Database, provider: Running, clock: StandingClock, team: Actor) -> Invoice:
    """An invoice over £100 that was sent two hours ago; every event of it was lost."""
    clock.set(datetime.fromtimestamp(int(provider.clock.seconds), UTC))
    provider.behave(lose_next=1000)
    made = make_invoice(make_payable(), amount="100.00")
    session.commit()
    jobs.send_invoices([made.id])
    assert made.status is InvoiceStatus.OPEN
    later(provider, clock)
    return made


def later(provider: Running, clock: StandingClock, **by: float) -> None:
    clock.move(**(by or {"hours": 2}))
    provider.clock.seconds = clock().timestamp()


def found(session: Database) -> list[tuple[str, str, str]]:
    standing = select(Difference).where(Difference.settled_at.is_(None)).order_by(Difference.id)
    return [(one.kind.value, one.ours, one.theirs) for one in session.scalars(standing)]


def told(session: Database) -> list[str]:
    return list(session.scalars(select(Letter.subject).where(Letter.subject.like("%difference%")).order_by(Letter.id)))


def pay(invoice: Invoice) -> None:
    assert invoice.payment_url is not None
    assert requests.post(invoice.payment_url, data={"way": "card"}, timeout=20).ok


def test_books_that_agree_have_no_difference(session: Database, invoice: Invoice) -> None:
    jobs.reconcile()
    last = queries.last_comparison()
    assert last is not None
    assert (last.ours, last.theirs, last.differences) == (1, 1, 0)
    assert (found(session), told(session)) == ([], [])


def test_news_that_was_lost_is_taken_first_and_is_no_difference(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    pay(invoice)
    later(provider, clock)
    jobs.reconcile()
    session.expire_all()
    assert invoice.status is InvoiceStatus.PAID
    assert found(session) == []
    asked = session.scalar(select(func.count()).where(PaymentEvent.was_asked_for))
    jobs.reconcile()
    assert asked
    assert session.scalar(select(func.count()).select_from(PaymentEvent)) == asked
    assert [event.what for event in audit.events_for(invoice)].count("Paid") == 1


def test_accounts_are_asked_for_whose_news_was_lost(session: Database, provider: Running, invoice: Invoice) -> None:
    account = queries.receiving_account(invoice.agreement.supplier_id)
    assert account is not None
    provider.ask("POST", "/stub/account", json={"account": account.provider_id, "standing": "document"})
    jobs.reconcile()
    session.expire_all()
    assert account.status is AccountStatus.RESTRICTED


def test_each_kind_of_difference_is_found(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    payments = provider.payments()
    there = payments.invoice(invoice.provider_id or "")
    lines = [PaymentLine("Stray", Decimal("5.00"))]
    payments.raise_invoice(customer_id=there.customer_id or "", reference="stray", lines=lines)
    again = [PaymentLine("Again", Decimal("100.00"))]
    twin = payments.draft_invoice(customer_id=there.customer_id or "", reference=invoice.payment_reference, key="twin")
    payments.add_lines(twin.id, again, key="twin lines")
    payments.credit(there.id, reference="by hand", amount=Decimal("30.00"), memo="In the provider's own pages")
    gone = make_invoice(
        invoice.agreement,
        month=datetime(2027, 1, 1, tzinfo=UTC).date(),
        status=InvoiceStatus.OPEN,
        amount="7.00",
    )
    gone.sent_at = clock() - timedelta(hours=2)
    invoice.net = invoice.amount = invoice.lines[0].amount = Decimal("99.00")
    session.commit()
    later(provider, clock)
    jobs.reconcile()
    assert sorted(found(session)) == [
        ("credit_unknown", "nothing", "£30.00"),
        ("invoice_amount", "£99.00", "£100.00"),
        ("invoice_missing", "To be paid, £7.00", "nothing"),
        ("invoice_twice", "1 invoice", "2 invoices"),
        ("invoice_unknown", "nothing", "open, £5.00"),
    ]
    assert told(session) == ["5 new differences between the payment provider’s books and ours"]
    assert (invoice.amount, invoice.status) == (Decimal("99.00"), InvoiceStatus.OPEN)  # nothing was mended


def test_who_pays_whom_and_by_when_is_compared(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    account = queries.receiving_account(invoice.agreement.supplier_id)
    assert account is not None
    account.provider_id = "acct_other"
    invoice.due_on += timedelta(days=400)
    session.commit()
    later(provider, clock)
    jobs.reconcile()
    kinds = [kind for kind, *_ in found(session)]
    assert sorted(kinds) == ["invoice_due", "invoice_parties"]


def test_an_invoice_that_the_provider_has_not_taken_for_a_day_is_a_difference(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    month = datetime(2027, 1, 1, tzinfo=UTC).date()
    stuck = make_invoice(invoice.agreement, month=month, status=InvoiceStatus.DRAFT, amount="7.00")
    stuck.approved_at, stuck.next_attempt_at = clock(), clock()
    session.commit()
    provider.behave(faults=[{"kind": "broken", "count": 1}])
    jobs.send_invoices([stuck.id])
    later(provider, clock, hours=24)
    jobs.reconcile()
    assert found(session) == []
    later(provider, clock, hours=2)
    jobs.reconcile()
    assert found(session) == [("not_sent", "Being sent", "The payment provider did not answer.")]


def test_what_is_open_with_us_for_long_and_paid_there_is_found_though_all_news_was_lost(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    pay(invoice)
    later(provider, clock, days=70)
    jobs.reconcile()
    assert [kind for kind, *_ in found(session)] == ["invoice_status"]


def test_a_status_that_no_news_explains_is_a_difference_until_it_agrees(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice
) -> None:
    """The provider's memory of events is shorter than ours of invoices."""
    pay(invoice)
    later(provider, clock, days=31)
    jobs.reconcile()
    assert found(session) == [("invoice_status", "To be paid", "paid")]
    first = session.scalars(select(Difference)).one()
    seen = first.first_seen_at
    later(provider, clock, days=40)  # by now it is older than the time that is compared
    jobs.reconcile()
    session.expire_all()
    assert (first.first_seen_at, first.last_seen_at, first.settled_at) == (seen, clock(), None)
    assert len(told(session)) == 1  # told once
    actions.take(provider.payments().invoice(invoice.provider_id or ""), invoice, at=clock(), now=clock())
    session.commit()
    later(provider, clock)
    jobs.reconcile()
    session.expire_all()
    assert first.settled_at == clock()
    assert found(session) == []


def test_news_in_a_shape_we_do_not_know_is_kept_listed_and_read_once_we_know_it(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = provider.payments()
    payments.mark_paid_out_of_band(invoice.provider_id or "", key="k")
    later(provider, clock)

    def cannot(_: object) -> None:
        raise ValueError("'settled_elsewhere' is not a valid InvoiceStatus")

    with monkeypatch.context() as patch:
        patch.setitem(reading._READERS, "invoice", cannot)
        jobs.ask_for_missed_events()
        assert invoice.status is InvoiceStatus.OPEN
        jobs.apply_waiting_events()  # passed over: it is not tried each minute
        of_invoices = select(PaymentEvent.id).where(PaymentEvent.kind.startswith("invoice."))
        assert set(queries.events_set_aside()) == set(session.scalars(of_invoices))
        session.expire_all()
    books = actions.read_books([], payments=payments, now=clock())
    actions.reconcile(books, started_at=clock(), now=clock())
    kinds = {kind for kind, ours, _ in found(session) if ours == "not applied"}
    assert kinds == {"news_unreadable"}
    jobs.reconcile()
    session.expire_all()
    assert invoice.status is InvoiceStatus.PAID
    assert queries.events_set_aside() == []
    assert found(session) == []


def test_what_is_under_way_is_no_difference(
    session: Database, provider: Running, clock: StandingClock, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = provider.payments()
    there = payments.invoice(invoice.provider_id or "")
    lines = [PaymentLine("Just now", Decimal("5.00"))]
    payments.raise_invoice(customer_id=there.customer_id or "", reference="just now", lines=lines)
    pay(invoice)
    monkeypatch.setattr(jobs, "ask_for_missed_events", lambda: None)
    jobs.reconcile()
    assert found(session) == []


# Pages


def test_the_list_is_filtered_paged_and_downloaded(session: Database, client: Client, team: Actor) -> None:
    for number in range(26):
        make_difference(f"C-{number}")
    make_difference("C-odd", kind=DifferenceKind.INVOICE_UNKNOWN, ours="nothing")
    make_difference("C-old", settled_at=datetime(2026, 11, 21, 3, 15, tzinfo=UTC))
    sign_in(client, team)
    page = client.get("/payments/differences").text
    assert ("Page 1 of 2" in page, "C-old" in page) == (True, False)
    assert "C-odd" in client.get("/payments/differences?kind=invoice_unknown").text
    assert "C-old" in client.get("/payments/differences?settled=y").text
    assert "There are no differences here" in client.get("/payments/differences?kind=chargeback").text
    rows = list(csv.DictReader(io.StringIO(client.get("/payments/differences.csv").text.lstrip("\ufeff"))))
    assert len(rows) == 27
    assert rows[-1] | {"about": "", "note": ""} == {
        "kind": "invoice_amount",
        "about": "",
        "ours": "£1.00",
        "theirs": "£2.00",
        "first_seen": "2026-11-20",
        "last_seen": "2026-11-20",
        "settled": "",
        "note": "",
    }


def test_the_list_asks_the_database_as_often_however_long_it_is(session: Database, client: Client, team: Actor) -> None:
    sign_in(client, team)
    counts = []
    for more in (1, 20):
        for number in range(more):
            make_difference(f"C-{more}-{number}")
        client.get("/payments/differences")
        with counted_queries() as sent:
            client.get("/payments/differences")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_a_note_says_what_was_found_out_and_by_whom(session: Database, client: Client, team: Actor) -> None:
    made = make_difference()
    sign_in(client, team)
    path = f"/payments/differences/{made.id}"
    empty = client.post(path, data={"note": " "})
    assert (empty.status_code, "Enter what you found out" in empty.text) == (422, True)
    assert client.post(path, data={"note": "Credited by hand at the provider."}).status_code == 303
    session.expire_all()
    assert (made.note, made.noted_by) == ("Credited by hand at the provider.", team.person_id)
    page = client.get(path).text
    assert team.name in page
    assert "Note made" in page
    assert client.get("/payments/differences/999999").status_code == 404


def test_only_the_framework_team_notes(session: Database, team: Actor) -> None:
    made = make_difference()
    with pytest.raises(Invalid, match="what you found out"):
        actions.note_difference(made, "  ", actor=team, now=made.first_seen_at)
    clerk = finance_of(make_supplier())
    with pytest.raises(NotAllowed):
        actions.note_difference(made, "x", actor=clerk, now=made.first_seen_at)


def test_it_waits_on_the_home_page_of_the_framework_team(session: Database, team: Actor) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert queries.waiting(team, now) == []
    make_difference()
    (item,) = queries.waiting(team, now)
    assert item.text == "1 difference between the payment provider’s books and ours"
    assert item.url.endswith("/payments/differences")
