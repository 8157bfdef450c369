"""What waits for a person: each area says its part, the home page gathers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from marketplace import clock
from marketplace.access import Actor


@dataclass(frozen=True)
class Waiting:
    """One line of somebody's home page: something that waits for them, and where to do it.

    `url` is made with url_for by the area; `due` where the clock runs: a moment, or a day with which it runs out.
    """

    text: str
    url: str
    due: datetime | date | None = None

    @property
    def is_due_by_the_day(self) -> bool:
        """Whether it runs out with a day, and not at a moment of it."""
        return not isinstance(self.due, datetime)

    @property
    def runs_out_at(self) -> datetime | None:
        """When it is late: what is due by a day is so until that is over."""
        if self.due is None or isinstance(self.due, datetime):
            return self.due
        return clock.ends(self.due)


Provider = Callable[[Actor, datetime], Sequence[Waiting]]
