"""Who has applied, for what, and who is qualified where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation, Person
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.framework.models import Category, Cohort, SelectionQuestion
from marketplace.paging import PAGE, before, nearest_page, page_count
from marketplace.places.models import Place, PlaceWithin
from marketplace.suppliers.models import (
    Application,
    ApplicationAnswer,
    ApplicationArea,
    ApplicationCategory,
    Qualification,
    SupplierCohort,
)
from marketplace.suppliers.rules import (
    OPEN,
    ApplicationStatus,
    QualificationStatus,
    Verdict,
    verdict,
)
from marketplace.waiting import Waiting

# Who is qualified


def _covering(category_code: str, place_codes: Collection[str]) -> Select[int]:
    """The keys of the organisations whose qualifications cover every place: for it, or for one that contains it."""
    return (
        select(Qualification.organisation_id)
        .join(PlaceWithin, PlaceWithin.outer_code == Qualification.place_code)
        .where(
            Qualification.category_code == category_code,
            Qualification.status == QualificationStatus.QUALIFIED,
            PlaceWithin.inner_code.in_(place_codes),
        )
        .group_by(Qualification.organisation_id)
        .having(func.count(distinct(PlaceWithin.inner_code)) == len(place_codes))
    )


def qualified_suppliers(category_code: str, place_codes: Iterable[str]) -> Sequence[Organisation]:
    """The suppliers qualified for the category in every one of the places, by name; none where no place is named.

    Qualified for a region means qualified for what is inside it, and not the other way round (domain.md, "Words").
    """
    wanted = set(place_codes)
    if not wanted:
        return []
    return db.session.scalars(
        select(Organisation)
        .where(Organisation.id.in_(_covering(category_code, wanted)))
        .order_by(Organisation.name, Organisation.id)
    ).all()


def is_qualified(organisation_id: int, category_code: str, place_codes: Iterable[str]) -> bool:
    """Whether one supplier is qualified for the category in every one of the places."""
    wanted = set(place_codes)
    if not wanted:
        return False
    covering = _covering(category_code, wanted).where(Qualification.organisation_id == organisation_id)
    return db.session.scalar(covering) is not None


def qualifications_of(organisation_id: int) -> Sequence[Qualification]:
    """Everything a supplier is or was qualified for, or has been declined or seeks, by category and place."""
    return db.session.scalars(
        select(Qualification)
        .join(Qualification.category)
        .join(Qualification.place)
        .where(Qualification.organisation_id == organisation_id)
        .order_by(Category.position, Place.name, Qualification.id)
        .options(joinedload(Qualification.category), joinedload(Qualification.place))
    ).all()


def held_around(organisation_id: int, category_code: str, place_codes: Collection[str]) -> Sequence[tuple[str, Place]]:
    """(place asked for, place held) where the supplier holds the category already: qualified, lapsed or suspended."""
    rows = db.session.execute(
        select(PlaceWithin.inner_code, Place)
        .join(Qualification, Qualification.place_code == PlaceWithin.outer_code)
        .join(Place, Place.code == Qualification.place_code)
        .where(
            Qualification.organisation_id == organisation_id,
            Qualification.category_code == category_code,
            Qualification.status.in_(
                [QualificationStatus.QUALIFIED, QualificationStatus.LAPSED, QualificationStatus.SUSPENDED]
            ),
            PlaceWithin.inner_code.in_(place_codes),
        )
        .order_by(Place.name)
    )
    return [(inner, place) for inner, place in rows]


def pairs_among(codes: Collection[str]) -> list[tuple[str, str]]:
    """(inner, outer) for those of the places that lie inside another of them."""
    rows = db.session.execute(
        select(PlaceWithin.inner_code, PlaceWithin.outer_code).where(
            PlaceWithin.inner_code.in_(codes), PlaceWithin.outer_code.in_(codes)
        )
    )
    return [(inner, outer) for inner, outer in rows]


def pairs_around(codes: Collection[str]) -> list[tuple[str, str]]:
    """(inner, outer) for every place that contains one of the places, themselves included."""
    rows = db.session.execute(
        select(PlaceWithin.inner_code, PlaceWithin.outer_code).where(PlaceWithin.inner_code.in_(codes))
    )
    return [(inner, outer) for inner, outer in rows]


def cohorts_of(organisation_id: int) -> Sequence[Cohort]:
    """The cohorts a supplier tailors its services for."""
    return db.session.scalars(
        select(Cohort)
        .join(SupplierCohort, SupplierCohort.cohort_code == Cohort.code)
        .where(SupplierCohort.organisation_id == organisation_id)
        .order_by(Cohort.position)
    ).all()


# Applications


def _whole(wanted: Select[Application]) -> Select[Application]:
    """With everything that stands in an application, in a handful of queries whatever its size."""
    return wanted.options(
        joinedload(Application.organisation),
        selectinload(Application.answers).joinedload(ApplicationAnswer.question),
        selectinload(Application.categories).joinedload(ApplicationCategory.category),
        selectinload(Application.categories).selectinload(ApplicationCategory.areas).joinedload(ApplicationArea.place),
    )


def open_application(organisation_id: int) -> Application | None:
    """The application that a supplier is writing or has submitted, if any: there is never more than one."""
    return db.session.scalar(
        _whole(select(Application)).where(
            Application.organisation_id == organisation_id, Application.status.in_(list(OPEN))
        )
    )


def latest_application(organisation_id: int) -> Application | None:
    """The supplier's most recent application, whatever has become of it."""
    return db.session.scalar(
        _whole(select(Application))
        .where(Application.organisation_id == organisation_id)
        .order_by(Application.id.desc())
        .limit(1)
    )


