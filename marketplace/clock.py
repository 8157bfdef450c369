"""The one place where the time is read.

Actions take `now` as an argument; edges (views, jobs, commands) read it here. Times are aware and in UTC; people
are shown London time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _source()


def today() -> date:
    """Today's date as people in London would give it."""
    return london(now()).date()


def london(moment: datetime) -> datetime:
    """The same moment on a London clock."""
    return moment.astimezone(LONDON)


def from_london(naive: datetime) -> datetime:
    """A wall-clock time in London, as UTC.

    An hour that comes twice (clocks going back) is taken as its first occurrence.
    """
    return naive.replace(tzinfo=LONDON, fold=0).astimezone(UTC)


def begins(day: date) -> datetime:
    """The first moment of a London day, as UTC."""
    return from_london(datetime.combine(day, time()))


def ends(day: date) -> datetime:
    """The first moment after a London day, as UTC."""
    return begins(day + timedelta(days=1))


def set_source(source: Callable[[], datetime] | None) -> None:
    """Use another clock (tests, demonstrations). None goes back to the system's."""
    global _source
    _source = source or _system
