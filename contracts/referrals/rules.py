"""Referrals: how they move, and which of them count towards volume."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from contracts.agreements.rules import contract_year
from marketplace.working_days import add_working_days


class ReferralStatus(StrEnum):
    """Where a referral stands (domain.md, "Delivering")."""

    WAITING = "waiting"
    OFFERED = "offered"
    SENT = "sent"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    TRANSFERRED = "transferred"

    @property
    def label(self) -> str:
        """The status as people say it."""
        words = {
            ReferralStatus.WAITING: "On the waiting list",
            ReferralStatus.OFFERED: "Place offered",
            ReferralStatus.TRANSFERRED: "Moved",
        }
        return words.get(self, self.value.capitalize())


_Status = ReferralStatus
REFERRAL_MOVES: dict[ReferralStatus, frozenset[ReferralStatus]] = {
    _Status.WAITING: frozenset({_Status.OFFERED, _Status.WITHDRAWN, _Status.TRANSFERRED}),
    _Status.OFFERED: frozenset({_Status.SENT, _Status.WITHDRAWN, _Status.TRANSFERRED}),
    _Status.SENT: frozenset({_Status.ACCEPTED, _Status.RETURNED, _Status.WITHDRAWN, _Status.TRANSFERRED}),
    _Status.ACCEPTED: frozenset({_Status.COMPLETED, _Status.WITHDRAWN, _Status.TRANSFERRED}),
    _Status.RETURNED: frozenset(),
    _Status.WITHDRAWN: frozenset(),
    _Status.COMPLETED: frozenset(),
    _Status.TRANSFERRED: frozenset(),
}
# Undoing a move, and nothing else, opens again what it closed.
RESTORED = frozenset({ReferralStatus.WAITING, ReferralStatus.SENT, ReferralStatus.ACCEPTED})

# The supplier does not know of these yet: they wait for a place, or for the officer to take the one that came free.
UNSENT = frozenset({ReferralStatus.WAITING, ReferralStatus.OFFERED})

# Referrals somebody still works on: the same person cannot be referred to the same service beside one.
OPEN = UNSENT | {ReferralStatus.SENT, ReferralStatus.ACCEPTED}

# How long a place that came free is held for the officer whose person waits first. Our own default, open to change.
OFFER_WORKING_DAYS = 5

# From this many acceptable absences on, a manager looks at the case (R88).
OVERSIGHT_FROM = 3


@dataclass(frozen=True)
class DayCount:
    """What one London day did to a line's count: places taken and given back, and the year's count after it."""

    year_begins: date
    placed: int
    released: int
    total: int
    # How many of those that count were completed on the day, and in the year by its end.
    completed: int = 0
    delivered: int = 0


def year_counted_in(starts_on: date, placed_on: date) -> tuple[date, date] | None:
    """The contract year in which a place taken on this day counts; None before the contract has begun."""
    first, last = contract_year(starts_on, placed_on)
    return (first, last) if placed_on >= first else None


def tally(
    starts_on: date,
    spans: Iterable[tuple[date, date | None, int]],
    completions: Iterable[tuple[date, date, int]] = (),
) -> dict[date, DayCount]:
    """The counters of a line out of (day placed, day released, how many), and (day placed, day completed, how many):
    each day on which something happened.

    A place counts in the contract year in which it was taken, until it is given back. One given back in a later
    contract year changes no figure: that year was closed with it. So does one completed in a later contract year.
    """
    placed: Counter[tuple[date, date]] = Counter()
    released: Counter[tuple[date, date]] = Counter()
    for placed_on, released_on, count in spans:
        year = year_counted_in(starts_on, placed_on)
        if year is not None:
            placed[year[0], placed_on] += count
            if released_on is not None and released_on <= year[1]:
                released[year[0], released_on] += count
    completed: Counter[tuple[date, date]] = Counter()
    for placed_on, completed_on, count in completions:
        year = year_counted_in(starts_on, placed_on)
        if year is not None and completed_on <= year[1]:
            completed[year[0], completed_on] += count
    found: dict[date, DayCount] = {}
    year_begins, total, delivered = None, 0, 0
    for key in sorted(placed.keys() | released.keys() | completed.keys()):
        if key[0] != year_begins:
            year_begins, total, delivered = key[0], 0, 0
        total += placed[key] - released[key]
        delivered += completed[key]
        found[key[1]] = DayCount(key[0], placed[key], released[key], total, completed[key], delivered)
    return found


class Consent(StrEnum):
    """Whether the person agrees that the next supplier reads what this one recorded."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """The answer in words."""
        return {Consent.NOT_ASKED: "Not asked yet", Consent.ASKED: "Asked, not answered yet"}.get(
            self, self.value.capitalize()
        )


class Obstacle(StrEnum):
    """Why one referral cannot move to a service."""

    ALREADY_THERE = "already_there"
    KIND_OF_HELP = "kind_of_help"

    @property
    def label(self) -> str:
        """The reason in words."""
        return {
            Obstacle.ALREADY_THERE: "The person has an open referral to the new service already",
            Obstacle.KIND_OF_HELP: "The new service does not give this kind of help",
        }[self]


# In how many working days the next supplier takes on somebody who was moved (R92).
MOVE_WORKING_DAYS = 20

# Until the end of which working day after it a move can be undone. Our own default, open to change.
UNDO_WORKING_DAYS = 1

# For how many weeks a supplier still reads a referral that has ended. Our own default, open to change.
READS_ON_WEEKS = 26


def taken_on_by(moved_on: date) -> date:
    """The last day on which the next supplier should have taken the person on (R92)."""
    return add_working_days(moved_on, MOVE_WORKING_DAYS)


def undone_by(moved_on: date) -> date:
    """The last day on which the move can be undone."""
    return add_working_days(moved_on, UNDO_WORKING_DAYS)


def read_until(ended_on: date) -> date:
    """The last day on which a supplier reads its own record of somebody whose referral has ended."""
    return ended_on + timedelta(weeks=READS_ON_WEEKS)


def still_read_if_ended(on: date) -> date:
    """The earliest day of ending of which a supplier still reads its record on a day: `read_until` the other way."""
    return on - timedelta(weeks=READS_ON_WEEKS)


class Complexity(StrEnum):
    """How much a person's needs ask of the service (R82)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Attendance(StrEnum):
    """Whether a person came to a session; the codes in use today."""

    ATTENDED = "YES"
    LATE = "LATE"
    MISSED = "NO"

    @property
    def label(self) -> str:
        """What became of the session, in words."""
        return {Attendance.ATTENDED: "Attended", Attendance.LATE: "Attended late", Attendance.MISSED: "Missed"}[self]


