"""Joining the framework: how applications and qualifications move."""

from __future__ import annotations

from enum import StrEnum


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
