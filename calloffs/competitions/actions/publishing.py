"""Deciding on a call-off: approve and publish, send back, invite, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from calloffs.competitions import letters
from calloffs.competitions.actions.checks import locked, move, must_be_whole, must_lead
from calloffs.competitions.models import Competition, Invitation
from calloffs.competitions.rules import CompetitionStatus, Stage
from calloffs.funds import actions as funds
from calloffs.funds.rules import part_of
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.suppliers import queries as suppliers


def send_back(competition: Competition, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give it back to its author with the reason."""
    competition = _deciding(competition, actor)
    move(competition, CompetitionStatus.DRAFT)
    competition.returned_reason = reason
    audit.record("Sent back to the author", competition, actor=actor, now=now, reason=reason)
    letters.sent_back(competition, now=now)
    db.session.flush()


def approve_and_publish(competition: Competition, *, needs_reason: str = "", actor: Actor, now: datetime) -> int:
    """Approve, publish at once, and invite exactly the suppliers qualified for the category in every area (R3).

    Refused to its author, always; when the closing time has passed meanwhile; and without a reason where its plan
    rests on no needs data that is published and still good (R48). Returns how many were invited.
    """
    competition = _deciding(competition, actor)
    must_be_whole(competition, now)
    standing = competition.evidence(clock.london(now).date())
    if standing.needs_reason and not needs_reason.strip():
        raise Invalid("Say why this is published without current needs data", field="needs_reason")
    move(competition, CompetitionStatus.PUBLISHED)
    competition.approved_by, competition.published_at = actor.person, now
    competition.needs_standing = standing
    competition.needs_reason = needs_reason.strip() if standing.needs_reason else None
    told = {"needs_data": competition.needs_standing, "reason": competition.needs_reason}
    audit.record("Approved and published", competition, actor=actor, now=now, **told)
    _hold_money(competition, actor=actor, now=now)
    db.session.flush()
    return invite_qualified(competition, now=now, actor=actor)


def _hold_money(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Where the lead body pays from a fund, its part of the most that may be paid is set aside."""
    share = competition.lead_share
    if share is None or share.fund_id is None or share.fund_purpose is None:
        return
    funds.hold(
        share.fund_id,
        call_off=competition.reference,
        title=competition.title,
        purpose=share.fund_purpose,
        amount=part_of(competition.most_whole_life_value, share.percent),
        actor=actor,
        now=now,
    )


def invite_qualified(competition: Competition, *, actor: Actor, now: datetime) -> int:
    """Invite whoever is qualified now and not yet invited; suppliers may join until the deadline (R1).

    May run twice, or twice at once: an invitation is there once. Returns how many were new.
    """
    if competition.stage(now) is not Stage.OPEN:
        return 0
    qualified = suppliers.qualified_suppliers(competition.category_code, [place.code for place in competition.places])
    return _invite(competition, [one.id for one in qualified], actor=actor, now=now)


def join_if_qualified(competition: Competition, *, actor: Actor, now: datetime) -> bool:
    """Invite the supplier that asks, if it has meanwhile qualified and bidding is open (R1)."""
    if competition.stage(now) is not Stage.OPEN:
        return False
    codes = [place.code for place in competition.places]
    if not suppliers.is_qualified(actor.organisation, competition.category_code, codes):
        return False
    _invite(competition, [actor.organisation], actor=actor, now=now)
    return True


def cancel(competition: Competition, *, reason: str, actor: Actor, now: datetime) -> None:
    """Cancel with a reason; everyone invited is told at once (R16). Refused once the standstill is over."""
    actor.must(Permission.DRAFT_COMPETITION)
    must_lead(competition, actor)
    competition = locked(competition)
    if competition.stage(now) is Stage.AWARDED:
        raise Refused("This call-off is awarded and its contract can be drawn, so it can no longer be cancelled.")
    was_public = competition.published_at is not None
    end(competition, CompetitionStatus.CANCELLED, reason=reason, actor=actor, now=now)
    if was_public:
        letters.cancelled(competition, now=now)
    db.session.flush()


def end(competition: Competition, status: CompetitionStatus, *, reason: str, actor: Actor, now: datetime) -> None:
    """Cancelled or failed: it ends without an award, for a reason that is published. The caller has asked who may."""
    move(competition, status)
    competition.ended_at, competition.ended_reason = now, reason
    funds.release(competition.reference, actor=actor, now=now)
    words = "Cancelled" if status is CompetitionStatus.CANCELLED else "Ended without an award"
    audit.record(words, competition, actor=actor, now=now, reason=reason)
    db.session.flush()


def _invite(competition: Competition, organisation_ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    if not organisation_ids:
        return 0
    rows = [{"competition_id": competition.id, "organisation_id": one, "invited_at": now} for one in organisation_ids]
    new = db.session.scalars(
        insert(Invitation)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["competition_id", "organisation_id"])
        .returning(Invitation.organisation_id)
    ).all()
    if new:
        audit.record("Invited qualified suppliers", competition, actor=actor, now=now, suppliers=len(new))
        letters.invite(competition, new, now=now)
        db.session.flush()
    return len(new)


def _deciding(competition: Competition, actor: Actor) -> Competition:
    actor.must(Permission.APPROVE_COMPETITION)
    must_lead(competition, actor)
    competition = locked(competition)
    if actor.person == competition.author_id:
        raise NotAllowed("You wrote this call-off, so somebody else must decide on it.")
    if competition.status is not CompetitionStatus.AWAITING_APPROVAL:
        raise AlreadyDone("This call-off does not wait for approval: somebody has decided already.")
    return competition
