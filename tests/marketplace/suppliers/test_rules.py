import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.framework.rules import QuestionRule
from marketplace.suppliers.rules import (
    APPLICATION_MOVES,
    DECIDED,
    OPEN,
    QUALIFICATION_MOVES,
    ApplicationStatus,
    Decision,
    QualificationStatus,
    Verdict,
    outcome,
    verdict,
    widest,
)


@pytest.mark.parametrize(
    ("rule", "answer", "judged", "expected"),
    [
        (QuestionRule.PASS_IF_YES, "yes", None, Verdict.PASSED),
        (QuestionRule.PASS_IF_YES, "no", None, Verdict.FAILED),
        (QuestionRule.PASS_IF_NO, "no", None, Verdict.PASSED),
        (QuestionRule.PASS_IF_NO, "yes", None, Verdict.FAILED),
        (QuestionRule.PASS_IF_NO, "", None, Verdict.MISSING),
        (QuestionRule.PASS_IF_YES, None, None, Verdict.MISSING),
        (QuestionRule.JUDGED, "words", None, Verdict.TO_JUDGE),
        (QuestionRule.JUDGED, "words", True, Verdict.PASSED),
        (QuestionRule.JUDGED, "words", False, Verdict.FAILED),
        (QuestionRule.JUDGED, "  \n", True, Verdict.MISSING),
        (QuestionRule.INFORMATION, "words", None, Verdict.INFORMATION),
    ],
)
def test_an_answer_is_judged_by_its_questions_rule(
    rule: QuestionRule, answer: str | None, judged: bool | None, expected: Verdict
) -> None:
    assert verdict(rule, answer, judged=judged) is expected


def test_admitted_if_qualified_for_anything() -> None:
    no, yes = Decision(False, "Too little experience"), Decision(True)
    assert outcome([no, yes, no]) is ApplicationStatus.ADMITTED
    assert outcome([no, no]) is ApplicationStatus.DECLINED


def test_every_state_has_its_moves() -> None:
    assert set(APPLICATION_MOVES) == set(ApplicationStatus)
    assert set(QUALIFICATION_MOVES) == set(QualificationStatus)
    for status in OPEN:
        assert ApplicationStatus.WITHDRAWN in APPLICATION_MOVES[status]
    for status in DECIDED:
        assert not APPLICATION_MOVES[status]


def test_the_wider_area_stands_for_those_inside() -> None:
    within = [("kent", "kss"), ("dover", "kent"), ("dover", "kss"), ("kss", "kss"), ("kent", "kent")]
    assert widest({"kent", "kss", "dover"}, within) == {"kss"}
    assert widest({"dover", "leeds"}, within) == {"dover", "leeds"}


@given(some.sets(some.sampled_from("abcdef")), some.sets(some.tuples(*[some.sampled_from("abcdef")] * 2)))
def test_what_is_left_is_chosen_and_inside_no_other(chosen: set[str], within: set[tuple[str, str]]) -> None:
    left = widest(chosen, within)
    assert left <= chosen
    assert not any(one in left and outer in chosen and one != outer for one, outer in within)
