"""Which places there are, and which lies inside which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, select

from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.places.models import Place, PlaceWithin
from marketplace.places.rules import Level, plain_name


@dataclass(frozen=True)
class Branch:
    """A place and the places directly inside it."""

    place: Place
    branches: tuple[Branch, ...] = ()


def place(code: str) -> Place:
    """The place with this code, by its code here or the one it was reissued under. Retired places are found too."""
    found = db.session.get(Place, code) or db.session.scalar(select(Place).where(Place.reissued_code == code))
    if found is None:
        raise NotFound("There is no place with this code.")
    return found


def place_named(name: str, level: Level) -> Place | None:
    """The place of this level with this name, however "and", commas and capitals are written; None if there is none."""
    plain = plain_name(name)
    return next((one for one in places_at(level) if plain_name(one.name) == plain), None)


def places_at(level: Level) -> Sequence[Place]:
    """The places of one level in use, by name."""
    return db.session.scalars(
        select(Place).where(Place.level == level, Place.retired_on.is_(None)).order_by(Place.name)
    ).all()


def places_of(codes: Iterable[str]) -> dict[str, Place]:
    """These places by their codes, in one query."""
    return {one.code: one for one in db.session.scalars(select(Place).where(Place.code.in_(list(codes))))}


def is_inside(inner_code: str, outer_code: str) -> bool:
    """Whether one place lies inside another, or is it: one look-up in an index."""
    return bool(
        db.session.scalar(
            select(exists().where(and_(PlaceWithin.inner_code == inner_code, PlaceWithin.outer_code == outer_code)))
        )
    )


def covering(code: str) -> list[str]:
    """The codes of the places that contain this one, widest first, itself included and last."""
    found = db.session.execute(
        select(Place.code, Place.level)
        .join(PlaceWithin, PlaceWithin.outer_code == Place.code)
        .where(PlaceWithin.inner_code == code)
    ).all()
    order = list(Level)
    return [outer for outer, level in sorted(found, key=lambda row: order.index(row[1]))]


def tree(root_code: str | None = None) -> tuple[Branch, ...]:
    """All places in use as a tree: regions, their police force areas, their local authorities, each by name.

    With `root_code`, only what is inside that place, from the place itself downwards.
    """
    wanted = select(Place).where(Place.retired_on.is_(None)).order_by(Place.name)
    if root_code is not None:
        wanted = wanted.join(PlaceWithin, PlaceWithin.inner_code == Place.code).where(
            PlaceWithin.outer_code == root_code
        )
    inside: dict[str | None, list[Place]] = {}
    for one in db.session.scalars(wanted):
        inside.setdefault(None if one.code == root_code else one.parent_code, []).append(one)

    def branches(parent: str | None) -> tuple[Branch, ...]:
        return tuple(Branch(one, branches(one.code)) for one in inside.get(parent, []))

    return branches(None)


def choices() -> list[tuple[str, str]]:
    """(code, "Name (level)") of every place in use, in tree order: a region, its forces, each with its authorities."""

    def listed(branches: Sequence[Branch]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for branch in branches:
            found.append((branch.place.code, f"{branch.place.name} ({branch.place.level.short})"))
            found.extend(listed(branch.branches))
        return found

    return listed(tree())


def pcc_areas() -> list[str]:
    """The areas of Police and Crime Commissioners and their like, by name. London's two forces share one: 42 in all."""
    return list(
        db.session.scalars(
            select(Place.pcc_area)
            .where(Place.pcc_area.is_not(None), Place.retired_on.is_(None))
            .distinct()
            .order_by(Place.pcc_area)
        )
    )
