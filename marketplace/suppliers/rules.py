"""Joining the framework: how applications and qualifications move, and how answers are judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from marketplace.framework.rules import QuestionRule


class ApplicationStatus(StrEnum):
    """Where an application stands (domain.md, "Joining the framework")."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ADMITTED = "admitted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


APPLICATION_MOVES: dict[ApplicationStatus, frozenset[ApplicationStatus]] = {
    ApplicationStatus.DRAFT: frozenset({ApplicationStatus.SUBMITTED, ApplicationStatus.WITHDRAWN}),
    ApplicationStatus.SUBMITTED: frozenset(
        {ApplicationStatus.ADMITTED, ApplicationStatus.DECLINED, ApplicationStatus.WITHDRAWN}
    ),
    ApplicationStatus.ADMITTED: frozenset(),
    ApplicationStatus.DECLINED: frozenset(),
    ApplicationStatus.WITHDRAWN: frozenset(),
}


class QualificationStatus(StrEnum):
    """Where a supplier stands for one category in one area."""

    SOUGHT = "sought"
    QUALIFIED = "qualified"
    DECLINED = "declined"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"


QUALIFICATION_MOVES: dict[QualificationStatus, frozenset[QualificationStatus]] = {
    QualificationStatus.SOUGHT: frozenset({QualificationStatus.QUALIFIED, QualificationStatus.DECLINED}),
    QualificationStatus.QUALIFIED: frozenset({QualificationStatus.LAPSED, QualificationStatus.SUSPENDED}),
    QualificationStatus.DECLINED: frozenset({QualificationStatus.SOUGHT}),
    QualificationStatus.LAPSED: frozenset({QualificationStatus.QUALIFIED}),
    QualificationStatus.SUSPENDED: frozenset({QualificationStatus.QUALIFIED}),
}


OPEN = frozenset({ApplicationStatus.DRAFT, ApplicationStatus.SUBMITTED})
DECIDED = frozenset({ApplicationStatus.ADMITTED, ApplicationStatus.DECLINED})

REASON_WORDS = 200
NOTE_WORDS = 300


class Verdict(StrEnum):
    """What becomes of one answer to a selection question."""

    MISSING = "missing"
    PASSED = "passed"
    FAILED = "failed"
    TO_JUDGE = "to_judge"
    INFORMATION = "information"

    @property
    def label(self) -> str:
        """The verdict in words."""
        return {
            Verdict.MISSING: "Not answered",
            Verdict.PASSED: "Passes",
            Verdict.FAILED: "Fails",
            Verdict.TO_JUDGE: "A person must judge",
            Verdict.INFORMATION: "For information",
        }[self]


def verdict(rule: QuestionRule, answer: str | None, *, judged: bool | None = None) -> Verdict:
    """The verdict on an answer by its question's rule: pass if yes, pass if no, judged by a person, or neither.

    `judged` is what a person found, once one has.
    """
    if not (answer or "").strip():
        return Verdict.MISSING
    if rule is QuestionRule.INFORMATION:
        return Verdict.INFORMATION
    if rule is QuestionRule.JUDGED:
        return Verdict.TO_JUDGE if judged is None else (Verdict.PASSED if judged else Verdict.FAILED)
    wanted = "yes" if rule is QuestionRule.PASS_IF_YES else "no"
    return Verdict.PASSED if answer == wanted else Verdict.FAILED


@dataclass(frozen=True)
class Decision:
    """What the framework team decides for one category in one area. A decline needs its reason."""

    qualified: bool
    reason: str = ""

    @property
    def status(self) -> QualificationStatus:
        """The state that the qualification moves to."""
        return QualificationStatus.QUALIFIED if self.qualified else QualificationStatus.DECLINED


def outcome(decisions: Iterable[Decision]) -> ApplicationStatus:
    """Admitted if qualified for anything at all, else declined."""
    admitted = any(decision.qualified for decision in decisions)
    return ApplicationStatus.ADMITTED if admitted else ApplicationStatus.DECLINED


def widest(codes: Collection[str], within: Iterable[tuple[str, str]]) -> set[str]:
    """Those of the places that lie inside no other of them: asking for a region asks for all that is inside.

    `within` holds (inner, outer) pairs.
    """
    inner = {one for one, outer in within if one != outer and outer in codes}
    return set(codes) - inner
