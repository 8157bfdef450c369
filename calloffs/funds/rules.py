"""Funds: what kinds there are, and what is left in one (R30: commitments cannot exceed a ring-fenced pot)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketplace.money import percentage, pounds


class FundKind(StrEnum):
    """What kind of pot it is."""

    OUTCOMES = "outcomes"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {FundKind.OUTCOMES: "Regional Outcomes Fund", FundKind.OTHER: "Other ring-fenced money"}[self]


class Stage(StrEnum):
    """How firm a commitment is: held for a published call-off, or agreed in a signed contract or grant."""

    HELD = "held"
    AGREED = "agreed"
    RELEASED = "released"

    @property
    def label(self) -> str:
        """The stage in words."""
        return {
            Stage.HELD: "Held for a call-off",
            Stage.AGREED: "Agreed in a contract or grant",
            Stage.RELEASED: "Released",
        }[self]


STAGE_MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.HELD: frozenset({Stage.HELD, Stage.AGREED, Stage.RELEASED}),
    Stage.AGREED: frozenset({Stage.AGREED, Stage.RELEASED}),
    Stage.RELEASED: frozenset(),
}


@dataclass(frozen=True)
class Standing:
    """How a fund stands, in pounds."""

    amount: Decimal
    held: Decimal
    agreed: Decimal

    @property
    def left(self) -> Decimal:
        """What can still be set aside. Below nought only where the fund was made smaller by another rule than ours."""
        return self.amount - self.held - self.agreed

    def share(self, part: Decimal) -> Decimal:
        """A part of the fund in percent, to one place."""
        return percentage(part, self.amount)


def standing(amount: Decimal, commitments: Iterable[tuple[Stage, Decimal]]) -> Standing:
    """How a fund of this amount stands with these commitments."""
    sums = {Stage.HELD: Decimal(0), Stage.AGREED: Decimal(0), Stage.RELEASED: Decimal(0)}
    for stage, each in commitments:
        sums[stage] += each
    return Standing(amount, sums[Stage.HELD], sums[Stage.AGREED])


def part_of(value: Decimal, percent: Decimal) -> Decimal:
    """What a funder's share of a whole-life value takes from its fund, in pounds, rounded half up."""
    return pounds(value * percent / 100)


def purposes_of(text: str) -> list[str]:
    """The eligible purposes, one a line as typed, without empty lines."""
    return [line.strip() for line in text.splitlines() if line.strip()]
