"""What grants were used for: reported, asked about, accepted, and what is unspent owed back to the penny."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.models import GrantInstalment
from contracts.changes import actions as changes
from contracts.invoices import actions, queries
from contracts.invoices.jobs import remind_of_uses
from contracts.invoices.models import CreditNote, InstalmentUse, Invoice
from contracts.invoices.rules import CreditKind, InvoiceStatus
from contracts.invoices.rules.granting import USE_MOVES, UseStatus, given_back, use_due_on
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.at_once import at_once
from tests.factories.grants import GrantChange, make_grant
from tests.factories.invoices import finance_of

Database = scoped_session[Session]
WHEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PENNIES = st.integers(min_value=1, max_value=10_000_000).map(lambda pence: Decimal(pence) / 100)


@pytest.fixture
def grant(session: Database, clock: StandingClock) -> GrantChange:
    clock.set(WHEN)
    made = make_grant()
    made.accept(1, now=WHEN)
    return made


def _report(grant: GrantChange, spent: str = "30000.00", number: int = 1) -> InstalmentUse:
    return actions.report_use(
        grant.instalment(number),
        spent=Decimal(spent),
        what="Rent and a warden: twelve people housed.",
        shown_by="Accounts for the quarter.",
        actor=grant.deliverer,
        now=WHEN,
    )


def _invoices(session: Database) -> list[Invoice]:
    return list(session.scalars(select(Invoice).order_by(Invoice.id)))


@given(PENNIES, st.lists(PENNIES, min_size=1, max_size=4))
def test_what_is_given_back_is_what_is_unspent_and_of_no_invoice_more_than_it_asks_for(
    unspent: Decimal, invoiced: list[Decimal]
) -> None:
    unspent = min(unspent, sum(invoiced, Decimal(0)))
    parts = given_back(unspent, invoiced)
    assert sum(parts) == unspent
    assert all(0 <= part <= whole for part, whole in zip(parts, invoiced, strict=True))


def test_nothing_unspent_is_nothing_owed_back() -> None:
    assert given_back(Decimal("0.00"), [Decimal(1), Decimal(2)]) == [Decimal("0.00")] * 2
    assert use_due_on(date(2029, 9, 30)) == date(2029, 10, 30)
    assert {one for one, to in USE_MOVES.items() if to} == {UseStatus.SENT}


def test_unspent_money_of_unpaid_invoices_is_asked_for_no_more(grant: GrantChange, session: Database) -> None:
    notes = actions.accept_use(_report(grant), actor=grant.manager, now=WHEN)
    # £10,000.01 in 60 and 40 % of what was invoiced, £24,000.01 and £16,000.00: £6,000.007… and £4,000.003….
    assert [(one.net, one.vat, one.kind) for one in notes] == [
        (Decimal("6000.01"), Decimal("0.00"), CreditKind.UNSPENT),
        (Decimal("4000.00"), Decimal("0.00"), CreditKind.UNSPENT),
    ]
    assert [one.left for one in _invoices(session)] == [Decimal("18000.00"), Decimal("12000.00")]
    assert [one.to_refund for one in notes] == [Decimal(0), Decimal(0)]
    check_ledger()
    assert unbalanced(WHEN.date()) == 0
    assert balance(Account.SERVICES, grant.agreement.supplier_id, on=WHEN.date()) == Decimal("-30000.00")
    for note in notes:
        with pytest.raises(Refused, match="report of use"):
            actions.reissue(note, amounts=[note.net], actor=finance_of(grant.agreement.supplier), now=WHEN)


def test_unspent_money_that_was_paid_goes_back_to_who_paid_it(grant: GrantChange, session: Database) -> None:
    first = _invoices(session)[0]
    first.provider_id = "in_1"
    actions.sent(first, now=WHEN)
    actions.paid(first, at=WHEN, now=WHEN)
    notes = actions.accept_use(_report(grant, "0.00"), actor=grant.manager, now=WHEN)
    assert [one.to_refund for one in notes] == [Decimal("24000.01"), Decimal(0)]
    actions.credit_sent(notes[0], provider_id="cn_1", given_back=Decimal("24000.01"), now=WHEN)
    check_ledger()
    for account in (Account.OWED, Account.PAID):
        for body in {one.organisation_id for one in _invoices(session)}:
            assert balance(account, body, on=WHEN.date()) == 0
    assert balance(Account.SERVICES, grant.agreement.supplier_id, on=WHEN.date()) == 0


def test_all_spent_gives_nothing_back(grant: GrantChange) -> None:
    use = _report(grant, "40000.01")
    assert actions.accept_use(use, actor=grant.manager, now=WHEN) == []
    assert use.status is UseStatus.ACCEPTED


@pytest.mark.parametrize("spent", ["-0.01", "40000.02"])
def test_no_more_is_spent_than_was_invoiced(grant: GrantChange, spent: str) -> None:
    with pytest.raises(Invalid, match=r"from £0 to £40,000\.01"):
        _report(grant, spent)


def test_what_was_credited_before_counts_as_never_received(grant: GrantChange, session: Database) -> None:
    use = _report(grant)
    actions.credit(
        _invoices(session)[0], amount=Decimal("0.01"), reason="x", actor=finance_of(grant.agreement.supplier), now=WHEN
    )
    with pytest.raises(Refused, match="credited since the report"):
        actions.accept_use(use, actor=grant.manager, now=WHEN)
    actions.ask_about_use(use, question="How much now?", actor=grant.manager, now=WHEN)
    with pytest.raises(Invalid, match=r"£40,000\.00"):
        _report(grant, "40000.01")
    assert _report(grant, "40000.00").unspent == 0


def test_a_voided_invoice_asked_for_nothing(grant: GrantChange, session: Database) -> None:
    actions.voided(_invoices(session)[1], now=WHEN)
    assert queries.received_for(grant.instalment(1).id) == Decimal("24000.01")
    (note,) = actions.accept_use(_report(grant, "24000.00"), actor=grant.manager, now=WHEN)
    assert note.net == Decimal("0.01")


def test_an_invoice_in_dispute_is_settled_first(grant: GrantChange, session: Database) -> None:
    invoice = _invoices(session)[1]
    actions.dispute(invoice, amount=Decimal(1), reason="x", actor=grant.manager, now=WHEN)
    use = _report(grant)
    with pytest.raises(Refused, match="in dispute"):
        actions.accept_use(use, actor=grant.manager, now=WHEN)
    assert use.status is UseStatus.SENT


def test_asked_it_is_reported_again_and_the_first_report_stays(grant: GrantChange, session: Database) -> None:
    first = _report(grant)
    with pytest.raises(AlreadyDone):
        _report(grant)
    with pytest.raises(Invalid):
        actions.ask_about_use(first, question=" ", actor=grant.manager, now=WHEN)
    actions.ask_about_use(first, question="Which rent?", actor=grant.manager, now=WHEN)
    with pytest.raises(AlreadyDone):
        actions.accept_use(first, actor=grant.manager, now=WHEN)
    second = _report(grant, "40000.01")
    actions.accept_use(second, actor=grant.manager, now=WHEN)
    with pytest.raises(AlreadyDone):
        _report(grant)
    assert [one.status for one in queries.uses_of(grant.agreement.id)[grant.instalment(1).id]] == ["asked", "accepted"]
    told = session.scalars(select(Letter).where(Letter.key.startswith("use-"))).all()
    assert {one.subject.split(" grant ")[0] for one in told} == {
        "The use of an instalment of",
        "A question about your report of use:",
        "Your report of use is accepted:",
    }
    assert not any("Which rent" in one.body or "twelve people" in one.body for one in told)


def test_only_what_was_accepted_is_reported_on_and_by_its_holder(grant: GrantChange) -> None:
    with pytest.raises(Refused, match="once it has been accepted"):
        _report(grant, number=2)
    with pytest.raises(Invalid, match="what it was spent on"):
        actions.report_use(
            grant.instalment(1), spent=Decimal(1), what=" ", shown_by=None, actor=grant.deliverer, now=WHEN
        )
    for actor in (make_actor(make_supplier(), Role.SERVICE_MANAGER), grant.manager):
        with pytest.raises(NotAllowed):
            actions.report_use(grant.instalment(1), spent=Decimal(1), what="x", shown_by=None, actor=actor, now=WHEN)
    use = _report(grant)
    other = grant.agreement.funders[1].organisation
    for actor in (
        finance_of(grant.agreement.commissioner),
        make_actor(other, Role.CONTRACT_MANAGER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
    ):
        with pytest.raises(NotAllowed):
            actions.accept_use(use, actor=actor, now=WHEN)
    with pytest.raises(NotFound):
        queries.use_for(make_actor(make_commissioner(), Role.CONTRACT_MANAGER), use.id)


@pytest.mark.parametrize(
    ("column", "value"), [("spent", Decimal("40000.02")), ("what", ""), ("question", "x"), ("decided_at", WHEN)]
)
def test_the_database_refuses_it_too(grant: GrantChange, session: Database, column: str, value: object) -> None:
    setattr(_report(grant), column, value)
    with pytest.raises(IntegrityError):
        session.flush()


def test_one_report_is_accepted(grant: GrantChange, session: Database) -> None:
    use = _report(grant)
    session.add(
        InstalmentUse(
            instalment_id=use.instalment_id,
            agreement_id=use.agreement_id,
            status=UseStatus.SENT,
            received=use.received,
            spent=use.spent,
            what="x",
            reported_at=WHEN,
            reported_by=use.reported_by,
        )
    )
    with pytest.raises(IntegrityError, match="uq_instalment_uses_one"):
        session.flush()


def test_a_suspended_grant_holds_its_instalments_until_that_is_lifted(
    grant: GrantChange, session: Database, client: Client
) -> None:
    stopped = changes.suspend(
        grant.agreement, line=None, from_on=WHEN.date(), reason="x", actor=grant.manager, now=WHEN
    )
    claimed = grant.claim(2, now=WHEN)
    assert queries.held_since(grant.agreement.id, WHEN.date() - timedelta(days=1)) is None
    with pytest.raises(Refused, match="suspended since 1 December 2026"):
        actions.accept_claim(claimed, actor=grant.manager, now=WHEN)
    page = sign_in(client, grant.manager).get(f"/contracts/{grant.agreement.id}/instalments").text
    assert "has been suspended since 1 December 2026" in page
    assert "Accept it or send it back" not in page
    changes.lift(stopped, on=WHEN.date() + timedelta(days=1), reason="x", actor=grant.manager, now=WHEN)
    with pytest.raises(Refused, match="suspended since"):
        actions.accept_claim(claimed, actor=grant.manager, now=WHEN)
    later = WHEN + timedelta(days=1)
    changes.suspend(
        grant.agreement,
        line=grant.agreement.lines[0],
        from_on=later.date(),
        reason="x",
        actor=grant.manager,
        now=later,
    )
    assert len(actions.accept_claim(claimed, actor=grant.manager, now=later)) == 2


def test_home_says_what_is_to_be_reported_and_looked_at(grant: GrantChange) -> None:
    reference = grant.agreement.reference

    def waits(actor: Actor, now: datetime = WHEN) -> list[str]:
        return [one.text for one in queries.waiting(actor, now) if " use" in one.text]

    over = datetime(2029, 10, 1, 9, 0, tzinfo=UTC)
    assert waits(grant.deliverer, over - timedelta(days=1)) == []
    assert waits(grant.deliverer, over) == [f"Report what instalment 1 of {reference} was used for"]
    use = _report(grant)
    assert waits(grant.deliverer, over) == []
    assert waits(grant.manager) == [f"Look at what instalment 1 of {reference} was used for, and accept it or ask"]
    actions.ask_about_use(use, question="x", actor=grant.manager, now=WHEN)
    assert waits(grant.manager) == []
    assert waits(grant.deliverer) == [f"Answer the question about the use of instalment 1 of {reference}"]


def test_the_holder_of_a_grant_that_is_over_is_reminded_once_and_once_when_it_is_late(
    grant: GrantChange, session: Database, clock: StandingClock
) -> None:
    def told(day: date) -> list[str]:
        clock.set(datetime.combine(day, time(7), tzinfo=UTC))
        remind_of_uses()
        return [
            one.subject.rpartition(" grant ")[2].partition(" ")[2]
            for one in session.scalars(select(Letter).where(Letter.key.startswith("use-due")).order_by(Letter.id))
            if one.person_id == grant.deliverer.person
        ]

    due, late = "is due by 30 October 2029", "is late"
    assert told(date(2029, 9, 30)) == []
    assert told(date(2029, 10, 1)) == [due]
    assert told(date(2029, 10, 30)) == [due]
    assert told(date(2029, 10, 31)) == [due, late]
    assert told(date(2029, 11, 1)) == [due, late]
    other = make_grant()
    other.accept(1, now=WHEN)
    _report(other)
    assert told(date(2029, 11, 2)) == [due, late]


def test_reported_asked_and_accepted_on_pages(grant: GrantChange, session: Database, client: Client) -> None:
    made = grant.instalment(1)
    path = f"/contracts/{grant.agreement.id}/instalments"
    sign_in(client, grant.deliverer)
    assert "Report its use" in client.get(path).text
    typed = {"spent": "30000", "what": "Rent for <b>twelve</b>."}
    wrong = client.post(f"/instalments/{made.id}/use", data=typed | {"spent": "40000.02"})
    assert (wrong.status_code, "Enter an amount from £0" in wrong.text, "twelve" in wrong.text) == (422, True, True)
    assert client.post(f"/instalments/{made.id}/use", data=typed).status_code == 302
    assert client.post(f"/instalments/{made.id}/use", data=typed).status_code == 409
    use = session.scalars(select(InstalmentUse)).one()
    decide = f"/instalment-uses/{use.id}/decide"
    assert client.get(decide).status_code == 403
    sign_in(client, grant.manager)
    assert "Rent for &lt;b&gt;twelve&lt;/b&gt;." in client.get(decide).text
    assert "Say what you ask" in client.post(decide, data={"verdict": "no"}).text
    assert client.post(decide, data={"verdict": "no", "question": "Which?"}).status_code == 302
    assert client.post(decide, data={"verdict": "yes"}).status_code == 409
    sign_in(client, grant.deliverer)
    page = client.get(f"/instalments/{made.id}/use").text
    assert ("Which?" in page, "30000" in page, "twelve" in page) == (True, True, True)
    client.post(f"/instalments/{made.id}/use", data=typed)
    again = session.scalars(select(InstalmentUse).order_by(InstalmentUse.id.desc()).limit(1)).one()
    sign_in(client, grant.manager)
    said = client.post(f"/instalment-uses/{again.id}/decide", data={"verdict": "yes"}, follow_redirects=True).text
    assert "£10,000.01 is owed back to the funders." in said
    assert said.count("Which?") == 1
    assert "£10,000" in said
    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}.csv").text.lstrip("\ufeff"))))
    assert [(row["use"], row["spent"], row["owed_back"]) for row in rows[:2]] == [
        ("accepted", "30000.00", "10000.01"),
        ("", "", ""),
    ]
    note = session.scalars(select(CreditNote).order_by(CreditNote.id)).first()
    assert note is not None
    sign_in(client, finance_of(grant.agreement.commissioner))
    assert "Grant not spent" in client.get(f"/credit-notes/{note.id}").text


def test_accepted_by_many_at_once_it_is_credited_once(committed_app: Flask, clock: StandingClock) -> None:
    clock.set(WHEN)
    with committed_app.app_context():
        made = make_grant(funders=1)
        made.accept(1, now=WHEN)
        key, instalment = _report(made).id, made.instalment(1).id
        manager, deliverer = made.manager, made.deliverer
        db.session.commit()

    def accept_or_report(number: int) -> str:
        if number % 2:
            actions.accept_use(db.session.get_one(InstalmentUse, key), actor=manager, now=WHEN)
            return "accepted"
        actions.report_use(
            db.session.get_one(GrantInstalment, instalment),
            spent=Decimal(1),
            what="x",
            shown_by=None,
            actor=deliverer,
            now=WHEN,
        )
        return "reported"

    answers = [one for one in at_once(committed_app, 10, accept_or_report) if not isinstance(one, Refused)]
    assert answers == ["accepted"]
    with committed_app.app_context():
        invoice = db.session.scalars(select(Invoice)).one()
        assert (invoice.credited, invoice.status) == (Decimal("10000.01"), InvoiceStatus.DRAFT)
        assert db.session.scalar(select(func.count()).select_from(CreditNote)) == 1
