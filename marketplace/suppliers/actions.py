"""Joining the framework: writing an application, submitting or withdrawing it, and deciding it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.accounts import queries as accounts
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.places.models import Place
from marketplace.suppliers import letters, queries
from marketplace.suppliers.models import (
    Application,
    ApplicationAnswer,
    ApplicationArea,
    ApplicationCategory,
    Qualification,
    SupplierCohort,
)
from marketplace.suppliers.rules import (
    APPLICATION_MOVES,
    DECIDED,
    QUALIFICATION_MOVES,
    ApplicationStatus,
    Decision,
    QualificationStatus,
    Verdict,
    outcome,
    verdict,
    widest,
)


def start_application(organisation: Organisation, *, actor: Actor, now: datetime) -> Application:
    """Begin an application, from the supplier's answers of last time (R140: asked once).

    What it asked for and did not get is asked for again until it says otherwise. Refused while another is open.
    """
    _must_act_for(organisation.id, actor)
    before = queries.latest_application(organisation.id)
    made = Application(
        organisation_id=organisation.id,
        framework_code=framework.framework().code,
        status=ApplicationStatus.DRAFT,
        started_at=now,
        started_by=actor.person,
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        if "uq_applications_one_open" not in str(error.orig):
            raise
        raise AlreadyDone("Your organisation has an open application already.") from error
    if before is not None:
        _carry_over(before, made)
    audit.record("Application started", made, actor=actor, now=now)
    db.session.flush()
    db.session.refresh(made)
    return made


def _carry_over(before: Application, made: Application) -> None:
    made.cohorts_stated = before.cohorts_stated
    offered = {question.code for question in framework.selection_questions()}
    for answer in before.answers:
        if answer.question_code in offered:
            db.session.add(
                ApplicationAnswer(application_id=made.id, question_code=answer.question_code, answer=answer.answer)
            )
    in_use = {category.code for category in framework.categories()}
    for wanted in before.categories:
        again = {
            area.place_code
            for area in wanted.areas
            if area.decision is not QualificationStatus.QUALIFIED and area.place.retired_on is None
        }
        again -= {inner for inner, _ in queries.held_around(before.organisation_id, wanted.category_code, again)}
        if wanted.category_code in in_use and again:
            made.categories.append(
                ApplicationCategory(
                    category_code=wanted.category_code,
                    areas=[ApplicationArea(place_code=code) for code in sorted(again)],
                )
            )


def save_answers(application: Application, answers: Mapping[str, str], *, actor: Actor, now: datetime) -> None:
    """Keep answers as they are so far: empty, half written or too long. Submitting asks for more.

    Refused once the application has been submitted.
    """
    _writing(application, actor)
    asked = {question.code for question in framework.selection_questions()}
    kept = {answer.question_code: answer for answer in application.answers}
    for code, text in answers.items():
        if code not in asked:
            raise Invalid("This question is no longer asked. Open the page again.")
        if code in kept:
            kept[code].answer = text
        else:
            application.answers.append(ApplicationAnswer(question_code=code, answer=text))
    db.session.flush()


def choose_categories(application: Application, codes: Collection[str], *, actor: Actor, now: datetime) -> None:
    """Ask for these categories and no others; the areas of those that stay are kept."""
    _writing(application, actor)
    if not codes:
        raise Invalid("Choose at least one category of service", field="categories")
    if set(codes) - {category.code for category in framework.categories()}:
        raise Invalid("Choose categories from the list", field="categories")
    kept = {wanted.category_code: wanted for wanted in application.categories}
    for code in kept.keys() - set(codes):
        application.categories.remove(kept[code])
    for code in set(codes) - kept.keys():
        application.categories.append(ApplicationCategory(category_code=code))
    db.session.flush()


def choose_areas(
    application: Application,
    category_code: str,
    place_codes: Collection[str],
    *,
    for_all: bool = False,
    actor: Actor,
    now: datetime,
) -> Sequence[Place]:
    """Ask for these areas in one category, or in every category of the application (`for_all`).

    An area inside another one chosen is left out, because the wider one includes it; those left out are returned.
    Refused: none, a place that is not there, and one for which the supplier holds the category already. With
    `for_all`, what is held already is left out of the other categories instead.
    """
    _writing(application, actor)
    wanted = {one.category_code: one for one in application.categories}
    if category_code not in wanted:
        raise Invalid("Choose this category first, then its areas.")
    if not place_codes:
        raise Invalid("Choose at least one area", field="places")
    chosen = places.places_of(place_codes)
    if set(place_codes) - {code for code, place in chosen.items() if place.retired_on is None}:
        raise Invalid("Choose areas from the list", field="places")
    codes = widest(place_codes, queries.pairs_among(place_codes))
    for code, one in wanted.items():
        if code != category_code and not for_all:
            continue
        held = dict(queries.held_around(application.organisation_id, code, codes))
        if held and code == category_code:
            inner, outer = next(iter(held.items()))
            raise Invalid(
                f"You hold {one.category.name} in {chosen[inner].name} already"
                + (f", because it is inside {outer.name}" if outer.code != inner else "")
                + ". Untick it.",
                field="places",
            )
        kept = {area.place_code: area for area in one.areas}
        for gone in kept.keys() - (codes - held.keys()):
            one.areas.remove(kept[gone])
        one.areas.extend(ApplicationArea(place_code=new) for new in sorted(codes - held.keys() - kept.keys()))
    db.session.flush()
    return [chosen[code] for code in sorted(set(place_codes) - codes)]


def state_cohorts(application: Application, codes: Collection[str], *, actor: Actor, now: datetime) -> None:
    """Say for whom the supplier tailors its services: some of the cohorts, or (none given) nobody in particular."""
    _writing(application, actor)
    if set(codes) - {cohort.code for cohort in framework.cohorts()}:
        raise Invalid("Choose groups from the list", field="cohorts")
    db.session.execute(delete(SupplierCohort).where(SupplierCohort.organisation_id == application.organisation_id))
    for code in sorted(codes):
        db.session.add(SupplierCohort(organisation_id=application.organisation_id, cohort_code=code))
    application.cohorts_stated = True
    db.session.flush()


def submit_application(application: Application, *, actor: Actor, now: datetime) -> None:
    """Hand the application in, answers and questions as they stand now.

    Refused: twice, and while anything is missing. For each category and area a qualification is sought from now on.
    """
    _must_act_for(application.organisation_id, actor)
    queries.locked(application)
    if application.status is not ApplicationStatus.DRAFT:
        raise AlreadyDone("This application has been submitted already.")
    missing = [task.title for task in queries.tasks(application) if not task.done]
    if missing:
        raise Invalid("Before you submit, complete: " + ", ".join(missing) + ".")
    for answer in application.answers:
        answer.asked = answer.question.text
    _seek(application)
    _move(application, ApplicationStatus.SUBMITTED)
    application.submitted_at, application.submitted_by = now, actor.person
    audit.record("Application submitted", application, actor=actor, now=now, categories=len(application.categories))
    letters.submitted(application, now=now)
    db.session.flush()


def _seek(application: Application) -> None:
    """A qualification sought for every category and area asked for; one declined before is sought anew."""
    known = {(one.category_code, one.place_code): one for one in queries.qualifications_of(application.organisation_id)}
    for wanted in application.categories:
        for area in wanted.areas:
            one = known.get((wanted.category_code, area.place_code))
            if one is None:
                one = Qualification(
                    organisation_id=application.organisation_id,
                    category_code=wanted.category_code,
                    place_code=area.place_code,
                    status=QualificationStatus.SOUGHT,
                )
                db.session.add(one)
            elif QualificationStatus.SOUGHT in QUALIFICATION_MOVES[one.status]:
                one.status = QualificationStatus.SOUGHT
                one.reason = one.decided_at = one.decided_by = None
            else:
                raise Invalid(f"You hold {wanted.category.name} in {area.place.name} already. Take it out first.")
            one.application_id = application.id


def withdraw_application(application: Application, *, actor: Actor, now: datetime) -> None:
    """Take the application back before it is decided. Its answers are kept for the next one.

    What was sought and never decided is sought no more; the application itself still says what it asked for.
    """
    _must_act_for(application.organisation_id, actor)
    queries.locked(application)
    if application.status is ApplicationStatus.WITHDRAWN:
        raise AlreadyDone("This application has been withdrawn already.")
    if application.status in DECIDED:
        raise AlreadyDone("This application has been decided, so it cannot be withdrawn.")
    db.session.execute(
        delete(Qualification).where(
            Qualification.application_id == application.id, Qualification.status == QualificationStatus.SOUGHT
        )
    )
    told = application.status is ApplicationStatus.SUBMITTED
    _move(application, ApplicationStatus.WITHDRAWN)
    audit.record("Application withdrawn", application, actor=actor, now=now)
    if told:
        letters.withdrawn(application, now=now)
    db.session.flush()


def decide_application(
    application: Application,
    decisions: Mapping[tuple[str, str], Decision],
    *,
    judged: Mapping[str, bool],
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Qualify or decline each (category, place) asked for; admitted if any is qualified, else declined.

    `judged` says of each answer that a person must judge whether it passes. Refused: a decision left open, a decline
    without its reason, qualifying a supplier one of whose answers fails, and a second decision.
    """
    actor.must(Permission.DECIDE_APPLICATIONS)
    own = [one.id for one in accounts.organisations_of(actor.person)]
    if application.organisation_id in own:
        raise NotAllowed("You cannot decide your own organisation’s application.")
    queries.locked(application)
    if application.status is not ApplicationStatus.SUBMITTED:
        raise AlreadyDone(_NO_MORE[application.status])
    wanted = {
        (one.category_code, area.place_code): (area, f"{one.category.name} in {area.place.name}")
        for one in application.categories
        for area in one.areas
    }
    if set(decisions) - set(wanted):
        raise Invalid("The supplier has not asked for this. Open the page again.")
    _judge(application, judged, qualifies=any(decision.qualified for decision in decisions.values()))
    sought = _sought(application)
    for key, (area, where) in wanted.items():
        decision = decisions.get(key)
        if decision is None:
            raise Invalid(f"Decide about {where}.")
        if not decision.qualified and not decision.reason.strip():
            raise Invalid(f"Say why {where} is declined. The supplier reads it.")
        reason = None if decision.qualified else decision.reason.strip()
        area.decision, area.reason = decision.status, reason
        one = sought[key]
        if decision.status not in QUALIFICATION_MOVES[one.status]:
            raise AlreadyDone(f"{where} has been decided already.")
        one.status, one.reason, one.decided_at, one.decided_by = decision.status, reason, now, actor.person
    _move(application, outcome(decisions.values()))
    application.decided_at, application.decided_by = now, actor.person
    application.decision_reason = note.strip() or None
    qualified = sum(decision.qualified for decision in decisions.values())
    declined = len(decisions) - qualified
    what = "Supplier admitted" if qualified else "Application declined"
    audit.record(what, application, actor=actor, now=now, qualified=qualified, declined=declined)
    letters.decided(application, qualified=qualified, declined=declined, now=now)
    db.session.flush()


