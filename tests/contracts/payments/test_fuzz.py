"""Ten thousand requests to the webhook: shuffled, doubled, forged and played again later.

In the end every invoice stands as it does at the provider, nothing that is not the provider's has been kept, and
everything that is has been applied once. The same every time: the shuffle is seeded.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from contracts.invoices.actions.crediting import give_credit
from contracts.invoices.actions.making import debt_of
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditKind, CreditStatus, InvoiceStatus
from contracts.ledger.actions import post
from contracts.ledger.models import Entry, Posting
from contracts.ledger.queries import unbalanced
from contracts.ledger.rules import Account, PostingKind, charged
from contracts.payments import actions, jobs, queries
from contracts.payments.models import Chargeback, PaymentEvent, ProviderPayment
from contracts.payments.rules import ChargebackStatus
from marketplace.access import SYSTEM
from marketplace.adapters.payments.records import pence
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.delivery import signature
from marketplace.audit import AuditEvent
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from tests.factories.events import ENDS, OURS, Story, story_of
from tests.factories.invoices import finance_of, make_contract, make_invoice
from tests.marketplace.adapters.conftest import SECRET

REQUESTS, FORGED, STALE, OVER_HTTP = 10_000, 1_500, 1_000, 300
CONTRACTS, MONTHS = 12, 30
TOLERANCE = 300  # seconds
BEGAN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    """One request to the webhook. Signed when it is made, so that the run may take as long as it takes."""

    body: bytes
    secret: str = SECRET
    age: int = 0
    header: str | None = ""
    signed: bytes | None = None

    @property
    def is_the_providers(self) -> bool:
        """Whether it must be kept."""
        return (self.secret, self.age, self.header, self.signed) == (SECRET, 0, "", None)

    def signature(self) -> str | None:
        """The header that comes with it."""
        if self.header != "":
            return self.header
        return signature(self.signed or self.body, self.secret, int(time.time()) - self.age)


def stories(random: Random) -> list[Story]:
    """Some hundred invoices of ours, each with what happens to it. Of a quarter we have lost the provider's answer."""
    told = []
    for _ in range(CONTRACTS):
        contract = make_contract()
        finance_of(contract.supplier)
        for place in range(MONTHS):
            month = date(2026 + (9 + place) // 12, (9 + place) % 12 + 1, 1)
            amount = f"{random.randint(1, 9_999_999) / 100:.2f}"
            unsure = random.random() < 0.25
            status = InvoiceStatus.DRAFT if unsure else InvoiceStatus.OPEN
            invoice = make_invoice(contract, month=month, status=status, amount=amount)
            post(
                PostingKind.INVOICE,
                charged(invoice.net, invoice.vat),
                key=f"invoice:{invoice.id}",
                debt=debt_of(invoice),
                document=invoice.number,
                now=BEGAN,
                due_on=invoice.due_on,
            )
            key = invoice.provider_id or f"in_{invoice.number}"
            end = ENDS[len(told) % len(ENDS)]
            note = credit_of(invoice, end, random) if end in OURS else None
            told.append(story_of(invoice, provider_id=key, at=BEGAN, random=random, end=end, note=note))
    return told


def credit_of(invoice: Invoice, end: str, random: Random) -> CreditNote:
    """A credit note of ours over all of it or a part, of which the provider knows and we do not know that it does."""
    net = invoice.net if end.endswith("whole") else Decimal(random.randint(1, pence(invoice.net))) / 100
    return give_credit(
        invoice,
        net,
        kind=CreditKind.RECONCILIATION,
        reason="Fewer came",
        actor=SYSTEM,
        now=BEGAN,
        year_begins=invoice.month,
    )


def forgeries(random: Random, genuine: list[bytes]) -> Iterator[Request]:
    """Requests by somebody who knows what our events look like and not the secret."""
    for number in range(FORGED):
        body = random.choice(genuine)
        evil = json.loads(body)
        evil["id"] = f"evt_forged_{number}"
        if evil["data"]["object"]["object"] == "invoice":
            evil["data"]["object"] |= {"status": random.choice(("paid", "void")), "amount_paid": 1}
        made = json.dumps(evil).encode()
        yield random.choice(
            (
                Request(made, secret="whsec_guessed"),
                Request(made, signed=body),  # the signature is of another body
                Request(made, header=None),
                Request(made, header=f"t={int(time.time())},v1={'0' * 64}"),
                Request(made, header=f"t={int(time.time())},v0={'0' * 64}"),
                Request(body, secret="whsec_guessed"),
            )
        )


def requests_of(random: Random, told: list[Story]) -> list[Request]:
    """All of them, in no order."""
    genuine = [event for story in told for event in story.events]
    made = [Request(event) for event in genuine]
    made += forgeries(random, genuine)
    made += [Request(random.choice(genuine), age=TOLERANCE + random.randint(1, 86_400)) for _ in range(STALE)]
    made += [Request(random.choice(genuine)) for _ in range(REQUESTS - len(made))]
    assert len(made) == REQUESTS
    random.shuffle(made)
    return made


def send(client: FlaskClient, request: Request) -> str:
    """Over HTTP, as the provider does it."""
    header = request.signature()
    headers = {} if header is None else {"Stripe-Signature": header}
    answer = client.post("/webhooks/payments", data=request.body, headers=headers)
    return "refused" if answer.status_code == 400 else str((answer.json or {})["status"])


def keep(payments: Payments, request: Request, now: datetime) -> str:
    """The same without HTTP around it."""
    try:
        kept = actions.keep_event(request.body, request.signature(), payments=payments, now=now)
    except actions.ForgedEvent:
        return "refused"
    return "known" if kept is None else "kept"


def test_ten_thousand_requests_shuffled_doubled_forged_and_replayed(committed_app: Flask) -> None:
    random, now = Random(20261125), BEGAN + timedelta(days=1)
    committed_app.extensions["payments"] = payments = Payments(api_key="sk_test", webhook_secret=SECRET)
    with committed_app.app_context():
        with transaction():
            told = stories(random)
        made = requests_of(random, told)
        ids = {json.loads(one.body)["id"] for one in made if one.is_the_providers}
        client, answers = committed_app.test_client(), Counter[str]()
        for begin in range(0, REQUESTS, 500):
            batch = made[begin : begin + 500]
            over_http = OVER_HTTP * 500 // REQUESTS
            with transaction():
                for one in batch[over_http:]:
                    answer = keep(payments, one, now)
                    assert (answer == "refused") is not one.is_the_providers
                    answers[answer] += 1
            for one in batch[:over_http]:
                answer = send(client, one)
                assert (answer == "refused") is not one.is_the_providers
                answers[answer] += 1
            if random.random() < 0.5:  # in between, some of what is there is applied
                jobs.apply_waiting_events()
        jobs.apply_waiting_events()

        refused = FORGED + STALE
        assert answers == {"refused": refused, "kept": len(ids), "known": REQUESTS - refused - len(ids)}
        assert set(db.session.scalars(select(PaymentEvent.provider_id))) == ids
        assert queries.events_to_apply() == []
        _applying_again_does_nothing(now)
        db.session.expire_all()
        _stands_as_told(told)
        _each_was_told_once(told)


def _applying_again_does_nothing(now: datetime) -> None:
    """A job that was queued twice, or came back after its worker was killed."""
    written = db.session.scalar(select(func.count()).select_from(AuditEvent))
    with transaction():
        actions.apply_events(list(db.session.scalars(select(PaymentEvent.id))), now=now)
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == written


def _stands_as_told(told: list[Story]) -> None:
    invoices = {one.id: one for one in db.session.scalars(select(Invoice))}
    payments = {one.provider_invoice: one for one in db.session.scalars(select(ProviderPayment))}
    owed = dict(
        db.session.execute(
            select(Posting.item, func.sum(Entry.amount))
            .join(Entry, Entry.posting_id == Posting.id)
            .where(Entry.account == Account.OWED)
            .group_by(Posting.item)
        ).all()
    )
    assert unbalanced(date(2100, 1, 1)) == 0
    taken_back = {one.invoice_id: one.status for one in db.session.scalars(select(Chargeback))}
    for story in told:
        invoice = invoices[story.invoice_id]
        assert (invoice.status, invoice.provider_id) == (story.status, story.provider_id), story.end
        assert invoice.paid_at == story.paid_at, story.end
        assert invoice.owed_again == (story.owed if story.status is InvoiceStatus.TAKEN_BACK else 0), story.end
        assert owed[invoice.number] == story.owed, story.end
        assert [note.status for note in invoice.credit_notes] == ([story.credit_status] if story.credit else []), (
            story.end
        )
        assert taken_back.get(invoice.id) == story.chargeback, story.end
        payment = payments.get(story.provider_id)
        assert (payment is None) is (story.paid_at is None or story.end == "elsewhere"), story.end
        assert (payment.refunded if payment else Decimal(0)) == story.refunded, story.end


def _each_was_told_once(told: list[Story]) -> None:
    """What is written of an invoice stands there once; each letter went out once."""
    written = Counter(
        (row.subject_id, row.what)
        for row in db.session.scalars(select(AuditEvent).where(AuditEvent.subject_kind == "invoices"))
        if row.what != "A payment failed"
    )
    assert set(written.values()) == {1}
    for story in told:
        assert written[story.invoice_id, "Paid"] == (story.paid_at is not None)
        assert written[story.invoice_id, "Voided"] == (story.status is InvoiceStatus.VOID)
    paid = db.session.scalar(select(func.count()).where(Letter.subject.like("Invoice % has been paid")))
    assert paid == sum(story.paid_at is not None for story in told)
    back = Counter(db.session.scalars(select(Letter.subject).where(Letter.subject.like("Money of % given back"))))
    assert set(back.values()) == {2}  # to either side
    certain = sum(story.credit_status is CreditStatus.REFUNDED for story in told)
    # Of a refund that failed it was told before, unless the failure was heard of first.
    assert certain <= len(back) <= sum("crossed" in story.end for story in told)
    lost = f"Payment of invoice %: {ChargebackStatus.LOST.label.lower()}"
    undone = db.session.scalar(select(func.count()).where(Letter.subject.like(lost)))
    assert undone == 2 * sum(story.chargeback is ChargebackStatus.LOST for story in told)  # to either side
