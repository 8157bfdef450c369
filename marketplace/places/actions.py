"""Loading the places and writing out which lies inside which."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select, tuple_

from marketplace import clock, reference
from marketplace.extensions import db
from marketplace.places.models import Place, PlaceWithin
from marketplace.places.rules import pairs_within
from marketplace.reference import Loaded

PLACES = Path(__file__).parent / "reference" / "places.csv"


def load_places(*, now: datetime, path: Path = PLACES) -> Loaded:
    """Load regions, police force areas and local authorities, and rebuild the closure of the tree.

    Source of the codes and names: Office for National Statistics, December 2024, Open Government Licence v3.0.
    """
    loaded = reference.load(Place, reference.read(path, Place), today=clock.london(now).date())
    _write_out_tree()
    return loaded


def _write_out_tree() -> None:
    """Make `places_within` exactly what the parents say. Retired places keep theirs: qualifications may name them."""
    wanted = pairs_within({place.code: place.parent_code for place in db.session.scalars(select(Place))})
    kept = {(pair.inner_code, pair.outer_code) for pair in db.session.scalars(select(PlaceWithin))}
    if stale := kept - wanted:
        db.session.execute(delete(PlaceWithin).where(tuple_(PlaceWithin.inner_code, PlaceWithin.outer_code).in_(stale)))
    if new := wanted - kept:
        db.session.execute(
            insert(PlaceWithin), [{"inner_code": inner, "outer_code": outer} for inner, outer in sorted(new)]
        )