_NO_MORE = {
    ApplicationStatus.DRAFT: "This application has not been submitted yet.",
    ApplicationStatus.WITHDRAWN: "The supplier has withdrawn this application.",
    ApplicationStatus.ADMITTED: "This application has been decided already.",
    ApplicationStatus.DECLINED: "This application has been decided already.",
}


def _judge(application: Application, judged: Mapping[str, bool], *, qualifies: bool) -> None:
    """Keep what a person found, and hold the supplier to the whole questionnaire before it is qualified."""
    for answer in application.answers:
        found = judged.get(answer.question_code)
        result = verdict(answer.question.rule, answer.answer, judged=found)
        if result is Verdict.TO_JUDGE:
            raise Invalid(
                f"Say whether the answer about {answer.question.code.replace('-', ' ')} passes.",
                field=f"judged_{answer.question_code}",
            )
        if result is Verdict.FAILED and qualifies:
            raise Invalid(
                "The supplier cannot be qualified while one of its answers fails: "
                + (answer.asked or answer.question.text)
            )
        if answer.question.rule.needs_judgement:
            answer.passed = found


def _sought(application: Application) -> dict[tuple[str, str], Qualification]:
    rows = db.session.scalars(
        select(Qualification).where(Qualification.application_id == application.id).with_for_update()
    )
    return {(one.category_code, one.place_code): one for one in rows}


def _must_act_for(organisation_id: int, actor: Actor) -> None:
    actor.must(Permission.APPLY_TO_FRAMEWORK)
    if not actor.is_supplier or actor.organisation != organisation_id:
        raise NotAllowed("Only the supplier itself can do this.")


def _writing(application: Application, actor: Actor) -> None:
    """Let through who may write this application, while it can be written; nobody else writes it meanwhile."""
    _must_act_for(application.organisation_id, actor)
    queries.locked(application)
    if application.status is not ApplicationStatus.DRAFT:
        raise AlreadyDone("This application has been submitted, so its answers can no longer be changed.")


def _move(application: Application, to: ApplicationStatus) -> None:
    if to not in APPLICATION_MOVES[application.status]:
        raise AlreadyDone(_NO_MORE.get(application.status, "This application has been submitted already."))
    application.status = to
