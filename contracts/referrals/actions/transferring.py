"""Moving referrals from one service to another, undoing that, and the person's consent to share what was recorded.

What was done stays where it was done: the old referral keeps its sessions and its record, and its place in the count if
the person has come to a session, and ends as moved. A new one goes on with the next supplier. Who may move what is
asked by the caller (area handovers).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from contracts.agreements import queries as agreements
from contracts.agreements.models import ServiceLine
from contracts.referrals import queries, rules
from contracts.referrals.actions import counting, waiting
from contracts.referrals.actions.references import free_reference
from contracts.referrals.actions.sending import LOOKED
from contracts.referrals.models import Referral
from contracts.referrals.queries import EarlierRecord
from contracts.referrals.rules import OPEN, REFERRAL_MOVES, RESTORED, UNSENT, Consent, ReferralStatus
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, NotAllowed, Refused, TooLate
from marketplace.extensions import db


def transfer(referral_id: int, line_id: int, *, actor: Actor, now: datetime) -> Referral:
    """Move one referral to another service, and give back the one that goes on there.

    It takes a place there, or joins the waiting list by when the person was first referred. Refused where the service
    takes no referrals or nobody of its supplier is here, for what has ended, and for an `Obstacle`.
    """
    old_line, _ = queries.lines_of_move(referral_id)
    to = _hold(old_line, line_id, now)
    old = queries.held(referral_id)
    new = _move(old, to, actor=actor, now=now)
    waiting.pass_on(to.id, now=now)
    if old.released_at is not None:
        waiting.pass_on(old_line, now=now)
    db.session.flush()
    return new


def transfer_queue(
    line_id: int, to_line_id: int, referral_ids: Sequence[int], *, actor: Actor, now: datetime
) -> list[Referral]:
    """Move those of a waiting list, places held for them included, in one piece: the order they were told stays.

    Who has meanwhile left the list, or whom an obstacle keeps, is passed over.
    """
    to = _hold(line_id, to_line_id, now)
    moved = [
        _move(old, to, actor=actor, now=now)
        for old in queries.queue_held(line_id, referral_ids)
        if queries.obstacle_for(old.id, to.id) is None
    ]
    waiting.pass_on(to.id, now=now)
    waiting.pass_on(line_id, now=now)
    db.session.flush()
    return moved


def undo_transfer(referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """Undo the move by which this referral came, and give back the one that is open again.

    Refused once the next supplier has taken it on, after the end of the next working day, for a place that was held or
    given back and has gone to the next in line, and for one given back in a contract year that is over.
    """
    new_line, old_line = queries.lines_of_move(referral_id)
    if old_line is None:
        raise Refused("This referral was not moved here.")
    for line in sorted({new_line, old_line}):
        counting.hold(line)
    new = queries.held(referral_id)
    assert new.moved_from_id is not None
    old = queries.held(new.moved_from_id)
    if new.move_undone_at is not None:
        raise AlreadyDone("This move has been undone already.")
    if new.status not in UNSENT | {ReferralStatus.SENT}:
        raise AlreadyDone("The next supplier has answered already, so the move can no longer be undone.")
    assert old.ended_at is not None  # a constraint of the table
    if clock.london(now).date() > rules.undone_by(clock.london(old.ended_at).date()):
        raise TooLate("A move can be undone until the end of the next working day.")
    if old.sent_at is None and old.offered_at is not None:
        raise Refused("The place that was held for the person has gone to the next in line, so this cannot be undone.")
    if queries.is_open_at(old_line, old.crn_fingerprint):
        raise AlreadyDone("The person has been referred to the earlier service again meanwhile.")
    given = counting.given_back_within(old)
    if given is not None and clock.london(now).date() > given[1][1]:
        raise TooLate("The contract year in which the person was moved is over, so the move can no longer be undone.")
    if not counting.take_again(old):
        raise Refused("The place that the person had there has gone to somebody else, so this cannot be undone.")
    new.status, new.ended_at, new.move_undone_at = ReferralStatus.WITHDRAWN, now, now
    counting.give_back(new, now=now)
    db.session.flush()
    status = (
        ReferralStatus.WAITING
        if old.sent_at is None
        else ReferralStatus.SENT
        if old.accepted_at is None
        else ReferralStatus.ACCEPTED
    )
    assert status in RESTORED
    old.status, old.ended_at = status, None
    audit.record("The move was undone", old, actor=actor, now=now, referral=new.id)
    audit.record("The move was undone", new, actor=actor, now=now, referral=old.id)
    db.session.flush()
    waiting.pass_on(new_line, now=now)
    waiting.pass_on(old_line, now=now)
    return old


def record_consent(referral_id: int, answer: Consent, *, actor: Actor, now: datetime) -> Referral:
    """Write down whether the person lets the next supplier read this record. It may change at any time.

    The officer does; who delivers the referral does while it is open with them. Whoever wants to read never does.
    """
    referral = queries.referral_for(actor, referral_id, lock=True)
    if not (queries.is_officer_of(actor, referral) or referral.status in OPEN):
        raise NotAllowed("Only the officer can change this once the referral has ended.")
    if referral.consent is answer:
        return referral
    if answer is Consent.NOT_ASKED:
        raise Refused("What the person was asked stays on record. Choose their answer.")
    referral.consent, referral.consent_at, referral.consent_by = answer, now, actor.person
    audit.record(f"Consent to share this record: {answer.label.lower()}", referral, actor=actor, now=now)
    db.session.flush()
    return referral


def look_back(referral_id: int, *, actor: Actor, now: datetime) -> Sequence[EarlierRecord]:
    """Open what earlier suppliers recorded, as far as the person agreed; each record's look is put on record."""
    found = queries.earlier_records(actor, referral_id)
    for one in found:
        audit.record(LOOKED, one.referral, actor=actor, now=now)
    db.session.flush()
    return found


