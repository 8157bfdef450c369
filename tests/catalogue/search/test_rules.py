from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.search.rules import Gazetteer, PlaceName, words_of
from marketplace.places.rules import Level

REGION, FORCE, AUTHORITY = Level.PROBATION_REGION, Level.POLICE_FORCE_AREA, Level.LOCAL_AUTHORITY
PLACES = [
    PlaceName("J", "South West", REGION, None),
    PlaceName("L", "Greater Manchester", REGION, None),
    PlaceName("E01", "Dorset", FORCE, "J"),
    PlaceName("E02", "Devon & Cornwall", FORCE, "J"),
    PlaceName("E03", "Greater Manchester", FORCE, "L"),
    PlaceName("E11", "Dorset", AUTHORITY, "E01"),
    PlaceName("E12", "Bournemouth, Christchurch and Poole", AUTHORITY, "E01"),
    PlaceName("E13", "North Devon", AUTHORITY, "E02"),
    PlaceName("E14", "Mid Devon", AUTHORITY, "E02"),
    PlaceName("E15", "Bristol, City of", AUTHORITY, "J"),
]
PLACE = Gazetteer(PLACES)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Bournemouth, Christchurch and Poole", "E12"),
        ("bournemouth", "E12"),
        ("poole", "E12"),
        ("devon and cornwall", "E02"),
        ("City of Bristol", "E15"),
        ("bristol", "E15"),
        ("e13", "E13"),
        ("South West (probation region)", "J"),
        # Where two levels bear one name, the smallest; the full name says which.
        ("Dorset", "E11"),
        ("Dorset (police force area)", "E01"),
        ("greater manchester", "E03"),
        ("Greater Manchester (probation region)", "L"),
    ],
)
def test_a_name_that_means_one_place(typed: str, code: str) -> None:
    found = PLACE.match(typed)
    assert found.place is not None
    assert found.place.code == code


def test_the_other_places_of_the_same_name_are_offered() -> None:
    assert [place.code for place in PLACE.match("Dorset").others] == ["E01"]


def test_a_part_of_several_names_is_asked_back() -> None:
    found = PLACE.match("devon")
    assert found.place is None
    assert [place.code for place in found.could_be] == ["E02", "E14", "E13"]


@pytest.mark.parametrize("typed", ["", "  ", "d", "Atlantis", "()"])
def test_what_means_nothing(typed: str) -> None:
    found = PLACE.match(typed)
    assert found.place is None
    assert found.could_be == ()


@pytest.mark.parametrize(
    ("served", "place", "covers"),
    [
        ({"J"}, "E13", True),
        ({"E02"}, "E13", True),
        ({"E13"}, "E13", True),
        ({"E13"}, "E02", False),
        # Everything inside it, piece by piece.
        ({"E13", "E14"}, "E02", True),
        ({"E01", "E13", "E14", "E15"}, "J", True),
        ({"E01", "E13", "E15"}, "J", False),
        (set(), "J", False),
    ],
)
def test_whether_areas_served_cover_a_place(served: set[str], place: str, covers: bool) -> None:
    assert PLACE.covers(served, place) is covers


def test_what_touches_a_place_contains_it_or_lies_in_it() -> None:
    assert PLACE.touching("E02") == {"J", "E02", "E13", "E14"}
    assert [place.code for place in PLACE.parents("E13")] == ["E02", "J"]


@given(st.sampled_from(PLACES))
def test_every_full_name_means_its_own_place(place: PlaceName) -> None:
    assert PLACE.match(place.full_name).place == place
    assert PLACE.match(place.code).place == place


@given(st.text(max_size=40))
def test_no_text_breaks_the_search(text: str) -> None:
    found = PLACE.match(text)
    assert found.place is None or not found.could_be
    assert len(words_of(text)) <= 8


def test_words_find_singular_and_plural() -> None:
    assert words_of("Debts and housing") == ["debt", "and", "housing"]


def test_words_find_names_whichever_apostrophe_is_typed() -> None:
    for typed in ("Women's", "women’s", "womens", "women"):
        assert words_of(typed) == ["women"]
    assert words_of("o'brien's 's '") == ["o'brien", "'s", "'"]
