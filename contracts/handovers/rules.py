"""Handovers: how they move, what becomes of each referral, and when somebody moved is late to be taken on."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from contracts.referrals.rules import taken_on_by
from marketplace.working_days import add_working_days


class HandoverStatus(StrEnum):
    """Where a handover stands."""

    DRAFT = "draft"
    AGREED = "agreed"
    UNDER_WAY = "under_way"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The status in words."""
        return {HandoverStatus.AGREED: "Fixed", HandoverStatus.UNDOING: "Being undone"}.get(
            self, self.value.replace("_", " ").capitalize()
        )


_Status = HandoverStatus
HANDOVER_MOVES: dict[HandoverStatus, frozenset[HandoverStatus]] = {
    _Status.DRAFT: frozenset({_Status.AGREED, _Status.CANCELLED}),
    _Status.AGREED: frozenset({_Status.UNDER_WAY, _Status.CANCELLED}),
    _Status.UNDER_WAY: frozenset({_Status.DONE, _Status.UNDOING}),
    _Status.DONE: frozenset({_Status.UNDOING}),
    _Status.UNDOING: frozenset({_Status.UNDONE}),
    _Status.UNDONE: frozenset(),
    _Status.CANCELLED: frozenset(),
}
# One of these at a time for a service.
OPEN_HANDOVERS = frozenset({_Status.DRAFT, _Status.AGREED, _Status.UNDER_WAY, _Status.UNDOING})
# While cases can still be decided: what has moved has moved.
DECIDED_IN = frozenset({_Status.DRAFT, _Status.AGREED, _Status.UNDER_WAY})


class Decision(StrEnum):
    """What was decided about one referral: it goes with the service, or stays until the supplier has completed it."""

    MOVE = "move"
    STAY = "stay"


class Fate(StrEnum):
    """What becomes, or became, of one referral in a handover."""

    GOES = "goes"
    CANNOT = "cannot"
    STAYS = "stays"
    MOVED = "moved"

    @property
    def label(self) -> str:
        """The fate in words."""
        return {
            Fate.GOES: "Goes over",
            Fate.CANNOT: "Cannot go",
            Fate.STAYS: "Stays until completed",
            Fate.MOVED: "Moved",
        }[self]


# How many referrals one run of the job moves before it lets others work.
MOST_IN_A_RUN = 200

# So many working days before the last one, the next supplier is reminded. Our own default, open to change.
REMIND_WORKING_DAYS = 5


def late_if_moved_by(on: date) -> date:
    """Who was moved on this day or before, and is not taken on yet, is late on the day asked about (R92)."""
    day = on
    while taken_on_by(day) >= on:
        day -= timedelta(days=1)
    return day


def is_near(moved_on: date, on: date) -> bool:
    """Whether the last day for somebody moved then is near, and not past."""
    due = taken_on_by(moved_on)
    return on <= due <= add_working_days(on, REMIND_WORKING_DAYS)
