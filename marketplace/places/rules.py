"""Places: the levels of the tree, and which place lies inside which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Level(StrEnum):
    """How high in the tree: probation region, then police force area, then local authority."""

    PROBATION_REGION = "probation_region"
    POLICE_FORCE_AREA = "police_force_area"
    LOCAL_AUTHORITY = "local_authority"

    @property
    def label(self) -> str:
        """The level in words. A police force area is what a Police and Crime Commissioner (PCC) serves."""
        return {
            Level.PROBATION_REGION: "Probation region",
            Level.POLICE_FORCE_AREA: "Police force (PCC) area",
            Level.LOCAL_AUTHORITY: "Local authority",
        }[self]

    @property
    def short(self) -> str:
        """The level as it stands in brackets behind a name."""
        return {
            Level.PROBATION_REGION: "probation region",
            Level.POLICE_FORCE_AREA: "police force area",
            Level.LOCAL_AUTHORITY: "local authority",
        }[self]


def pairs_within(parents: Mapping[str, str | None]) -> set[tuple[str, str]]:
    """Every (inner, outer) of the tree given by each place's parent. A place lies inside itself.

    Refuses a tree that bites its own tail.
    """
    pairs: set[tuple[str, str]] = set()
    for code in parents:
        outer: str | None = code
        passed: set[str] = set()
        while outer is not None:
            if outer in passed:
                raise ValueError(f"{code} lies inside itself")
            passed.add(outer)
            pairs.add((code, outer))
            outer = parents[outer]
    return pairs


def plain_name(name: str) -> str:
    """A place's name as it is compared: "devon and cornwall" for "Devon & Cornwall", "city of bristol" for
    "Bristol, City of".
    """
    squeezed = " ".join(name.replace("&", " and ").replace("’", "'").lower().split())
    head, comma, tail = squeezed.partition(", ")
    return f"{tail} {head}" if comma and tail.endswith(" of") else squeezed
