"""What became of a grant's instalments: reports of use, and what is owed back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from marketplace.money import split


class UseStatus(StrEnum):
    """Where a report of an instalment's use stands. One that was asked about is followed by another."""

    SENT = "sent"
    ASKED = "asked"
    ACCEPTED = "accepted"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            UseStatus.SENT: "Use reported",
            UseStatus.ASKED: "Asked about its use",
            UseStatus.ACCEPTED: "Use accepted",
        }[self]


USE_MOVES: dict[UseStatus, frozenset[UseStatus]] = {
    UseStatus.SENT: frozenset({UseStatus.ASKED, UseStatus.ACCEPTED}),
    UseStatus.ASKED: frozenset(),
    UseStatus.ACCEPTED: frozenset(),
}

# Our default (‡): how many days after its last day a grant's instalments are to be reported on.
USE_DAYS = 30


def use_due_on(last_day: date) -> date:
    """By when what became of a grant's instalments is to be reported."""
    return last_day + timedelta(days=USE_DAYS)


def given_back(unspent: Decimal, invoiced: Sequence[Decimal]) -> list[Decimal]:
    """What is unspent of an instalment, for each of its invoices after what that asks for, in pounds.

    The sum is what is unspent, and no part is more than its invoice.
    """
    return split(unspent, invoiced) if unspent else [Decimal("0.00") for _ in invoiced]
