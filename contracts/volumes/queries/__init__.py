"""Reads of volumes: where service lines stand, one or all of a nation's, always by the same rules."""

from contracts.volumes.queries.boards import Board, By, Tally, nation, region
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
    "Board",
    "By",
    "LinePosition",
    "Narrowed",
    "Order",
    "PageOf",
    "Tally",
    "chosen",
    "line_for",
    "lines_for",
    "may_set_season",
    "nation",
    "position",
    "positions",
    "reading",
    "readings",
    "region",
    "season_on",
    "seasons",
    "seen_by",
    "steps",
    "waiting",
    "with_lines",
]
