"""Invoices while they are drafts, and the moves of a whole invoice.

Wording of refusals and the table of moves follow Stripe's own
(https://docs.stripe.com/invoicing/integration/workflow-transitions).
"""

from __future__ import annotations

from typing import Any

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.accounts import Accounts
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.charges import Charges
from marketplace.adapters.payments.stub.store import Body, Store


class Invoices(Charges):
    """What customers are asked to pay."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        super().__init__(store)
        self._accounts = accounts

    def create(self, params: Params) -> Body:
        """An empty draft."""
        asking.only(
            params,
            *("customer", "collection_method", "days_until_due", "due_date", "currency", "auto_advance", "description"),
            *("pending_invoice_items_behavior", "metadata", "footer", "on_behalf_of", "transfer_data"),
        )
        customer = self.find("customer", asking.required(params, "customer"), "customer", status=400)
        method = asking.one_of(
            params, "collection_method", "charge_automatically", ("charge_automatically", "send_invoice")
        )
        days, due = asking.integer(params, "days_until_due"), asking.integer(params, "due_date")
        if days is not None and due is not None:
            raise StripeError("You may only specify one of these parameters: days_until_due, due_date.")
        if method == "send_invoice" and days is due is None:
            raise StripeError(
                "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
            )
        if method != "send_invoice" and (days is not None or due is not None):
            raise StripeError(
                "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'."
            )
        asking.one_of(params, "pending_invoice_items_behavior", "exclude", ("exclude", "include"))
        destination = self._accounts.destination(params)
        now = self.now()
        invoice: Body = {
            "id": self._store.new_id("in"),
            "object": "invoice",
            "account_country": "GB",
            "account_name": "Demonstration payments",
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": asking.boolean(params, "auto_advance"),
            "billing_reason": "manual",
            "collection_method": method,
            "created": now,
            "currency": asking.one_of(params, "currency", "gbp", ("gbp", "eur", "usd")),
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "description": params.get("description") or None,
            "due_date": due if days is None else now + days * 86400,
            "effective_at": None,
            "footer": params.get("footer") or None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "lines": {"object": "list", "data": [], "has_more": False, "total_count": 0, "url": ""},
            "livemode": False,
            "metadata": asking.metadata(params),
            "number": None,
            "on_behalf_of": params.get("on_behalf_of"),
            "period_end": now,
            "period_start": now,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "starting_balance": 0,
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "subtotal": 0,
            "total": 0,
        }
        invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
        self._store.put(invoice)
        self._store.note(f"destination {invoice['id']}", destination)
        self.tell("invoice.created", invoice)
        return invoice

    def add_lines(self, invoice_id: str, params: Params) -> Body:
        """Lines on a draft: all or none."""
        asking.only(params, "lines", "invoice_metadata")
        invoice = self.find("invoice", invoice_id, "invoice")
        if invoice["status"] != "draft":
            raise StripeError(
                "Invalid invoice: This invoice is no longer editable",
                code="invoice_not_editable",
                param="invoice",
                executed=True,
            )
        given = params.get("lines")
        if not isinstance(given, dict) or not given:
            raise StripeError("Missing required param: lines.", code="parameter_missing", param="lines")
        for place, line in sorted(given.items(), key=lambda each: int(each[0])):
            asking.only(line, "amount", "description", "metadata")
            amount = asking.integer(line, "amount")
            if amount is None:
                name = f"lines[{place}][amount]"
                raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
            self._take_in(invoice, amount, line)
        self._store.put(invoice)
        self.tell("invoice.updated", invoice)
        return invoice

    def _take_in(self, invoice: Body, amount: int, given: Params) -> None:
        lines = invoice["lines"]
        lines["data"].append(
            {
                "id": self._store.new_id("il"),
                "object": "line_item",
                "amount": amount,
                "currency": invoice["currency"],
                "description": given.get("description") or None,
                "invoice": invoice["id"],
                "livemode": False,
                "metadata": asking.metadata(given),
                "period": {"end": self.now(), "start": self.now()},
                "quantity": 1,
            }
        )
        lines["total_count"] = len(lines["data"])
        total = sum(each["amount"] for each in lines["data"])
        invoice |= {"subtotal": total, "total": total, "amount_due": max(total, 0), "amount_remaining": max(total, 0)}

    def update(self, invoice_id: str, params: Params) -> Body:
        """Description and metadata; once final, metadata alone."""
        asking.only(params, "description", "metadata")
        invoice = self.find("invoice", invoice_id)
        if "description" in params:
            if invoice["status"] != "draft":
                raise StripeError("Finalized invoices can't be updated in this way", param="description", executed=True)
            invoice["description"] = params["description"] or None
        invoice["metadata"] = asking.metadata(params, invoice["metadata"])
        self._store.put(invoice)
        self.tell("invoice.updated", invoice)
        return invoice

    def delete(self, invoice_id: str) -> Body:
        """A draft is taken away; nothing else can be."""
        invoice = self.find("invoice", invoice_id, "invoice")
        if invoice["status"] != "draft":
            raise StripeError("You can only delete draft invoices.", executed=True)
        self._store.remove(invoice_id)
        self.tell("invoice.deleted", invoice)
        return {"id": invoice_id, "object": "invoice", "deleted": True}

    def finalize(self, invoice_id: str, params: Params, *, base: str) -> Body:
        """Draft to open, with a number and a page; at nought straight to paid. `base` is the stub's own address."""
        asking.only(params, "auto_advance")
        asking.boolean(params, "auto_advance")
        invoice = self.find("invoice", invoice_id)
        if invoice["status"] != "draft":
            raise StripeError(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
                code="invoice_already_finalized",
                executed=True,
            )
        self._accounts.must_be_able(self._store.recall(f"destination {invoice_id}"))
        customer = self.find("customer", invoice["customer"])
        page = f"{base}/invoice/{self._store.page_token(invoice_id)}"
        invoice |= {
            "status": "open",
            "number": f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
            "effective_at": self.now(),
            "auto_advance": asking.boolean(params, "auto_advance"),
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "hosted_invoice_url": page,
        }
        invoice["status_transitions"]["finalized_at"] = self.now()
        customer["next_invoice_sequence"] += 1
        self._store.put(customer)
        self._store.put(invoice)
        self.tell("invoice.finalized", invoice)
        return invoice if invoice["amount_due"] else self.settled(invoice)

    def send(self, invoice_id: str, params: Params, *, base: str) -> Body:
        """E-mail the invoice (here: only say so); a draft is finalised first."""
        asking.only(params)
        invoice = self.find("invoice", invoice_id, "invoice")
        if invoice["collection_method"] != "send_invoice":
            raise StripeError(
                "You can only manually send an invoice if its collection method is 'send_invoice'.", executed=True
            )
        if invoice["status"] == "draft":
            invoice = self.finalize(invoice_id, {}, base=base)
        elif invoice["status"] != "open":
            raise StripeError(
                "This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact "
                "with details, so we can help.",
                executed=True,
            )
        if not invoice["customer_email"]:
            raise StripeError("Missing email. In order to send an invoice, the customer must have one.", executed=True)
        self.tell("invoice.sent", invoice)
        return invoice

    def pay(self, invoice_id: str, params: Params, *, base: str) -> Body:
        """Pay by what the customer left with Stripe, of which the stub has nothing, or out of band."""
        asking.only(params, "paid_out_of_band")
        invoice = self.find("invoice", invoice_id)
        if invoice["status"] == "draft":
            invoice = self.finalize(invoice_id, {}, base=base)
        if invoice["status"] == "paid":
            raise StripeError("Invoice is already paid", executed=True)
        if invoice["status"] == "void":
            raise StripeError("Invoices that are void cannot be paid.", executed=True)
        if not asking.boolean(params, "paid_out_of_band"):
            raise StripeError(
                "There is no `default_payment_method` set on this Customer or Invoice. Please set one, or mark the "
                "invoice as paid out of band.",
                code="resource_missing",
                executed=True,
            )
        return self.paid_elsewhere(invoice)

    def void(self, invoice_id: str, params: Params) -> Body:
        """Open or uncollectible to void."""
        asking.only(params)
        invoice = self.find("invoice", invoice_id)
        if invoice["status"] == "paid":
            raise StripeError("Invoices with `paid` payments cannot be voided.", executed=True)
        return self._move(invoice, "void", ("open", "uncollectible"), "voided_at", "invoice.voided")

    def mark_uncollectible(self, invoice_id: str, params: Params) -> Body:
        """Open to uncollectible."""
        asking.only(params)
        invoice = self.find("invoice", invoice_id)
        if invoice["status"] == "uncollectible":
            raise StripeError("This invoice has already been marked uncollectible.", executed=True)
        return self._move(
            invoice, "uncollectible", ("open",), "marked_uncollectible_at", "invoice.marked_uncollectible"
        )

    def _move(self, invoice: Body, to: str, allowed: tuple[str, ...], stamp: str, event: str) -> Body:
        if invoice["status"] not in allowed:
            raise StripeError("You can only pass in open invoices. This invoice isn't open.", executed=True)
        invoice["status"] = to
        invoice["status_transitions"][stamp] = self.now()
        self._store.put(invoice)
        self.tell(event, invoice)
        return invoice

    def shown(self, invoice: Body) -> dict[str, Any]:
        """What the invoice's page says besides the invoice: its credit notes, and who is paid."""
        notes = self._store.those("credit_note", invoice=invoice["id"], status="issued")
        account = self._store.get("account", invoice.get("on_behalf_of"))
        return {"credits": notes[::-1], "payee": account["business_profile"]["name"] if account else None}
