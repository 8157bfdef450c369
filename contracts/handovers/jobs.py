"""Background work of handovers: running and undoing them a referral at a time, and chasing who is late to take on."""

from __future__ import annotations

from contracts.handovers import actions, letters, queries
from contracts.handovers.rules import MOST_IN_A_RUN, HandoverStatus, is_near
from contracts.referrals.rules import taken_on_by
from marketplace import clock
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.queueing import awake, for_each, wake
from marketplace.transactions import transaction


def run_handovers() -> None:
    """Every minute: carry on with each handover that is due. May be cut off anywhere, and run twice."""
    awake(run_handovers)
    for_each(queries.to_be_run(clock.today()), _carry_on)


def _carry_on(handover_id: int) -> None:
    with transaction():
        actions.begin(handover_id, now=clock.now())
    undoes = queries.handover(handover_id).status is HandoverStatus.UNDOING
    try:
        done = _undo(handover_id) if undoes else _move(handover_id)
    except Refused as refused:
        # Not of one referral, which would not have been chosen, but of the next service itself.
        with transaction():
            actions.halt(handover_id, refused.words, now=clock.now())
        return
    if not done:
        wake(run_handovers)


def _move(handover_id: int) -> bool:
    """Move what goes, those in service first, then the waiting list; whether that is all."""
    for referral_id in queries.next_to_move(queries.handover(handover_id), MOST_IN_A_RUN):
        with transaction():
            actions.move_one(handover_id, referral_id, now=clock.now())
    if queries.next_to_move(queries.handover(handover_id), 1):
        return False
    with transaction():
        actions.move_queue(handover_id, now=clock.now())
    with transaction():
        return actions.finish(handover_id, now=clock.now())


def _undo(handover_id: int) -> bool:
    """Undo what can be undone of a handover that is being undone; whether that is all."""
    for new_id in queries.next_to_undo(queries.handover(handover_id), MOST_IN_A_RUN):
        try:
            with transaction():
                actions.undo_next(handover_id, new_id, now=clock.now())
        except Refused:
            with transaction():
                actions.keep(handover_id, new_id, now=clock.now())
    with transaction():
        return actions.finish(handover_id, now=clock.now())


def chase() -> None:
    """Each morning: remind who has not taken on the people moved to it, shortly before the last day and after it."""
    now = clock.now()
    on = clock.london(now).date()
    with transaction():
        for line, moved_on, count in queries.not_taken_on():
            due_on = taken_on_by(moved_on)
            if due_on < on or is_near(moved_on, on):
                letters.remind(line, moved_on, count, due_on=due_on, is_late=due_on < on, now=now)
        db.session.flush()
