"""What performance has waiting for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from flask import url_for
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side, months_after
from contracts.mobilisation.queries.contract import managed
from contracts.mobilisation.rules import other
from contracts.performance.models import ImprovementAction, MeasureTarget, QualityReview, Scorecard
from contracts.performance.queries.desk import count_late
from contracts.performance.queries.scorecards import last_month_over
from contracts.performance.rules import REVIEW_SOON_DAYS, ActionStatus, Rating, TargetStatus
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting

# More contracts than these that missed a target are one line of the home page.
NAMED = 5
# A month waits to be reviewed for so long (‡); then a later one matters more.
REVIEW_MONTHS = 2


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
            found.extend(_targets(actor, side))
            found.extend(_improvements(actor, side))
            found.extend(_missed(actor, side, clock.london(now).date()))
    if actor.may(Permission.MANAGE_CONTRACTS):
        found.extend(_reviews(actor, clock.london(now).date()))
    does_something = actor.may(Permission.CHASE_REFERRALS) or actor.may(Permission.DELIVER)
    if actor.may(Permission.SEE_LATE_REFERRALS) and does_something:
        found.extend(_late(actor, clock.london(now).date()))
    return found


def _late(actor: Actor, on: date) -> Iterator[Waiting]:
    late, services = count_late(actor, on=on)
    if late:
        words = f"{plural(late, 'referral')} of {plural(services, 'service')} past a clock"
        yield Waiting(words, url_for("performance.desk"))


def _targets(actor: Actor, side: Side) -> Iterator[Waiting]:
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count())
        .join(MeasureTarget.agreement)
        .where(managed(actor, side), MeasureTarget.status == TargetStatus.PROPOSED, MeasureTarget.side == other(side))
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, number in rows:
        yield Waiting(
            f"Agree {plural(number, 'target')} of {reference}", url_for("performance.targets", agreement_id=key)
        )


def _improvements(actor: Actor, side: Side) -> Iterator[Waiting]:
    own: ColumnElement[bool] = and_(ImprovementAction.side == side, ImprovementAction.status == ActionStatus.OPEN)
    shown = ImprovementAction.status == ActionStatus.DONE
    mine = or_(own, shown) if side is Side.COMMISSIONER else own
    rows = db.session.execute(
        select(
            Agreement.id,
            Agreement.reference,
            func.count().filter(own),
            func.min(ImprovementAction.due_on).filter(own),
            func.count().filter(shown),
        )
        .select_from(ImprovementAction)
        .join(ImprovementAction.scorecard)
        .join(Scorecard.agreement)
        .where(managed(actor, side), mine)
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    for key, reference, to_do, first, to_check in rows:
        url = url_for("performance.improvements", agreement_id=key)
        if to_do:
            yield Waiting(f"Improve {reference}: {plural(to_do, 'action')} to do", url, due=first)
        if to_check and side is Side.COMMISSIONER:
            yield Waiting(f"Check {plural(to_check, 'action')} of {reference} said to be done", url)


def _missed(actor: Actor, side: Side, on: date) -> Iterator[Waiting]:
    """Months in which a target was missed: to be commented on by the supplier, reviewed by the contract manager."""
    since = months_after(last_month_over(on), 1 - REVIEW_MONTHS)
    silent = [Scorecard.reviewed_at.is_(None)]
    if side is Side.SUPPLIER:
        silent.append(Scorecard.commented_at.is_(None))
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, Scorecard.month)
        .join(Scorecard.agreement)
        .where(managed(actor, side), Scorecard.overall == Rating.MISSED, Scorecard.month >= since, *silent)
        .order_by(Scorecard.month, Agreement.id)
    ).all()
    verb = "Say what you make of" if side is Side.SUPPLIER else "Review"
    if len(rows) > NAMED:
        yield Waiting(f"{verb} {len(rows)} months with a target missed", url_for("performance.index"))
        return
    for key, reference, month in rows:
        yield Waiting(
            f"{verb} {reference} in {month:%B %Y}: a target was missed",
            url_for("performance.show", agreement_id=key, month=f"{month:%Y-%m}"),
        )


def _reviews(actor: Actor, on: date) -> Iterator[Waiting]:
    """Quality reviews that are due: the latest of a contract said when the next should be."""
    later = aliased(QualityReview)
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, QualityReview.next_on)
        .join(QualityReview.agreement)
        .where(
            managed(actor, Side.COMMISSIONER),
            QualityReview.next_on <= on + timedelta(days=REVIEW_SOON_DAYS),
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
            ~exists().where(later.agreement_id == Agreement.id, later.number > QualityReview.number),
        )
        .order_by(QualityReview.next_on, Agreement.id)
    )
    for key, reference, next_on in rows:
        assert next_on is not None  # by the condition
        url = url_for("performance.quality_reviews", agreement_id=key)
        yield Waiting(f"Review the quality of {reference} again", url, due=next_on)


def late_improvements(on: date) -> Sequence[ImprovementAction]:
    """What was to be done before a day and is not said to be."""
    return db.session.scalars(
        select(ImprovementAction)
        .where(ImprovementAction.status == ActionStatus.OPEN, ImprovementAction.due_on < on)
        .order_by(ImprovementAction.id)
        .options(joinedload(ImprovementAction.scorecard).joinedload(Scorecard.agreement))
    ).all()
