"""Reads of promises and the reports on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.agreements.queries import theirs
from contracts.agreements.rules import AgreementStatus
from contracts.mobilisation.models import Promise, PromiseReport
from contracts.mobilisation.rules import REPORT_DAYS, PromiseStatus, Verdict, next_report
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


@dataclass(frozen=True)
class DueReport:
    """A report that the supplier owes: on which promise, as of which day, and what was said when it was sent back."""

    promise: Promise
    due_on: date
    sent_back: PromiseReport | None

    @property
    def late_after(self) -> date:
        """The last day on which it is in time."""
        return self.due_on + timedelta(days=REPORT_DAYS)


def promises_of(agreement: Agreement) -> Sequence[Promise]:
    """The contract's promises with their reports, agreed ones first."""
    order = [PromiseStatus.AGREED, PromiseStatus.PROPOSED, PromiseStatus.ENDED, PromiseStatus.DECLINED]
    found = db.session.scalars(
        select(Promise)
        .where(Promise.agreement_id == agreement.id)
        .options(
            selectinload(Promise.reports).joinedload(PromiseReport.person),
            selectinload(Promise.reports).joinedload(PromiseReport.judge),
        )
        .order_by(Promise.kind, Promise.id)
    ).all()
    return sorted(found, key=lambda one: order.index(one.status))


def promise_for(actor: Actor, promise_id: int) -> Promise:
    """The promise, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Promise)
        .join(Promise.agreement)
        .where(Promise.id == promise_id, theirs(actor))
        .options(
            joinedload(Promise.agreement).joinedload(Agreement.supplier),
            joinedload(Promise.agreement).joinedload(Agreement.commissioner),
            selectinload(Promise.reports).joinedload(PromiseReport.person),
            selectinload(Promise.reports).joinedload(PromiseReport.judge),
        )
    )
    if found is None:
        raise NotFound("There is no such promise.")
    return found


def report_for(actor: Actor, report_id: int) -> PromiseReport:
    """A report on a promise, under the same right."""
    owner = db.session.scalar(select(PromiseReport.promise_id).where(PromiseReport.id == report_id))
    return next(one for one in promise_for(actor, owner or 0).reports if one.id == report_id)


def due_reports(promises: Sequence[Promise], ends_on: date | None, on: date) -> list[DueReport]:
    """The reports the supplier owes on a day: of each agreed promise the earliest day that has none."""
    found = []
    for promise in promises:
        if promise.status is not PromiseStatus.AGREED:
            continue
        standing = {one.due_on for one in promise.reports if one.verdict is not Verdict.SENT_BACK}
        day = next_report(promise.first_due_on, promise.frequency, ends_on, standing)
        if day is not None and day <= on:
            back = [one for one in promise.reports if one.due_on == day]
            found.append(DueReport(promise, day, back[-1] if back else None))
    return sorted(found, key=lambda one: (one.due_on, one.promise.id))


def promises_to_remind(on: date, *, supplier_id: int | None = None) -> dict[int, tuple[Agreement, list[DueReport]]]:
    """By contract the reports that are owed on a day, of all signed contracts or of one supplier's."""
    wanted = (
        select(Promise)
        .join(Promise.agreement)
        .where(
            Promise.status == PromiseStatus.AGREED,
            Promise.first_due_on <= on,
            Agreement.status == AgreementStatus.SIGNED,
            # A last report may still be owed when the contract is over.
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on - timedelta(days=92)),
        )
        .options(joinedload(Promise.agreement), selectinload(Promise.reports))
        .order_by(Promise.id)
    )
    if supplier_id is not None:
        wanted = wanted.where(Agreement.supplier_id == supplier_id)
    found: dict[int, tuple[Agreement, list[DueReport]]] = {}
    for promise in db.session.scalars(wanted):
        agreement = promise.agreement
        for due in due_reports([promise], agreement.ends_on, on):
            found.setdefault(agreement.id, (agreement, []))[1].append(due)
    return found
