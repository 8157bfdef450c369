"""What waits for whom on the home page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from flask import url_for
from sqlalchemy import func, select

from contracts.agreements.models import Agreement
from contracts.invoices.models import Dispute, Invoice
from contracts.invoices.queries.disputing import disputes_to_answer, disputes_to_settle
from contracts.invoices.queries.finding import LEFT, to_approve
from contracts.invoices.rules import InvoiceStatus
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import RoleGrant
from marketplace.extensions import db
from marketplace.presentation import plural, pounds_exact
from marketplace.waiting import Waiting

# So many invoices stand on the home page one by one; more are one line, which leads to their list.
LISTED_SINGLY = 5


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Invoices to approve, to pay; disputes to answer, to decide; for administrators, that nobody there can."""
    if actor.organisation_id is None:
        return []
    if actor.is_supplier:
        return _disputes("Answer", disputes_to_answer(actor)) if actor.may(Permission.ISSUE_CREDITS) else []
    items = []
    if actor.may(Permission.APPROVE_INVOICES):
        items += _to_approve(actor)
        items += _disputes("Decide", disputes_to_settle(actor))
    if actor.may(Permission.PAY_INVOICES):
        items += _to_pay(actor, now)
    if actor.may(Permission.ADMINISTER_ORGANISATION):
        items += _nobody_to(actor, Permission.APPROVE_INVOICES, InvoiceStatus.AWAITING_APPROVAL, "contract manager")
        items += _nobody_to(actor, Permission.PAY_INVOICES, InvoiceStatus.DRAFT, "finance")
    return items


def _to_approve(actor: Actor) -> list[Waiting]:
    count, amount = db.session.execute(
        select(func.count(), func.sum(LEFT)).select_from(Invoice).join(Invoice.agreement).where(to_approve(actor))
    ).one()
    if not count:
        return []
    return [
        Waiting(
            f"Approve {plural(count, 'invoice')}, {pounds_exact(amount)}",
            url_for("invoices.index", status=InvoiceStatus.AWAITING_APPROVAL.value),
        )
    ]


def _disputes(verb: str, found: Sequence[Dispute]) -> list[Waiting]:
    if len(found) > LISTED_SINGLY:
        amount = sum((one.net for one in found), Decimal(0))
        text = f"{verb} {len(found)} disputes of invoices, {pounds_exact(amount)} before VAT"
        return [Waiting(text, url_for("invoices.index", dispute="open"))]
    return [
        Waiting(
            f"{verb} the dispute of invoice {one.invoice.number}, {pounds_exact(one.net)} before VAT",
            url_for("invoices.show_dispute", dispute_id=one.id),
        )
        for one in found
    ]


def _to_pay(actor: Actor, now: datetime) -> list[Waiting]:
    today = clock.london(now).date()
    owed = (Invoice.organisation_id == actor.organisation, Invoice.status == InvoiceStatus.OPEN)
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, LEFT, Invoice.due_on)
        .where(*owed)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(LISTED_SINGLY + 1)
    ).all()
    if len(rows) > LISTED_SINGLY:
        count, amount, first, overdue = db.session.execute(
            select(
                func.count(),
                func.sum(LEFT),
                func.min(Invoice.due_on),
                func.count().filter(Invoice.due_on < today),
            ).where(*owed)
        ).one()
        late = f", of which {plural(overdue, 'is', 'are')} overdue" if overdue else ""
        return [
            Waiting(
                f"{count:,} invoices to pay, {pounds_exact(amount)}{late}",
                url_for("invoices.index", status=InvoiceStatus.OPEN.value),
                due=_end_of(first),
                whole_day=True,
            )
        ]
    return [
        Waiting(
            f"Pay invoice {number}, {pounds_exact(amount)}{', which is overdue' if due < today else ''}",
            url_for("invoices.show", invoice_id=key),
            due=_end_of(due),
            whole_day=True,
        )
        for key, number, amount, due in rows
    ]


def _end_of(day: date) -> datetime:
    return clock.from_london(datetime.combine(day, time(23, 59)))


def _nobody_to(actor: Actor, permission: Permission, status: InvoiceStatus, role: str) -> list[Waiting]:
    holders = select(RoleGrant.id).where(
        RoleGrant.organisation_id == actor.organisation, RoleGrant.role.in_(TABLE[permission])
    )
    # The lead commissioner approves; each funder pays its own.
    whose = Agreement.commissioner_id if permission is Permission.APPROVE_INVOICES else Invoice.organisation_id
    count = db.session.scalar(
        select(func.count())
        .select_from(Invoice)
        .join(Invoice.agreement)
        .where(whose == actor.organisation, Invoice.status == status, ~holders.exists())
    )
    if not count:
        return []
    what = "1 invoice waits" if count == 1 else f"{count} invoices wait"
    return [Waiting(f"Give somebody the {role} role: {what} for them", url_for("accounts.people"))]
