"""What records say of a month: cases and how many were met, for any number of contracts in a few grouped queries.

A referral counts for the contract whose line it is on. One that moved to the next supplier counts with the old one
until it ended there, and from the move with the new one, so that performance stays with whoever earned it. The clocks
of answering and of the first session are not held against whoever takes over: for that there are other days (R92).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, and_, column, exists, func, or_, select, union_all, values
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import months_after
from contracts.performance.models import QualityReview, ReviewedReferral, ReviewPoint
from contracts.performance.rules import (
    ANSWER_WORKING_DAYS,
    FIRST_SESSION_WORKING_DAYS,
    IN_TOUCH_DAYS,
    Measure,
    Verdict,
    days_due,
)
from contracts.referrals.models import Referral, ReferralOutcome, Session
from contracts.referrals.rules import Attendance, ReferralStatus
from contracts.volumes.queries.reading import among
from marketplace import clock
from marketplace.database import Moment
from marketplace.extensions import db

# Met and cases, by contract and measure; a measure without a case is not there.
Counts = dict[int, dict[Measure, tuple[int, int]]]

# For how long a quality review says something of a contract (‡).
REVIEWED_MONTHS = 12

_CAME = (Attendance.ATTENDED, Attendance.LATE)


def counts(agreement_ids: Sequence[int], first: date, last: date) -> Counts:
    """What each contract's records say of the days first..last, whose clocks are over."""
    found: Counts = defaultdict(dict)
    if agreement_ids and first <= last:
        for rows in (_answered, _first_session, _sessions, _ended, _reached, _in_touch, _reviewed):
            for agreement_id, measure, met, cases in rows(agreement_ids, first, last):
                if cases:
                    found[agreement_id][measure] = (met, cases)
    return found


_Row = tuple[int, Measure, int, int]


