"""Handing over: planned, decided case by case, run a referral at a time, and undone; and moving a single referral.

A run may be cut off anywhere and begin again: each referral moves in a transaction of its own, the waiting list in
one, and what has moved is no longer there to be moved.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from contracts.agreements import actions as agreements
from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import AgreementStatus, SuspensionCause
from contracts.changes import actions as changing
from contracts.changes import queries as changes
from contracts.handovers import letters, queries
from contracts.handovers.models import Handover, HandoverCase
from contracts.handovers.rules import HANDOVER_MOVES, OPEN_HANDOVERS, Decision, HandoverStatus
from contracts.referrals import actions as referring
from contracts.referrals import queries as referrals
from contracts.referrals.models import Referral
from contracts.referrals.rules import OPEN
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db


def plan(from_line: ServiceLine, to_line: ServiceLine, *, day: date, actor: Actor, now: datetime) -> Handover:
    """Draft the handover of one service to another, from a day on. Nobody outside the commissioner knows of it yet.

    Refused: for others than the contract manager or commercial partner of the body that leads both contracts; a day
    that is past; a service that is not the next one's kind, place or does not take referrals on the day; a second one.
    """
    if not queries.leads_both(actor, from_line.agreement, to_line.agreement):
        raise NotAllowed("Only who manages both contracts for their lead commissioner plans a handover.")
    if from_line.agreement.status is not AgreementStatus.SIGNED:
        raise Refused("This contract is not signed by both sides, so there is nothing to hand over.")
    if day < clock.london(now).date():
        raise Invalid("Enter today or a day to come", field="day")
    if to_line.id not in {one.id for one in queries.next_services(actor, from_line, day)}:
        raise Invalid("Choose one of the services in the list", field="to_line")
    if not referrals.takes_referrals(to_line.id, day):
        raise Invalid(f"{to_line.title} takes no referrals on that day. Choose another day or service.", field="day")
    # Two who plan at the same moment: one after the other.
    agreements.hold(from_line.agreement)
    _must_be_only(from_line)
    handover = Handover(
        from_line=from_line,
        to_line=to_line,
        day=day,
        status=HandoverStatus.DRAFT,
        planned_by=actor.person,
        planned_at=now,
    )
    db.session.add(handover)
    db.session.flush()
    audit.record("Planned the handover", handover, actor=actor, now=now, from_line=from_line.id, to_line=to_line.id)
    return handover


def agree(handover: Handover, *, actor: Actor, now: datetime) -> None:
    """Fix it: both suppliers and every officer with a referral there are told. From its day on, it runs by itself, and
    nobody new is referred to the old service.
    """
    if not queries.leads_both(actor, handover.from_line.agreement, handover.to_line.agreement):
        raise NotAllowed("Only who manages both contracts for their lead commissioner fixes a handover.")
    _move(handover, HandoverStatus.AGREED)
    if handover.day < clock.london(now).date():
        raise Refused("Its day has passed. Cancel this handover and plan it for another day.")
    handover.agreed_at = now
    audit.record("Fixed the handover", handover, actor=actor, now=now, day=handover.day.isoformat())
    _stop_new_referrals(handover, actor=actor, now=now)
    letters.tell_agreed(handover, now=now)
    db.session.flush()


def cancel(handover: Handover, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give it up before it begins, with the reason; whoever was told of it is told again."""
    _must_lead(handover, actor)
    was_told = queries.held(handover.id).status is HandoverStatus.AGREED
    _move(handover, HandoverStatus.CANCELLED)
    if not reason.strip():
        raise Invalid("Enter a reason", field="reason")
    handover.cancelled_reason = reason.strip()
    audit.record("Cancelled the handover", handover, actor=actor, now=now)
    _take_referrals_again(handover, reason=handover.cancelled_reason, actor=actor, now=now)
    if was_told:
        letters.tell_cancelled(handover, now=now)
    db.session.flush()


def decide(handover: Handover, referral_id: int, decision: Decision, *, actor: Actor, now: datetime) -> HandoverCase:
    """Say of one referral that it goes with the service, or stays with the old supplier until it is completed."""
    queries.held(handover.id)
    if not queries.may_decide(actor, handover):
        raise NotAllowed("Only who manages the contract, or the supplier until then, decides about single referrals.")
    status = db.session.scalar(
        select(Referral.status).where(Referral.id == referral_id, Referral.line_id == handover.from_line_id)
    )
    if status is None:
        raise NotFound("There is no such referral in this handover.")
    if status not in OPEN:
        raise AlreadyDone("This referral has moved or ended already.")
    case = _case(handover, referral_id)
    case.decision, case.decided_at, case.decided_by = decision, now, actor.person
    words = "Stays until completed" if decision is Decision.STAY else "Goes with the service"
    audit.record(f"Decided of one referral: {words.lower()}", handover, actor=actor, now=now, referral=referral_id)
    db.session.flush()
    return case


