"""Background work of accounts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_, select

from marketplace import clock
from marketplace.accounts.models import InvitedRole, OneTimeLink, SignInSession
from marketplace.accounts.rules import SIGNED_IN_FOR
from marketplace.extensions import db
from marketplace.transactions import transaction

KEPT_FOR = timedelta(days=30)


def clear_away() -> None:
    """Every day: forget sessions and one-time links that ended a month ago."""
    before = clock.now() - KEPT_FOR
    with transaction():
        db.session.execute(
            delete(SignInSession).where(
                or_(SignInSession.ended_at < before, SignInSession.created_at < before - SIGNED_IN_FOR)
            )
        )
        old = select(OneTimeLink.id).where(OneTimeLink.expires_at < before).scalar_subquery()
        db.session.execute(delete(InvitedRole).where(InvitedRole.link_id.in_(old)))
        db.session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < before))
