"""Customers, invoices and events: what may be done to them, and what Stripe says when it may not.

Wording of refusals and the table of moves follow Stripe's own
(https://docs.stripe.com/invoicing/integration/workflow-transitions).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.store import Body, Store

API_VERSION = "2026-10-28.endive"


class Ledger:
    """The stub's books. Every method is called within a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self._store.clock())

    # Events

    def tell(self, kind: str, about: Body, key: str | None = None) -> None:
        """Record that something happened, with the object as it is now, and queue it for the webhook."""
        event: Body = {
            "id": self._store.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": key},
            "type": kind,
        }
        self._store.put(event)
        if not kind.startswith("invoice."):
            return  # the endpoint is registered for invoice.* alone
        outcome = "waiting"
        lose = int(self._store.setting("lose_next", 0))
        if lose > 0:
            self._store.set("lose_next", lose - 1)
            outcome = "lost"
        due = self._store.clock() + float(self._store.setting("delay_seconds", 0))
        for _ in range(int(self._store.setting("copies", 1))):
            self._store.run("INSERT INTO deliveries (event, due, outcome) VALUES (?, ?, ?)", event["id"], due, outcome)

    # Customers

    def create_customer(self, params: Params) -> Body:
        """A new customer."""
        asking.only(params, "name", "email", "description", "metadata", "phone")
        customer: Body = {
            "id": self._store.new_id("cus"),
            "object": "customer",
            "balance": 0,
            "created": self.now(),
            "currency": None,
            "delinquent": False,
            "description": params.get("description"),
            "email": params.get("email"),
            "invoice_prefix": secrets.token_hex(4).upper(),
            "livemode": False,
            "metadata": asking.metadata(params),
            "name": params.get("name"),
            "next_invoice_sequence": 1,
            "phone": params.get("phone"),
        }
        self._store.put(customer)
        self.tell("customer.created", customer)
        return customer

    def update_customer(self, customer_id: str, params: Params) -> Body:
        """A customer's particulars, changed. Invoices already final keep what they were made out to."""
        asking.only(params, "name", "email", "description", "metadata", "phone")
        customer = self.customer(customer_id)
        for name in ("name", "email", "description", "phone"):
            if name in params:
                customer[name] = params[name] or None
        customer["metadata"] = asking.metadata(params, customer["metadata"])
        self._store.put(customer)
        self.tell("customer.updated", customer)
        return customer

    def customer(self, customer_id: str, param: str = "id") -> Body:
        """The customer, or Stripe's refusal; that is a 400 where a field of another request named it."""
        found = self._store.get("customer", customer_id)
        if found is None:
            status = 404 if param == "id" else 400
            raise _missing("customer", customer_id, param, status=status)
        return found

    # Invoices

    def create_invoice(self, params: Params) -> Body:
        """An empty draft."""
        asking.only(
            params,
            *("customer", "collection_method", "days_until_due", "currency", "auto_advance", "description"),
            *("pending_invoice_items_behavior", "metadata", "footer"),
        )
        customer = self.customer(asking.required(params, "customer"), "customer")
        method = asking.one_of(
            params, "collection_method", "charge_automatically", ("charge_automatically", "send_invoice")
        )
        days = asking.integer(params, "days_until_due")
        if method == "send_invoice" and days is None:
            raise StripeError(
                "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
            )
        if method != "send_invoice" and days is not None:
            raise StripeError(
                "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'."
            )
        asking.one_of(params, "pending_invoice_items_behavior", "exclude", ("exclude", "include"))
        currency = asking.one_of(params, "currency", "gbp", ("gbp", "eur", "usd"))
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
            "currency": currency,
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "description": params.get("description") or None,
            "due_date": None if days is None else now + days * 86400,
            "effective_at": None,
            "footer": params.get("footer") or None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "lines": {"object": "list", "data": [], "has_more": False, "total_count": 0, "url": ""},
            "livemode": False,
            "metadata": asking.metadata(params),
            "number": None,
            "period_end": now,
            "period_start": now,
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
        self.tell("invoice.created", invoice)
        return invoice

    def create_item(self, params: Params) -> Body:
        """A line on a draft."""
        asking.only(params, "customer", "invoice", "amount", "currency", "description", "metadata")
        customer = self.customer(asking.required(params, "customer"), "customer")
        amount = asking.integer(params, "amount")
        if amount is None:
            raise StripeError("Missing required param: amount.", code="parameter_missing", param="amount")
        invoice = self.invoice(asking.required(params, "invoice"), "invoice", status=400)
        if invoice["status"] != "draft":
            raise StripeError(
                "Invalid invoice: This invoice is no longer editable",
                code="invoice_not_editable",
                param="invoice",
                executed=True,
            )
        if invoice["customer"] != customer["id"]:
            raise StripeError("The invoice belongs to another customer.", param="invoice")
        if params.get("currency", invoice["currency"]) != invoice["currency"]:
            raise StripeError(
                f"The currency of the invoice item must be that of the invoice ({invoice['currency']}).",
                param="currency",
            )
        item: Body = {
            "id": self._store.new_id("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": invoice["currency"],
            "customer": customer["id"],
            "date": self.now(),
            "description": params.get("description") or None,
            "discountable": True,
            "invoice": invoice["id"],
            "livemode": False,
            "metadata": asking.metadata(params),
            "period": {"end": self.now(), "start": self.now()},
            "proration": False,
            "quantity": 1,
        }
        self._store.put(item)
        self._take_in(invoice, item)
        self.tell("invoiceitem.created", item)
        self.tell("invoice.updated", invoice)
        return item

    def _take_in(self, invoice: Body, item: Body) -> None:
        line = {name: item[name] for name in ("amount", "currency", "description", "livemode", "metadata", "period")}
        line |= {"id": self._store.new_id("il"), "object": "line_item", "invoice": invoice["id"], "quantity": 1}
        line["parent"] = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": item["id"]}}
        lines = invoice["lines"]
        lines["data"].append(line)
        lines["total_count"] = len(lines["data"])
        total = sum(each["amount"] for each in lines["data"])
        invoice |= {"subtotal": total, "total": total, "amount_due": max(total, 0), "amount_remaining": max(total, 0)}
        self._store.put(invoice)

    def update_invoice(self, invoice_id: str, params: Params) -> Body:
        """Description and metadata; once final, metadata alone."""
        asking.only(params, "description", "metadata")
        invoice = self.invoice(invoice_id)
        if "description" in params:
            if invoice["status"] != "draft":
                raise StripeError("Finalized invoices can't be updated in this way", param="description", executed=True)
            invoice["description"] = params["description"] or None
        invoice["metadata"] = asking.metadata(params, invoice["metadata"])
        self._store.put(invoice)
        self.tell("invoice.updated", invoice)
        return invoice

    def delete_invoice(self, invoice_id: str) -> Body:
        """A draft is taken away; nothing else can be."""
        invoice = self.invoice(invoice_id, "invoice")
        if invoice["status"] != "draft":
            raise StripeError("You can only delete draft invoices.", executed=True)
        self._store.remove(invoice_id)
        self.tell("invoice.deleted", invoice)
        return {"id": invoice_id, "object": "invoice", "deleted": True}

    def finalize(self, invoice_id: str, params: Params, *, base: str) -> Body:
        """Draft to open, with a number and a page; at nought straight to paid. `base` is the stub's own address."""
        asking.only(params, "auto_advance")
        asking.boolean(params, "auto_advance")
        invoice = self.invoice(invoice_id)
        if invoice["status"] != "draft":
            raise StripeError(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
                code="invoice_already_finalized",
                executed=True,
            )
        customer = self.customer(invoice["customer"])
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
        return invoice if invoice["amount_due"] else self._paid(invoice, attempted=True)

    def send(self, invoice_id: str, params: Params, *, base: str) -> Body:
        """E-mail the invoice (here: only say so); a draft is finalised first."""
        asking.only(params)
        invoice = self.invoice(invoice_id, "invoice")
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
        invoice = self.invoice(invoice_id)
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
        return self._paid(invoice, attempted=False)

    def paid_on_page(self, invoice: Body) -> Body:
        """The customer paid on the invoice's page."""
        return self._paid(invoice, attempted=True)

    def declined_on_page(self, invoice: Body) -> Body:
        """The customer's card was declined: the invoice stays as it was."""
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        self._store.put(invoice)
        self.tell("invoice.payment_failed", invoice)
        return invoice

    def _paid(self, invoice: Body, *, attempted: bool) -> Body:
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
        invoice["status_transitions"]["paid_at"] = self.now()
        if attempted:
            invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        self._store.put(invoice)
        self.tell("invoice.paid", invoice)
        if attempted:
            self.tell("invoice.payment_succeeded", invoice)
        return invoice

    def void(self, invoice_id: str, params: Params) -> Body:
        """Open or uncollectible to void."""
        asking.only(params)
        invoice = self.invoice(invoice_id)
        if invoice["status"] == "paid":
            raise StripeError("Invoices with `paid` payments cannot be voided.", executed=True)
        return self._move(invoice, "void", ("open", "uncollectible"), "voided_at", "invoice.voided")

    def mark_uncollectible(self, invoice_id: str, params: Params) -> Body:
        """Open to uncollectible."""
        asking.only(params)
        invoice = self.invoice(invoice_id)
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

    def invoice(self, invoice_id: str, param: str = "id", *, status: int = 404) -> Body:
        """The invoice, or Stripe's refusal."""
        found = self._store.get("invoice", invoice_id)
        if found is None:
            raise _missing("invoice", invoice_id, param, status=status)
        return found


def _missing(kind: str, id_: Any, param: str, *, status: int = 404) -> StripeError:
    return StripeError(f"No such {kind}: '{id_}'", status=status, code="resource_missing", param=param)


def fingerprint(method: str, path: str, params: Params) -> str:
    """What must be the same for one idempotency key to give the same answer."""
    return json.dumps([method, path, params], sort_keys=True)
