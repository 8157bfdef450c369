"""What every move of a referral from one status to another has in common."""

from __future__ import annotations

from datetime import datetime

from contracts.referrals import queries
from contracts.referrals.actions import counting
from contracts.referrals.models import Referral
from contracts.referrals.rules import REFERRAL_MOVES, ReferralStatus
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed


def to_be_moved(
    referral_id: int, to: ReferralStatus, *, actor: Actor, needs_manager: bool = False, counts: bool = False
) -> Referral:
    """The referral, held, if this actor may see it and it may move to that status; its line first, if that counts."""
    if counts:
        counting.hold(queries.line_of(actor, referral_id))
    referral = queries.referral_for(actor, referral_id, lock=True)
    if needs_manager and not queries.is_manager_of(actor, referral):
        raise NotAllowed("Only a service manager of the supplier can do this.")
    if to not in REFERRAL_MOVES[referral.status]:
        raise AlreadyDone(f"This referral is now “{referral.status.label}”, so this can no longer be done.")
    return referral


def end(referral: Referral, status: ReferralStatus, reason: str, *, now: datetime) -> None:
    """It ends with that status, for that reason."""
    if not reason.strip():
        raise Invalid("Enter a reason.", field="reason")
    referral.status, referral.ended_at, referral.ended_reason = status, now, reason.strip()
