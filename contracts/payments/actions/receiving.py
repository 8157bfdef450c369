"""Suppliers' accounts with the payment provider: begun here, opened there, and standing as the provider says."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import letters
from contracts.payments.actions.refusals import refusal
from contracts.payments.models import ReceivingAccount
from contracts.payments.rules import AccountStatus
from marketplace import audit
from marketplace.access import SYSTEM, Actor, Permission
from marketplace.accounts.queries import people_with
from marketplace.adapters.payments.records import PaymentsFailed, PaymentsTemporaryFailure, SupplierAccount
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db


def begin_receiving(organisation_id: int, *, actor: Actor, now: datetime) -> ReceivingAccount:
    """Begin to set up how this supplier is paid: once, however often it is asked for."""
    actor.must(Permission.RECEIVE_PAYMENTS)
    made = db.session.execute(
        insert(ReceivingAccount)
        .values(organisation_id=organisation_id, status=AccountStatus.INCOMPLETE, wanted=[], begun_at=now)
        .on_conflict_do_nothing(index_elements=["organisation_id"])
        .returning(ReceivingAccount.id)
    ).scalar()
    account = db.session.scalars(
        select(ReceivingAccount).where(ReceivingAccount.organisation_id == organisation_id)
    ).one()
    if made is not None:
        audit.record("Setting up payments begun", account, actor=actor, now=now)
    return account


def open_account(account: ReceivingAccount, *, payments: Payments, now: datetime) -> None:
    """Have the provider open the account that was begun. A failure is kept where people see it, and tried again."""
    supplier = account.organisation
    people = people_with(supplier.id, Permission.RECEIVE_PAYMENTS)
    if account.provider_id is not None or not people:
        return
    try:
        told = payments.open_account(
            reference=reference_of(account),
            name=supplier.name,
            email=people[0].email,
            asked_since=account.begun_at,
            invented=supplier.is_demonstration,
        )
    except PaymentsTemporaryFailure:
        account.last_error = "The payment provider did not answer."
    except PaymentsFailed as failure:
        account.last_error = refusal(failure)[:300]
    else:
        account.provider_id, account.last_error = told.id, None
        take_account(told, at=now, now=now)
    db.session.flush()


def reference_of(account: ReceivingAccount) -> str:
    """What we call the account at the provider. Keys come again when a database is made anew; moments do not."""
    return f"{account.organisation_id}-{account.begun_at.astimezone(UTC):%Y%m%d%H%M%S}"


def take_account(told: SupplierAccount, *, at: datetime, now: datetime) -> None:
    """Take over how a supplier's account stands, if it is one of ours and this is not older than what we know.

    A supplier that can now be paid has its waiting invoices sent at once.
    """
    account = db.session.scalar(
        select(ReceivingAccount).where(ReceivingAccount.provider_id == told.id).with_for_update()
    )
    if account is None or (account.as_of is not None and at < account.as_of):
        return
    before, account.status = account.status, AccountStatus(told.standing.value)
    account.wanted, account.reason, account.as_of = list(told.missing), told.reason, at
    if account.status is before:
        return
    audit.record(f"Payments: {account.status.label.lower()}", account, actor=SYSTEM, now=now)
    if account.status is AccountStatus.ABLE:
        letters.can_be_paid(account, now=now)
        _send_what_waits(account.organisation_id, now=now)
    elif before is AccountStatus.ABLE or account.status is AccountStatus.RESTRICTED:
        letters.cannot_be_paid(account, now=now)


def _send_what_waits(supplier_id: int, *, now: datetime) -> None:
    db.session.execute(
        update(Invoice)
        .where(
            Invoice.status == InvoiceStatus.DRAFT,
            Invoice.agreement_id.in_(select(Agreement.id).where(Agreement.supplier_id == supplier_id)),
        )
        .values(next_attempt_at=now)
    )
