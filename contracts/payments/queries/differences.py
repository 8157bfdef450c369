"""Where the provider's books differ from ours: the list, one of them, and the last comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments.models import Chargeback, Difference, Reconciliation, Recovery
from contracts.payments.rules import HEARD_LATE, WINDOW, DifferenceKind
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


@dataclass(frozen=True)
class Filter:
    """Which differences: of one kind or all, standing ones or settled ones too."""

    kind: DifferenceKind | None = None
    settled: bool = False

    def of(self, wanted: Select[Difference]) -> Select[Difference]:
        """Only those."""
        if self.kind is not None:
            wanted = wanted.where(Difference.kind == self.kind)
        return wanted if self.settled else wanted.where(Difference.settled_at.is_(None))


def differences(chosen: Filter, *, page: int) -> Page[Difference]:
    """One page of them, the latest first."""
    total = db.session.scalar(chosen.of(select(Difference)).with_only_columns(func.count())) or 0
    number = nearest_page(page, total)
    rows = db.session.scalars(_listed(chosen).limit(PAGE).offset(before(number))).all()
    return Page(rows, total, number)


def every_difference(chosen: Filter) -> Sequence[Difference]:
    """All of them: for the CSV."""
    return db.session.scalars(_listed(chosen)).all()


def _listed(chosen: Filter) -> Select[Difference]:
    wanted = chosen.of(select(Difference)).options(joinedload(Difference.noter))
    return wanted.order_by(Difference.first_seen_at.desc(), Difference.id.desc())


def difference(difference_id: int) -> Difference:
    """One of them. Raises NotFound."""
    found = db.session.get(Difference, difference_id, options=[joinedload(Difference.noter)])
    if found is None:
        raise NotFound("There is no such difference.")
    return found


def standing_count() -> int:
    """How many stand."""
    return db.session.scalar(select(func.count()).where(Difference.settled_at.is_(None))) or 0


def keys_to_look_at() -> Sequence[str]:
    """The provider's keys of invoices of which a difference stands: compared again, however old they are."""
    return [
        key
        for key in db.session.scalars(
            select(Invoice.provider_id).join(Difference.invoice).where(Difference.settled_at.is_(None)).distinct()
        )
        if key is not None
    ]


def keys_still_open(now: datetime) -> Sequence[str]:
    """The provider's keys of invoices that stand open with us and are older than what is compared each night."""
    old = Invoice.sent_at < now - WINDOW + HEARD_LATE
    found = db.session.scalars(select(Invoice.provider_id).where(Invoice.status == InvoiceStatus.OPEN, old))
    return [key for key in found if key is not None]


def transfers_to_look_at(now: datetime) -> Sequence[str]:
    """The provider's keys of what had passed payments on and was taken back lately, or differs: looked at again."""
    differs = select(Difference.invoice_id).where(
        Difference.kind == DifferenceKind.RECOVERED, Difference.settled_at.is_(None)
    )
    found = db.session.scalars(
        select(Recovery.transfer)
        .join(Recovery.chargeback)
        .where(
            Recovery.transfer.is_not(None),
            (Recovery.settled_at >= now - WINDOW) | Chargeback.invoice_id.in_(differs),
        )
        .distinct()
    )
    subjects = db.session.scalars(
        select(Difference.subject).where(
            Difference.kind == DifferenceKind.RECOVERED,
            Difference.settled_at.is_(None),
            Difference.invoice_id.is_(None),
        )
    )
    return [key for key in (*found, *subjects) if key]


def last_comparison() -> Reconciliation | None:
    """The latest comparison."""
    return db.session.scalar(select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1))
