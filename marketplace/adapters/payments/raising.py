"""Raising an invoice at the provider in one: however often it is asked for, there is one.

Stripe forgets keys after 24 hours; what is already there is therefore also looked for by our own reference, when it was
asked for so long ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from marketplace.adapters.payments.client import CLOCKS_APART, key_for
from marketplace.adapters.payments.crediting import Crediting
from marketplace.adapters.payments.records import (
    AskedCredit,
    InvoiceStatus,
    PaymentInvoice,
    PaymentLine,
    PaymentsRefused,
)


class Raising(Crediting):
    """All steps from a draft to an invoice that the customer has."""

    def raise_invoice(
        self,
        *,
        customer_id: str,
        reference: str,
        lines: Sequence[PaymentLine],
        credits: Sequence[AskedCredit] = (),
        account_id: str | None = None,
        asked_since: datetime | None = None,
        due: datetime | None = None,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> PaymentInvoice:
        """Draft, fill, finalise, credit and send one invoice, taking up whatever an earlier, broken-off run has left.

        `credits` were given before it went out: the customer is never asked for more than is left, in no e-mail either.

        `reference` names the invoice once and for ever (our own invoice number): however often this runs, there is
        one. Within a day of the first time the keys see to that; afterwards give `asked_since`, the first time, and
        the customer's invoices since then are looked through. What is past drafting comes back as it stands: open
        (sent again), paid, or void.
        Refused (PaymentsRefused) if the provider's total is not the sum of the lines: such an invoice is not sent.
        """
        if not lines:
            raise ValueError("An invoice has at least one line")
        found = None
        if asked_since is not None:
            found = self.invoice_with_reference(customer_id, reference, since=asked_since - CLOCKS_APART)
        invoice = found or self.draft_invoice(
            customer_id=customer_id,
            reference=reference,
            key=key_for("draft", reference),
            account_id=account_id,
            due=due,
            description=description,
            metadata=metadata,
        )
        total = sum((line.amount for line in lines), start=Decimal(0))
        if invoice.status is InvoiceStatus.DRAFT:
            if not invoice.total:
                invoice = self.add_lines(invoice.id, lines, key=key_for("lines", reference))
            if invoice.total != total:
                raise PaymentsRefused(f"The provider reckons £{invoice.total} where the lines make £{total}")
            invoice = self.finalise(invoice.id, key=key_for("finalise", reference))
        for one in credits if invoice.status is InvoiceStatus.OPEN else ():
            self.credit(invoice.id, reference=one.reference, amount=one.amount, memo=one.memo)
        if credits:
            invoice = self.invoice(invoice.id)
        if invoice.status is InvoiceStatus.OPEN:
            # Within a day the same key stops a second e-mail; after that a repeated run sends a reminder at worst.
            invoice = self.send(invoice.id, key=key_for("send", reference))
        return invoice
