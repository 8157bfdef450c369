"""What waits for officers, service managers and caseworkers on their home pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import url_for
from sqlalchemy import and_, func, or_, select

from contracts.referrals.models import Referral, Session
from contracts.referrals.queries.queues import all_who_wait
from contracts.referrals.queries.reading import delivered_by, has_news, sent_by
from contracts.referrals.rules import OPEN, ReferralStatus
from marketplace import clock
from marketplace.access import Actor, Permission, Role
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting

# So many sessions or referrals are named one by one on the home page; more are counted in one line.
NAMED = 5


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """What waits: new referrals for service managers, sessions to record for caseworkers, places and news for officers,
    waiting lists for those who act on volumes."""
    if actor.is_supplier:
        if not actor.may(Permission.SEE_REFERRALS):
            return []
        return _new_referrals(actor) + _sessions_to_record(actor, now)
    found = []
    if actor.may(Permission.REFER):
        found += _places_held(actor) + _news_for_officer(actor)
    if actor.may(Permission.ACT_ON_VOLUMES):
        found += _people_who_wait(actor, now)
    return found


def _places_held(actor: Actor) -> list[Waiting]:
    rows = db.session.scalars(
        select(Referral)
        .where(sent_by(actor), Referral.status == ReferralStatus.OFFERED)
        .order_by(Referral.offer_ends_at, Referral.id)
    ).all()
    if not rows:
        return []
    if len(rows) > NAMED:
        words = f"{len(rows):,} places on waiting lists are free: take them, or leave them to the next in line"
        where = url_for("referrals.index", status=ReferralStatus.OFFERED.value)
        return [Waiting(words, where, due=_last_day(rows[0]))]
    return [
        Waiting(
            f"A place is free for {one.reference}: take it, or leave it to the next in line",
            url_for("referrals.confirm", referral_id=one.id),
            due=_last_day(one),
        )
        for one in rows
    ]


def _last_day(referral: Referral) -> date:
    assert referral.offer_ends_at is not None  # a constraint of the table
    return clock.london(referral.offer_ends_at - timedelta(seconds=1)).date()


def _people_who_wait(actor: Actor, now: datetime) -> list[Waiting]:
    """For those who can have a contract changed: how many wait, and how long."""
    total = all_who_wait(actor)
    if not total.waiting:
        return []
    longest = plural(total.longest_days(clock.london(now).date()), "day")
    words = (
        f"{plural(total.waiting, 'person waits', 'people wait')} for a place at a full service, the longest {longest}"
    )
    return [Waiting(words, url_for("referrals.waiting_lists"))]


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
            or_(
                Referral.status.in_(OPEN),
                and_(Referral.status == ReferralStatus.TRANSFERRED, Session.starts_at <= Referral.ended_at),
            ),
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


_NEWS = {
    ReferralStatus.RETURNED: "{} was returned by the supplier",
    ReferralStatus.TRANSFERRED: "{} was moved to the next supplier",
    ReferralStatus.WITHDRAWN: "The place for {} was not taken in time",
}


def _news_for_officer(actor: Actor) -> list[Waiting]:
    rows = db.session.execute(
        select(Referral.id, Referral.reference, Referral.status).where(has_news(actor)).order_by(Referral.id)
    ).all()
    if len(rows) > NAMED:
        words = f"{len(rows):,} referrals returned, moved, not taken in time or with a session missed"
        return [Waiting(words, url_for("referrals.index", news="yes"))]
    return [
        Waiting(
            _NEWS.get(row.status, "A session of {} was missed").format(row.reference),
            url_for("referrals.show", referral_id=row.id),
        )
        for row in rows
    ]
