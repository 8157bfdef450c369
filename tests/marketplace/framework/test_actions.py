from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy.orm import Session, scoped_session

from marketplace.errors import NotFound
from marketplace.framework import queries
from marketplace.framework.actions import REFERENCE, load_framework
from marketplace.framework.rules import QuestionRule, Regime, regime_of
from marketplace.reference import Loaded

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)

Db = scoped_session[Session]


@pytest.fixture
def loaded(session: Db) -> Loaded:
    return load_framework(now=NOW)


def test_fourteen_categories_five_cohorts_and_the_outcomes_of_eight_categories(session: Db, loaded: Loaded) -> None:
    codes = [category.code for category in queries.categories()]
    assert codes == ["ACC", "ETE", "FBD", "DEP", "FAM", "LIF", "EMO", "SOC", "WOM", "YAD", "BAM", "RJ", "CBC", "SUI"]
    assert len(queries.cohorts()) == 5
    assert len(queries.outcomes()) == 26
    assert len({outcome.category_code for outcome in queries.outcomes()}) == 8
    assert [outcome.code for outcome in queries.outcomes("FAM")] == ["FAM-1", "FAM-2", "FAM-3", "FAM-4", "FAM-5"]
    assert queries.outcomes("WOM") == []
    assert loaded.added == 1 + 14 + 26 + 5 + len(queries.selection_questions())


def test_loading_again_changes_nothing(session: Db, loaded: Loaded) -> None:
    assert load_framework(now=NOW) == Loaded(unchanged=loaded.added)


def test_names_are_written_with_a_typographic_apostrophe(session: Db, loaded: Loaded) -> None:
    assert queries.category("WOM").name == "Women’s Services"
    assert not any("'" in one.name for one in queries.categories())


def test_a_category_that_goes_is_retired_and_still_found_by_its_code(
    session: Db, loaded: Loaded, tmp_path: Path
) -> None:
    folder = copytree(REFERENCE, tmp_path / "reference")
    categories = folder / "categories.csv"
    categories.write_text(categories.read_text().replace("SUI,Service User Involvement,,14,yes,yes,18,\n", ""))
    assert load_framework(now=NOW, folder=folder).retired == 1
    assert "SUI" not in [category.code for category in queries.categories()]
    assert queries.category("SUI").retired_on == date(2026, 9, 7)


def test_a_framework_no_longer_in_the_file_stays(session: Db, loaded: Loaded, tmp_path: Path) -> None:
    folder = copytree(REFERENCE, tmp_path / "reference")
    (folder / "frameworks.csv").write_text("code,name,name_cy,began_on\n")
    assert load_framework(now=NOW, folder=folder).retired == 0
    assert queries.framework().name == "Dynamic Framework"


def test_the_framework_follows_the_regulations_of_2015(session: Db, loaded: Loaded) -> None:
    assert queries.framework().regime is Regime.PCR_2015


@pytest.mark.parametrize(
    ("began", "regime"),
    [
        (date(2020, 6, 1), Regime.PCR_2015),
        (date(2025, 2, 23), Regime.PCR_2015),
        (date(2025, 2, 24), Regime.PA_2023),
    ],
)
def test_the_regime_is_by_the_day_the_framework_began(began: date, regime: Regime) -> None:
    assert regime_of(began) is regime


def test_the_questionnaire_has_every_kind_of_rule_and_limits_what_is_written(session: Db, loaded: Loaded) -> None:
    questions = queries.selection_questions()
    assert {question.rule for question in questions} == set(QuestionRule)
    for question in questions:
        written = question.rule in (QuestionRule.JUDGED, QuestionRule.INFORMATION)
        assert (question.word_limit is not None) == written, question.code
    assert [question.position for question in questions] == sorted(question.position for question in questions)


def test_no_such_category(session: Db, loaded: Loaded) -> None:
    with pytest.raises(NotFound):
        queries.category("XXX")


def test_before_anything_is_loaded_there_is_no_framework(session: Db) -> None:
    with pytest.raises(NotFound):
        queries.framework()
