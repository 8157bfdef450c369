"""How many of the referrals that count were seen through to their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from sqlalchemy import BigInteger, DateTime, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace import clock
from marketplace.extensions import db


def completed_by_line(years: Mapping[int, date], on: date) -> dict[int, int]:
    """How many of the referrals placed in each line's contract year, of which the first day is given, are completed by
    the end of a day. Lines without any are left out. It counts them one by one, from an index of those completed."""
    if not years:
        return {}
    begin = {first: _midnight(first) for first in set(years.values())}
    asked = func.unnest(
        bindparam("lines", list(years), type_=ARRAY(BigInteger)),
        bindparam("begins", [begin[first] for first in years.values()], type_=ARRAY(DateTime(timezone=True))),
    ).table_valued(column("line_id", BigInteger), column("begins", DateTime(timezone=True)))
    asked = asked.render_derived(name="asked")
    rows = db.session.execute(
        select(Referral.line_id, func.count())
        .join(asked, asked.c.line_id == Referral.line_id)
        .where(
            Referral.status == ReferralStatus.COMPLETED,
            Referral.placed_at >= asked.c.begins,
            Referral.ended_at < _midnight(on + timedelta(days=1)),
        )
        .group_by(Referral.line_id)
    )
    return {row[0]: row[1] for row in rows}


def _midnight(day: date) -> datetime:
    return clock.from_london(datetime.combine(day, time()))
