"""Quality reviews: begun with a draw nobody chose, filled in, finished with a rating and its reasons (R51)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus, Side, months_after
from contracts.mobilisation.actions.checks import must_be
from contracts.performance import letters, queries, rules
from contracts.performance.models import QualityReview, ReviewedReferral, ReviewPoint
from contracts.performance.rules import Point, ReviewRating, Verdict
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused
from marketplace.extensions import db

# What was found of one thing: the verdict, perhaps none yet, and words.
Found = tuple[Verdict | None, str]


def begin_review(agreement: Agreement, *, actor: Actor, now: datetime) -> QualityReview:
    """Begin a review: the checklist, and referrals drawn by a seed that is kept. The supplier is told which.

    By the lead's contract manager. Refused while another is open, and before the contract has begun.
    """
    hold(agreement)
    must_be(Side.COMMISSIONER, actor, agreement)
    today = clock.london(now).date()
    if agreement.status is not AgreementStatus.SIGNED or agreement.starts_on > today:
        raise Refused("A contract is reviewed once it has begun.")
    if any(one.finished_at is None for one in queries.reviews_of(agreement)):
        raise AlreadyDone("A review of this contract is open already.")
    last = today - timedelta(days=1)
    first = max(months_after(today, -rules.SAMPLE_MONTHS), agreement.starts_on)
    there = queries.to_draw_from(agreement, first, last)
    seed = secrets.token_hex(8)
    made = QualityReview(
        agreement_id=agreement.id,
        agreement=agreement,
        number=queries.last_number(agreement) + 1,
        begun_at=now,
        begun_by=actor.person,
        sampled_from=first,
        sampled_to=max(first, last),
        seed=seed,
        sampled_of=len(there),
        points=[ReviewPoint(point=point, position=number) for number, point in enumerate(Point, start=1)],
        referrals=[
            ReviewedReferral(referral_id=there[reference], position=number)
            for number, reference in enumerate(rules.sample(there, seed=seed), start=1)
        ],
    )
    db.session.add(made)
    db.session.flush()
    audit.record("Began a quality review", agreement, actor=actor, now=now, review=made.id, drawn=len(made.referrals))
    letters.tell_review_begun(made, now=now)
    return made


def keep_review(
    review: QualityReview,
    points: Mapping[Point, Found],
    referrals: Mapping[int, Found],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what was found so far. `referrals` by their place in the draw. Refused once the review is finished."""
    _hold(review, actor)
    for one in review.points:
        if one.point in points:
            one.verdict, words = points[one.point]
            one.words = words.strip() or None
    for drawn in review.referrals:
        if drawn.position in referrals:
            drawn.verdict, words = referrals[drawn.position]
            drawn.words = words.strip() or None
    db.session.flush()
    audit.record("Kept what the quality review found", review.agreement, actor=actor, now=now, review=review.id)


def finish_review(
    review: QualityReview, *, rating: ReviewRating, reasons: str, next_on: date, actor: Actor, now: datetime
) -> None:
    """Rate it, say why, and when to look again. The supplier is told, and the scorecard counts what was found.

    Refused while anything is left to be looked at, without reasons, and for a day that has been.
    """
    _hold(review, actor)
    if not review.is_complete:
        raise Refused("Say what you found of every point and every referral first.")
    if not reasons.strip():
        raise Invalid("Say why", field="reasons")
    if next_on <= clock.london(now).date():
        raise Invalid("Choose a day to come", field="next_on")
    review.rating, review.reasons, review.next_on = rating, reasons.strip(), next_on
    review.finished_at, review.finished_by = now, actor.person
    db.session.flush()
    audit.record(
        f"Finished a quality review: {rating.label.lower()}", review.agreement, actor=actor, now=now, review=review.id
    )
    letters.tell_review_finished(review, now=now)


def _hold(review: QualityReview, actor: Actor) -> None:
    hold(review.agreement)
    must_be(Side.COMMISSIONER, actor, review.agreement)
    db.session.refresh(review, ["finished_at"])
    if review.finished_at is not None:
        raise AlreadyDone("This review is finished, and stays as it is.")
