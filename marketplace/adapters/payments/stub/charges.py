"""Payments of invoices, refunds, and disputes of payments by a bank.

In the present interface an invoice does not name its payments: an `invoice_payment` ties each to its payment intent.
"""

from __future__ import annotations

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.store import Body
from marketplace.adapters.payments.stub.transfers import Transfers

DECLINES = {"card": ("card_declined", "Your card was declined."), "debit": ("debit_not_authorized", "Not authorised.")}
# A real one takes three to five days; too long to look at.
DEBIT_SECONDS = 60.0
DEBIT = "debit "
OPEN_DISPUTES = ("needs_response", "under_review")


class Charges(Transfers):
    """Money that customers paid, and gave or took back."""

    # Paying

    def paid_on_page(self, invoice: Body, way: str) -> Body:
        """The customer paid on the invoice's page; the money goes on to the supplier, if it has one."""
        intent, charge = self._store.new_id("pi"), self._store.new_id("ch" if way == "card" else "py")
        account = self._store.recall(f"destination {invoice['id']}")
        body: Body = {
            "id": charge,
            "object": "charge",
            "amount": invoice["amount_remaining"],
            "amount_refunded": 0,
            "created": self.now(),
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "disputed": False,
            "livemode": False,
            "metadata": {},
            "on_behalf_of": invoice.get("on_behalf_of"),
            "payment_intent": intent,
            "refunded": False,
            "status": "succeeded",
            "transfer": self.passed_on(charge, invoice["amount_remaining"], account) if account else None,
            "transfer_data": {"destination": account, "amount": None} if account else None,
        }
        self._store.put(body)
        self.tell("charge.succeeded", body)
        self._payment(invoice, {"type": "payment_intent", "payment_intent": intent})
        return self.settled(invoice, attempted=True)

    def paid_elsewhere(self, invoice: Body) -> Body:
        """The customer paid by another way."""
        self._payment(invoice, {"type": "payment_record", "payment_record": self._store.new_id("pr")})
        return self.settled(invoice)

    def declined_on_page(self, invoice: Body, way: str) -> Body:
        """The customer's card or direct debit was declined: the invoice stays as it was."""
        code, words = DECLINES[way]
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        self._store.put(invoice)
        self.tell("payment_intent.payment_failed", {"object": "payment_intent", "code": code, "message": words})
        self.tell("invoice.payment_failed", invoice)
        return invoice

    # Direct debits: begun on the page, collected or returned by the bank later

    def debit_on_page(self, invoice: Body, *, returned: bool) -> None:
        """A direct debit is begun. The invoice stays open until the bank has paid it, or returned it."""
        due = self._store.clock() + float(self._store.setting("debit_seconds", DEBIT_SECONDS))
        self._store.note(f"{DEBIT}{invoice['id']}", {"due": due, "returned": returned})
        amount = {"amount": invoice["amount_remaining"], "currency": invoice["currency"], "created": self.now()}
        self.tell("payment_intent.processing", {"object": "payment_intent", "status": "processing", **amount})

    def debit_of(self, invoice: Body) -> bool:
        """Whether a direct debit of it is on its way."""
        return self._store.recall(f"{DEBIT}{invoice['id']}") is not None

    def collect_debits(self) -> float | None:
        """Pay or return the direct debits that are due; when the next one is. What was settled otherwise is dropped."""
        waits: list[float] = []
        with self._store.transaction():
            for name, debit in self._store.noted(DEBIT):
                if debit["due"] > self._store.clock():
                    waits.append(debit["due"])
                    continue
                self._store.forget(name)
                invoice = self.find("invoice", name.removeprefix(DEBIT))
                if invoice["status"] not in ("open", "uncollectible"):
                    continue
                if debit["returned"]:
                    self.declined_on_page(invoice, "debit")
                else:
                    self.paid_on_page(invoice, "debit")
        return min(waits, default=None)

    def _payment(self, invoice: Body, payment: Body) -> None:
        body: Body = {
            "id": self._store.new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": invoice["amount_remaining"],
            "amount_requested": invoice["amount_remaining"],
            "created": self.now(),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": payment,
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": self.now()},
        }
        self._store.put(body)
        self.tell("invoice_payment.paid", body)

    def settled(self, invoice: Body, *, attempted: bool = False) -> Body:
        """Nothing is left to be paid, whether or not anything was."""
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
        invoice["status_transitions"]["paid_at"] = self.now()
        if attempted:
            invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        self._store.put(invoice)
        self.tell("invoice.paid", invoice)
        if attempted:
            self.tell("invoice.payment_succeeded", invoice)
        return invoice

    # Giving back

    def refund(self, params: Params) -> Body:
        """Money back the way it came, at most what came and was not given back."""
        asking.only(params, "amount", "charge", "payment_intent", "reason", "reverse_transfer", "metadata")
        charge = self._charge_of(asking.required(params, "payment_intent"))
        left = charge["amount"] - charge["amount_refunded"]
        amount = asking.integer(params, "amount", left) or 0
        if charge["disputed"]:
            words = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise StripeError(words, code="charge_disputed", executed=True)
        if not left:
            words = f"Charge {charge['id']} has already been refunded."
            raise StripeError(words, code="charge_already_refunded", executed=True)
        if not 0 < amount <= left:
            words = (
                f"Refund amount (£{amount / 100:.2f}) is greater than unrefunded amount on charge (£{left / 100:.2f})"
            )
            raise StripeError(words, param="amount", executed=True)
        if asking.boolean(params, "reverse_transfer") and not charge["transfer_data"]:
            words = f"Cannot reverse transfer on charge {charge['id']} as it does not have an associated transfer."
            raise StripeError(words, param="reverse_transfer", executed=True)
        key = self._store.new_id("re")
        refund: Body = {
            "id": key,
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": self.now(),
            "currency": charge["currency"],
            "metadata": asking.metadata(params),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "status": "succeeded",
            "transfer_reversal": self.take_back(charge["transfer"], amount, refund=key)["id"]
            if params.get("reverse_transfer") == "true"
            else None,
        }
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._store.put(refund)
        self._store.put(charge)
        self.tell("refund.created", refund)
        self.tell("charge.refunded", charge)
        return refund

    def fail_refund(self, refund_id: str) -> Body:
        """The funder's bank turns the money away, days later: it is with the provider again."""
        refund = self.find("refund", refund_id)
        if refund["status"] != "succeeded":
            raise StripeError("This refund has failed already.", executed=True)
        charge = self.find("charge", refund["charge"])
        charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
        refund |= {"status": "failed", "failure_reason": "declined"}
        self._store.put(charge)
        self._store.put(refund)
        self.tell("refund.failed", refund)
        self.tell("charge.updated", charge)
        return refund

    def _charge_of(self, intent: str) -> Body:
        found = self._store.those("charge", payment_intent=intent)
        if not found:
            raise StripeError(
                f"No such payment_intent: '{intent}'", status=404, code="resource_missing", param="payment_intent"
            )
        return found[0]

    # Disputes: only what the stub is told to do, as Stripe's come from banks

    def dispute(self, invoice_id: str, reason: str) -> Body:
        """The customer's bank takes back what was paid for the invoice, until the dispute is decided."""
        paid = [
            one["payment"].get("payment_intent") for one in self._store.those("invoice_payment", invoice=invoice_id)
        ]
        intent = next((one for one in paid if one), None)
        if intent is None:
            raise StripeError("There is no payment of this invoice to dispute", executed=True)
        charge = self._charge_of(intent)
        dispute: Body = {
            "id": self._store.new_id("du"),
            "object": "dispute",
            "amount": charge["amount"] - charge["amount_refunded"],
            "charge": charge["id"],
            "created": self.now(),
            "currency": charge["currency"],
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        }
        charge["disputed"] = True
        self._store.put(charge)
        self._store.put(dispute)
        self.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute_id: str, status: str) -> Body:
        """The bank has decided: won (the payment stands) or lost (it is undone)."""
        dispute = self.find("dispute", dispute_id)
        if dispute["status"] not in OPEN_DISPUTES or status not in ("won", "lost"):
            raise StripeError("This dispute is already closed.", executed=True)
        dispute["status"] = status
        self._store.put(dispute)
        if status == "won":
            charge = self.find("charge", dispute["charge"])
            self._store.put({**charge, "disputed": False})
        self.tell("charge.dispute.closed", dispute)
        return dispute