def applications_of(organisation_id: int) -> Sequence[Application]:
    """A supplier's applications, latest first."""
    return db.session.scalars(
        select(Application).where(Application.organisation_id == organisation_id).order_by(Application.id.desc())
    ).all()


def draft_of(actor: Actor) -> Application:
    """The application that the actor's organisation is writing."""
    found = open_application(actor.organisation)
    if found is None:
        raise NotFound("Your organisation has no open application. Start one on the page “Join the framework”.")
    return found


def application_for(actor: Actor, application_id: int) -> Application:
    """One application: a supplier's own, or any that was submitted for those who decide. Drafts are their writers'."""
    wanted = _whole(select(Application)).where(Application.id == application_id)
    if actor.may(Permission.DECIDE_APPLICATIONS):
        wanted = wanted.where(Application.submitted_at.is_not(None))
    else:
        wanted = wanted.where(Application.organisation_id == actor.organisation)
    found = db.session.scalar(wanted)
    if found is None:
        raise NotFound("There is no such application.")
    return found


def locked(application: Application) -> Application:
    """The application as it stands now, all of it, for nobody else to change before this transaction ends."""
    db.session.execute(select(Application.id).where(Application.id == application.id).with_for_update())
    afresh = _whole(select(Application)).where(Application.id == application.id)
    return db.session.scalars(afresh.execution_options(populate_existing=True)).one()


@dataclass(frozen=True)
class Answered:
    """A selection question with the answer given and what becomes of it."""

    question: SelectionQuestion
    asked: str
    answer: str
    verdict: Verdict

    @property
    def too_long(self) -> bool:
        """Whether it has more words than the question allows."""
        limit = self.question.word_limit
        return limit is not None and len(self.answer.split()) > limit

    @property
    def complete(self) -> bool:
        """Whether it can be submitted as it is."""
        return self.verdict is not Verdict.MISSING and not self.too_long

    @property
    def shown(self) -> str:
        """The answer as people read it."""
        return self.answer if self.question.rule.is_written else self.answer.capitalize()


def answered(application: Application) -> list[Answered]:
    """The questionnaire as this application answers it: as submitted, or while it is a draft as it stands today."""
    given = {answer.question_code: answer for answer in application.answers}
    if application.submitted_at is not None:
        questions = sorted((answer.question for answer in application.answers), key=lambda one: one.position)
    else:
        questions = list(framework.selection_questions())
    found: list[Answered] = []
    for question in questions:
        answer = given.get(question.code)
        text = answer.answer if answer else ""
        found.append(
            Answered(
                question,
                (answer.asked if answer else None) or question.text,
                text,
                verdict(question.rule, text, judged=answer.passed if answer else None),
            )
        )
    return found


def wanted_of(application: Application) -> list[ApplicationCategory]:
    """The categories an application asks for, in their order, each with its areas by name."""
    for wanted in application.categories:
        wanted.areas.sort(key=lambda area: (area.place.name, area.place_code))
    return sorted(application.categories, key=lambda wanted: wanted.category.position)


@dataclass(frozen=True)
class Task:
    """One line of an application's task list."""

    title: str
    url: str
    hint: str
    done: bool
    begun: bool


