"""What counts towards volume: read from the running counters, and counted again from the referrals themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, ColumnElement, Date, Function, column, func, select, true, values
from sqlalchemy.orm import InstrumentedAttribute

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals.models import HeldPlace, LineDay, Referral
from contracts.referrals.rules import DayCount, ReferralStatus, tally
from marketplace.extensions import db


@dataclass(frozen=True)
class Difference:
    """A day on which a line's running count is not what its referrals say. None: no such row, or no such day."""

    day: date
    kept: DayCount | None
    recounted: DayCount | None

    @property
    def words(self) -> str:
        """The difference in a line."""
        kept, again = (
            f"{one.total} ({one.delivered} completed)" if one else "no row" for one in (self.kept, self.recounted)
        )
        return f"{self.day}: {kept} kept, {again} counted again"


def counted(line_id: int, first_day: date, last_day: date) -> int:
    """How many referrals take a place on the line at the end of last_day, of those placed from first_day on.

    first_day is the first day of a contract year, last_day a London day within it. One row is read, however many
    referrals there are.
    """
    return counted_by_line({line_id: (first_day, last_day)})[line_id]


def counted_by_line(windows: Mapping[int, tuple[date, date]]) -> dict[int, int]:
    """The same for many lines, each with its own contract year and day. One query for all."""
    found = dict.fromkeys(windows, 0)
    if windows:
        asked = values(
            column("line_id", BigInteger), column("first_day", Date), column("last_day", Date), name="asked"
        ).data([(line, first, last) for line, (first, last) in windows.items()])
        latest = (
            select(LineDay.total)
            .where(
                LineDay.line_id == asked.c.line_id,
                LineDay.day >= asked.c.first_day,
                LineDay.day <= asked.c.last_day,
            )
            .order_by(LineDay.day.desc())
            .limit(1)
            .lateral("latest")
        )
        rows = db.session.execute(select(asked.c.line_id, latest.c.total).join(latest, true()))
        found.update((line, total) for line, total in rows)
    return found


def counted_by_day(line_id: int, first_day: date, last_day: date) -> dict[date, int]:
    """What each London day added to the line's count: places taken less places given back, so some are below nought.

    Summed up from the first day of a contract year they are the count at the end of each day.
    """
    rows = db.session.execute(
        select(LineDay.day, LineDay.placed - LineDay.released).where(
            LineDay.line_id == line_id, LineDay.day.between(first_day, last_day)
        )
    )
    return {row[0]: row[1] for row in rows}


def room(line: ServiceLine, on: date) -> int | None:
    """How many more people the line takes in the contract year of that day; None where no cap is recorded.

    What was entered for a later day already (by a program whose clock is ahead) leaves as little room as the fullest
    of those days.
    """
    cap = line.terms_on(on).cap
    if cap is None:
        return None
    first, last = contract_year(line.agreement.starts_on, on)
    of_year = (LineDay.line_id == line.id, LineDay.day.between(first, last))
    latest = select(func.max(LineDay.day)).where(*of_year, LineDay.day <= on).scalar_subquery()
    fullest = select(func.max(LineDay.total)).where(*of_year, LineDay.day >= func.coalesce(latest, on))
    return max(cap - (db.session.scalar(fullest) or 0), 0)


def running(line_id: int) -> dict[date, DayCount]:
    """The line's running counters as they are kept, by day."""
    rows = db.session.scalars(
        select(LineDay).where(LineDay.line_id == line_id).execution_options(populate_existing=True)
    )
    return {
        row.day: DayCount(row.year_begins, row.placed, row.released, row.total, row.completed, row.delivered)
        for row in rows
    }


def recounted(line: ServiceLine) -> dict[date, DayCount]:
    """What the counters ought to be: counted from the line's referrals, whatever the counters say."""
    placed_on, released_on = _london(Referral.placed_at), _london(Referral.released_at)
    rows = db.session.execute(
        select(placed_on, released_on, func.count())
        .where(Referral.line_id == line.id, Referral.placed_at.is_not(None))
        .group_by(placed_on, released_on)
    )
    held_from, held_until = _london(HeldPlace.placed_at), _london(HeldPlace.released_at)
    held = db.session.execute(
        select(held_from, held_until, func.count())
        .join(Referral, Referral.id == HeldPlace.referral_id)
        .where(Referral.line_id == line.id)
        .group_by(held_from, held_until)
    )
    completed_on = _london(func.greatest(Referral.ended_at, Referral.placed_at))
    completions = db.session.execute(
        select(placed_on, completed_on, func.count())
        .where(
            Referral.line_id == line.id,
            Referral.status == ReferralStatus.COMPLETED,
            Referral.placed_at.is_not(None),
            Referral.ended_at.is_not(None),
        )
        .group_by(placed_on, completed_on)
    )
    return tally(
        line.agreement.starts_on,
        ((row[0], row[1], row[2]) for row in (*rows, *held)),
        ((row[0], row[1], row[2]) for row in completions),
    )


def _london(
    moment: ColumnElement[datetime | None] | InstrumentedAttribute[datetime | None] | InstrumentedAttribute[datetime],
) -> Function[date]:
    return func.date(func.timezone("Europe/London", moment))


def differences(line: ServiceLine) -> list[Difference]:
    """The days on which the running counters are not what the referrals say; none as long as all is right."""
    kept, ought = running(line.id), recounted(line)
    return [
        Difference(day, kept.get(day), ought.get(day))
        for day in sorted(kept.keys() | ought.keys())
        if kept.get(day) != ought.get(day)
    ]


def line_ids_with_referrals() -> list[int]:
    """The keys of every line that has referrals or counters."""
    return sorted(db.session.scalars(select(Referral.line_id).distinct().union(select(LineDay.line_id).distinct())))
