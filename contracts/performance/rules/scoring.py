"""Ratings: one measure against its target, a part of the scorecard, the whole. No average ever hides a miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contracts.performance.rules.measures import Measure, Part, Target

# Under so many cases nothing is said of a month: our default (‡). Nor are so few shown to others than the two sides.
FEW = 5


class Rating(StrEnum):
    """How a measure, a part or a contract stands."""

    MISSED = "missed"
    NEAR = "near"
    MET = "met"
    TOO_FEW = "too_few"

    @property
    def label(self) -> str:
        """The rating in words."""
        return {
            Rating.MISSED: "Target missed",
            Rating.NEAR: "Near target",
            Rating.MET: "Target met",
            Rating.TOO_FEW: "Too few to say",
        }[self]


GRAVEST_FIRST = {rating: rank for rank, rating in enumerate(Rating)}


def rating_of(met: int, cases: int, target: Target) -> Rating:
    """One measure against its target, by whole numbers: nothing is rounded on the way."""
    if cases < FEW:
        return Rating.TOO_FEW
    if met * 100 >= target.percent * cases:
        return Rating.MET
    return Rating.NEAR if met * 100 >= (target.percent - target.tolerance) * cases else Rating.MISSED


def worst(ratings: Iterable[Rating]) -> Rating:
    """The gravest of some ratings; too few to say, if that is all there is."""
    return min(ratings, key=GRAVEST_FIRST.__getitem__, default=Rating.TOO_FEW)


@dataclass(frozen=True)
class Figure:
    """One measure in one month: so many cases, so many of them met, against which target, agreed or only usual."""

    measure: Measure
    met: int
    cases: int
    target: Target
    is_agreed: bool

    @property
    def rating(self) -> Rating:
        """Against its target."""
        return rating_of(self.met, self.cases, self.target)

    @property
    def percent(self) -> int | None:
        """The share met in whole percent, rounded down, so that it reaches the target only if the cases do."""
        return self.met * 100 // self.cases if self.cases else None


@dataclass(frozen=True)
class Scorecard:
    """The figures of one month, in the order of the measures."""

    figures: tuple[Figure, ...]

    def of(self, part: Part) -> list[Figure]:
        """The figures of one part."""
        return [figure for figure in self.figures if figure.measure.definition.part is part]

    def rating(self, part: Part) -> Rating:
        """A part is as good as the gravest of its measures."""
        return worst(figure.rating for figure in self.of(part))

    @property
    def overall(self) -> Rating:
        """The contract is as good as the gravest of its parts."""
        return worst(self.rating(part) for part in Part)
