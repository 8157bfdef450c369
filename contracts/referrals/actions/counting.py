"""The running counters of service lines: the one place where a referral takes a place and gives it back.

Every change of a line's count, and of its waiting list, is made while its row is held, so that each is made after the
other. The line is held before any of its referrals is, everywhere: so no two transactions wait for one another.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import queries
from contracts.referrals.models import HeldPlace, LineDay, Referral
from contracts.referrals.rules import ReferralStatus, year_counted_in
from marketplace import clock
from marketplace.extensions import db

# The least that PostgreSQL tells apart.
_MOMENT = timedelta(microseconds=1)


def hold(line_id: int) -> None:
    """Keep the line's count and waiting list from being changed by anybody else until the transaction ends."""
    db.session.execute(select(ServiceLine.id).where(ServiceLine.id == line_id).with_for_update(key_share=True))


def take_place(referral: Referral, *, now: datetime) -> None:
    """The referral takes one of its line's places. The caller holds the line and has asked whether there is room."""
    referral.placed_at = now
    on = clock.london(now).date()
    year = year_counted_in(referral.line.agreement.starts_on, on)
    if year is not None:
        _enter(referral.line.id, on, year, placed=1)


def give_back(referral: Referral, *, now: datetime) -> None:
    """The place is free again. In a later contract year than it was taken in, that changes no figure.

    One that was only held is given back no later than on the last day on which it could be taken, so that no year is
    paid for somebody who was never sent in it.
    """
    if referral.placed_at is None or referral.released_at is not None:
        return
    if referral.sent_at is None:
        now = min(now, clock.ends(held_within(referral)) - _MOMENT)
    # Two programs' clocks may differ by a little.
    referral.released_at = max(now, referral.placed_at)
    if (given := given_back_within(referral)) is not None:
        _enter(referral.line.id, *given, released=1)


def held_within(referral: Referral) -> date:
    """The last day on which a place that is held can be taken: that of its contract year, or of the contract."""
    assert referral.placed_at is not None
    agreement = referral.line.agreement
    last = contract_year(agreement.starts_on, clock.london(referral.placed_at).date())[1]
    return min(last, agreement.ends_on or last)


def begin_year(referral: Referral, *, now: datetime) -> bool:
    """A place that was held when its contract year ended is given back with it, and one of the new year is taken.

    Whether there was room for that; else it waits again, first in line as it was.
    """
    assert referral.placed_at is not None
    last = held_within(referral)
    year = contract_year(referral.line.agreement.starts_on, last)
    held = HeldPlace(referral_id=referral.id, placed_at=referral.placed_at, released_at=clock.ends(last) - _MOMENT)
    db.session.add(held)
    _enter(referral.line.id, last, year, released=1)
    if queries.room(referral.line, clock.london(now).date()) == 0:
        referral.status, referral.placed_at = ReferralStatus.WAITING, None
        referral.offered_at = referral.offer_ends_at = None
        return False
    take_place(referral, now=now)
    return True


def take_again(referral: Referral) -> bool:
    """As if the place had never been given back; False, and nothing done, where somebody else has it by now.

    The caller holds the line, and the contract year in which it was given back is not over.
    """
    if (given := given_back_within(referral)) is not None:
        on, year = given
        if queries.room(referral.line, on) == 0:
            return False
        _enter(referral.line.id, on, year, released=-1)
        nothing = (LineDay.placed == 0, LineDay.released == 0, LineDay.completed == 0)
        db.session.execute(delete(LineDay).where(LineDay.line_id == referral.line.id, LineDay.day == on, *nothing))
    referral.released_at = None
    return True


def given_back_within(referral: Referral) -> tuple[date, tuple[date, date]] | None:
    """The day on which a place was given back, and the contract year whose count that lowered; None if it lowered none.

    In a later contract year than it was taken in it lowers none.
    """
    if referral.placed_at is None or referral.released_at is None:
        return None
    year = year_counted_in(referral.line.agreement.starts_on, clock.london(referral.placed_at).date())
    on = clock.london(referral.released_at).date()
    return None if year is None or on > year[1] else (on, year)


def see_through(referral: Referral) -> None:
    """The referral has been completed. In a later contract year than its place was taken in, that changes no figure."""
    if referral.placed_at is None or referral.ended_at is None:
        return
    year = year_counted_in(referral.line.agreement.starts_on, clock.london(referral.placed_at).date())
    on = clock.london(max(referral.ended_at, referral.placed_at)).date()
    if year is not None and on <= year[1]:
        _enter(referral.line.id, on, year, completed=1)


def _enter(
    line_id: int, on: date, year: tuple[date, date], *, placed: int = 0, released: int = 0, completed: int = 0
) -> None:
    """Enter what happened on a day, and raise or lower the count of that day and of every later one of the year."""
    total, delivered = (
        select(column)
        .where(LineDay.line_id == line_id, LineDay.day >= year[0], LineDay.day < on)
        .order_by(LineDay.day.desc())
        .limit(1)
        .scalar_subquery()
        for column in (LineDay.total, LineDay.delivered)
    )
    empty = insert(LineDay).values(
        line_id=line_id,
        day=on,
        year_begins=year[0],
        placed=0,
        released=0,
        total=func.coalesce(total, 0),
        completed=0,
        delivered=func.coalesce(delivered, 0),
    )
    db.session.execute(empty.on_conflict_do_nothing(index_elements=["line_id", "day"]))
    that_day = LineDay.day == on
    db.session.execute(
        update(LineDay)
        .where(LineDay.line_id == line_id, LineDay.day.between(on, year[1]))
        .values(
            placed=LineDay.placed + case((that_day, placed), else_=0),
            released=LineDay.released + case((that_day, released), else_=0),
            total=LineDay.total + placed - released,
            completed=LineDay.completed + case((that_day, completed), else_=0),
            delivered=LineDay.delivered + completed,
        )
        .execution_options(synchronize_session=False)
    )
