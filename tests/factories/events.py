"""What the payment provider tells of invoices, as it would write and sign it, and what that must come to.

A `Story` is all that happened to one invoice, with its events in the order of time. Whoever applies them in any other
order, or some of them twice, must end with the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.payments.rules import ChargebackStatus
from marketplace.adapters.payments.records import pence, pounds

Body = dict[str, Any]
ENDS = ("open", "paid", "paid", "paid", "elsewhere", "void", "uncollectible", "given up and paid", "credited in part")
ENDS += ("credited whole", "refunded", "refunded", "taken back", "taken back and won", "taken back and lost")
# With a credit note of ours, of which we lost the answer; and which crossed the payment.
OURS = ("ours credited", "ours credited whole", "ours crossed", "ours crossed whole", "ours crossed and failed")
ENDS += OURS


@dataclass
class Story:
    """What happened to one invoice at the provider, and how everything stands in the end."""

    invoice_id: int
    provider_id: str
    reference: str
    total: int
    at: int
    random: Random
    end: str
    events: list[bytes] = field(default_factory=list)
    status: InvoiceStatus = InvoiceStatus.OPEN
    paid_at: datetime | None = None
    refunded: Decimal = Decimal(0)
    chargeback: ChargebackStatus | None = None
    # Of our credit note: its reference and amount; how it stands in the end.
    credit: tuple[str, int] | None = None
    credit_status: CreditStatus | None = None
    # What the ledger says is owed in the end; below nought, what is to go back.
    owed: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self.payment = f"pi_{self.provider_id}"
        self.invoice: Body = {
            "id": self.provider_id,
            "object": "invoice",
            "status": "draft",
            "currency": "gbp",
            "created": self.at,
            "customer": "cus_1",
            "hosted_invoice_url": f"http://127.0.0.1:9/invoice/{self.provider_id}",
            "metadata": {"reference": self.reference},
            "on_behalf_of": "acct_1",
            "pre_payment_credit_notes_amount": 0,
            "status_transitions": {},
            "total": self.total,
            **self._due(self.total),
        }

    @staticmethod
    def _due(amount: int) -> Body:
        return {"amount_due": amount, "amount_paid": 0, "amount_remaining": amount}

    def tell(self, kind: str, about: Body | None = None) -> None:
        """It happened, some seconds after what happened before (or in the same second)."""
        self.at += self.random.choice((0, 0, 1, 60))
        body = {
            "id": f"evt_{self.provider_id}_{len(self.events)}",
            "object": "event",
            "type": kind,
            "created": self.at,
            "data": {"object": about or self.invoice},
        }
        self.events.append(json.dumps(body).encode())

    def play(self) -> Story:
        """All of it."""
        self.tell("invoice.created")
        self.tell("invoice.updated")
        self.invoice["status"] = "open"
        self.tell("invoice.finalized")
        self.tell("invoice.sent")
        for _ in range(self.random.randint(0, 3)):
            self.tell("invoice.payment_failed")
        if self.end in ("uncollectible", "given up and paid"):
            self.invoice["status"] = "uncollectible"
            self.tell("invoice.marked_uncollectible")
        if self.end.startswith("ours"):
            self._ours()
        if self.end.startswith("credited"):
            self._credited(self.total if self.end == "credited whole" else self.total // 3)
        if self.end == "void":
            self.invoice |= {"status": "void", "status_transitions": {"voided_at": self.at}}
            self.tell("invoice.voided")
            self.status = InvoiceStatus.VOID
        if self.end in ("paid", "elsewhere", "given up and paid", "credited in part") or self.end[:4] in (
            "refu",
            "take",
        ):
            self._paid(by_another_way=self.end == "elsewhere")
        if self.end == "refunded":
            self._refunded()
        if self.end.startswith("taken back"):
            self._taken_back()
        self.owed = self._owed()
        return self

    def _owed(self) -> Decimal:
        if self.end in ("open", "uncollectible", "credited whole", "taken back and lost"):
            return pounds(self.total)
        if self.end == "credited in part":
            return pounds(self.total // 3)  # somebody's doing at the provider, of which our books know nothing
        if self.end == "ours crossed and failed":
            return -pounds(self.credit[1]) if self.credit else Decimal(0)
        return Decimal(0)

    def _ours(self) -> None:
        """A credit note of ours lowers what is to be paid; or, if it was paid meanwhile, is given back."""
        assert self.credit is not None
        reference, amount = self.credit
        self.credit_status = CreditStatus.ISSUED
        if self.end.startswith("ours credited"):
            self._credited(amount, reference)
            if self.end == "ours credited":
                self._paid(by_another_way=False)
            else:
                self.status = InvoiceStatus.CREDITED
            return
        self._paid(by_another_way=False)
        charge = {"id": f"ch_{self.provider_id}", "object": "charge", "payment_intent": self.payment}
        refund = {"id": f"re_{self.provider_id}", "object": "refund", "payment_intent": self.payment, "amount": amount}
        refund |= {"created": self.at, "metadata": {"reference": reference}}
        self.tell("charge.refunded", {**charge, "amount": self.total, "amount_refunded": amount})
        self._credited(amount, reference, refund=str(refund["id"]))
        self.credit_status, self.refunded = CreditStatus.REFUNDED, pounds(amount)
        if self.end.endswith("failed"):
            self.at += 86_400
            self.tell("refund.failed", {**refund, "status": "failed"})
            self.tell("charge.updated", {**charge, "amount": self.total, "amount_refunded": 0})
            self.credit_status, self.refunded = CreditStatus.ISSUED, Decimal(0)

    def _credited(self, amount: int, reference: str = "by hand", refund: str | None = None) -> None:
        note: Body = {
            "id": f"cn_{self.provider_id}",
            "object": "credit_note",
            "invoice": self.provider_id,
            "status": "issued",
        }
        before = 0 if refund else amount
        note |= {"number": "X-CN-01", "amount": amount, "pre_payment_amount": before}
        note |= {"post_payment_amount": amount - before, "metadata": {"reference": reference}, "created": self.at}
        note["refunds"] = [{"refund": refund, "amount_refunded": amount, "type": "refund"}] if refund else []
        self.tell("credit_note.created", note)
        self.tell("credit_note.updated", note)
        if refund:
            self.invoice["post_payment_credit_notes_amount"] = amount
            self.tell("invoice.updated")
            return
        left = self.total - amount
        self.invoice |= {"pre_payment_credit_notes_amount": amount, **self._due(left)}
        self.tell("invoice.updated")
        if not left:  # there it counts as paid, though nobody paid; our own credit notes say what it is here
            self.invoice["status"] = "paid"
            self.tell("invoice.paid")

    def _paid(self, *, by_another_way: bool) -> None:
        amount = self.invoice["amount_remaining"]
        paid = {"type": "payment_record", "payment_record": "pr_1"}
        if not by_another_way:
            paid = {"type": "payment_intent", "payment_intent": self.payment}
        moves = {"paid_at": self.at}
        self.invoice |= {"status": "paid", "amount_paid": amount, "amount_remaining": 0, "status_transitions": moves}
        taken = {"id": f"inpay_{self.provider_id}", "object": "invoice_payment", "invoice": self.provider_id}
        taken |= {"amount_paid": amount, "created": self.at, "payment": paid, "status_transitions": moves}
        self.paid_at = datetime.fromtimestamp(self.at, tz=UTC)
        self.tell("invoice_payment.paid", taken)
        self.tell("invoice.paid")
        self.tell("invoice.payment_succeeded")
        self.status = InvoiceStatus.PAID

    def _refunded(self) -> None:
        charge = {"id": f"ch_{self.provider_id}", "object": "charge", "payment_intent": self.payment}
        given = 0
        for _ in range(self.random.randint(1, 4)):
            given += self.total // 5
            self.tell("charge.refunded", {**charge, "amount": self.total, "amount_refunded": given})
        self.refunded = pounds(given)

    def _taken_back(self) -> None:
        dispute = {"id": f"du_{self.provider_id}", "object": "dispute", "payment_intent": self.payment}
        dispute |= {"amount": self.total, "reason": "fraudulent", "created": self.at}
        self.chargeback = ChargebackStatus.TAKEN
        self.tell("charge.dispute.created", {**dispute, "status": "needs_response"})
        self.tell("charge.dispute.updated", {**dispute, "status": "under_review"})
        if self.end != "taken back":
            outcome = self.end.rpartition(" ")[2]
            self.chargeback = ChargebackStatus(outcome)
            self.tell("charge.dispute.closed", {**dispute, "status": outcome})
            if self.chargeback is ChargebackStatus.LOST:
                self.status = InvoiceStatus.TAKEN_BACK


def story_of(
    invoice: Invoice, *, provider_id: str, at: datetime, random: Random, end: str, note: CreditNote | None = None
) -> Story:
    """One invoice of ours, at the provider under that key, perhaps with a credit note of ours."""
    return Story(
        invoice_id=invoice.id,
        provider_id=provider_id,
        reference=invoice.payment_reference,
        total=pence(invoice.amount),
        at=int(at.timestamp()),
        random=random,
        end=end,
        credit=(note.payment_reference, pence(note.amount)) if note else None,
    ).play()
