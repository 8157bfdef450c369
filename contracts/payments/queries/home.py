"""What waits for whom on the home page: suppliers that cannot be paid yet, payments taken back, differences."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from sqlalchemy import ColumnElement, select

from contracts.agreements.models import Agreement
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.rules import CreditStatus, InvoiceStatus
from contracts.payments.models import Chargeback
from contracts.payments.queries.differences import standing_count
from contracts.payments.queries.receiving import receiving_account, waiting_for_account
from contracts.payments.queries.recovering import waiting_recoveries
from contracts.payments.rules import UNDECIDED, AccountStatus, ChargebackStatus, RecoveryStatus
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import RoleGrant
from marketplace.extensions import db
from marketplace.presentation import plural, pounds_exact
from marketplace.waiting import Waiting

# What somebody can do something about.
TO_DO = frozenset({AccountStatus.INCOMPLETE, AccountStatus.RESTRICTED})


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """For a supplier's finance: its account to set up. For both finances: payments that a bank takes back.

    For the framework team: differences between the books, and what suppliers have not returned.
    """
    if actor.organisation_id is None:
        return []
    items: list[Waiting] = []
    if actor.may(Permission.SEE_PAYMENT_DIFFERENCES) and (count := standing_count()):
        words = f"{plural(count, 'difference')} between the payment provider’s books and ours"
        items.append(Waiting(words, url_for("payments.differences")))
    if actor.may(Permission.SEE_PAYMENT_DIFFERENCES):
        items += _not_returned()
    if actor.is_supplier:
        items += _to_set_up(actor)
    if actor.may(Permission.RECEIVE_PAYMENTS):
        items += _taken_back(Agreement.supplier_id == actor.organisation)
        items += _to_give_back(actor)
    elif actor.may(Permission.PAY_INVOICES):
        items += _taken_back(Invoice.organisation_id == actor.organisation)
    return items


def _not_returned() -> list[Waiting]:
    count, amount = waiting_recoveries()
    if not count:
        return []
    what = plural(count, "payment that a bank undid is", "payments that banks undid are")
    words = f"{what} not returned by the supplier yet, {pounds_exact(amount)}"
    return [Waiting(words, url_for("payments.recoveries", status=RecoveryStatus.WAITING.value))]


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
    undone = db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.owed_again)
        .join(Invoice.agreement)
        .where(whose, Invoice.status == InvoiceStatus.TAKEN_BACK)
        .order_by(Invoice.id)
    ).all()
    return [
        Waiting(
            f"A bank has undone the payment of invoice {number}: {pounds_exact(amount)} is owed again",
            url_for("payments.of_invoice", invoice_id=key),
        )
        for key, number, amount in undone
    ] + [
        Waiting(
            f"{'A bank has taken back' if status is ChargebackStatus.TAKEN else 'A bank asks about'}"
            f" {pounds_exact(amount)} of invoice {number}",
            url_for("payments.of_invoice", invoice_id=key),
        )
        for key, number, amount, status in found
    ]


def _to_give_back(actor: Actor) -> list[Waiting]:
    found = db.session.execute(
        select(CreditNote.id, CreditNote.number, CreditNote.to_refund)
        .join(CreditNote.invoice)
        .join(Invoice.agreement)
        .where(
            Agreement.supplier_id == actor.organisation,
            CreditNote.status == CreditStatus.ISSUED,
            CreditNote.to_refund > 0,
            CreditNote.given_back == 0,
        )
        .order_by(CreditNote.id)
    ).all()
    return [
        Waiting(
            f"Give {pounds_exact(amount)} back for credit note {number}: the payment provider does not",
            url_for("payments.given_back", credit_note_id=key),
        )
        for key, number, amount in found
    ]
