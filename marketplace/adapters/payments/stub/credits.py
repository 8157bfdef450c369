"""Credit notes: first they lower what is still to be paid, then they say where what was paid went back to.

As https://docs.stripe.com/api/credit_notes/create has it.
"""

from __future__ import annotations

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.books import Books
from marketplace.adapters.payments.stub.charges import Charges
from marketplace.adapters.payments.stub.store import Body, Store

REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")


class Credits(Books):
    """Less to pay."""

    def __init__(self, store: Store, charges: Charges) -> None:
        super().__init__(store)
        self._charges = charges

    def create(self, params: Params) -> Body:
        """A credit note on a final invoice, over at most what it has not been credited yet."""
        asking.only(
            params,
            *("invoice", "amount", "memo", "reason", "metadata", "refunds", "out_of_band_amount", "credit_amount"),
            "email_type",
        )
        invoice = self.find("invoice", asking.required(params, "invoice"), "invoice", status=400)
        amount = asking.integer(params, "amount")
        if amount is None:
            raise StripeError("One of `amount`, `lines`, or `shipping_cost` must be provided.", param="amount")
        if params.get("reason"):
            asking.one_of(params, "reason", "", REASONS)
        if invoice["status"] not in ("open", "paid", "uncollectible"):
            words = f"Credit notes can only be created for open or paid invoices; this one is {invoice['status']}."
            raise StripeError(words, code="invoice_not_editable", param="invoice", executed=True)
        left = invoice["total"] - _credited(invoice)
        if not 0 < amount <= left:
            words = f"The credit note amount of £{amount / 100:.2f} is more than the £{left / 100:.2f} left to credit."
            raise StripeError(words, param="amount", executed=True)
        before = min(amount, invoice["amount_remaining"])
        refunds = self._refunds(params)
        elsewhere = asking.integer(params, "out_of_band_amount", 0) or 0
        balance = asking.integer(params, "credit_amount", 0) or 0
        if sum(one["amount_refunded"] for one in refunds) + elsewhere + balance != amount - before:
            raise StripeError(
                "The sum of refunds, customer balance credits, and outside of Stripe credits must equal the "
                f"post-payment amount of £{(amount - before) / 100:.2f}.",
                executed=True,
            )
        number = len(self._store.those("credit_note", invoice=invoice["id"])) + 1
        note: Body = {
            "id": self._store.new_id("cn"),
            "object": "credit_note",
            "amount": amount,
            "created": self.now(),
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "effective_at": self.now(),
            "invoice": invoice["id"],
            "livemode": False,
            "memo": params.get("memo") or None,
            "metadata": asking.metadata(params),
            "number": f"{invoice['number']}-CN-{number:02d}",
            "out_of_band_amount": elsewhere or None,
            "post_payment_amount": amount - before,
            "pre_payment_amount": before,
            "reason": params.get("reason"),
            "refunds": refunds,
            "status": "issued",
            "total": amount,
            "type": "mixed" if 0 < before < amount else "pre_payment" if before else "post_payment",
            "voided_at": None,
        }
        self._store.put(note)
        self.tell("credit_note.created", note)
        self._count(invoice, before=before, after=amount - before)
        return note

    def void(self, note_id: str, params: Params) -> Body:
        """The credit note was a mistake; only one that did nothing but lower what is still to be paid."""
        asking.only(params)
        note = self.find("credit_note", note_id)
        invoice = self.find("invoice", note["invoice"])
        if note["status"] == "void" or note["post_payment_amount"] or invoice["status"] != "open":
            raise StripeError("You can only void an issued credit note on an open invoice.", executed=True)
        note |= {"status": "void", "voided_at": self.now()}
        self._store.put(note)
        self.tell("credit_note.voided", note)
        self._count(invoice, before=-note["pre_payment_amount"], after=0)
        return note

    def _refunds(self, params: Params) -> list[Body]:
        taken = []
        given = params.get("refunds") or {}
        for line in given.values():
            asking.only(line, "refund", "amount_refunded", "type")
            refund = self.find("refund", asking.required(line, "refund"), "refunds", status=400)
            amount = asking.integer(line, "amount_refunded", refund["amount"]) or 0
            taken.append({"refund": refund["id"], "amount_refunded": amount, "type": "refund"})
        return taken

    def _count(self, invoice: Body, *, before: int, after: int) -> None:
        """An open invoice of which nothing is left to be paid is paid."""
        invoice["pre_payment_credit_notes_amount"] = invoice.get("pre_payment_credit_notes_amount", 0) + before
        invoice["post_payment_credit_notes_amount"] = invoice.get("post_payment_credit_notes_amount", 0) + after
        invoice["amount_due"] -= before
        invoice["amount_remaining"] -= before
        self._store.put(invoice)
        self.tell("invoice.updated", invoice)
        if invoice["status"] in ("open", "uncollectible") and not invoice["amount_remaining"]:
            self._charges.settled(invoice)


def _credited(invoice: Body) -> int:
    fields = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    return sum(int(invoice.get(name, 0)) for name in fields)