class AbsenceKind(StrEnum):
    """Why a session was missed."""

    ACCEPTABLE = "POP_ACCEPTABLE"
    UNACCEPTABLE = "POP_UNACCEPTABLE"

    @property
    def label(self) -> str:
        """The kind in words."""
        return "Acceptable absence" if self is AbsenceKind.ACCEPTABLE else "Unacceptable absence"


# An appointment is made at most so many days ahead (‡): later is a slip of the pen.
SESSION_DAYS_AHEAD = 366

_CRN = re.compile(r"[A-Z]\d{6}")


def crn(text: str) -> str | None:
    """A case reference number of nDelius (a letter and six digits) in its usual form; None if it is none."""
    squeezed = re.sub(r"\s", "", text).upper()
    return squeezed if _CRN.fullmatch(squeezed) else None


# Letters and digits that cannot be taken for one another, nor make a word.
REFERENCE_ALPHABET = "23456789BCDFGHJKMNPQRTVWXZ"


def reference(picks: Sequence[int]) -> str:
    """A referral's reference out of random picks, like R-4F7K2M: it says nothing about the person."""
    return "R-" + "".join(REFERENCE_ALPHABET[pick % len(REFERENCE_ALPHABET)] for pick in picks)


def calls_for_oversight(absences: Iterable[AbsenceKind | None]) -> bool:
    """Whether a manager must look at the case: three acceptable absences (R88)."""
    return sum(absence is AbsenceKind.ACCEPTABLE for absence in absences) >= OVERSIGHT_FROM


def full_words(cap: int) -> str:
    """Why a full service takes nobody, and what to do."""
    people = "the 1 person" if cap == 1 else f"all {cap:,} people"
    return (
        f"This service has taken {people} it can this contract year. Add the person to its waiting list, or choose "
        "another service."
    )


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th: a place in the queue, in words."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
