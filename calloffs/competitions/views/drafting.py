"""Drafting a call-off: a task list, a page for each part, a check before it goes for approval."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from calloffs.competitions import actions, queries, rules
from calloffs.competitions.forms import (
    CO_COMMISSIONERS,
    BasicsForm,
    DatesForm,
    FundersForm,
    PriceWeightForm,
    PsedQuestionForm,
    QuestionForm,
    SpecificationForm,
    VolumeForm,
)
from calloffs.competitions.models import Competition, Question
from calloffs.competitions.rules import CompetitionStatus, Instrument, OpenTo, QuestionKind, Section, VolumeKind, Whom
from calloffs.competitions.views import bp
from calloffs.funds.queries import open_funds
from calloffs.plans.queries import plan_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts import queries as accounts
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.forms import Form, moment
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.presentation import pounds_words
from marketplace.suppliers import queries as suppliers
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


@bp.route("/new", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def new() -> Answer:
    """Begin a draft on a blank sheet."""
    form = _basics_form(BasicsForm())

    def start() -> int:
        return actions.start_call_off(
            title=form.title.data or "",
            category_code=form.category_code.data,
            place_codes=form.place_codes.data or [],
            level_reason=form.level_reason.data or "",
            instrument=Instrument(form.instrument.data),
            actor=acting(),
            now=clock.now(),
        ).id

    if form.validate_on_submit() and (started := _done(form, start)) is not None:
        return redirect(url_for("competitions.draft", competition_id=started))
    return _page("basics.html", form, tree=places.tree(), competition=None)


@bp.post("/from-plan/<int:plan_id>")
@audience(Permission.DRAFT_COMPETITION)
def from_plan(plan_id: int) -> Response:
    """Begin a draft with all that the plan holds."""
    actor = acting()
    plan = plan_for(actor, plan_id)
    try:
        with transaction():
            competition = actions.start_from_plan(plan, actor=actor, now=clock.now())
    except AlreadyDone as refused:
        competition = queries.draft_from_plan(actor, plan_id)
        flash(refused.words)
    except Refused as refused:
        flash(refused.words, "refusal")
        return redirect(url_for("plans.show", plan_id=plan_id))
    else:
        flash("The draft has everything that the plan holds.")
    return redirect(url_for("competitions.draft", competition_id=competition.id))


@bp.get("/<int:competition_id>/draft")
@audience(Permission.DRAFT_COMPETITION)
def draft(competition_id: int) -> str:
    """The task list."""
    competition = _draft(competition_id)
    found = rules.faults(competition.requirement, now=clock.now())
    wrong: dict[Section, list[str]] = {}
    for fault in found:
        wrong.setdefault(fault.section, []).append(fault.words)
    return render_template(
        "calloffs/competitions/draft.html", competition=competition, sections=list(Section), wrong=wrong
    )


@bp.route("/<int:competition_id>/draft/basics", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def basics(competition_id: int) -> Answer:
    """Title, category, areas, and why this level."""
    competition = _draft(competition_id)
    form = _basics_form(BasicsForm(obj=competition))
    if not form.is_submitted():
        form.place_codes.data = [one.code for one in competition.places]
    return _part(
        competition,
        form,
        "basics.html",
        lambda: actions.describe(
            competition,
            title=form.title.data or "",
            category_code=form.category_code.data,
            place_codes=form.place_codes.data or [],
            level_reason=form.level_reason.data or "",
            instrument=Instrument(form.instrument.data),
            actor=acting(),
            now=clock.now(),
        ),
        tree=places.tree(),
    )


@bp.route("/<int:competition_id>/draft/specification", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def specification(competition_id: int) -> Answer:
    """Whom it is for, and the specification."""
    competition = _draft(competition_id)
    form = SpecificationForm(obj=competition)
    return _part(
        competition,
        form,
        "specification.html",
        lambda: actions.specify(
            competition,
            specification=form.specification.data or "",
            whom=Whom(OpenTo(form.open_to.data), form.minimum_age.data or 18, form.maximum_age.data),
            actor=acting(),
            now=clock.now(),
        ),
    )


@bp.route("/<int:competition_id>/draft/volume", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def volume(competition_id: int) -> Answer:
    """A cap, or four bands."""
    competition = _draft(competition_id)
    form = VolumeForm()
    form.kind.choices = [(kind.value, kind.label) for kind in VolumeKind]
    form.planned_band.choices = [(str(number), f"Band {number}") for number in range(1, 5)]
    if not form.is_submitted():
        form.show(competition.volume_kind, [one.band for one in competition.bands], competition.planned_band)
    elif form.validate() and (bands := form.bands()) is not None:
        kind = VolumeKind(form.kind.data)
        planned = int(form.planned_band.data) if kind is VolumeKind.BANDS else 1

        def enter() -> int:
            actions.set_volume(
                competition, kind=kind, bands=bands, planned_band=planned, actor=acting(), now=clock.now()
            )
            return competition.id

        if _done(form, enter) is not None:
            return _back_to_list(competition_id)
    return _page("volume.html", form, competition=competition)


@bp.route("/<int:competition_id>/draft/questions", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def questions(competition_id: int) -> Answer:
    """All questions, their weights, and the weight of price."""
    competition = _draft(competition_id)
    form = PriceWeightForm(obj=competition)
    return _part(
        competition,
        form,
        "questions.html",
        lambda: actions.weigh_price(
            competition, price_weight=form.price_weight.data or 0, actor=acting(), now=clock.now()
        ),
        to="competitions.questions",
        total=competition.price_weight + sum(one.weight for one in competition.questions),
        most_words=competition.requirement.most_words,
    )


@bp.route("/<int:competition_id>/draft/questions/new", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def new_question(competition_id: int) -> Answer:
    """Add a question."""
    competition = _draft(competition_id)
    form = QuestionForm()
    return _part(
        competition,
        form,
        "question.html",
        lambda: actions.add_question(
            competition,
            kind=QuestionKind(form.kind.data),
            text=form.text.data or "",
            weight=form.weight.data or 0,
            word_limit=form.word_limit.data or 0,
            actor=acting(),
            now=clock.now(),
        ),
        to="competitions.questions",
        question=None,
    )


@bp.route("/<int:competition_id>/draft/questions/<int:question_id>", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def question(competition_id: int, question_id: int) -> Answer:
    """Change a question; of the PSED question the word limit only."""
    competition = _draft(competition_id)
    asked = _question(competition, question_id)
    form: Form = PsedQuestionForm(obj=asked) if asked.kind is QuestionKind.PSED else QuestionForm(obj=asked)
    if isinstance(form, QuestionForm):
        del form.kind

    def change() -> None:
        fixed = isinstance(form, PsedQuestionForm)
        actions.change_question(
            competition,
            asked,
            text=asked.text if fixed else form["text"].data or "",
            weight=0 if fixed else form["weight"].data or 0,
            word_limit=form["word_limit"].data,
            actor=acting(),
            now=clock.now(),
        )

    return _part(competition, form, "question.html", change, to="competitions.questions", question=asked)


@bp.post("/<int:competition_id>/draft/questions/<int:question_id>/remove")
@audience(Permission.DRAFT_COMPETITION)
def remove_question(competition_id: int, question_id: int) -> Response:
    """Remove a question."""
    competition = _draft(competition_id)
    with transaction():
        actions.remove_question(competition, _question(competition, question_id), actor=acting(), now=clock.now())
    flash("The question is removed.")
    return redirect(url_for("competitions.questions", competition_id=competition_id))


@bp.route("/<int:competition_id>/draft/funders", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def funders(competition_id: int) -> Answer:
    """Who pays which share."""
    actor = acting()
    competition = _draft(competition_id)
    form = FundersForm()
    others = [(str(one.id), one.name) for one in accounts.commissioners() if one.id != actor.organisation]
    for body, _ in form.rows():
        body.choices = [("", "None"), *others]
    form.source.choices = [("", "Your own budget")] + [
        (f"{fund.id}:{purpose}", f"{fund.name}: {purpose} ({pounds_words(fund.standing.left)} left)")
        for fund in open_funds(actor.organisation, clock.today())
        for purpose in fund.purpose_list
    ]
    if not form.is_submitted():
        if (share := competition.lead_share) is not None and share.fund_id is not None:
            form.source.data = f"{share.fund_id}:{share.fund_purpose}"
        lead = [one for one in competition.funders if one.organisation_id == actor.organisation]
        form.lead.data = f"{lead[0].percent.normalize():f}" if lead else ""
        partners = [one for one in competition.funders if one.organisation_id != actor.organisation]
        for (body, percent), share in zip(form.rows(), partners[:CO_COMMISSIONERS], strict=False):
            body.data, percent.data = str(share.organisation_id), f"{share.percent.normalize():f}"
    elif form.validate() and (shares := form.shares(actor.organisation)) is not None:

        def enter() -> int:
            actions.share_funding(competition, shares=shares, source=form.fund(), actor=actor, now=clock.now())
            return competition.id

        if _done(form, enter) is not None:
            return _back_to_list(competition_id)
    return _page("funders.html", form, competition=competition)


@bp.route("/<int:competition_id>/draft/dates", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def dates(competition_id: int) -> Answer:
    """When it closes, starts, and for how long."""
    competition = _draft(competition_id)
    form = DatesForm()
    if not form.is_submitted():
        form.starts_on.data, form.months.data = competition.starts_on, competition.months
        if competition.closes_at is not None:
            there = clock.london(competition.closes_at)
            form.closes_on.data, form.closes_at.data = there.date(), there.time()
    return _part(
        competition,
        form,
        "dates.html",
        lambda: actions.set_dates(
            competition,
            closes_at=moment(form.closes_on.data, form.closes_at.data),
            starts_on=form.starts_on.data,
            months=form.months.data or 0,
            actor=acting(),
            now=clock.now(),
        ),
    )


@bp.route("/<int:competition_id>/draft/check", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def check(competition_id: int) -> Answer:
    """Everything that would be published, what is missing, what to think about; then submit."""
    competition, form, now = _draft(competition_id), Form(), clock.now()

    def submit() -> int:
        actions.submit_for_approval(competition, actor=acting(), now=clock.now())
        return competition.id

    if form.validate_on_submit():
        if _done(form, submit) is not None:
            flash("The call-off waits for approval by somebody else.")
            return redirect(url_for("competitions.show", competition_id=competition_id))
        competition = _draft(competition_id)
    qualified = suppliers.qualified_suppliers(competition.category_code, [one.code for one in competition.places])
    return _page(
        "check.html",
        form,
        competition=competition,
        faults=rules.faults(competition.requirement, now=now),
        warnings=queries.warnings(competition, qualified=len(qualified), now=now),
        qualified=qualified,
    )


def _draft(competition_id: int) -> Competition:
    """The draft, for its author; after it went for approval there is nothing to change here."""
    actor = acting()
    competition = queries.own_competition(actor, competition_id)
    if competition.author_id != actor.person:
        raise NotAllowed("Only its author changes a draft.")
    if competition.status is not CompetitionStatus.DRAFT:
        raise Refused("This call-off is no longer a draft, so it cannot be changed here.")
    return competition


def _question(competition: Competition, question_id: int) -> Question:
    for one in competition.questions:
        if one.id == question_id:
            return one
    raise NotFound("There is no such question in this call-off.")


def _basics_form(form: BasicsForm) -> BasicsForm:
    form.category_code.choices = [("", "Choose a category")] + [(one.code, one.name) for one in framework.categories()]
    form.place_codes.choices = places.choices()
    return form


def _done(form: Form, action: Callable[[], int]) -> int | None:
    """Do it in one transaction; a refusal stands in the form, and there is no answer."""
    try:
        with transaction():
            return action()
    except Refused as refused:
        form.show_refusal(refused)
        return None


def _part(
    competition: Competition,
    form: Form,
    template: str,
    action: Callable[[], object],
    *,
    to: str = "competitions.draft",
    **context: object,
) -> Answer:
    """One part of the draft: shown, or changed and back to the list."""
    competition_id = competition.id

    def change() -> int:
        action()
        return competition_id

    if form.validate_on_submit() and _done(form, change) is not None:
        return redirect(url_for(to, competition_id=competition_id))
    return _page(template, form, competition=competition, **context)


def _back_to_list(competition_id: int) -> Response:
    return redirect(url_for("competitions.draft", competition_id=competition_id))


def _page(template: str, form: Form, **context: object) -> Answer:
    page = render_template(f"calloffs/competitions/{template}", form=form, **context)
    return page, 422 if form.errors else 200
