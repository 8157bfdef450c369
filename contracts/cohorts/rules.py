"""Counts from which nobody can be told, and what referrals may be counted by (R47)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# Our default: a count below this is not shown.
FEWEST = 5
# Our default: what is shown is rounded to the nearest of these, so that tables that differ by a referral are alike.
ROUNDED_TO = 5


class By(StrEnum):
    """What the rows of a table stand for."""

    CATEGORY = "category"
    COMPLEXITY = "complexity"
    FOR_WHOM = "for_whom"
    AREA = "area"
    MONTH = "month"

    @property
    def label(self) -> str:
        """The choice in words."""
        return {
            By.CATEGORY: "Category of help",
            By.COMPLEXITY: "Complexity",
            By.FOR_WHOM: "Whom the service is for",
            By.AREA: "Area that the service serves",
            By.MONTH: "Month",
        }[self]


@dataclass(frozen=True)
class Row:
    """One row: what it stands for, and its count as it may be shown; None for fewer than FEWEST."""

    name: str
    shown: int | None


@dataclass(frozen=True)
class Counts:
    """The rows, and the count of all of them as it may be shown."""

    rows: tuple[Row, ...]
    total: int | None

    @property
    def hides(self) -> bool:
        """Whether any count is too small to be shown."""
        return any(row.shown is None for row in self.rows)


def shown(count: int) -> int | None:
    """A count as it may be shown: rounded, or None where it is too small."""
    if count < FEWEST:
        return None
    return (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def counts(found: Iterable[tuple[str, int]]) -> Counts:
    """What may be shown of exact counts. Rows of nought are left out; where all are too few, there are no rows."""
    exact = [(name, count) for name, count in found if count > 0]
    total = shown(sum(count for _, count in exact))
    if total is None:
        return Counts((), None)
    return Counts(tuple(Row(name, shown(count)) for name, count in exact), total)


def for_whom(*, women: bool, men: bool, minimum_age: int, maximum_age: int | None) -> str:
    """The people that a service is for, by its limits of sex and age."""
    sex = "Women and men" if women and men else "Women" if women else "Men"
    return f"{sex}, {minimum_age} and over" if maximum_age is None else f"{sex}, {minimum_age} to {maximum_age}"
