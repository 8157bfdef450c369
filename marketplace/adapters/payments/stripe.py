"""The payment provider: Stripe, or our stub of it. One class for both; only the key and the address differ.

Every write takes a `key`: the provider does the same thing once for one key, so that a job which was killed, or which
had no answer, may run again. Stripe forgets keys after 24 hours; `raise_invoice` therefore also looks for what is
already there by our own reference, and may be repeated at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import stripe

from marketplace.adapters.payments.records import (
    InvoiceStatus,
    PaymentCustomer,
    PaymentEvent,
    PaymentInvoice,
    PaymentLine,
    PaymentsMisconfigured,
    PaymentsNotFound,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    SignatureRefused,
    event_from,
    invoice_from,
    pence,
)

if TYPE_CHECKING:
    from stripe.params import CustomerListParams, EventListParams, InvoiceListParams

# The library would otherwise keep a number for this machine in the home folder and send it with every request.
stripe.enable_telemetry = False

CURRENCY = "gbp"
# Public bodies pay within 30 days (Public Contracts Regulations 2015, reg. 113; Procurement Act 2023, s. 68).
DAYS_UNTIL_DUE = 30


class Payments:
    """Invoices to commissioning bodies and what became of them."""

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str,
        base_url: str = "",
        timeout: float = 20.0,
        signature_tolerance: int = 300,
    ) -> None:
        """`base_url` is empty for Stripe itself and the stub's address otherwise. Times in seconds.

        A signature older than `signature_tolerance` is refused, so that a recorded event cannot be played again.
        """
        if signature_tolerance <= 0:
            raise ValueError("Without a tolerance an old event could be played again for ever")
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")} if base_url else None,
            http_client=stripe.RequestsClient(timeout=timeout),
            max_network_retries=0,  # the job that calls us retries, without holding a worker asleep
        )
        self._webhook_secret = webhook_secret
        self._tolerance = signature_tolerance

    # Customers

    def ensure_customer(self, *, reference: str, name: str, email: str) -> PaymentCustomer:
        """The provider's record of this commissioning body, made or brought up to date as needed.

        `reference` is our own name for the body. Keep the id that comes back: it is what invoices are drawn to.
        """
        with _our_failures():
            search: CustomerListParams = {"email": email, "limit": 100}
            for known in self._client.v1.customers.list(search).auto_paging_iter():
                body = known.to_dict()
                if (body.get("metadata") or {}).get("reference") == reference:
                    if body.get("name") != name:
                        body = self._client.v1.customers.update(body["id"], {"name": name}).to_dict()
                    return _customer_from(body)
            made = self._client.v1.customers.create(
                {"name": name, "email": email, "metadata": {"reference": reference}},
                {"idempotency_key": _key("customer", reference, name, email)},
            )
            return _customer_from(made.to_dict())

    # Invoices, step by step

    def draft_invoice(
        self,
        *,
        customer_id: str,
        reference: str,
        key: str,
        days_until_due: int = DAYS_UNTIL_DUE,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> PaymentInvoice:
        """An empty draft in pounds, to be paid on receipt of the invoice. Nothing reaches the customer yet."""
        with _our_failures():
            made = self._client.v1.invoices.create(
                {
                    "customer": customer_id,
                    "collection_method": "send_invoice",
                    "days_until_due": days_until_due,
                    "currency": CURRENCY,
                    "auto_advance": False,  # we say when it is final; the provider never does so by itself
                    "pending_invoice_items_behavior": "exclude",
                    "description": description,
                    "metadata": {**(metadata or {}), "reference": reference},
                },
                {"idempotency_key": key},
            )
            return invoice_from(made.to_dict())

    def add_line(self, invoice_id: str, *, customer_id: str, line: PaymentLine, key: str, place: int = 0) -> None:
        """Add a line to a draft. `place` counts the lines, so that a repeated run sees which are there."""
        with _our_failures():
            self._client.v1.invoice_items.create(
                {
                    "customer": customer_id,
                    "invoice": invoice_id,
                    "amount": pence(line.amount),
                    "currency": CURRENCY,
                    "description": line.description,
                    "metadata": {"place": str(place)},
                },
                {"idempotency_key": key},
            )

    def finalise(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """Draft to open: the amount is fixed and the invoice gets its number and its page."""
        with _our_failures():
            done = self._client.v1.invoices.finalize_invoice(
                invoice_id, {"auto_advance": False}, {"idempotency_key": key}
            )
            return invoice_from(done.to_dict())

    def send(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The provider e-mails the invoice to the customer."""
        with _our_failures():
            return invoice_from(
                self._client.v1.invoices.send_invoice(invoice_id, options={"idempotency_key": key}).to_dict()
            )

    def void(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The invoice was a mistake: it stays on record and asks for nothing. Only an open one can be voided."""
        with _our_failures():
            return invoice_from(
                self._client.v1.invoices.void_invoice(invoice_id, options={"idempotency_key": key}).to_dict()
            )

    def discard_draft(self, invoice_id: str) -> None:
        """Remove a draft, which nobody has seen. Anything further on is voided instead."""
        with _our_failures():
            self._client.v1.invoices.delete(invoice_id)

    def mark_paid_out_of_band(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """The customer paid by another way (BACS, a journal between departments); nothing is taken from it."""
        with _our_failures():
            done = self._client.v1.invoices.pay(invoice_id, {"paid_out_of_band": True}, {"idempotency_key": key})
            return invoice_from(done.to_dict())

    def mark_uncollectible(self, invoice_id: str, *, key: str) -> PaymentInvoice:
        """Given up as not to be had; may still be paid or voided later."""
        with _our_failures():
            return invoice_from(
                self._client.v1.invoices.mark_uncollectible(invoice_id, options={"idempotency_key": key}).to_dict()
            )

    # Invoices, in one

    def raise_invoice(
        self,
        *,
        customer_id: str,
        reference: str,
        lines: Sequence[PaymentLine],
        days_until_due: int = DAYS_UNTIL_DUE,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> PaymentInvoice:
        """Draft, fill, finalise and send one invoice, taking up whatever an earlier, broken-off run has left.

        `reference` names the invoice once and for ever (our own invoice number): however often this runs, there is one.
        What is past drafting comes back as it stands: open (sent again), paid, or void.
        Refused (PaymentsRefused) if the provider's total is not the sum of the lines: such an invoice is not sent.
        """
        if not lines:
            raise ValueError("An invoice has at least one line")
        invoice = self.invoice_with_reference(customer_id, reference) or self.draft_invoice(
            customer_id=customer_id,
            reference=reference,
            key=_key("draft", reference),
            days_until_due=days_until_due,
            description=description,
            metadata=metadata,
        )
        total = sum((line.amount for line in lines), start=Decimal(0))
        if invoice.status is InvoiceStatus.DRAFT:
            there = self._places(invoice.id)
            for place, line in enumerate(lines):
                if str(place) not in there:
                    key = _key("line", reference, str(place), line.description, str(line.amount))
                    self.add_line(invoice.id, customer_id=customer_id, line=line, key=key, place=place)
            invoice = self.invoice(invoice.id)
            if invoice.amount_due != total:
                raise PaymentsRefused(f"The provider reckons £{invoice.amount_due} where the lines make £{total}")
            invoice = self.finalise(invoice.id, key=_key("finalise", reference))
        if invoice.status is InvoiceStatus.OPEN:
            # Within a day the same key stops a second e-mail; after that a repeated run sends a reminder at worst.
            invoice = self.send(invoice.id, key=_key("send", reference))
        return invoice

    def _places(self, invoice_id: str) -> set[str]:
        with _our_failures():
            items = self._client.v1.invoice_items.list({"invoice": invoice_id, "limit": 100})
            return {(item.to_dict().get("metadata") or {}).get("place", "") for item in items.auto_paging_iter()}

    # Questions

    def invoice(self, invoice_id: str) -> PaymentInvoice:
        """The invoice as it stands now."""
        with _our_failures():
            return invoice_from(self._client.v1.invoices.retrieve(invoice_id).to_dict())

    def invoices(
        self, *, customer_id: str | None = None, status: InvoiceStatus | None = None
    ) -> Iterator[PaymentInvoice]:
        """Invoices, latest first, fetched page by page as they are asked for."""
        wanted: dict[str, Any] = {"limit": 100}
        if customer_id is not None:
            wanted["customer"] = customer_id
        if status is not None:
            wanted["status"] = status.value
        with _our_failures():
            for found in self._client.v1.invoices.list(cast("InvoiceListParams", wanted)).auto_paging_iter():
                yield invoice_from(found.to_dict())

    def invoice_with_reference(self, customer_id: str, reference: str) -> PaymentInvoice | None:
        """The customer's invoice that bears our reference, voided ones too: a reference is used once."""
        found = (invoice for invoice in self.invoices(customer_id=customer_id) if invoice.reference == reference)
        return next(found, None)

    def events_since(self, since: datetime) -> list[PaymentEvent]:
        """What happened to invoices from this instant on, oldest first: makes good webhooks that never came.

        The provider keeps events for 30 days.
        """
        wanted: EventListParams = {"type": "invoice.*", "created": {"gte": int(since.timestamp())}, "limit": 100}
        with _our_failures():
            found = [event_from(each.to_dict()) for each in self._client.v1.events.list(wanted).auto_paging_iter()]
        return list(reversed(found))

    # What the provider tells us

    def construct_event(self, payload: bytes, signature_header: str | None) -> PaymentEvent:
        """The event in a webhook request. Raises SignatureRefused unless the provider signed it, just now."""
        try:
            event = self._client.construct_event(payload, signature_header, self._webhook_secret, self._tolerance)
        except stripe.SignatureVerificationError as error:
            raise SignatureRefused("This is not signed by the payment provider") from error
        except ValueError as error:  # not UTF-8, or signed but not an event
            raise SignatureRefused("This is not an event of the payment provider") from error
        try:
            return event_from(event.to_dict())
        except (KeyError, TypeError, ValueError) as error:  # signed, but not in a shape we know
            raise SignatureRefused("This event of the payment provider cannot be read") from error


def _customer_from(body: Mapping[str, Any]) -> PaymentCustomer:
    return PaymentCustomer(
        id=body["id"],
        reference=(body.get("metadata") or {}).get("reference"),
        name=body.get("name"),
        email=body.get("email"),
    )


def _key(*parts: str) -> str:
    """An idempotency key that follows from what is asked. Long or odd references are kept short by the hash."""
    return f"{parts[0]}-{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()}"


@contextmanager
def _our_failures() -> Iterator[None]:
    """Turns the library's errors into ours: may it be asked again, or not?"""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise PaymentsTemporaryFailure(_words(error), code=error.code, status=error.http_status) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise PaymentsMisconfigured(_words(error), code=error.code, status=error.http_status) from error
    except stripe.StripeError as error:
        status = error.http_status
        if status is None or status >= 500 or status == 409:
            raise PaymentsTemporaryFailure(_words(error), code=error.code, status=status) from error
        kind = PaymentsNotFound if status == 404 else PaymentsRefused
        raise kind(_words(error), code=error.code, status=status) from error


def _words(error: stripe.StripeError) -> str:
    return str(error.user_message or type(error).__name__)
