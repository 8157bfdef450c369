"""What both sides make of a scorecard: the supplier's comment, the review, and actions that are followed up."""

from __future__ import annotations

from datetime import date, datetime

from contracts.agreements.actions import hold
from contracts.agreements.rules import Side
from contracts.mobilisation.actions.checks import must_be
from contracts.performance import letters
from contracts.performance.models import ImprovementAction, Scorecard
from contracts.performance.rules import ACTION_MOVES, ActionStatus
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused, TooLate
from marketplace.extensions import db


def comment(card: Scorecard, *, words: str, actor: Actor, now: datetime) -> None:
    """The supplier says what it makes of its month, and may say it again until the review."""
    must_be(Side.SUPPLIER, actor, card.agreement)
    _hold(card)
    if card.reviewed_at is not None:
        raise TooLate("This month has been reviewed, so that its comment stays as it is.")
    if not words.strip():
        raise Invalid("Enter your comment", field="comment")
    card.comment, card.commented_at, card.commented_by = words.strip(), now, actor.person
    db.session.flush()
    audit.record(f"Commented on {card.month:%B %Y}", card.agreement, actor=actor, now=now, scorecard=card.id)
    letters.tell_commented(card, now=now)


def review(card: Scorecard, *, words: str, actor: Actor, now: datetime) -> None:
    """The lead's contract manager writes what was found when both sides met. Once; the supplier is told."""
    must_be(Side.COMMISSIONER, actor, card.agreement)
    _hold(card)
    if card.reviewed_at is not None:
        raise AlreadyDone("Somebody has written the review of this month already.")
    if not words.strip():
        raise Invalid("Enter what was found", field="review")
    card.review, card.reviewed_at, card.reviewed_by = words.strip(), now, actor.person
    db.session.flush()
    audit.record(f"Reviewed {card.month:%B %Y}", card.agreement, actor=actor, now=now, scorecard=card.id)
    letters.tell_reviewed(card, now=now)


def resolve(card: Scorecard, *, what: str, side: Side, due_on: date, actor: Actor, now: datetime) -> ImprovementAction:
    """The lead's contract manager sets down what one side is to do by a day. Refused for a day that has been."""
    hold(card.agreement)
    must_be(Side.COMMISSIONER, actor, card.agreement)
    if not what.strip():
        raise Invalid("Enter what is to be done", field="what")
    if due_on < clock.london(now).date():
        raise Invalid("Choose today or a day to come", field="due_on")
    made = ImprovementAction(
        scorecard_id=card.id,
        scorecard=card,
        what=what.strip(),
        side=side,
        due_on=due_on,
        set_at=now,
        set_by=actor.person,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "Set an action to improve", card.agreement, actor=actor, now=now, improvement=made.id, due=due_on.isoformat()
    )
    letters.tell_resolved(made, now=now)
    return made


def say_done(made: ImprovementAction, *, shown: str, actor: Actor, now: datetime) -> None:
    """Its owner says what was done."""
    must_be(made.side, actor, made.scorecard.agreement)
    _move(made, ActionStatus.DONE)
    if not shown.strip():
        raise Invalid("Say what was done", field="shown")
    made.status, made.shown, made.done_at, made.done_by = ActionStatus.DONE, shown.strip(), now, actor.person
    _record(made, "Said to have done an action", actor=actor, now=now)
    letters.tell_done(made, now=now)


def close(made: ImprovementAction, *, actor: Actor, now: datetime) -> None:
    """The lead's contract manager has seen that it is done."""
    must_be(Side.COMMISSIONER, actor, made.scorecard.agreement)
    _move(made, ActionStatus.CLOSED)
    made.status, made.closed_at, made.closed_by = ActionStatus.CLOSED, now, actor.person
    _record(made, "Closed an action", actor=actor, now=now)
    letters.tell_followed_up(made, now=now)


def reopen(made: ImprovementAction, *, reason: str, actor: Actor, now: datetime) -> None:
    """It was not enough: the lead's contract manager says why, and it is to do again."""
    must_be(Side.COMMISSIONER, actor, made.scorecard.agreement)
    _move(made, ActionStatus.OPEN)
    if not reason.strip():
        raise Invalid("Say what is missing", field="reason")
    made.status, made.reopened = ActionStatus.OPEN, reason.strip()
    made.shown = made.done_at = made.done_by = None
    _record(made, "Reopened an action", actor=actor, now=now)
    letters.tell_followed_up(made, now=now)


def _hold(card: Scorecard) -> None:
    hold(card.agreement)
    db.session.refresh(card, ["reviewed_at"])


def _move(made: ImprovementAction, to: ActionStatus) -> None:
    hold(made.scorecard.agreement)
    db.session.refresh(made, ["status"])
    if made.status is to:
        raise AlreadyDone(f"This action is “{to.label}” already.")
    if to not in ACTION_MOVES[made.status]:
        raise Refused(f"This action is “{made.status.label}”, so that this cannot be done now.")


def _record(made: ImprovementAction, what: str, *, actor: Actor, now: datetime) -> None:
    db.session.flush()
    audit.record(what, made.scorecard.agreement, actor=actor, now=now, improvement=made.id)
