"""The house rules that a machine can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("marketplace", "calloffs", "contracts", "catalogue")
AREA_FILES = {"__init__", "rules", "models", "queries", "actions", "forms", "views", "letters", "jobs"}
# Somebody else's format, read or written, has a file of its own by the format's name.
FORMATS = {"grants", "ocds", "register"}
NOT_AREAS = {"local", "adapters", "migrations", "demonstration"}
LONGEST = 400

SOURCES = sorted(path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py") if "versions" not in path.parts)
AREAS = sorted(
    folder
    for room in ROOMS
    for folder in (CHECKOUT / room).iterdir()
    if (folder / "__init__.py").is_file() and folder.name not in NOT_AREAS
)


def test_no_file_is_longer_than_one_can_read() -> None:
    beside = (path for folder in ("tests", "bench") for path in (CHECKOUT / folder).rglob("*.py"))
    long = {str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines()) for path in (*SOURCES, *beside)}
    assert {path: lines for path, lines in long.items() if lines > LONGEST} == {}


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (CHECKOUT / "docs" / "decisions").glob("[0-9]*.md")]
    assert len(numbers) > 40
    assert sorted(set(numbers)) == sorted(numbers)


def test_nothing_is_left_for_later() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(path.relative_to(CHECKOUT)) for path in SOURCES if left.search(path.read_text())] == []


@pytest.mark.parametrize("area", AREAS, ids=lambda area: f"{area.parent.name}.{area.name}")
def test_an_area_holds_only_files_of_the_known_names(area: Path) -> None:
    assert {path.stem for path in area.glob("*.py")} <= AREA_FILES | FORMATS