def begin(handover_id: int, *, now: datetime) -> None:
    """Its day has come."""
    handover = queries.held(handover_id)
    if handover.status is HandoverStatus.AGREED and handover.day <= clock.london(now).date():
        handover.status, handover.begun_at = HandoverStatus.UNDER_WAY, now
        audit.record("The handover began", handover, actor=SYSTEM, now=now)
        db.session.flush()


def move_one(handover_id: int, referral_id: int, *, now: datetime) -> bool:
    """Move one referral, if the handover is under way and it still goes; whether it did.

    Refused where the next service takes nobody: that stops the run, see `halt`.
    """
    handover = queries.held(handover_id)
    if handover.status is not HandoverStatus.UNDER_WAY or not queries.still_goes(handover, referral_id):
        return False
    new = referring.transfer(referral_id, handover.to_line_id, actor=SYSTEM, now=now)
    _moved(handover, new, now=now)
    handover.halted = None
    db.session.flush()
    return True


def move_queue(handover_id: int, *, now: datetime) -> int:
    """Move what goes of the waiting list in one piece; how many that were."""
    handover = queries.held(handover_id)
    going = queries.queue_to_move(handover) if handover.status is HandoverStatus.UNDER_WAY else []
    if not going:
        return 0
    moved = referring.transfer_queue(handover.from_line_id, handover.to_line_id, going, actor=SYSTEM, now=now)
    for new in moved:
        _moved(handover, new, now=now)
    handover.halted = None
    db.session.flush()
    return len(moved)


def halt(handover_id: int, words: str, *, now: datetime) -> None:
    """Keep why nothing moves, and tell who planned it, once. The next run tries again."""
    handover = queries.held(handover_id)
    if handover.halted != words:
        handover.halted = words
        audit.record(f"The handover is halted: {words}", handover, actor=SYSTEM, now=now)
        letters.tell_halted(handover, now=now)
        db.session.flush()


def finish(handover_id: int, *, now: datetime) -> bool:
    """End the run if nothing is left that goes, or nothing that can be undone; whether it ended."""
    handover = queries.held(handover_id)
    if handover.status is HandoverStatus.UNDER_WAY:
        if queries.tally_of(handover, clock.london(now).date()).goes:
            return False
        handover.status, handover.ended_at, handover.halted = HandoverStatus.DONE, now, None
        audit.record("The handover is done", handover, actor=SYSTEM, now=now)
        letters.tell_done(handover, now=now)
    elif handover.status is HandoverStatus.UNDOING:
        if queries.next_to_undo(handover, 1):
            return False
        handover.status, handover.ended_at = HandoverStatus.UNDONE, now
        audit.record("The handover was undone", handover, actor=SYSTEM, now=now)
        letters.tell_undone(handover, now=now)
    db.session.flush()
    return True


def undo(handover: Handover, *, actor: Actor, now: datetime) -> None:
    """Have every move undone that still can be: not yet taken on, until the end of the next working day."""
    _must_lead(handover, actor)
    queries.held(handover.id)
    agreements.hold(handover.from_line.agreement)
    if handover.status is HandoverStatus.DONE:
        _must_be_only(handover.from_line)
    _move(handover, HandoverStatus.UNDOING)
    audit.record("Asked for the handover to be undone", handover, actor=actor, now=now)
    _take_referrals_again(handover, reason="The handover is undone.", actor=actor, now=now)
    db.session.flush()


def undo_next(handover_id: int, new_referral_id: int, *, now: datetime) -> None:
    """Undo one move of a handover that is being undone. Refused what cannot be; see `keep`."""
    handover = queries.held(handover_id)
    if handover.status is HandoverStatus.UNDOING:
        referring.undo_transfer(new_referral_id, actor=SYSTEM, now=now)
        db.session.flush()


