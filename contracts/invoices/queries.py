"""Invoices: which exist, and which of them somebody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from flask import url_for
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from contracts.agreements.models import Agreement, AgreementVersion, LineTerms, ServiceLine
from contracts.agreements.queries import with_terms
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.invoices.models import Invoice, InvoiceLine
from contracts.invoices.rules import InvoiceStatus
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import RoleGrant
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.presentation import plural, pounds_exact
from marketplace.waiting import Waiting


@dataclass(frozen=True)
class InvoicePage(Page[Invoice]):
    """One page of a list of invoices, and what all of the list comes to, in pounds."""

    amount: Decimal
    unpaid: Decimal


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """Which invoices an actor may see: their supplier's, their body's own, and of contracts their body leads."""
    own = actor.organisation
    if actor.is_supplier:
        return Agreement.supplier_id == own
    return or_(Invoice.organisation_id == own, Agreement.commissioner_id == own)


def _visible(actor: Actor) -> Select[Invoice]:
    return select(Invoice).join(Invoice.agreement).where(seen_by(actor))


def invoice_for(actor: Actor, invoice_id: int) -> Invoice:
    """The invoice, if the actor may see it. Raises NotFound."""
    found = db.session.scalar(
        _visible(actor)
        .where(Invoice.id == invoice_id)
        .options(
            contains_eager(Invoice.agreement).options(
                joinedload(Agreement.supplier), joinedload(Agreement.commissioner)
            ),
            joinedload(Invoice.organisation),
            selectinload(Invoice.lines).joinedload(InvoiceLine.service_line),
        )
    )
    if found is None:
        raise NotFound("There is no such invoice, or it is not yours to see.")
    return found


def invoices_for(
    actor: Actor, *, status: InvoiceStatus | None = None, agreement_id: int | None = None, page: int = 1
) -> InvoicePage:
    """The actor's invoices, latest month first, by pages of 25."""
    chosen = _chosen(actor, status=status, agreement_id=agreement_id)
    counted = chosen.with_only_columns(
        func.count(),
        func.coalesce(func.sum(Invoice.amount), 0),
        func.coalesce(func.sum(Invoice.amount).filter(Invoice.status == InvoiceStatus.OPEN), 0),
        maintain_column_froms=True,
    )
    count, total, unpaid = db.session.execute(counted).one()
    number = nearest_page(page, count)
    rows = db.session.scalars(
        _listed(chosen).limit(PAGE).offset(before(number)),
    ).all()
    return InvoicePage(rows, count, number, Decimal(total), Decimal(unpaid))


def all_invoices_for(
    actor: Actor, *, status: InvoiceStatus | None = None, agreement_id: int | None = None
) -> Sequence[Invoice]:
    """The same list, whole: for the CSV."""
    return db.session.scalars(_listed(_chosen(actor, status=status, agreement_id=agreement_id))).all()


def _chosen(actor: Actor, *, status: InvoiceStatus | None, agreement_id: int | None) -> Select[Invoice]:
    chosen = _visible(actor)
    if status is not None:
        chosen = chosen.where(Invoice.status == status)
    if agreement_id is not None:
        chosen = chosen.where(Invoice.agreement_id == agreement_id)
    return chosen


def _listed(chosen: Select[Invoice]) -> Select[Invoice]:
    return chosen.options(
        contains_eager(Invoice.agreement).joinedload(Agreement.supplier), joinedload(Invoice.organisation)
    ).order_by(Invoice.month.desc(), Invoice.number)


def agreements_to_invoice() -> Sequence[int]:
    """The signed contracts of ours that have prices: what the monthly run goes through."""
    return db.session.scalars(
        select(Agreement.id)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.origin == Origin.AWARD,
            Agreement.lines.any(ServiceLine.terms.any(LineTerms.planned_band.is_not(None))),
        )
        .order_by(Agreement.id)
    ).all()


def agreement_with_prices(agreement_id: int) -> Agreement | None:
    """One contract with all that its invoices are made from."""
    return db.session.scalar(
        select(Agreement)
        .where(Agreement.id == agreement_id)
        .options(
            selectinload(Agreement.lines).options(*with_terms()),
            selectinload(Agreement.versions).selectinload(AgreementVersion.funders),
        )
    )


def months_raised(agreement_id: int) -> frozenset[date]:
    """The months of a contract for which invoices exist."""
    return frozenset(
        db.session.scalars(select(Invoice.month).where(Invoice.agreement_id == agreement_id).distinct()).all()
    )


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Invoices that a funder's finance people have to pay; for its administrators, that nobody there can."""
    if actor.organisation_id is None or actor.is_supplier:
        return []
    if actor.may(Permission.PAY_INVOICES):
        return _to_pay(actor, now)
    return _nobody_to_pay(actor) if actor.may(Permission.ADMINISTER_ORGANISATION) else []


# So many invoices stand on the home page one by one; more are one line, which leads to their list.
LISTED_SINGLY = 5


def _to_pay(actor: Actor, now: datetime) -> list[Waiting]:
    today = clock.london(now).date()
    owed = (Invoice.organisation_id == actor.organisation, Invoice.status == InvoiceStatus.OPEN)
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.amount, Invoice.due_on)
        .where(*owed)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(LISTED_SINGLY + 1)
    ).all()
    if len(rows) > LISTED_SINGLY:
        count, amount, first, overdue = db.session.execute(
            select(
                func.count(),
                func.sum(Invoice.amount),
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


def _nobody_to_pay(actor: Actor) -> list[Waiting]:
    payers = select(RoleGrant.id).where(
        RoleGrant.organisation_id == actor.organisation, RoleGrant.role.in_(TABLE[Permission.PAY_INVOICES])
    )
    count = db.session.scalar(
        select(func.count())
        .select_from(Invoice)
        .where(Invoice.organisation_id == actor.organisation, Invoice.status == InvoiceStatus.DRAFT, ~payers.exists())
    )
    if not count:
        return []
    what = "1 invoice waits" if count == 1 else f"{count} invoices wait"
    return [Waiting(f"Give somebody the finance role: {what} for them", url_for("accounts.people"))]
