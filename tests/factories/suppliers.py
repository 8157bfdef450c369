"""Applications and qualifications, made directly as rows."""

from __future__ import annotations

from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.framework.rules import QuestionRule
from marketplace.suppliers.models import (
    Application,
    ApplicationAnswer,
    ApplicationArea,
    ApplicationCategory,
    Qualification,
)
from marketplace.suppliers.rules import DECIDED, ApplicationStatus, QualificationStatus
from tests.factories.accounts import LONG_AGO, make_person

PASSING = {
    QuestionRule.PASS_IF_YES: "yes",
    QuestionRule.PASS_IF_NO: "no",
    QuestionRule.JUDGED: "We ran a mentoring service for people leaving prison.",
    QuestionRule.INFORMATION: "Half of our trustees have been in prison.",
}


def make_application(
    organisation: Organisation,
    status: ApplicationStatus = ApplicationStatus.DRAFT,
    *,
    wanted: dict[str, list[str]] | None = None,
    answers: dict[str, str] | None = None,
) -> Application:
    """An application with every question answered so that it passes, for these areas by category.

    Needs `make_framework()` and the places. A submitted one has its qualifications sought.
    """
    person = make_person()
    submitted = status not in (ApplicationStatus.DRAFT, ApplicationStatus.WITHDRAWN)
    made = Application(
        organisation_id=organisation.id,
        framework_code="dynamic-framework",
        status=status,
        started_at=LONG_AGO,
        started_by=person.id,
        submitted_at=LONG_AGO if submitted else None,
        submitted_by=person.id if submitted else None,
        decided_at=LONG_AGO if status in DECIDED else None,
        decided_by=person.id if status in DECIDED else None,
        cohorts_stated=True,
    )
    for question in framework.selection_questions():
        answer = (answers or {}).get(question.code, PASSING[question.rule])
        asked = question.text if submitted else None
        made.answers.append(ApplicationAnswer(question_code=question.code, answer=answer, asked=asked))
    for category_code, place_codes in (wanted or {}).items():
        areas = [ApplicationArea(place_code=code) for code in place_codes]
        made.categories.append(ApplicationCategory(category_code=category_code, areas=areas))
    db.session.add(made)
    db.session.flush()
    if status is ApplicationStatus.SUBMITTED:
        for category_code, place_codes in (wanted or {}).items():
            for code in place_codes:
                _qualification(made, category_code, code, QualificationStatus.SOUGHT)
    return made


def qualify(
    organisation: Organisation,
    category_code: str,
    *place_codes: str,
    status: QualificationStatus = QualificationStatus.QUALIFIED,
) -> list[Qualification]:
    """Let the supplier be qualified (or another state) for the category in these places, by an admitted application."""
    person = make_person()
    application = Application(
        organisation_id=organisation.id,
        framework_code="dynamic-framework",
        status=ApplicationStatus.ADMITTED,
        started_at=LONG_AGO,
        started_by=person.id,
        submitted_at=LONG_AGO,
        submitted_by=person.id,
        decided_at=LONG_AGO,
        decided_by=person.id,
    )
    db.session.add(application)
    db.session.flush()
    return [_qualification(application, category_code, code, status) for code in place_codes]


def _qualification(
    application: Application, category_code: str, place_code: str, status: QualificationStatus
) -> Qualification:
    sought = status is QualificationStatus.SOUGHT
    made = Qualification(
        organisation_id=application.organisation_id,
        application_id=application.id,
        category_code=category_code,
        place_code=place_code,
        status=status,
        reason="Too little experience" if status is QualificationStatus.DECLINED else None,
        decided_at=None if sought else LONG_AGO,
        decided_by=None if sought else application.decided_by or application.started_by,
    )
    db.session.add(made)
    db.session.flush()
    return made
