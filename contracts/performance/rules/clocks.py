"""The clocks of referrals, as far as records show them (domain.md, "Delivering")."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from contracts.agreements.rules import last_of_month
from contracts.referrals.rules import MOVE_WORKING_DAYS
from marketplace.working_days import add_working_days

# The supplier accepts or returns a referral: our default (‡).
ANSWER_WORKING_DAYS = 2
# Initial assessment, which is the first session on record, after the referral was sent: as in use today.
FIRST_SESSION_WORKING_DAYS = 10
# An open referral without a session for so many days is out of sight: our default (‡).
IN_TOUCH_DAYS = 30
# A month's scorecard is made once so many working days have passed, for what is recorded late (‡).
FREEZE_WORKING_DAYS = 5


class LateClock(StrEnum):
    """The clock that an open referral is past: one at a time, in the order of a referral's life."""

    ANSWER = "answer"
    FIRST_SESSION = "first_session"
    RECORD = "record"
    IN_TOUCH = "in_touch"

    @property
    def label(self) -> str:
        """What has not happened in time."""
        return {
            LateClock.ANSWER: "Not answered",
            LateClock.FIRST_SESSION: "No first session",
            LateClock.RECORD: "Session not recorded",
            LateClock.IN_TOUCH: "No session for long",
        }[self]

    @property
    def rule(self) -> str:
        """The clock in words, its figure marked if it is our own."""
        return {
            LateClock.ANSWER: f"Accept or return within {ANSWER_WORKING_DAYS} working days (‡) of sending, or take on "
            f"within {MOVE_WORKING_DAYS} who was moved here",
            LateClock.FIRST_SESSION: f"First session within {FIRST_SESSION_WORKING_DAYS} working days of sending",
            LateClock.RECORD: "Record a session the same day",
            LateClock.IN_TOUCH: f"A session at least every {IN_TOUCH_DAYS} days (‡) while a referral is open",
        }[self]


def days_due(first: date, last: date, working_days: int) -> list[tuple[date, date]]:
    """The days whose so many working days end within first..last, each with the day on which they end."""
    found = []
    # Between two working days lie at most the four days of Easter or Christmas, and weekends beside them.
    day = first - timedelta(days=2 * working_days + 10)
    while day <= last:
        due = add_working_days(day, working_days)
        if first <= due <= last:
            found.append((day, due))
        day += timedelta(days=1)
    return found


def last_day_past(on: date, working_days: int) -> date:
    """The latest day whose so many working days were over before this one."""
    day = on
    while add_working_days(day, working_days) >= on:
        day -= timedelta(days=1)
    return day


def late_since(which: LateClock, ran_from: date, *, moved: bool) -> date:
    """The day on which a clock ran out that ran from this one: the last on which all would have been well.

    Whoever takes over somebody who was moved has other days to take them on (R92).
    """
    if which is LateClock.ANSWER:
        return add_working_days(ran_from, MOVE_WORKING_DAYS if moved else ANSWER_WORKING_DAYS)
    if which is LateClock.FIRST_SESSION:
        return add_working_days(ran_from, FIRST_SESSION_WORKING_DAYS)
    return ran_from if which is LateClock.RECORD else ran_from + timedelta(days=IN_TOUCH_DAYS)


def freezes_on(month: date) -> date:
    """The day on which a month's scorecard is made."""
    return add_working_days(last_of_month(month), FREEZE_WORKING_DAYS)
