"""Waiting lists of full services: joining, offering the places that come free, taking or leaving them.

Whatever frees a place ends with `pass_on` in the same transaction, and a new referral begins with it: so nobody waits
while there is room, and nobody who comes later goes first.
"""

from __future__ import annotations

from datetime import date, datetime

from contracts.agreements import queries as agreements
from contracts.referrals import letters, queries
from contracts.referrals.actions import counting
from contracts.referrals.actions.moving import to_be_moved
from contracts.referrals.models import Referral
from contracts.referrals.rules import OFFER_WORKING_DAYS, UNSENT, Complexity, ReferralStatus
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.working_days import add_working_days

STOPPED = "The commissioner has stopped new referrals to this service for now. The place stays held for you."


def join(referral: Referral, *, actor: Actor, now: datetime) -> None:
    """Put a new referral at the end of its line's waiting list. The caller holds the line, and there is no room."""
    last = queries.last_joined_at(referral.line.id)
    # Two programs' clocks may differ by a little: who comes later stands behind, whatever they say.
    referral.status, referral.joined_at = ReferralStatus.WAITING, max(now, last or now)
    db.session.add(referral)
    db.session.flush()
    audit.record("Joined the waiting list", referral, actor=actor, now=now, line=referral.line.id)


def pass_on(line_id: int, *, now: datetime) -> list[Referral]:
    """Offer the places that are free to those who wait first, those of offers that have run out among them.

    The caller holds the line. A place is held for five working days, to the end of the last of them in London; while
    referrals are stopped no time runs out, and five working days follow from the day on which they are taken again. A
    place that is held when its contract year ends is of the new one from then on, and the contract's end ends it.
    """
    _begin_year(line_id, now=now)
    if agreements.is_suspended(line_id, clock.london(now).date()):
        return []
    for one in queries.offers_run_out(line_id, now):
        if _is_held_longer(one, now=now):
            continue
        _give_up(one, now=now)
        audit.record("The place was not taken in time and went to the next in line", one, actor=SYSTEM, now=now)
        letters.lapsed(one, now=now)
    on = clock.london(now).date()
    if not queries.somebody_waits(line_id) or not queries.takes_referrals(line_id, on):
        return []
    found = list(queries.first_in_line(line_id, queries.room(agreements.line(line_id), on)))
    for one in found:
        one.status, one.offered_at, one.offer_ends_at = ReferralStatus.OFFERED, now, _held_until(on)
        counting.take_place(one, now=now)
        audit.record("A place was offered", one, actor=SYSTEM, now=now, held_until=one.offer_ends_at.isoformat())
        letters.offered(one, now=now)
    db.session.flush()
    return found


def _begin_year(line_id: int, *, now: datetime) -> None:
    for one in queries.places_held(line_id):
        on = clock.london(now).date()
        if on <= counting.held_within(one):
            continue
        ends_on = one.line.agreement.ends_on
        if ends_on is not None and ends_on < on:
            _give_up(one, now=now)
            audit.record("The contract ended before the place was taken", one, actor=SYSTEM, now=now)
            letters.lapsed(one, now=now)
        elif counting.begin_year(one, now=now):
            audit.record("The place held is one of the new contract year", one, actor=SYSTEM, now=now)
        else:
            audit.record("The new contract year has no room: it waits again", one, actor=SYSTEM, now=now)
    db.session.flush()


def settle(line_id: int, *, now: datetime) -> list[Referral]:
    """What the clock alone brings: offers that have run out, and room of a new contract year or a changed contract."""
    counting.hold(line_id)
    return pass_on(line_id, now=now)


def confirm(referral_id: int, *, need: str, complexity: Complexity, actor: Actor, now: datetime) -> Referral:
    """Take the place that was offered: the referral goes to the supplier, with the need as it is now.

    Refused where no place is held for it, or no longer.
    """
    referral = to_be_moved(referral_id, ReferralStatus.SENT, actor=actor, counts=True)
    _must_be_officers(actor, referral)
    on = clock.london(now).date()
    if agreements.is_suspended(referral.line_id, on):
        raise Refused(STOPPED)
    if referral.offer_ends_at is not None and now >= referral.offer_ends_at and not _is_held_longer(referral, now=now):
        raise TooLate("The time in which this place was held for you is over.")
    if not queries.takes_referrals(referral.line_id, on):
        raise Refused("This service takes no more referrals. Choose another service.")
    if not need.strip():
        raise Invalid("Enter what the person needs.", field="need")
    if on > counting.held_within(referral) and not counting.begin_year(referral, now=now):
        raise Refused("The contract year in which the place was held is over, and the new one has no room left.")
    referral.status, referral.sent_at, referral.officer_looked_at = ReferralStatus.SENT, now, now
    referral.need, referral.complexity = need, complexity
    audit.record("Took the place and sent it to the supplier", referral, actor=actor, now=now)
    letters.sent(referral, now=now)
    db.session.flush()
    return referral


def leave(referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """The officer takes the person off the waiting list, or leaves the place offered to the next in line."""
    referral = to_be_moved(referral_id, ReferralStatus.WITHDRAWN, actor=actor, counts=True)
    _must_be_officers(actor, referral)
    if referral.status not in UNSENT:
        raise AlreadyDone("This referral has been sent to the supplier already. You can withdraw it.")
    was_offered = referral.status is ReferralStatus.OFFERED
    _give_up(referral, now=now)
    audit.record(
        "Left the place to the next in line" if was_offered else "Left the waiting list", referral, actor=actor, now=now
    )
    db.session.flush()
    pass_on(referral.line_id, now=now)
    return referral


def _give_up(referral: Referral, *, now: datetime) -> None:
    referral.status, referral.ended_at = ReferralStatus.WITHDRAWN, now
    counting.give_back(referral, now=now)


def _is_held_longer(referral: Referral, *, now: datetime) -> bool:
    """Referrals were stopped since the place was offered: it is held for as long as others from the day they go on."""
    if referral.offered_at is None:
        return False
    again = agreements.taken_again_on(referral.line_id, clock.london(referral.offered_at).date())
    if again is None or (until := _held_until(again)) <= now:
        return False
    referral.offer_ends_at = until
    audit.record(
        "The place is held longer, because referrals were stopped",
        referral,
        actor=SYSTEM,
        now=now,
        held_until=until.isoformat(),
    )
    return True


def _held_until(on: date) -> datetime:
    last = add_working_days(on, OFFER_WORKING_DAYS)
    return clock.ends(last)


def _must_be_officers(actor: Actor, referral: Referral) -> None:
    if not queries.is_officer_of(actor, referral):
        raise NotAllowed("Only the officer who wrote the referral can do this.")
