"""Credit notes that the provider refuses, or that somebody made there by hand."""

from __future__ import annotations

import json
from decimal import Decimal

from contracts.invoices.rules import CreditStatus
from contracts.payments import actions, jobs
from tests.conftest import Client
from tests.contracts.payments.test_crediting import Database, what_happened
from tests.factories.accounts import sign_in
from tests.factories.deals import Deal


def test_a_refusal_is_kept_by_its_code_and_tried_again_late(session: Database, deal: Deal) -> None:
    deal.send()
    deal.pay()
    deal.hear()
    dispute = deal.provider.ask("POST", "/stub/dispute", json={"invoice": deal.invoice.provider_id}).json()
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    assert note.last_error == "The payment provider refused it (charge_disputed)."
    assert note.next_attempt_at == deal.clock() + actions.LONGEST_WAIT
    deal.later(hours=6)
    jobs.send_due_credits()
    said = f"Credit note {note.number} is not with the payment provider yet"
    assert what_happened(deal.invoice).count(said) == 1
    deal.provider.ask("POST", "/stub/close-dispute", json={"dispute": dispute["id"], "status": "won"})
    deal.later(hours=6)
    jobs.send_due_credits()
    assert (note.status, deal.owed()) == (CreditStatus.REFUNDED, 0)


def test_a_later_credit_waits_for_an_earlier_one(session: Database, deal: Deal) -> None:
    deal.send()
    first, second = deal.credit("1000.00"), deal.credit("500.00")
    deal.provider.behave(faults=[{"kind": "broken", "path": "/v1/credit_notes"}])
    jobs.send_due_credits()
    assert (first.attempts, second.attempts) == (1, 0)
    actions.send_credit(second, payments=jobs.payments(), now=deal.clock())
    assert deal.credits() == []
    deal.later(minutes=2)
    jobs.send_due_credits()
    assert [amount for _, amount in deal.credits()] == [Decimal("500.00"), Decimal("1000.00")]


def test_a_credit_made_at_the_provider_by_hand_is_not_ours(session: Database, deal: Deal) -> None:
    deal.send()
    key = deal.invoice.provider_id or ""
    deal.provider.payments().credit(key, reference="by hand", amount=Decimal("10.00"), memo="?")
    forged = f"{deal.invoice.number}-C1-20200101000000"
    deal.provider.payments().credit(key, reference=forged, amount=Decimal("5.00"), memo="?")
    note = deal.credit("1000.00")
    deal.hear()
    assert (note.status, deal.invoice.credited) == (CreditStatus.WAITING, Decimal("1000.00"))


def test_a_credit_voided_at_the_provider_is_written_down_and_stands_here(session: Database, deal: Deal) -> None:
    deal.send()
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    assert deal.provider.ask("POST", f"/v1/credit_notes/{note.provider_id}/void").ok
    deal.hear(order=lambda keys: keys[::-1] + keys)
    assert (note.status, deal.invoice.left) == (CreditStatus.ISSUED, Decimal("9000.00"))
    assert what_happened(deal.invoice).count(f"Credit note {note.number} was voided at the provider") == 1


def test_another_amount_under_our_number_is_shown_and_not_taken_over(session: Database, deal: Deal) -> None:
    deal.send()
    note = deal.credit("1000.00")
    deal.provider.payments().credit(
        deal.invoice.provider_id or "", reference=note.payment_reference, amount=Decimal("999.00"), memo="?"
    )
    jobs.send_due_credits()
    assert note.status is CreditStatus.WAITING
    assert note.last_error == "The payment provider has another credit note with this number, over £999.00."


def test_the_provider_is_told_no_free_words(session: Database, deal: Deal) -> None:
    """What somebody wrote as the reason may name a person: it stays with us."""
    deal.send()
    note = deal.credit("1000.00")
    jobs.send_due_credits()
    told = deal.provider.ask("GET", f"/v1/credit_notes/{note.provider_id}").json()
    assert told["memo"] == f"Credit note {note.number}: correction"
    assert "week" not in json.dumps(told)


def test_its_page_says_where_each_credit_note_stands(session: Database, client: Client, deal: Deal) -> None:
    path = f"/invoices/{deal.invoice.id}/payment"
    sign_in(client, deal.supplier)
    early = deal.credit("100.00")
    assert "once it has the invoice" in client.get(path).text
    deal.send()
    deal.provider.behave(faults=[{"kind": "broken", "path": "/v1/credit_notes"}])
    jobs.send_due_credits()
    assert "did not answer. It is tried again by itself" in client.get(path).text
    deal.later(minutes=2)
    jobs.send_due_credits()
    assert "With the provider since" in client.get(path).text
    deal.pay()
    deal.hear()
    late = deal.credit("200.00")
    assert "within minutes" in client.get(path).text
    jobs.send_due_credits()
    page = client.get(path).text
    assert "Given back" in page
    assert "Credited" in page
    assert all(number in page for number in (early.number, late.number, "£100.00", "£200.00"))
