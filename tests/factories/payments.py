"""Suppliers that can be paid: their account at the payment provider of the application, and our row of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import current_app
from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.payments.actions import begin_recovery
from contracts.payments.models import Chargeback, Difference, ReceivingAccount, Recovery
from contracts.payments.rules import AccountStatus, ChargebackStatus, DifferenceKind
from marketplace.accounts.models import Organisation
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db
from tests.factories.invoices import make_contract

SEEN = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
BEGUN = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


def make_receiving(
    supplier: Organisation, *, status: AccountStatus = AccountStatus.ABLE, provider_id: str | None = None, **more: Any
) -> ReceivingAccount:
    """A supplier's account as our row, known to the provider by that key (an invented one unless said)."""
    made = ReceivingAccount(
        organisation=supplier,
        provider_id=provider_id or f"acct_of_{supplier.id}",
        status=status,
        begun_at=BEGUN,
        as_of=BEGUN,
        **more,
    )
    db.session.add(made)
    db.session.flush()
    return made


def make_difference(subject: str = "C-1", **more: Any) -> Difference:
    """A difference between the provider's books and ours: another amount unless said."""
    given = {"kind": DifferenceKind.INVOICE_AMOUNT, "ours": "£1.00", "theirs": "£2.00", **more}
    made = Difference(subject=subject, first_seen_at=SEEN, last_seen_at=SEEN, **given)
    db.session.add(made)
    db.session.flush()
    return made


def make_recovery(invoice: Invoice, amount: str = "1.00") -> Recovery:
    """What a bank took of an invoice's payment, to be taken back from the supplier."""
    chargeback = Chargeback(
        provider_id=f"du_{invoice.id}",
        payment="pi_none",
        invoice=invoice,
        amount=Decimal(amount),
        reason="general",
        status=ChargebackStatus.LOST,
        opened_at=SEEN,
        closed_at=SEEN,
        posted_at=SEEN,
    )
    db.session.add(chargeback)
    db.session.flush()
    begin_recovery(chargeback, now=SEEN)
    return db.session.scalars(select(Recovery).where(Recovery.chargeback_id == chargeback.id)).one()


def make_payable(**more: Any) -> Agreement:
    """A signed contract whose supplier can be paid at the provider that the application speaks to."""
    contract = make_contract(**more)
    payments: Payments = current_app.extensions["payments"]
    told = payments.open_account(
        reference=f"test-{contract.supplier.id}",
        name=contract.supplier.name,
        email="finance@supplier.example",
        asked_since=BEGUN,
        invented=True,
    )
    make_receiving(contract.supplier, provider_id=told.id)
    return contract
