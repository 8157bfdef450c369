"""What mobilisation has waiting for somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from flask import url_for
from sqlalchemy import and_, func, or_, select

from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import AgreementStatus, Side
from contracts.mobilisation.models import Milestone, Promise, PromiseReport
from contracts.mobilisation.queries.contract import managed
from contracts.mobilisation.queries.promises import promises_to_remind
from contracts.mobilisation.queries.staff import expiring
from contracts.mobilisation.queries.supply_chain import quarters_to_remind
from contracts.mobilisation.rules import SOON_WORKING_DAYS, TO_DO, MilestoneStatus, PromiseStatus, other
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting
from marketplace.working_days import add_working_days


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """A line for each contract and kind of thing that waits for whoever manages it, for either side."""
    if actor.organisation_id is None:
        return []
    found: list[Waiting] = []
    for side, permission in (
        (Side.SUPPLIER, Permission.MANAGE_DELIVERY),
        (Side.COMMISSIONER, Permission.MANAGE_CONTRACTS),
    ):
        if actor.may(permission) and actor.is_supplier is (side is Side.SUPPLIER):
            found.extend(_milestones(actor, side, now))
            found.extend(_promises(actor, side))
            found.extend(_reports_owed(actor, now) if side is Side.SUPPLIER else _to_judge(actor))
            found.extend(_expiring(actor, side, now))
    return found


def _milestones(actor: Actor, side: Side, now: datetime) -> Iterator[Waiting]:
    soon = add_working_days(clock.london(now).date(), SOON_WORKING_DAYS)
    own = and_(Milestone.side == side, Milestone.status.in_(TO_DO), Milestone.due_on <= soon)
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count().filter(own), func.min(Milestone.due_on).filter(own))
        .add_columns(func.count().filter(Milestone.status == MilestoneStatus.DONE, Milestone.side == other(side)))
        .join(Milestone.agreement)
        .where(
            managed(actor, side),
            Agreement.status == AgreementStatus.SIGNED,
            or_(own, and_(Milestone.status == MilestoneStatus.DONE, Milestone.side == other(side))),
        )
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, to_do, first, to_judge in rows:
        url = url_for("mobilisation.readiness", agreement_id=key)
        if to_do:
            yield Waiting(f"Get ready for {reference}: {plural(to_do, 'milestone')} due", url, due=first)
        if to_judge:
            yield Waiting(f"Accept {plural(to_judge, 'milestone')} of {reference}, or send back", url)


def _promises(actor: Actor, side: Side) -> Iterator[Waiting]:
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count())
        .join(Promise.agreement)
        .where(managed(actor, side), Promise.status == PromiseStatus.PROPOSED, Promise.side == other(side))
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, number in rows:
        yield Waiting(
            f"Agree how {plural(number, 'promise')} of {reference} will be measured",
            url_for("mobilisation.promises", agreement_id=key),
        )


def _reports_owed(actor: Actor, now: datetime) -> Iterator[Waiting]:
    """One line and one page for all that a contract's quarter asks for: small suppliers report little (R125)."""
    on = clock.london(now).date()
    owed: Counter[int] = Counter()
    references: dict[int, str] = {}
    for agreement, due in promises_to_remind(on, supplier_id=actor.organisation).values():
        owed[agreement.id] += len(due)
        references[agreement.id] = agreement.reference
    for agreement, quarters in quarters_to_remind(on, supplier_id=actor.organisation).values():
        owed[agreement.id] += len(quarters)
        references[agreement.id] = agreement.reference
    for key, number in owed.items():
        yield Waiting(
            f"Report on {references[key]}: {plural(number, 'answer')}", url_for("mobilisation.report", agreement_id=key)
        )


def _to_judge(actor: Actor) -> Iterator[Waiting]:
    mine = managed(actor, Side.COMMISSIONER)
    reports = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count())
        .select_from(PromiseReport)
        .join(PromiseReport.promise)
        .join(Promise.agreement)
        .where(mine, PromiseReport.judged_at.is_(None))
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, number in reports:
        yield Waiting(
            f"Judge {plural(number, 'report')} on promises of {reference}",
            url_for("mobilisation.promises", agreement_id=key),
        )
    chain = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count())
        .select_from(Subcontractor)
        .join(Agreement, Subcontractor.agreement_id == Agreement.id)
        .where(
            mine, Subcontractor.share.is_not(None), Subcontractor.agreed_at.is_(None), Subcontractor.left_on.is_(None)
        )
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, number in chain:
        yield Waiting(
            f"Agree {plural(number, 'subcontractor')} of {reference}",
            url_for("mobilisation.supply_chain", agreement_id=key),
        )


def _expiring(actor: Actor, side: Side, now: datetime) -> Iterator[Waiting]:
    for agreement, days in expiring(clock.london(now).date(), managed(actor, side)):
        yield Waiting(
            f"{plural(len(days), 'clearance')} under {agreement.reference}: ending soon, or over",
            url_for("mobilisation.people", agreement_id=agreement.id),
            due=days[0],
        )
