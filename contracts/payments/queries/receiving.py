"""Suppliers' accounts with the payment provider, and the invoices that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments.models import ReceivingAccount
from marketplace.extensions import db


@dataclass(frozen=True)
class WaitingInvoices:
    """The invoices of a supplier that are not with the provider yet, and what is to be paid of them in pounds."""

    count: int
    amount: Decimal


def receiving_account(supplier_id: int) -> ReceivingAccount | None:
    """The supplier's account, if it has begun to set one up."""
    return db.session.scalar(select(ReceivingAccount).where(ReceivingAccount.organisation_id == supplier_id))


def waiting_for_account(supplier_id: int) -> WaitingInvoices:
    """What is still to be sent of a supplier's invoices."""
    count, amount = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Invoice.amount - Invoice.credited), 0))
        .join(Invoice.agreement)
        .where(Agreement.supplier_id == supplier_id, Invoice.status == InvoiceStatus.DRAFT)
    ).one()
    return WaitingInvoices(count, Decimal(amount))


def accounts_to_open() -> Sequence[int]:
    """Accounts that suppliers have begun and the provider does not have yet, oldest first."""
    return db.session.scalars(
        select(ReceivingAccount.id).where(ReceivingAccount.provider_id.is_(None)).order_by(ReceivingAccount.begun_at)
    ).all()
