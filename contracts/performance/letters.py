"""What people are told about performance. Nothing in a letter says anything about a person on probation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation.letters import write_to_side
from contracts.mobilisation.rules import other
from contracts.performance.models import Chase, ImprovementAction, MeasureTarget, QualityReview, Scorecard
from contracts.performance.queries import LateReferral
from contracts.referrals.queries import service_managers
from marketplace.accounts import letters


def ask_to_agree(agreement: Agreement, side: Side, targets: Sequence[MeasureTarget], *, now: datetime) -> None:
    """To the side that did not propose them."""
    write_to_side(
        agreement,
        side,
        key=f"measure-target:{targets[0].id}:proposed",
        subject=f"Agree how the performance of {agreement.reference} is measured",
        template="performance/proposed",
        now=now,
        targets=targets,
    )


def tell_answered(agreement: Agreement, targets: Sequence[MeasureTarget], *, now: datetime) -> None:
    """To the side that proposed them."""
    write_to_side(
        agreement,
        targets[0].side,
        key=f"measure-target:{targets[0].id}:answered",
        subject=f"Targets of {agreement.reference}: {targets[0].status}",
        template="performance/answered",
        now=now,
        targets=targets,
    )


def tell_made(card: Scorecard, *, now: datetime) -> None:
    """To both sides: the month's scorecard is there."""
    for side in Side:
        _about(card, side, "made", f"How {card.agreement.reference} performed in {card.month:%B %Y}", now=now)


def tell_commented(card: Scorecard, *, now: datetime) -> None:
    """To the contract managers: the supplier has commented. Once a scorecard, however often the words change."""
    subject = f"The supplier commented on {card.agreement.reference} in {card.month:%B %Y}"
    _about(card, Side.COMMISSIONER, "commented", subject, now=now)


def tell_reviewed(card: Scorecard, *, now: datetime) -> None:
    """To the supplier: the review is written."""
    subject = f"The review of {card.agreement.reference} in {card.month:%B %Y} is written"
    _about(card, Side.SUPPLIER, "reviewed", subject, now=now)


def _about(card: Scorecard, side: Side, what: str, subject: str, *, now: datetime) -> None:
    write_to_side(
        card.agreement,
        side,
        key=f"scorecard:{card.id}:{what}:{side}",
        subject=subject,
        template="performance/scorecard",
        now=now,
        card=card,
        what=what,
    )


def tell_resolved(made: ImprovementAction, *, now: datetime) -> None:
    """To its owner: there is something to do."""
    _improve(made, made.side, "set", "Something to do", now=now)


def tell_done(made: ImprovementAction, *, now: datetime) -> None:
    """To the contract managers, who close it or reopen it."""
    _improve(made, Side.COMMISSIONER, f"done:{now.isoformat()}", "An action is said to be done", now=now)


def tell_followed_up(made: ImprovementAction, *, now: datetime) -> None:
    """To its owner: closed, or why it is to do again."""
    _improve(made, made.side, f"followed-up:{now.isoformat()}", "What was found of your action", now=now)


def remind(made: ImprovementAction, *, now: datetime) -> None:
    """To its owner and the other side, once, when it is late."""
    for side in (made.side, other(made.side)):
        _improve(made, side, f"late:{made.due_on}:{side}", "An action is late", now=now)


def chase(made: Chase, late: Sequence[LateReferral], *, now: datetime) -> None:
    """To the supplier's service managers: which referrals are late, by reference."""
    line = made.line
    letters.write_to(
        service_managers(line.agreement.supplier_id),
        key=f"chase:{made.id}",
        subject=f"Late referrals of {line.title}",
        template="emails/performance/chase.txt",
        now=now,
        chase=made,
        line=line,
        late=late,
    )


def tell_review_begun(review: QualityReview, *, now: datetime) -> None:
    """To the supplier: which referrals were drawn, so that it has their records at hand."""
    _review(review, "begun", "A quality review begins", now=now)


def tell_review_finished(review: QualityReview, *, now: datetime) -> None:
    """To the supplier: what was found."""
    _review(review, "finished", "A quality review is finished", now=now)


def _review(review: QualityReview, what: str, subject: str, *, now: datetime) -> None:
    write_to_side(
        review.agreement,
        Side.SUPPLIER,
        key=f"quality-review:{review.id}:{what}",
        subject=f"{subject}: {review.agreement.reference}",
        template="performance/review",
        now=now,
        review=review,
    )


def _improve(made: ImprovementAction, side: Side, what: str, subject: str, *, now: datetime) -> None:
    agreement = made.scorecard.agreement
    write_to_side(
        agreement,
        side,
        key=f"improvement:{made.id}:{what}",
        subject=f"{subject}: performance of {agreement.reference}",
        template="performance/improvement",
        now=now,
        made=made,
    )
