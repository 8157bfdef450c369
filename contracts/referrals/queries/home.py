"""What waits for officers, service managers and caseworkers on their home pages."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from sqlalchemy import func, select

from contracts.referrals.models import Referral, Session
from contracts.referrals.queries.reading import delivered_by, has_news
from contracts.referrals.rules import OPEN, ReferralStatus
from marketplace.access import Actor, Permission, Role
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting

# So many sessions or referrals are named one by one on the home page; more are counted in one line.
NAMED = 5


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """What waits: new referrals for service managers, sessions to record for caseworkers, news for officers."""
    if not actor.may(Permission.SEE_REFERRALS):
        return []
    if actor.is_supplier:
        return _new_referrals(actor) + _sessions_to_record(actor, now)
    return _news_for_officer(actor)


def _new_referrals(actor: Actor) -> list[Waiting]:
    if Role.SERVICE_MANAGER not in actor.roles:
        return []
    count = db.session.scalar(
        select(func.count()).select_from(Referral).where(delivered_by(actor), Referral.status == ReferralStatus.SENT)
    )
    if not count:
        return []
    words = f"{plural(count, 'new referral')} to accept or return"
    return [Waiting(words, url_for("referrals.index", status=ReferralStatus.SENT.value))]


def _sessions_to_record(actor: Actor, now: datetime) -> list[Waiting]:
    rows = db.session.execute(
        select(Session.id, Session.number, Session.starts_at, Referral.reference)
        .join(Session.referral)
        .where(
            Referral.caseworker_id == actor.person_id,
            delivered_by(actor),
            Referral.status.in_(OPEN),
            Session.recorded_at.is_(None),
            Session.starts_at <= now,
        )
        .order_by(Session.starts_at)
    ).all()
    if len(rows) > NAMED:
        words = f"{len(rows):,} sessions to record"
        return [Waiting(words, url_for("referrals.index", mine="yes"), due=rows[0].starts_at)]
    return [
        Waiting(
            f"Record whether session {row.number} of {row.reference} was attended",
            url_for("referrals.session", session_id=row.id),
            due=row.starts_at,
        )
        for row in rows
    ]


def _news_for_officer(actor: Actor) -> list[Waiting]:
    rows = db.session.execute(
        select(Referral.id, Referral.reference, Referral.status).where(has_news(actor)).order_by(Referral.id)
    ).all()
    if len(rows) > NAMED:
        words = f"{len(rows):,} referrals returned or with a session missed"
        return [Waiting(words, url_for("referrals.index", news="yes"))]
    return [
        Waiting(
            f"{row.reference} was returned by the supplier"
            if row.status is ReferralStatus.RETURNED
            else f"A session of {row.reference} was missed",
            url_for("referrals.show", referral_id=row.id),
        )
        for row in rows
    ]