def keep(handover_id: int, new_referral_id: int, *, now: datetime) -> None:
    """A move that cannot be undone stays."""
    handover = queries.held(handover_id)
    case = queries.case_by_new(handover.id, new_referral_id)
    if case is not None:
        case.kept_at = now
        db.session.flush()


def undo_one(handover: Handover, referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """Undo the move of one referral by who leads; it then stays with the old supplier unless decided otherwise."""
    _must_lead(handover, actor)
    queries.held(handover.id)
    case = queries.case_of(handover.id, referral_id)
    if case is None or case.moved_to_id is None:
        raise NotFound("This referral was not moved by this handover.")
    old = referring.undo_transfer(case.moved_to_id, actor=actor, now=now)
    case.decision, case.decided_at, case.decided_by = Decision.STAY, now, actor.person
    letters.tell_move_undone(old, db.session.get_one(Referral, case.moved_to_id), now=now)
    db.session.flush()
    return old


def move_single(referral_id: int, line_id: int, *, actor: Actor, now: datetime) -> Referral:
    """The officer moves one referral to a service elsewhere: the case follows the person (R92)."""
    actor.must(Permission.REFER)
    old = referrals.referral_for(actor, referral_id)
    if not referrals.is_officer_of(actor, old):
        raise NotAllowed("Only the officer who sent the referral can move it.")
    new = referring.transfer(referral_id, line_id, actor=actor, now=now)
    letters.tell_moved(old, new, now=now)
    return new


def undo_single(referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """The officer takes back a move of their own; `referral_id` is the referral that came of it."""
    new = referrals.referral_for(actor, referral_id)
    if not referrals.is_officer_of(actor, new):
        raise NotAllowed("Only the officer who moved the referral can undo that.")
    if queries.handover_that_moved(new.id) is not None:
        raise NotAllowed("It was moved with the whole service. Ask who manages the contract to undo that.")
    old = referring.undo_transfer(referral_id, actor=actor, now=now)
    letters.tell_move_undone(old, new, now=now)
    return old


def _stop_new_referrals(handover: Handover, *, actor: Actor, now: datetime) -> None:
    """From its day on, unless the contract is over by then or referrals are stopped already."""
    line = handover.from_line
    ends_on = line.agreement.ends_on
    if ends_on is not None and ends_on < handover.day:
        return
    for one in changes.suspensions_of(line.agreement):
        if one.lifted_at is None and one.line_id in (None, line.id) and one.from_on <= handover.day:
            return
    handover.suspension = changing.suspend(
        line.agreement,
        line=line,
        from_on=handover.day,
        reason=f"The service is handed over (handover {handover.id}).",
        cause=SuspensionCause.HANDOVER,
        actor=actor,
        now=now,
    )


def _take_referrals_again(handover: Handover, *, reason: str, actor: Actor, now: datetime) -> None:
    """Lift what fixing the handover stopped, and nothing that was stopped for another reason."""
    stopped = handover.suspension
    if stopped is None:
        return
    agreements.hold(handover.from_line.agreement)
    db.session.refresh(stopped)
    if stopped.lifted_at is None:
        changing.lift(stopped, on=clock.london(now).date(), reason=reason, actor=actor, now=now)


def _must_be_only(line: ServiceLine) -> None:
    open_one = select(Handover.id).where(Handover.from_line_id == line.id, Handover.status.in_(OPEN_HANDOVERS))
    if db.session.scalar(open_one) is not None:
        raise AlreadyDone("A handover of this service is planned already. Finish or cancel that one first.")


def _moved(handover: Handover, new: Referral, *, now: datetime) -> None:
    assert new.moved_from_id is not None
    case = _case(handover, new.moved_from_id)
    case.moved_to_id, case.moved_at, case.kept_at = new.id, now, None


def _case(handover: Handover, referral_id: int) -> HandoverCase:
    case = queries.case_of(handover.id, referral_id)
    if case is None:
        case = HandoverCase(handover_id=handover.id, referral_id=referral_id, decision=Decision.MOVE)
        db.session.add(case)
    return case


def _move(handover: Handover, to: HandoverStatus) -> None:
    queries.held(handover.id)
    if to not in HANDOVER_MOVES[handover.status]:
        raise AlreadyDone(f"This handover is now “{handover.status.label}”, so this can no longer be done.")
    handover.status = to


def _must_lead(handover: Handover, actor: Actor) -> None:
    if not queries.leads(actor, handover):
        raise NotAllowed("Only who manages the contract that is handed over, for its lead commissioner, can do this.")
