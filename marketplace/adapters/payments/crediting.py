"""Credit notes at the provider, and the money given back for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from marketplace.adapters.payments.client import between, each, key_for, our_failures
from marketplace.adapters.payments.invoicing import Invoicing
from marketplace.adapters.payments.reading import credit_from, dispute_from, refund_from
from marketplace.adapters.payments.records import (
    PaymentCredit,
    PaymentDispute,
    PaymentRefund,
    PaymentsRefused,
    pence,
)

GIVEN_UP = frozenset({"failed", "canceled"})


class Crediting(Invoicing):
    """Less to pay, or money back."""

    def credit(
        self, invoice_id: str, *, reference: str, amount: Decimal, memo: str, elsewhere: Decimal = Decimal(0)
    ) -> PaymentCredit:
        """Credit so much of an invoice, once for our reference however often this runs.

        What is not paid yet is lowered; what was paid goes back the way it came. Out of the supplier's account for a
        payment through the provider (the transfer is reversed); by hand for one that came by another way, and not at
        all for what a bank has taken back (`elsewhere`): of both the credit note keeps the amount. Never to the
        customer's balance: that would pay another supplier's invoice.
        """
        known = (one for one in self.credits(invoice_id=invoice_id) if one.reference == reference and not one.is_void)
        if (there := next(known, None)) is not None:
            return there
        remaining = self.invoice(invoice_id).amount_remaining
        before = min(amount, remaining)
        params: dict[str, object] = {
            "invoice": invoice_id,
            "amount": pence(amount),
            "memo": memo,
            "metadata": {"reference": reference},
        }
        after = amount - before
        paid = next((one.payment for one in self.payments_of(invoice_id) if one.payment), None) if after else None
        back = max(after - elsewhere, Decimal(0)) if paid is not None else Decimal(0)
        if paid is not None and back:
            refund = self.refund(paid, reference=reference, amount=back)
            params["refunds"] = [{"refund": refund.id, "amount_refunded": pence(back)}]
        if after > back:
            params["out_of_band_amount"] = pence(after - back)
        try:
            with our_failures():
                # How much is still to be paid is part of the key: paid meanwhile, it is another request.
                key = key_for("credit", reference, str(amount), str(before), str(back))
                made = self._once(lambda options: self._api.credit_notes.create(params, options), key)
                return credit_from(made.to_dict())
        except PaymentsRefused:
            if self.invoice(invoice_id).amount_remaining == remaining:
                raise
        return self.credit(invoice_id, reference=reference, amount=amount, memo=memo, elsewhere=elsewhere)

    def refund(self, payment: str, *, reference: str, amount: Decimal) -> PaymentRefund:
        """Give back so much of a payment out of the account it had been passed on to, once for our reference."""
        for known in each(self._api.refunds.list, refund_from, payment_intent=payment):
            if known.reference == reference and known.status not in GIVEN_UP:
                return known
        params = {
            "payment_intent": payment,
            "amount": pence(amount),
            "reverse_transfer": True,
            "metadata": {"reference": reference},
        }
        with our_failures():
            key = key_for("refund", reference, str(amount))
            return refund_from(self._once(lambda options: self._api.refunds.create(params, options), key).to_dict())

    def credits(
        self, *, invoice_id: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[PaymentCredit]:
        """Credit notes made in that time, latest first."""
        return each(self._api.credit_notes.list, credit_from, invoice=invoice_id, created=between(since, until))

    def refunds(self, *, since: datetime, until: datetime) -> Iterator[PaymentRefund]:
        """Refunds made in that time, latest first."""
        return each(self._api.refunds.list, refund_from, created=between(since, until))

    def disputes(self, *, since: datetime, until: datetime) -> Iterator[PaymentDispute]:
        """Disputes opened in that time, latest first."""
        return each(self._api.disputes.list, dispute_from, created=between(since, until))
