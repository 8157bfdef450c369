"""What is known of one invoice's payment at the provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from contracts.invoices.models import Invoice
from contracts.payments.models import Chargeback, ProviderPayment, Recovery
from marketplace import clock
from marketplace.extensions import db


@dataclass(frozen=True)
class PaidThrough:
    """What the provider took for an invoice, gave back, and had taken back from it.

    `recoveries` are what the supplier is to return, by the key of the chargeback.
    """

    payments: Sequence[ProviderPayment]
    chargebacks: Sequence[Chargeback]
    recoveries: Mapping[int, Recovery]

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
    recoveries = db.session.scalars(select(Recovery).where(Recovery.chargeback_id.in_([one.id for one in chargebacks])))
    return PaidThrough(payments, chargebacks, {one.chargeback_id: one for one in recoveries})


def undone_on(invoice: Invoice) -> date | None:
    """The day on which a bank undid a payment of the invoice for good, the latest such day."""
    last = db.session.scalar(select(func.max(Chargeback.posted_at)).where(Chargeback.invoice_id == invoice.id))
    return clock.london(last).date() if last else None
