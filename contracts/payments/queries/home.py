"""What waits for whom on the home page: suppliers that cannot be paid yet, payments taken back, differences."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from sqlalchemy import ColumnElement, select

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.payments.models import Chargeback
from contracts.payments.queries.differences import standing_count
from contracts.payments.queries.receiving import receiving_account, waiting_for_account
from contracts.payments.rules import UNDECIDED, AccountStatus, ChargebackStatus
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import RoleGrant
from marketplace.extensions import db
from marketplace.presentation import plural, pounds_exact
from marketplace.waiting import Waiting

# What somebody can do something about.
TO_DO = frozenset({AccountStatus.INCOMPLETE, AccountStatus.RESTRICTED})


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """For a supplier's finance: its account to set up. For both finances: payments that a bank takes back.

    For the framework team: differences between the books.
    """
    if actor.organisation_id is None:
        return []
    items: list[Waiting] = []
    if actor.may(Permission.SEE_PAYMENT_DIFFERENCES) and (count := standing_count()):
        words = f"{plural(count, 'difference')} between the payment provider’s books and ours"
        items.append(Waiting(words, url_for("payments.differences")))
    if actor.is_supplier:
        items += _to_set_up(actor)
    if actor.may(Permission.RECEIVE_PAYMENTS):
        items += _taken_back(Agreement.supplier_id == actor.organisation)
    elif actor.may(Permission.PAY_INVOICES):
        items += _taken_back(Invoice.organisation_id == actor.organisation)
    return items


def _to_set_up(actor: Actor) -> list[Waiting]:
    finance = actor.may(Permission.RECEIVE_PAYMENTS)
    if not finance and not actor.may(Permission.ADMINISTER_ORGANISATION):
        return []
    account = receiving_account(actor.organisation)
    waits = waiting_for_account(actor.organisation)
    if account is not None and account.status not in TO_DO:
        return []
    what = f"{plural(waits.count, 'invoice waits', 'invoices wait')} for it, {pounds_exact(waits.amount)}"
    if finance:
        if account is None and not waits.count:
            return []
        words = "Set up how you are paid" if account is None else "Finish setting up how you are paid"
        return [Waiting(f"{words}: {what}" if waits.count else words, url_for("payments.account"))]
    if not waits.count or _somebody_can(actor.organisation):
        return []
    return [Waiting(f"Give somebody the finance role, to set up how you are paid: {what}", url_for("accounts.people"))]


def _somebody_can(organisation_id: int) -> bool:
    holds = select(RoleGrant.id).where(
        RoleGrant.organisation_id == organisation_id, RoleGrant.role.in_(TABLE[Permission.RECEIVE_PAYMENTS])
    )
    return bool(db.session.scalar(select(holds.exists())))


def _taken_back(whose: ColumnElement[bool]) -> list[Waiting]:
    found = db.session.execute(
        select(Invoice.id, Invoice.number, Chargeback.amount, Chargeback.status)
        .join(Chargeback.invoice)
        .join(Invoice.agreement)
        .where(whose, Chargeback.status.in_(UNDECIDED))
        .order_by(Chargeback.opened_at, Chargeback.id)
    ).all()
    return [
        Waiting(
            f"{'A bank has taken back' if status is ChargebackStatus.TAKEN else 'A bank asks about'}"
            f" {pounds_exact(amount)} of invoice {number}",
            url_for("payments.of_invoice", invoice_id=key),
        )
        for key, number, amount, status in found
    ]
