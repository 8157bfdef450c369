"""Search: which place somebody means, and what a service's areas are to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.places.rules import Level, plain_name

# So many suggestions are shown for a name that could mean several places.
MOST_SUGGESTIONS = 12
LEAST_LETTERS = 3


class For(StrEnum):
    """For whom a service is sought, as far as contracts say whom they serve."""

    WOMEN = "women"
    MEN = "men"
    YOUNG_ADULTS = "young_adults"
    MINORITY_ETHNIC = "minority_ethnic"

    @property
    def label(self) -> str:
        """The group in words."""
        return {
            For.WOMEN: "Women",
            For.MEN: "Men",
            For.YOUNG_ADULTS: "Young adults (18 to 25)",
            For.MINORITY_ETHNIC: "Black, Asian and minority ethnic people",
        }[self]


# The categories that are tailored for a group.
TAILORED: dict[For, str] = {For.WOMEN: "WOM", For.YOUNG_ADULTS: "YAD", For.MINORITY_ETHNIC: "BAM"}
YOUNG = (18, 25)


@dataclass(frozen=True)
class PlaceName:
    """A place as search knows it."""

    code: str
    name: str
    level: Level
    parent_code: str | None

    @property
    def full_name(self) -> str:
        """The name that means this place and no other, and that `match` understands."""
        return f"{self.name} ({self.level.short})"


@dataclass(frozen=True)
class Match:
    """What a typed name means: a place, or several it could mean; `others` bear the same name as the one taken."""

    place: PlaceName | None = None
    could_be: tuple[PlaceName, ...] = ()
    others: tuple[PlaceName, ...] = ()


class Gazetteer:
    """All places in use, by code, with what lies inside what."""

    def __init__(self, places: Iterable[PlaceName]) -> None:
        self.places: Mapping[str, PlaceName] = {place.code: place for place in places}
        self._inside: dict[str, list[str]] = {}
        for place in self.places.values():
            if place.parent_code is not None:
                self._inside.setdefault(place.parent_code, []).append(place.code)

    def parents(self, code: str) -> list[PlaceName]:
        """The places that contain this one, nearest first, itself left out."""
        found, parent = [], self.places[code].parent_code
        while parent is not None:
            found.append(self.places[parent])
            parent = self.places[parent].parent_code
        return found

    def within(self, code: str) -> list[str]:
        """The codes of all places inside this one, itself included."""
        return [code, *(deeper for inner in self._inside.get(code, []) for deeper in self.within(inner))]

    def touching(self, code: str) -> set[str]:
        """The codes of places that contain this one or lie inside it, itself included."""
        return {*self.within(code), *(place.code for place in self.parents(code))}

    def covers(self, served: Collection[str], code: str) -> bool:
        """Whether areas served cover all of a place: it, one that contains it, or everything inside it."""
        return any(parent.code in served for parent in self.parents(code)) or self._covered_inside(served, code)

    def _covered_inside(self, served: Collection[str], code: str) -> bool:
        inner = self._inside.get(code, [])
        return code in served or (bool(inner) and all(self._covered_inside(served, one) for one in inner))

    def match(self, text: str) -> Match:
        """What a name typed by a person means.

        A code, a full name, or a name however written. Where places of two levels bear one name, the smallest is
        taken and the others offered. A part of a name that only one place has means that place.
        """
        text = text.strip()
        wanted = plain_name(text)
        if not wanted:
            return Match()
        if (by_code := self.places.get(text.upper())) is not None and (len(text) > 1 or text.isupper()):
            return Match(by_code)
        everything = sorted(self.places.values(), key=_smallest_first)
        for place in everything:
            if plain_name(place.full_name) == wanted:
                return Match(place)
        same = [place for place in everything if plain_name(place.name) == wanted]
        if same:
            return Match(same[0], others=tuple(same[1:]))
        if len(wanted) < LEAST_LETTERS:
            return Match()
        beginning = [place for place in everything if plain_name(place.name).startswith(wanted)]
        holding = [place for place in everything if wanted in plain_name(place.name) and place not in beginning]
        found = [*beginning, *holding]
        if len(found) == 1:
            return Match(found[0])
        return Match(could_be=tuple(found[:MOST_SUGGESTIONS]))


def _smallest_first(place: PlaceName) -> tuple[int, str]:
    return -list(Level).index(place.level), place.name


def words_of(text: str) -> Sequence[str]:
    """The words somebody searches for, at most eight, without a plural's s, so that "debts" finds "debt".

    The s of "women's" goes with its apostrophe, which keyboards and our names write differently.
    """
    words = (re.sub(r"(?<=\w)['’‘]s?$", "", word) for word in text.lower().split()[:8])
    return [word[:-1] if len(word) > 4 and word.endswith("s") else word for word in words]
