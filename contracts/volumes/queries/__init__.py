"""Reads of volumes: where service lines stand, one or all of a nation's, always by the same rules."""

from contracts.volumes.queries.lines import (
    LinePosition,
    Narrowed,
    Order,
    PageOf,
    chosen,
    line_for,
    lines_for,
    may_set_season,
    position,
    season_on,
    seasons,
    seen_by,
    steps,
    waiting,
    with_lines,
)
from contracts.volumes.queries.reading import positions, reading, readings

__all__ = [
    "LinePosition",
    "Narrowed",
    "Order",
    "PageOf",
    "chosen",
    "line_for",
    "lines_for",
    "may_set_season",
    "position",
    "positions",
    "reading",
    "readings",
    "season_on",
    "seasons",
    "seen_by",
    "steps",
    "waiting",
    "with_lines",
]
