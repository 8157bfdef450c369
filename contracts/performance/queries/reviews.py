"""Quality reviews: those of a contract, what can be drawn, and what the latest one counts for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import theirs
from contracts.performance.models import QualityReview, ReviewedReferral
from contracts.referrals.models import Referral, Session
from marketplace import clock
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db


def reviews_of(agreement: Agreement) -> Sequence[QualityReview]:
    """Every review of a contract, the latest first."""
    return db.session.scalars(
        select(QualityReview)
        .where(QualityReview.agreement_id == agreement.id)
        .order_by(QualityReview.number.desc())
        .options(joinedload(QualityReview.finisher))
    ).all()


def review_for(actor: Actor, review_id: int) -> QualityReview:
    """A review of a contract that concerns the actor. Raises NotFound else."""
    found = db.session.scalar(
        select(QualityReview)
        .join(QualityReview.agreement)
        .where(QualityReview.id == review_id, theirs(actor))
        .options(
            joinedload(QualityReview.agreement).joinedload(Agreement.supplier),
            joinedload(QualityReview.agreement).joinedload(Agreement.commissioner),
            joinedload(QualityReview.starter),
            joinedload(QualityReview.finisher),
            selectinload(QualityReview.points),
            selectinload(QualityReview.referrals).joinedload(ReviewedReferral.referral),
        )
    )
    if found is None:
        raise NotFound("There is no such review, or it does not concern your organisation.")
    return found


def last_number(agreement: Agreement) -> int:
    """The number of the latest review; 0 where there is none."""
    found = select(func.max(QualityReview.number)).where(QualityReview.agreement_id == agreement.id)
    return db.session.scalar(found) or 0


def to_draw_from(agreement: Agreement, first: date, last: date) -> dict[str, int]:
    """The referrals with a session recorded in these days: reference and key."""
    rows = db.session.execute(
        select(Referral.reference, Referral.id)
        .join(ServiceLine, ServiceLine.id == Referral.line_id)
        .where(
            ServiceLine.agreement_id == agreement.id,
            select(Session.id)
            .where(
                Session.referral_id == Referral.id,
                Session.recorded_at.is_not(None),
                Session.starts_at >= clock.begins(first),
                Session.starts_at < clock.ends(last),
            )
            .exists(),
        )
    )
    return {row.reference: row.id for row in rows}
