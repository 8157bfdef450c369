"""A few real places out of the reference data, and the whole of it where a test needs it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import select

from marketplace import clock, reference
from marketplace.extensions import db
from marketplace.places.actions import PLACES, load_places
from marketplace.places.models import Place, PlaceWithin
from marketplace.places.rules import pairs_within

# Region, police force area, local authorities.
GREATER_MANCHESTER_REGION, GREATER_MANCHESTER_FORCE, MANCHESTER, SALFORD = "L", "E23000005", "E08000003", "E08000006"
KSS_REGION, KENT, SURREY, DOVER = "K", "E23000032", "E23000031", "E07000108"
YORKSHIRE_REGION, SOUTH_YORKSHIRE, BARNSLEY = "C", "E23000011", "E08000016"
WALES, GWENT, NEWPORT = "D", "W15000002", "W06000022"
FEW = (
    *(GREATER_MANCHESTER_REGION, GREATER_MANCHESTER_FORCE, MANCHESTER, SALFORD),
    *(KSS_REGION, KENT, SURREY, DOVER),
    *(YORKSHIRE_REGION, SOUTH_YORKSHIRE, BARNSLEY),
    *(WALES, GWENT, NEWPORT),
)


@cache
def _rows() -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in reference.read(PLACES, Place)}


def make_places(*codes: str) -> dict[str, Place]:
    """These places (the few above unless said) with all that contain them, if they are not there yet; by code."""
    wanted: dict[str, str | None] = {}
    for code in codes or FEW:
        outer: str | None = code
        while outer is not None:
            wanted[outer] = _rows()[outer]["parent_code"]
            outer = wanted[outer]
    there = {place.code: place for place in db.session.scalars(select(Place).where(Place.code.in_(wanted)))}
    # Outer places first.
    for code in sorted(wanted.keys() - there.keys(), key=list(_rows()).index):
        there[code] = Place(**_rows()[code])
        db.session.add(there[code])
        db.session.flush()
    for inner, outer in sorted(pairs_within(wanted)):
        if db.session.get(PlaceWithin, (inner, outer)) is None:
            db.session.add(PlaceWithin(inner_code=inner, outer_code=outer))
    db.session.flush()
    return there


def make_all_places() -> None:
    """All 373."""
    load_places(now=clock.now())
