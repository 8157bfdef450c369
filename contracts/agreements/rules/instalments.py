"""Instalments of a grant: how they move, and what a schedule of them must be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class InstalmentStatus(StrEnum):
    """Where an instalment of a grant stands: it is paid when its milestone is accepted."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            InstalmentStatus.PLANNED: "Not reached yet",
            InstalmentStatus.CLAIMED: "Waits to be accepted",
            InstalmentStatus.ACCEPTED: "Accepted",
        }[self]


INSTALMENT_MOVES: dict[InstalmentStatus, frozenset[InstalmentStatus]] = {
    InstalmentStatus.PLANNED: frozenset({InstalmentStatus.CLAIMED}),
    InstalmentStatus.CLAIMED: frozenset({InstalmentStatus.ACCEPTED, InstalmentStatus.PLANNED}),
    InstalmentStatus.ACCEPTED: frozenset(),
}


@dataclass(frozen=True)
class InstalmentTerm:
    """What is agreed about one instalment: for what, how much in pounds, and by when it is expected."""

    number: int
    milestone: str
    amount: Decimal
    due_on: date


def total(schedule: Sequence[InstalmentTerm]) -> Decimal:
    """What the instalments come to together, in pounds."""
    return sum((one.amount for one in schedule), Decimal("0.00"))


def touched(fixed: Sequence[InstalmentTerm], schedule: Sequence[InstalmentTerm]) -> list[InstalmentTerm]:
    """Which of those that are claimed or accepted the schedule would change or leave out."""
    kept = set(schedule)
    return [one for one in fixed if one not in kept]


def outside(schedule: Sequence[InstalmentTerm], *, starts_on: date, ends_on: date | None) -> list[InstalmentTerm]:
    """Which are expected on a day outside the grant's term; both its days count as within."""
    return [one for one in schedule if not starts_on <= one.due_on <= (ends_on or date.max)]


def left_by_ending(
    schedule: Sequence[InstalmentTerm], *, fixed: Sequence[int], last_day: date
) -> tuple[InstalmentTerm, ...]:
    """What an early ending leaves: the claimed and accepted ones by number, and those expected by the last day."""
    return tuple(one for one in schedule if one.number in fixed or one.due_on <= last_day)