def tasks(application: Application) -> list[Task]:
    """What there is to do before an application can be submitted."""
    found: list[Task] = []
    sections: dict[str, list[Answered]] = {}
    for one in answered(application):
        sections.setdefault(one.question.section, []).append(one)
    for number, (section, answers) in enumerate(sections.items(), start=1):
        complete = sum(one.complete for one in answers)
        found.append(
            Task(
                section,
                url_for("suppliers.questions", number=number),
                f"{complete} of {len(answers)} answered",
                complete == len(answers),
                any(one.verdict is not Verdict.MISSING for one in answers),
            )
        )
    wanted = wanted_of(application)
    chosen = ", ".join(one.category.name for one in wanted) or "What you offer"
    found.append(Task("Categories of service", url_for("suppliers.categories"), chosen, bool(wanted), bool(wanted)))
    found.extend(
        Task(
            f"Areas for {one.category.name}",
            url_for("suppliers.areas", category_code=one.category_code),
            ", ".join(area.place.name for area in one.areas[:6]) + (", …" if len(one.areas) > 6 else ""),
            bool(one.areas),
            bool(one.areas),
        )
        for one in wanted
    )
    stated = ", ".join(cohort.name for cohort in cohorts_of(application.organisation_id))
    found.append(
        Task(
            "Groups you tailor services for",
            url_for("suppliers.cohorts"),
            (stated or "None in particular") if application.cohorts_stated else "",
            application.cohorts_stated,
            application.cohorts_stated,
        )
    )
    return found


# For the framework team


@dataclass(frozen=True)
class Line:
    """One application in the framework team's list."""

    application: Application
    asked_for: int
    granted: int


@dataclass(frozen=True)
class Lines:
    """One page of the list."""

    lines: Sequence[Line]
    number: int
    pages: int
    counts: dict[ApplicationStatus, int]


def applications(status: ApplicationStatus | None, *, number: int = 1) -> Lines:
    """Applications that were submitted, of one status or of all: latest first, but of those that wait the longest."""
    submitted = Application.submitted_at.is_not(None)
    counted = select(Application.status, func.count()).where(submitted).group_by(Application.status)
    counts = {row[0]: row[1] for row in db.session.execute(counted)}
    total = counts.get(status, 0) if status else sum(counts.values())
    number = nearest_page(number, total)
    areas = select(func.count()).where(ApplicationArea.application_id == Application.id)
    waiting_first = status is ApplicationStatus.SUBMITTED
    order = Application.submitted_at.asc() if waiting_first else Application.submitted_at.desc()
    wanted = (
        select(
            Application,
            areas.scalar_subquery(),
            areas.where(ApplicationArea.decision == QualificationStatus.QUALIFIED).scalar_subquery(),
        )
        .where(submitted)
        .options(joinedload(Application.organisation))
        .order_by(order, Application.id)
        .limit(PAGE)
        .offset(before(number))
    )
    if status is not None:
        wanted = wanted.where(Application.status == status)
    rows = db.session.execute(wanted).all()
    return Lines([Line(one, asked, granted) for one, asked, granted in rows], number, page_count(total), counts)


def decider(application: Application) -> Person | None:
    """Who decided it."""
    return db.session.get(Person, application.decided_by) if application.decided_by else None


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """For a supplier: an application to start or finish. For the framework team: applications to decide."""
    if actor.may(Permission.DECIDE_APPLICATIONS):
        count = db.session.scalar(
            select(func.count()).select_from(Application).where(Application.status == ApplicationStatus.SUBMITTED)
        )
        if not count:
            return []
        text = "1 application waits for a decision" if count == 1 else f"{count:,} applications wait for a decision"
        return [Waiting(text, url_for("suppliers.decide_list"))]
    if not (actor.is_supplier and actor.organisation_id and actor.may(Permission.APPLY_TO_FRAMEWORK)):
        return []
    latest = db.session.scalar(
        select(Application.status)
        .where(Application.organisation_id == actor.organisation_id)
        .order_by(Application.id.desc())
        .limit(1)
    )
    if latest is None:
        return [
            Waiting("Apply to join the framework, so that you are invited to bid", url_for("suppliers.application"))
        ]
    if latest is ApplicationStatus.DRAFT:
        return [Waiting("Finish and submit your application to join the framework", url_for("suppliers.application"))]
    return []
