from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from marketplace import reference
from marketplace.errors import NotFound
from marketplace.places import queries
from marketplace.places.actions import PLACES, load_places
from marketplace.places.models import Place, PlaceWithin
from marketplace.places.rules import Level
from marketplace.reference import Loaded
from tests.factories.places import BARNSLEY, DOVER, KENT, KSS_REGION, SURREY, WALES, YORKSHIRE_REGION

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)

Db = scoped_session[Session]


@pytest.fixture
def places(session: Db) -> Loaded:
    return load_places(now=NOW)


def test_twelve_regions_43_forces_and_318_local_authorities(session: Db, places: Loaded) -> None:
    counts = session.execute(select(Place.level, func.count()).group_by(Place.level)).all()
    assert dict(counts) == {Level.PROBATION_REGION: 12, Level.POLICE_FORCE_AREA: 43, Level.LOCAL_AUTHORITY: 318}
    assert places == Loaded(added=373)


def test_loading_again_changes_nothing(session: Db, places: Loaded) -> None:
    closure = session.scalar(select(func.count()).select_from(PlaceWithin))
    assert load_places(now=NOW) == Loaded(unchanged=373)
    assert session.scalar(select(func.count()).select_from(PlaceWithin)) == closure == 12 + 43 * 2 + 318 * 3


def test_a_place_that_goes_is_retired_not_deleted_and_may_come_back(
    session: Db, places: Loaded, tmp_path: Path
) -> None:
    lines = PLACES.read_text(encoding="utf-8").splitlines()
    fewer = tmp_path / "places.csv"
    fewer.write_text("\n".join(line for line in lines if not line.startswith(DOVER)).replace("Surrey", "Surrie"))
    renamed = sum("Surrey" in line for line in lines)
    assert load_places(now=NOW, path=fewer) == Loaded(changed=renamed, unchanged=372 - renamed, retired=1)
    assert queries.place(DOVER).retired_on == date(2026, 9, 7)
    assert DOVER not in [code for code, _ in queries.choices()]
    assert queries.is_inside(DOVER, KENT)
    assert load_places(now=NOW, path=fewer).retired == 0
    assert load_places(now=NOW) == Loaded(changed=renamed + 1, unchanged=372 - renamed)
    assert queries.place(DOVER).retired_on is None


def test_a_place_that_moves_takes_what_is_inside_with_it(session: Db, places: Loaded, tmp_path: Path) -> None:
    moved = tmp_path / "places.csv"
    moved.write_text(
        PLACES.read_text(encoding="utf-8").replace(
            f"{KENT},police_force_area,Kent,,K,", f"{KENT},police_force_area,Kent,,J,"
        )
    )
    load_places(now=NOW, path=moved)
    assert queries.is_inside(DOVER, "J")
    assert not queries.is_inside(DOVER, KSS_REGION)


def test_every_authority_has_a_force_and_every_force_a_region(session: Db, places: Loaded) -> None:
    everything = {place.code: place for place in session.scalars(select(Place))}
    for place in everything.values():
        above = {Level.LOCAL_AUTHORITY: Level.POLICE_FORCE_AREA, Level.POLICE_FORCE_AREA: Level.PROBATION_REGION}
        parent = everything[place.parent_code].level if place.parent_code else None
        assert parent == above.get(place.level), place.code


def test_there_are_42_pcc_areas_because_londons_two_forces_share_one(session: Db, places: Loaded) -> None:
    assert len(queries.pcc_areas()) == 42
    assert {queries.place(code).pcc_area for code in ("E23000001", "E23000034")} == {"London (MOPAC)"}


def test_what_is_inside_what(session: Db, places: Loaded) -> None:
    assert queries.is_inside(DOVER, KENT)
    assert queries.is_inside(DOVER, KSS_REGION)
    assert queries.is_inside(DOVER, DOVER)
    assert not queries.is_inside(KENT, DOVER)
    assert not queries.is_inside(DOVER, SURREY)
    assert not queries.is_inside("nowhere", KENT)
    assert queries.covering(DOVER) == [KSS_REGION, KENT, DOVER]


def test_is_inside_is_one_look_up_in_an_index(session: Db, places: Loaded) -> None:
    session.execute(text("ANALYZE places_within"))
    plan = "\n".join(
        session.scalars(
            text("EXPLAIN SELECT 1 FROM places_within WHERE inner_code = :inner AND outer_code = :outer"),
            {"inner": DOVER, "outer": KENT},
        )
    )
    assert "Index Only Scan" in plan
    assert "Seq Scan" not in plan


def test_barnsley_and_sheffield_are_found_by_their_older_and_their_reissued_codes(session: Db, places: Loaded) -> None:
    assert queries.place("E08000016").name == queries.place("E08000038").name == "Barnsley"
    assert queries.place("E08000019") is queries.place("E08000039")
    assert queries.covering(BARNSLEY)[0] == YORKSHIRE_REGION


def test_welsh_places_have_welsh_names(session: Db, places: Loaded) -> None:
    inside = select(Place).join(PlaceWithin, PlaceWithin.inner_code == Place.code)
    welsh = session.scalars(inside.where(PlaceWithin.outer_code == WALES)).all()
    assert len(welsh) == 1 + 4 + 22
    assert all(place.name_cy for place in welsh)
    assert queries.place("W06000015").name_cy == "Caerdydd"


def test_choices_go_region_force_authority_in_the_order_of_the_tree(session: Db, places: Loaded) -> None:
    listed = queries.choices()
    assert len(listed) == 373
    assert listed[0] == ("F", "East Midlands (probation region)")
    codes = [code for code, _ in listed]
    assert codes.index(KSS_REGION) < codes.index(KENT) < codes.index(DOVER) < codes.index(SURREY)


def test_a_tree_can_begin_at_one_place(session: Db, places: Loaded) -> None:
    (kent,) = queries.tree(KENT)
    assert kent.place.code == KENT
    assert DOVER in [branch.place.code for branch in kent.branches]
    assert len(queries.tree()) == 12


def test_a_force_is_found_by_name_however_it_is_written(session: Db, places: Loaded) -> None:
    found = queries.place_named("avon & somerset", Level.POLICE_FORCE_AREA)
    assert found is not None
    assert found.code == "E23000036"
    assert queries.place_named("Kent", Level.LOCAL_AUTHORITY) is None


def test_no_such_place(session: Db, places: Loaded) -> None:
    with pytest.raises(NotFound):
        queries.place("X99")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("A,probation_region,North East,,,,\nA,probation_region,Again,,,,", "line 3: A comes twice"),
        ("A,county,North East,,,,", "line 2: 'county'"),
        ("A,probation_region,,,,,", "line 2: name is empty"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, wrong: str, words: str) -> None:
    path = tmp_path / "places.csv"
    path.write_text("code,level,name,name_cy,parent_code,pcc_area,reissued_code\n" + wrong + "\n")
    with pytest.raises(ValueError, match=words):
        reference.read(path, Place)


def test_the_database_knows_the_levels(session: Db) -> None:
    for level in Level:
        session.add(Place(code=level.value, level=level, name=level.label))
    session.flush()
    with pytest.raises(IntegrityError, match="ck_places_level"):
        session.execute(text("INSERT INTO places (code, level, name) VALUES ('X', 'county', 'X')"))
