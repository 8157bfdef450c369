"""A supplier joins the framework: the task list and its pages, submitting, withdrawing, and reading the decision."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.accounts import queries as accounts
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.framework import queries as framework
from marketplace.framework.models import SelectionQuestion
from marketplace.places import queries as places
from marketplace.presentation import listed, plural
from marketplace.suppliers import actions, queries
from marketplace.suppliers.forms import (
    NOBODY,
    AreasForm,
    CategoriesForm,
    CohortsForm,
    ConfirmForm,
    SubmitForm,
    section_form,
)
from marketplace.suppliers.models import Application
from marketplace.suppliers.rules import OPEN, ApplicationStatus
from marketplace.suppliers.views import bp
from marketplace.transactions import transaction

Answer = str | Response


@bp.get("/application")
@audience(Permission.APPLY_TO_FRAMEWORK)
def application() -> Answer:
    """Where the supplier stands: the task list of its draft, what it has submitted, or how to start."""
    actor = acting()
    if not actor.is_supplier:
        raise NotAllowed("Only suppliers join the framework.")
    found = queries.latest_application(actor.organisation)
    if found is not None and found.status is ApplicationStatus.DRAFT:
        done = queries.tasks(found)
        return render_template("marketplace/suppliers/tasks.html", application=found, tasks=done)
    if found is not None and found.status is ApplicationStatus.SUBMITTED:
        return redirect(url_for(".show", application_id=found.id))
    return render_template(
        "marketplace/suppliers/start.html",
        latest=found,
        applications=queries.applications_of(actor.organisation),
        qualifications=queries.qualifications_of(actor.organisation),
        questions=framework.selection_questions(),
    )


@bp.post("/application/start")
@audience(Permission.APPLY_TO_FRAMEWORK)
def start() -> Answer:
    """Start an application; one that is open already is gone on with."""
    actor, now = acting(), clock.now()
    try:
        with transaction():
            actions.start_application(accounts.organisation(actor.organisation), actor=actor, now=now)
    except AlreadyDone as refused:
        flash(refused.words, "notice")
    return redirect(url_for(".application"))


def _draft(actor: Actor) -> Application:
    found = queries.draft_of(actor)
    if found.status is not ApplicationStatus.DRAFT:
        raise AlreadyDone("Your application has been submitted, so its answers can no longer be changed.")
    return found


def _sections() -> list[tuple[str, list[SelectionQuestion]]]:
    sections: dict[str, list[SelectionQuestion]] = {}
    for question in framework.selection_questions():
        sections.setdefault(question.section, []).append(question)
    return list(sections.items())


@bp.route("/application/questions/<int:number>", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def questions(number: int) -> Answer:
    """One section of the selection questionnaire. What is typed is kept even where it cannot be submitted yet."""
    actor, now = acting(), clock.now()
    draft, sections = _draft(actor), _sections()
    if not 1 <= number <= len(sections):
        raise NotFound("There is no such part of the questionnaire.")
    section, asked = sections[number - 1]
    kept = {answer.question_code: answer.answer for answer in draft.answers}
    form = section_form(asked)(data={question.code: kept.get(question.code, "") for question in asked})
    if form.is_submitted():
        valid = form.validate()
        answers = {one.code: form[one.code].data or "" for one in asked if one.rule.is_written or _chosen(form, one)}
        try:
            with transaction():
                actions.save_answers(draft, answers, actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            if valid:
                return redirect(url_for(".application"))
    return render_template("marketplace/suppliers/questions.html", form=form, section=section, questions=asked)


def _chosen(form: object, question: SelectionQuestion) -> bool:
    return form[question.code].data in ("yes", "no")  # type: ignore[index]


@bp.route("/application/categories", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def categories() -> Answer:
    """Which categories of service."""
    actor, now = acting(), clock.now()
    draft = _draft(actor)
    form = CategoriesForm(data={"categories": [one.category_code for one in draft.categories]})
    form.categories.choices = [(one.code, one.name) for one in framework.categories()]
    if form.validate_on_submit():
        try:
            with transaction():
                actions.choose_categories(draft, form.categories.data or [], actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return redirect(_next_areas(queries.draft_of(actor)))
    return render_template("marketplace/suppliers/categories.html", form=form)


def _next_areas(draft: Application) -> str:
    """The areas of the first category that has none yet, else the task list."""
    for wanted in queries.wanted_of(draft):
        if not wanted.areas:
            return url_for(".areas", category_code=wanted.category_code)
    return url_for(".application")


@bp.route("/application/areas/<category_code>", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def areas(category_code: str) -> Answer:
    """Where, for one category: any of the regions, police force areas and local authorities, or all of them."""
    actor, now = acting(), clock.now()
    draft = _draft(actor)
    wanted = {one.category_code: one for one in draft.categories}.get(category_code)
    if wanted is None:
        return redirect(url_for(".categories"))
    form = AreasForm(data={"places": [area.place_code for area in wanted.areas]})
    form.places.choices = places.choices()
    category = wanted.category
    if form.validate_on_submit():
        try:
            with transaction():
                left_out = actions.choose_areas(
                    draft, category_code, form.places.data or [], for_all=form.for_all.data, actor=actor, now=now
                )
                names = [place.name for place in left_out]
        except Refused as refused:
            form.show_refusal(refused)
        else:
            if names:
                flash(_included(names), "notice")
            return redirect(_next_areas(queries.draft_of(actor)))
    chosen = set(form.places.data or [])
    return render_template(
        "marketplace/suppliers/areas.html",
        form=form,
        category=category,
        tree=places.tree(),
        chosen=chosen,
        around={outer for inner, outer in queries.pairs_around(chosen) if inner != outer},
        several=len(draft.categories) > 1,
    )


def _included(names: Sequence[str]) -> str:
    few = listed(names) if len(names) <= 5 else plural(len(names), "area")
    return f"{few} {'is' if len(names) == 1 else 'are'} inside a wider area you chose, so not listed again."


@bp.route("/application/cohorts", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def cohorts() -> Answer:
    """For whom the supplier tailors its services."""
    actor, now = acting(), clock.now()
    draft = _draft(actor)
    stated = [cohort.code for cohort in queries.cohorts_of(actor.organisation)]
    form = CohortsForm(data={"cohorts": stated or ([NOBODY] if draft.cohorts_stated else [])})
    form.cohorts.choices = [(one.code, one.name) for one in framework.cohorts()]
    form.cohorts.choices.append((NOBODY, "None in particular"))
    if form.validate_on_submit():
        codes = [code for code in form.cohorts.data or [] if code != NOBODY]
        try:
            with transaction():
                actions.state_cohorts(draft, codes, actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return redirect(url_for(".application"))
    return render_template("marketplace/suppliers/cohorts.html", form=form)


@bp.route("/application/check", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def check() -> Answer:
    """Everything once more, then submit. A second click finds it submitted and changes nothing."""
    actor, now = acting(), clock.now()
    found = queries.latest_application(actor.organisation)
    if found is None or found.status not in OPEN:
        return redirect(url_for(".application"))
    if found.status is ApplicationStatus.SUBMITTED:
        return redirect(url_for(".submitted", application_id=found.id))
    form, application_id = SubmitForm(), found.id
    if form.validate_on_submit():
        try:
            with transaction():
                actions.submit_application(found, actor=actor, now=now)
        except AlreadyDone:
            return redirect(url_for(".submitted", application_id=application_id))
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return redirect(url_for(".submitted", application_id=application_id))
    found = queries.draft_of(actor)
    return render_template(
        "marketplace/suppliers/check.html",
        form=form,
        application=found,
        answered=queries.answered(found),
        wanted=queries.wanted_of(found),
        cohorts=queries.cohorts_of(actor.organisation),
        section_numbers={name: number for number, (name, _) in enumerate(_sections(), start=1)},
        missing=[task for task in queries.tasks(found) if not task.done],
    )


@bp.get("/applications/<int:application_id>/submitted")
@audience(Permission.APPLY_TO_FRAMEWORK)
def submitted(application_id: int) -> Answer:
    """That it has come in, and what happens next."""
    found = queries.application_for(acting(), application_id)
    if found.submitted_at is None:
        return redirect(url_for(".application"))
    return render_template("marketplace/suppliers/submitted.html", application=found)


@bp.get("/applications/<int:application_id>")
@audience(Permission.APPLY_TO_FRAMEWORK)
def show(application_id: int) -> Answer:
    """One of the supplier's own applications, with what was decided about it and why."""
    actor = acting()
    found = queries.application_for(actor, application_id)
    if found.status is ApplicationStatus.DRAFT:
        return redirect(url_for(".application"))
    return render_template(
        "marketplace/suppliers/show.html",
        application=found,
        answered=queries.answered(found),
        wanted=queries.wanted_of(found),
        cohorts=queries.cohorts_of(found.organisation_id),
    )


@bp.route("/application/withdraw", methods=["GET", "POST"])
@audience(Permission.APPLY_TO_FRAMEWORK)
def withdraw() -> Answer:
    """Ask once more, then take the application back."""
    actor, now = acting(), clock.now()
    found = queries.latest_application(actor.organisation)
    if found is None or found.status not in OPEN:
        flash("There is no open application to withdraw.", "notice")
        return redirect(url_for(".application"))
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            with transaction():
                actions.withdraw_application(found, actor=actor, now=now)
        except Refused as refused:
            flash(refused.words, "notice")
        else:
            flash("Your application has been withdrawn. Your answers are kept for the next one.", "success")
        return redirect(url_for(".application"))
    return render_template("marketplace/suppliers/withdraw.html", form=form, application=found)
