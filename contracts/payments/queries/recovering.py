"""What suppliers are to return of payments that banks undid: the list, one of it, and what a supplier still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from contracts.agreements.models import Agreement
from contracts.invoices.models import Invoice
from contracts.payments.models import Chargeback, Recovery
from contracts.payments.rules import RecoveryStatus
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


@dataclass(frozen=True)
class RecoveryFilter:
    """Which of them: of one status, or all."""

    status: RecoveryStatus | None = None


@dataclass(frozen=True)
class RecoveryPage(Page[Recovery]):
    """One page of the list, and what all of it comes to, in pounds."""

    amount: Decimal


def _chosen(narrowed: RecoveryFilter) -> Select[Recovery]:
    chosen = (
        select(Recovery)
        .join(Recovery.chargeback)
        .join(Chargeback.invoice)
        .join(Invoice.agreement)
        .options(
            contains_eager(Recovery.chargeback)
            .contains_eager(Chargeback.invoice)
            .contains_eager(Invoice.agreement)
            .joinedload(Agreement.supplier),
            joinedload(Recovery.settler),
        )
    )
    return chosen if narrowed.status is None else chosen.where(Recovery.status == narrowed.status)


def _in_order(chosen: Select[Recovery]) -> Select[Recovery]:
    return chosen.order_by(Recovery.begun_at.desc(), Recovery.id.desc())


def recoveries(narrowed: RecoveryFilter, *, page: int) -> RecoveryPage:
    """One page of them, the latest first. For the framework team."""
    counted = _chosen(narrowed).options().with_only_columns(func.count(), func.coalesce(func.sum(Recovery.amount), 0))
    total, amount = db.session.execute(counted).one()
    number = nearest_page(page, total)
    rows = db.session.scalars(_in_order(_chosen(narrowed)).limit(PAGE).offset(before(number))).all()
    return RecoveryPage(rows, total, number, Decimal(amount))


def every_recovery(narrowed: RecoveryFilter) -> Sequence[Recovery]:
    """All of them: for the CSV."""
    return db.session.scalars(_in_order(_chosen(narrowed))).all()


def recovery(recovery_id: int) -> Recovery:
    """One of them. Raises NotFound."""
    found = db.session.scalar(_chosen(RecoveryFilter()).where(Recovery.id == recovery_id))
    if found is None:
        raise NotFound("There is no such payment to be returned.")
    return found


def waiting_recoveries() -> tuple[int, Decimal]:
    """How many the payment provider has refused or not answered, and what they come to in pounds."""
    count, amount = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Recovery.amount), 0)).where(
            Recovery.status == RecoveryStatus.WAITING, Recovery.last_error.is_not(None)
        )
    ).one()
    return count, Decimal(amount)


def to_return(supplier_id: int) -> Sequence[Recovery]:
    """What a supplier still holds of payments that banks undid, the oldest first."""
    return db.session.scalars(
        _chosen(RecoveryFilter(RecoveryStatus.WAITING))
        .where(Agreement.supplier_id == supplier_id)
        .order_by(Recovery.id)
    ).all()
