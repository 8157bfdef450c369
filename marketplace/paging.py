"""Lists by pages: of one size everywhere; a page asked for that does not exist is the nearest that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE = 25
Row = TypeVar("Row")


def page_count(total: int) -> int:
    """How many pages so many rows take; an empty list has one."""
    return max(-(-total // PAGE), 1)


def nearest_page(number: int, total: int) -> int:
    """The page asked for, or the first or the last where there is none such."""
    return min(max(number, 1), page_count(total))


def before(number: int) -> int:
    """How many rows stand on the pages before this one."""
    return (number - 1) * PAGE


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list; `total` counts the rows of all its pages."""

    rows: Sequence[Row]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return page_count(self.total)
