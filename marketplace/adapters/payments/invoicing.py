"""Customers and their invoices at the provider.

Every write takes a `key`: the provider does the same thing once for one key, so that a job which was killed, or which
had no answer, may run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from marketplace.adapters.payments.client import CURRENCY, Client, between, each, key_for, our_failures
from marketplace.adapters.payments.reading import customer_from, invoice_from, taken_from
from marketplace.adapters.payments.records import (
    InvoiceStatus,
    PaymentCustomer,
    PaymentInvoice,
    PaymentLine,
    PaymentTaken,
    pence,
)

# Public bodies pay within 30 days (Public Contracts Regulations 2015, reg. 113; Procurement Act 2023, s. 68).
DAYS_UNTIL_DUE = 30


class Invoicing(Client):
    """Commissioning bodies as customers, and what they are asked to pay."""

    # Customers

    def ensure_customer(self, *, reference: str, name: str, email: str) -> PaymentCustomer:
        """The provider's record of this commissioning body, made or brought up to date as needed.

        `reference` is our own name for the body. Keep the id that comes back: it is what invoices are drawn to.
        """
        for known in each(self._api.customers.list, customer_from, email=email):
            if known.reference == reference:
                return known if known.name == name else self.update_customer(known.id, name=name, email=email)
        with our_failures():
            params = {"name": name, "email": email, "metadata": {"reference": reference}}
            key = key_for("customer", reference, name, email)
            return customer_from(self._once(lambda options: self._api.customers.create(params, options), key).to_dict())

    def update_customer(self, customer_id: str, *, name: str, email: str) -> PaymentCustomer:
        """Bring what the provider calls this body, and where it writes to it, up to date. Twice changes nothing."""
        with our_failures():
            return customer_from(self._api.customers.update(customer_id, {"name": name, "email": email}).to_dict())

    # Invoices, step by step

    def draft_invoice(
        self,
        *,
        customer_id: str,
        reference: str,
        key: str,
        account_id: str | None = None,
        due: datetime | None = None,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> PaymentInvoice:
        """An empty draft in pounds, to be paid on receipt of the invoice. Nothing reaches the customer yet.

        It is due at that moment, which must be to come, or in 30 days. With `account_id` it is made out in that
        supplier's name, and what is paid goes on to the supplier.
        """
        params: dict[str, object] = {
            "customer": customer_id,
            "collection_method": "send_invoice",
            "currency": CURRENCY,
            "auto_advance": False,  # we say when it is final; the provider never does so by itself
            "pending_invoice_items_behavior": "exclude",
            "description": description,
            "metadata": {**(metadata or {}), "reference": reference},
        }
        params |= {"days_until_due": DAYS_UNTIL_DUE} if due is None else {"due_date": int(due.timestamp())}
        if account_id is not None:
            params |= {"on_behalf_of": account_id, "transfer_data": {"destination": account_id}}
        with our_failures():
            made = self._once(lambda options: self._api.invoices.create(params, options), key)
            return invoice_from(made.to_dict())

    def add_lines(self, invoice_id: str, lines: Sequence[PaymentLine], *, key: str) -> PaymentInvoice:
        """Add lines to a draft: all of them or none."""
        asked = [{"description": line.description, "amount": pence(line.amount)} for line in lines]
        with our_failures():
            done = self._once(lambda options: self._api.invoices.add_lines(invoice_id, {"lines": asked}, options), key)
            return invoice_from(done.to_dict())

    def finalise(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """Draft to open: the amount is fixed and the invoice gets its number and its page."""
        with our_failures():
            finalise = self._api.invoices.finalize_invoice
            done = self._once(lambda options: finalise(invoice_id, {"auto_advance": False}, options), key)
            return invoice_from(done.to_dict())

    def send(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The provider e-mails the invoice to the customer."""
        with our_failures():
            done = self._once(lambda options: self._api.invoices.send_invoice(invoice_id, options=options), key)
            return invoice_from(done.to_dict())

    def void(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The invoice was a mistake: it stays on record and asks for nothing. Only an open one can be voided."""
        with our_failures():
            done = self._once(lambda options: self._api.invoices.void_invoice(invoice_id, options=options), key)
            return invoice_from(done.to_dict())

    def discard_draft(self, invoice_id: str) -> None:
        """Remove a draft, which nobody has seen. Anything further on is voided instead."""
        with our_failures():
            self._api.invoices.delete(invoice_id)

    def mark_paid_out_of_band(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The customer paid by another way (BACS, a journal between departments); nothing is taken from it."""
        with our_failures():
            pay = self._api.invoices.pay
            done = self._once(lambda options: pay(invoice_id, {"paid_out_of_band": True}, options), key)
            return invoice_from(done.to_dict())

    def mark_uncollectible(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """Given up as not to be had; may still be paid or voided later."""
        with our_failures():
            done = self._once(lambda options: self._api.invoices.mark_uncollectible(invoice_id, options=options), key)
            return invoice_from(done.to_dict())

    # Questions

    def invoice(self, invoice_id: str) -> PaymentInvoice:
        """The invoice as it stands now."""
        with our_failures():
            return invoice_from(self._api.invoices.retrieve(invoice_id).to_dict())

    def invoices(
        self,
        *,
        customer_id: str | None = None,
        status: InvoiceStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[PaymentInvoice]:
        """Invoices made in that time, latest first."""
        kind = None if status is None else status.value
        wanted = {"customer": customer_id, "status": kind, "created": between(since, until)}
        return each(self._api.invoices.list, invoice_from, **wanted)

    def invoice_with_reference(
        self, customer_id: str | None, reference: str, *, since: datetime | None = None
    ) -> PaymentInvoice | None:
        """The invoice (of that customer, or of any) that bears our reference, voided ones too: it is used once."""
        theirs = self.invoices(customer_id=customer_id, since=since)
        return next((invoice for invoice in theirs if invoice.reference == reference), None)

    def payments_of(self, invoice_id: str) -> list[PaymentTaken]:
        """The payments by which an invoice was paid, latest first."""
        return list(each(self._api.invoice_payments.list, taken_from, invoice=invoice_id, status="paid"))

    def payments_taken(self, *, since: datetime, until: datetime) -> Iterator[PaymentTaken]:
        """Payments of all invoices begun in that time, latest first."""
        return each(self._api.invoice_payments.list, taken_from, status="paid", created=between(since, until))
