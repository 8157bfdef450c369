"""What is known of one invoice's payment at the provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from contracts.invoices.models import Invoice
from contracts.payments.models import Chargeback, ProviderPayment
from marketplace.extensions import db


@dataclass(frozen=True)
class PaidThrough:
    """What the provider took for an invoice, gave back, and had taken back from it."""

    payments: Sequence[ProviderPayment]
    chargebacks: Sequence[Chargeback]

    @property
    def refunded(self) -> Decimal:
        """What was given back of all its payments, in pounds."""
        return sum((one.refunded for one in self.payments), Decimal("0.00"))


def paid_through(invoice: Invoice) -> PaidThrough:
    """Payments and what became of them, oldest first."""
    payments = db.session.scalars(
        select(ProviderPayment)
        .where(ProviderPayment.provider_invoice == invoice.provider_id)
        .order_by(ProviderPayment.paid_at, ProviderPayment.id)
    ).all()
    chargebacks = db.session.scalars(
        select(Chargeback).where(Chargeback.invoice_id == invoice.id).order_by(Chargeback.opened_at, Chargeback.id)
    ).all()
    return PaidThrough(payments, chargebacks)
