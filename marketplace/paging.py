"""Lists by pages: of one size everywhere; a page asked for that does not exist is the nearest that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import Select

from marketplace.extensions import db

PAGE = 25
# More than any list has; a hundred times as many rows still fit the database's numbers.
MOST_PAGES = 10**9
Row = TypeVar("Row")


def page_count(total: int) -> int:
    """How many pages so many rows take; an empty list has one."""
    return max(-(-total // PAGE), 1)


def nearest_page(number: int, total: int) -> int:
    """The page asked for, or the first or the last where there is none such."""
    return min(max(number, 1), page_count(total))


def before(number: int) -> int:
    """How many rows stand on the pages before this one; of a page beyond all lists, more than any list has."""
    return min(number - 1, MOST_PAGES) * PAGE


def paginate(wanted: Select[Any], page: int) -> Pagination:
    """That page of what is wanted, or the nearest that there is."""
    found = db.paginate(wanted, page=min(page, MOST_PAGES), per_page=PAGE, error_out=False)
    nearest = nearest_page(page, found.total or 0)
    return found if found.page == nearest else db.paginate(wanted, page=nearest, per_page=PAGE, error_out=False)


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
