import pytest

from marketplace.places.rules import Level, pairs_within, plain_name


def test_every_place_lies_inside_itself_and_all_that_contain_it() -> None:
    tree = {"region": None, "force": "region", "authority": "force", "other": None}
    assert pairs_within(tree) == {
        ("region", "region"),
        ("force", "force"),
        ("force", "region"),
        ("authority", "authority"),
        ("authority", "force"),
        ("authority", "region"),
        ("other", "other"),
    }


def test_a_tree_that_bites_its_own_tail_is_refused() -> None:
    with pytest.raises(ValueError, match="inside itself"):
        pairs_within({"a": "b", "b": "a"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Devon & Cornwall", "Devon and Cornwall"),
        ("Avon  and Somerset", "AVON & SOMERSET"),
        ("London, City of", "City of London"),
        ("Kent, Surrey & Sussex", "Kent, Surrey and Sussex"),
    ],
)
def test_the_same_place_written_differently_is_the_same(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize("level", Level)
def test_every_level_has_words(level: Level) -> None:
    assert level.label
    assert level.short