def _hold(from_line: int, to_line: int, now: datetime) -> ServiceLine:
    """Both lines held, in one order everywhere, and the new one free to be referred to."""
    if from_line == to_line:
        raise AlreadyDone("The referral is with this service already.")
    for one in sorted((from_line, to_line)):
        counting.hold(one)
    to = agreements.line(to_line)
    if not queries.takes_referrals(to.id, clock.london(now).date()):
        raise Refused(f"{to.title} takes no referrals now, so nobody can be moved to it.")
    if not queries.suppliers_with_somebody([to.agreement.supplier_id]):
        raise Refused(f"{to.agreement.supplier.name} does not receive referrals here yet.")
    # Whoever waits there comes first.
    waiting.pass_on(to.id, now=now)
    return to


def _move(old: Referral, to: ServiceLine, *, actor: Actor, now: datetime) -> Referral:
    if ReferralStatus.TRANSFERRED not in REFERRAL_MOVES[old.status]:
        raise AlreadyDone(f"This referral is now “{old.status.label}”, so it can no longer be moved.")
    if (obstacle := queries.obstacle_for(old.id, to.id)) is not None:
        raise Refused(f"{obstacle.label}.")
    on = clock.london(now).date()
    was_sent = old.sent_at is not None
    new = Referral(
        reference=free_reference(),
        line=to,
        officer_id=old.officer_id,
        officer_organisation_id=old.officer_organisation_id,
        # Copied as they are sealed: nobody opens them.
        crn=_as_sealed(Referral.crn, old),
        crn_fingerprint=old.crn_fingerprint,
        category_code=old.category_code,
        need=_as_sealed(Referral.need, old),
        complexity=old.complexity,
        rar_days=old.rar_days,
        officer_looked_at=now,
        outcomes=list(old.outcomes),
        moved_from_id=old.id,
    )
    room = queries.room(to, on)
    if was_sent and room != 0:
        new.status, new.sent_at = ReferralStatus.SENT, now
        counting.take_place(new, now=now)
    else:
        new.status, new.joined_at = ReferralStatus.WAITING, old.joined_at or old.begun_at
    old.status, old.ended_at = ReferralStatus.TRANSFERRED, now
    if not queries.was_worked_on(old, now):
        counting.give_back(old, now=now)
    if actor is not SYSTEM and queries.is_officer_of(actor, old):
        old.officer_looked_at = now
    db.session.add(new)
    db.session.flush()
    audit.record("Moved to the next supplier", old, actor=actor, now=now, referral=new.id)
    audit.record("Came from an earlier supplier", new, actor=actor, now=now, referral=old.id, line=to.id)
    return new


def _as_sealed(column: InstrumentedAttribute[str], referral: Referral) -> object:
    return select(column).where(Referral.id == referral.id).scalar_subquery()
