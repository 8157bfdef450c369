"""What waits for a person: each area says its part, the home page gathers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.access import Actor


@dataclass(frozen=True)
class Waiting:
    """One line of somebody's home page: something that waits for them, and where to do it.

    `url` is made with url_for by the area; `due` where the clock runs, `whole_day` where it runs out with the day.
    """

    text: str
    url: str
    due: datetime | None = None
    whole_day: bool = False


Provider = Callable[[Actor, datetime], Sequence[Waiting]]
