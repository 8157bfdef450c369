"""Telling officers something about a service before they refer somebody to it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from contracts.referrals.models import LineNotice
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import Invalid
from marketplace.extensions import db

# Our own default, shown as such: a message is looked at again after so many days at the latest.
NOTICE_DAYS = 92


def show_notice(line_id: int, *, words: str, until: date, actor: Actor, now: datetime) -> LineNotice:
    """Show officers these words on the service until a day, that day included. Refused: no words, a day that is past
    or too far."""
    on = clock.london(now).date()
    if not words.strip():
        raise Invalid("Enter the message that officers see.", field="message")
    if not on <= until <= on + timedelta(days=NOTICE_DAYS):
        raise Invalid(f"Enter a day from today on, at most {NOTICE_DAYS} days from now.", field="message_until")
    notice = LineNotice(line_id=line_id, words=words.strip(), until=until, set_at=now, set_by=actor.person)
    db.session.add(notice)
    audit.record("Officers are told before they refer", notice, actor=actor, now=now, line=line_id, until=str(until))
    db.session.flush()
    return notice


def end_notice(notice: LineNotice, *, actor: Actor, now: datetime) -> None:
    """Officers are told no more. Twice does nothing more."""
    if notice.ended_at is None:
        notice.ended_at = now
        audit.record("Officers are told no more", notice, actor=actor, now=now)
        db.session.flush()