def _answered(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    due = _deadlines(first, last, ANSWER_WORKING_DAYS)
    if due is None:
        return
    returned = Referral.status == ReferralStatus.RETURNED
    in_time = or_(Referral.accepted_at < due.c.until, and_(returned, Referral.ended_at < due.c.until))
    gone = and_(Referral.accepted_at.is_(None), ~returned, Referral.ended_at < due.c.until)
    asked = _of(keys, func.count().filter(in_time), func.count().filter(~func.coalesce(gone, False)))
    for row in db.session.execute(_sent_on(asked, due)):
        yield row[0], Measure.ANSWERED, row[1], row[2]


def _first_session(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    due = _deadlines(first, last, FIRST_SESSION_WORKING_DAYS)
    if due is None:
        return
    begun = exists().where(
        Session.referral_id == Referral.id, Session.starts_at < due.c.until, Session.entered_at < due.c.until
    )
    stays = or_(Referral.ended_at.is_(None), Referral.ended_at >= due.c.until)
    asked = _of(keys, func.count().filter(begun), func.count().filter(or_(begun, stays)))
    for row in db.session.execute(_sent_on(asked, due)):
        yield row[0], Measure.FIRST_SESSION, row[1], row[2]


def _sessions(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    recorded = Session.recorded_at.is_not(None)
    same_day = _london_day(Session.recorded_at) == _london_day(Session.starts_at)
    held = or_(recorded, Referral.ended_at.is_(None), Referral.ended_at > Session.starts_at)
    asked = (
        _of(
            keys,
            func.count().filter(recorded, same_day),
            func.count().filter(held),
            func.count().filter(Session.attendance.in_(_CAME)),
            func.count().filter(recorded),
        )
        .join(Session, Session.referral_id == Referral.id)
        .where(Session.starts_at >= clock.begins(first), Session.starts_at < clock.ends(last))
    )
    for row in db.session.execute(asked):
        yield row[0], Measure.RECORDED, row[1], row[2]
        yield row[0], Measure.ATTENDED, row[3], row[4]


def _ended(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    def within(moment: InstrumentedAttribute[datetime | None]) -> Any:
        return and_(moment >= clock.begins(first), moment < clock.ends(last))

    accepted, ended = within(Referral.accepted_at), within(Referral.ended_at)
    returned = and_(ended, Referral.status == ReferralStatus.RETURNED)
    over = and_(ended, Referral.accepted_at.is_not(None))
    completed = Referral.status == ReferralStatus.COMPLETED
    asked = _of(
        keys,
        func.count().filter(accepted),
        func.count().filter(or_(accepted, returned)),
        func.count().filter(over, completed),
        func.count().filter(over, or_(completed, Referral.status == ReferralStatus.WITHDRAWN)),
    ).where(or_(accepted, ended))
    for row in db.session.execute(asked):
        yield row[0], Measure.TAKEN_ON, row[1], row[2]
        yield row[0], Measure.COMPLETED, row[3], row[4]


def _reached(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    asked = (
        _of(keys, func.count().filter(ReferralOutcome.reached.is_(True)), func.count())
        .join(ReferralOutcome, ReferralOutcome.referral_id == Referral.id)
        .where(
            ReferralOutcome.reached.is_not(None),
            Referral.status == ReferralStatus.COMPLETED,
            Referral.ended_at >= clock.begins(first),
            Referral.ended_at < clock.ends(last),
        )
    )
    for row in db.session.execute(asked):
        yield row[0], Measure.REACHED, row[1], row[2]


def _in_touch(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    """As it stands at the end of the last day."""
    since = clock.begins(last - timedelta(days=IN_TOUCH_DAYS - 1))
    seen = exists().where(
        Session.referral_id == Referral.id,
        Session.starts_at >= since,
        Session.starts_at < clock.ends(last),
        Session.recorded_at.is_not(None),
    )
    asked = _of(keys, func.count().filter(seen), func.count()).where(
        Referral.accepted_at < since, or_(Referral.ended_at.is_(None), Referral.ended_at >= clock.ends(last))
    )
    for row in db.session.execute(asked):
        yield row[0], Measure.IN_TOUCH, row[1], row[2]


def _reviewed(keys: Sequence[int], first: date, last: date) -> Iterator[_Row]:
    """The latest quality review that was finished in the year before the end of the last day."""
    latest = (
        select(QualityReview.id, QualityReview.agreement_id)
        .where(
            among(QualityReview.agreement_id, keys),
            QualityReview.finished_at < clock.ends(last),
            QualityReview.finished_at >= clock.begins(months_after(last, -REVIEWED_MONTHS)),
        )
        .order_by(QualityReview.agreement_id, QualityReview.number.desc())
        .ext(distinct_on(QualityReview.agreement_id))
        .subquery()
    )
    verdicts = union_all(
        select(ReviewPoint.review_id, ReviewPoint.verdict), select(ReviewedReferral.review_id, ReviewedReferral.verdict)
    ).subquery()
    rows = db.session.execute(
        select(latest.c.agreement_id, func.count().filter(verdicts.c.verdict == Verdict.MET), func.count())
        .join(verdicts, verdicts.c.review_id == latest.c.id)
        .group_by(latest.c.agreement_id)
    )
    for row in rows:
        yield row[0], Measure.REVIEWED, row[1], row[2]


def _of(keys: Sequence[int], *wanted: Any) -> Select[Any]:
    """Sums over the referrals that suppliers of these contracts were sent, by contract."""
    return (
        select(ServiceLine.agreement_id, *wanted)
        .select_from(Referral)
        .join(ServiceLine, ServiceLine.id == Referral.line_id)
        .where(among(ServiceLine.agreement_id, keys), Referral.sent_at.is_not(None))
        .group_by(ServiceLine.agreement_id)
    )


def _deadlines(first: date, last: date, working_days: int) -> Any:
    """Each day whose so many working days end in the time asked about, and the moment at which they are over."""
    rows = [(day, clock.ends(due)) for day, due in days_due(first, last, working_days)]
    if not rows:
        return None
    return values(column("day", Date), column("until", Moment), name="deadlines").data(rows)


def _sent_on(asked: Select[Any], due: Any) -> Select[Any]:
    return asked.join(due, due.c.day == _london_day(Referral.sent_at)).where(Referral.moved_from_id.is_(None))


def _london_day(moment: InstrumentedAttribute[Any]) -> Any:
    return func.date(func.timezone("Europe/London", moment))
