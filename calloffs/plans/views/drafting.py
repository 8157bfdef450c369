"""Working on a plan: a task list, a page for each part, a check before the figures are settled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.funds.queries import open_funds
from calloffs.plans import actions, queries, rules
from calloffs.plans.actions import Carried
from calloffs.plans.forms import (
    BandsForm,
    EvidenceForm,
    GrowthForm,
    MoneyForm,
    NeedForm,
    PriceForm,
    ReasonForm,
    VolumeForm,
)
from calloffs.plans.models import Plan, PlanVersion
from calloffs.plans.rules import Intensity, Route, Section, VolumeBasis
from calloffs.plans.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.forms import Form
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.presentation import pounds_words
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]
# Our default for a plan: the length that most call-offs have.
USUAL_MONTHS = 24


@bp.route("/new", methods=["GET", "POST"])
@audience(Permission.PLAN)
def new() -> Answer:
    """Plan a need; with figures of a service that ran in the address, these are carried over (R73)."""
    form, carried = _need_form(NeedForm()), _carried()
    if not form.is_submitted():
        form.months.data = USUAL_MONTHS
        form.title.data = request.args.get("title", "")[:200]
        form.category_code.data, form.place_code.data = request.args.get("category"), request.args.get("place")

    def start() -> int:
        return actions.start_plan(**_written(form), carried=carried, actor=acting(), now=clock.now()).id

    if form.validate_on_submit() and (started := _done(form, start)) is not None:
        return redirect(url_for("plans.draft", plan_id=started))
    return _page("need.html", form, plan=None, carried=carried)


@bp.get("/<int:plan_id>/draft")
@audience(Permission.PLAN)
def draft(plan_id: int) -> str:
    """The task list."""
    plan, version = _draft(plan_id)
    wrong: dict[Section, list[str]] = {}
    for fault in rules.plan_faults(version.assumptions):
        wrong.setdefault(fault.section, []).append(fault.words)
    return render_template(
        "calloffs/plans/draft.html", plan=plan, version=version, sections=list(Section), wrong=wrong, Basis=VolumeBasis
    )


@bp.route("/<int:plan_id>/draft/need", methods=["GET", "POST"])
@audience(Permission.PLAN)
def need(plan_id: int) -> Answer:
    """What is needed, where, from when, for how long."""
    plan, version = _draft(plan_id)
    form = _need_form(NeedForm(obj=plan))
    if not form.is_submitted():
        form.starts_on.data, form.months.data = version.starts_on, version.months
    return _part(plan, form, "need.html", actions.change_need, lambda: _written(form), carried=None)


@bp.route("/<int:plan_id>/draft/evidence", methods=["GET", "POST"])
@audience(Permission.PLAN)
def evidence(plan_id: int) -> Answer:
    """The needs data that it rests on."""
    plan, version = _draft(plan_id)
    form, found = EvidenceForm(), queries.needs_data_about(plan.place_code)
    today = clock.today()
    form.needs_data.choices = [("", "None")] + [
        (str(one.id), f"{one.title} ({one.standing(today).label.lower()})") for one in found
    ]
    if not form.is_submitted():
        form.needs_data.data = str(version.needs_data_id or "")
        form.reason.data = version.evidence_reason
    return _part(
        plan,
        form,
        "evidence.html",
        actions.rest_on,
        lambda: {
            "needs_data_id": int(form.needs_data.data) if form.needs_data.data else None,
            "reason": form.reason.data or "",
        },
        found=found,
        today=today,
    )


@bp.route("/<int:plan_id>/draft/volume", methods=["GET", "POST"])
@audience(Permission.PLAN)
def volume(plan_id: int) -> Answer:
    """Past caseload and the share that is eligible, or a projection stated."""
    plan, version = _draft(plan_id)
    form = VolumeForm(obj=version)
    if not form.is_submitted():
        form.basis.data = version.basis.value if version.basis else None
        for (year, caseload), one in zip(form.rows(), version.history, strict=False):
            year.data, caseload.data = one.year, one.caseload
    elif form.validate() and (history := form.entered()) is not None:

        def enter() -> int:
            if form.basis.data == VolumeBasis.STATED:
                actions.state_volume(
                    plan,
                    volume=form.stated_volume.data,
                    source=form.stated_source.data,
                    actor=acting(),
                    now=clock.now(),
                )
            else:
                actions.project(
                    plan,
                    history=history or (),
                    history_source=form.history_source.data,
                    eligible_percent=form.eligible_percent.data,
                    eligible_source=form.eligible_source.data,
                    actor=acting(),
                    now=clock.now(),
                )
            return plan_id

        if _done(form, enter) is not None:
            return redirect(url_for("plans.draft", plan_id=plan_id))
    return _page("volume.html", form, plan=plan, version=version, changes=rules.changes(version.assumptions.history))


@bp.route("/<int:plan_id>/draft/growth", methods=["GET", "POST"])
@audience(Permission.PLAN)
def growth(plan_id: int) -> Answer:
    """What may change the caseload."""
    plan, version = _draft(plan_id)
    form = GrowthForm()
    if not form.is_submitted():
        entered = {one.kind: one for one in version.growth}
        for kind, first, later, source in form.rows():
            if (one := entered.get(kind)) is not None:
                first.data, later.data, source.data = one.first_percent, one.later_percent, one.source
    elif form.validate() and (found := form.growth()) is not None:

        def enter() -> int:
            actions.forecast(plan, growth=found or [], actor=acting(), now=clock.now())
            return plan_id

        if _done(form, enter) is not None:
            return redirect(url_for("plans.draft", plan_id=plan_id))
    return _page("growth.html", form, plan=plan, version=version)


@bp.route("/<int:plan_id>/draft/price", methods=["GET", "POST"])
@audience(Permission.PLAN)
def price(plan_id: int) -> Answer:
    """Unit costs (the body's reference figures, until others are entered) and the mix of intensities."""
    plan, version = _draft(plan_id)
    form, known = PriceForm(), queries.unit_costs_of(plan.organisation_id, plan.category_code)
    if not form.is_submitted():
        if version.unit_high is not None:
            form.unit_low.data, form.unit_medium.data = version.unit_low, version.unit_medium
            form.unit_high.data = version.unit_high
            form.source.data, form.as_of.data = version.unit_source, version.unit_as_of
        elif known is not None:
            form.unit_low.data, form.unit_medium.data, form.unit_high.data = known.low, known.medium, known.high
            form.source.data, form.as_of.data = known.source, known.as_of
        for intensity, share in zip(Intensity, version.assumptions.mix, strict=False):
            form[f"mix_{intensity}"].data = share
    return _part(
        plan,
        form,
        "price.html",
        actions.price,
        lambda: {
            "unit_costs": form.amounts(),
            "source": form.source.data,
            "as_of": form.as_of.data,
            "mix": form.mix(),
        },
        known=known,
    )


@bp.route("/<int:plan_id>/draft/money", methods=["GET", "POST"])
@audience(Permission.PLAN)
def money(plan_id: int) -> Answer:
    """The budget of each contract year, beside what is calculated; where it comes from, and the route."""
    plan, version = _draft(plan_id)
    form = MoneyForm.for_years(rules.year_lengths(version.months))
    form.source.choices = [("", "Our own budget")] + [
        (f"{fund.id}:{purpose}", f"{fund.name}: {purpose} ({pounds_words(fund.standing.left)} left)")
        for fund in open_funds(plan.organisation_id, clock.today())
        for purpose in fund.purpose_list
    ]
    if not form.is_submitted():
        for one in version.budgets:
            form[f"year_{one.year}"].data = one.amount
        form.budget_reason.data, form.route_reason.data = version.budget_reason, version.route_reason
        form.route.data = version.route.value if version.route else None
        form.source.data = f"{version.fund_id}:{version.fund_purpose}" if version.fund_id else ""
    return _part(
        plan,
        form,
        "money.html",
        actions.put_money,
        lambda: {
            "budgets": form.budgets(),
            "budget_reason": form.budget_reason.data or "",
            "route": Route(form.route.data),
            "route_reason": form.route_reason.data or "",
            "fund": form.fund(),
        },
        worked=version.worked,
    )


@bp.route("/<int:plan_id>/draft/bands", methods=["GET", "POST"])
@audience(Permission.PLAN)
def bands(plan_id: int) -> Answer:
    """A cap or four bands, where they begin and end, and economies of scale."""
    plan, version = _draft(plan_id)
    form = BandsForm()
    if not form.is_submitted():
        form.larger_from.data, form.fixed_percent.data = version.larger_from, version.fixed_percent
        for number, edge in enumerate(version.edges, start=1):
            form[f"edge_{number}"].data = edge
    return _part(
        plan,
        form,
        "bands.html",
        actions.set_bands,
        lambda: {
            "edges": form.edges(),
            "fixed_percent": form.fixed_percent.data,
            "larger_from": form.larger_from.data,
        },
        worked=version.worked,
        usual=rules,
    )


@bp.route("/<int:plan_id>/draft/check", methods=["GET", "POST"])
@audience(Permission.PLAN)
def check(plan_id: int) -> Answer:
    """Everything that is assumed and what it comes to, what is missing, what to think about; then settle."""
    plan, version = _draft(plan_id)
    form = Form()

    def settle() -> int:
        actions.settle(plan, actor=acting(), now=clock.now())
        return plan_id

    if form.validate_on_submit():
        if _done(form, settle) is not None:
            flash("The figures are settled. A call-off can start from them now.")
            return redirect(url_for("plans.show", plan_id=plan_id))
        plan, version = _draft(plan_id)
    before = plan.settled
    return _page(
        "check.html",
        form,
        plan=plan,
        version=version,
        faults=rules.plan_faults(version.assumptions),
        warnings=version.warnings(clock.today()),
        differences=rules.differences(before.assumptions, version.assumptions) if before else None,
    )


@bp.route("/<int:plan_id>/change", methods=["GET", "POST"])
@audience(Permission.PLAN)
def change(plan_id: int) -> Answer:
    """Begin another version, for a reason."""
    plan, form = queries.plan_for(acting(), plan_id), ReasonForm()

    def begin() -> int:
        actions.begin_version(plan, reason=form.reason.data or "", actor=acting(), now=clock.now())
        return plan_id

    if form.validate_on_submit() and _done(form, begin) is not None:
        return redirect(url_for("plans.draft", plan_id=plan_id))
    return _page("change.html", form, plan=queries.plan_for(acting(), plan_id))


@bp.post("/<int:plan_id>/discard")
@audience(Permission.PLAN)
def discard(plan_id: int) -> Response:
    """Throw away the version that is being worked on."""
    plan = queries.plan_for(acting(), plan_id)
    with transaction():
        actions.discard_version(plan, actor=acting(), now=clock.now())
    flash("The changes are thrown away. The settled figures hold.")
    return redirect(url_for("plans.show", plan_id=plan_id))


def _draft(plan_id: int) -> tuple[Plan, PlanVersion]:
    plan = queries.plan_for(acting(), plan_id)
    if plan.draft is None:
        raise Refused("The figures of this plan are settled. Begin a new version to change them.")
    return plan, plan.draft


def _need_form(form: NeedForm) -> NeedForm:
    form.category_code.choices = [("", "Choose a category")] + [(one.code, one.name) for one in framework.categories()]
    form.place_code.choices = [("", "Choose an area"), *places.choices()]
    return form


def _written(form: NeedForm) -> dict[str, Any]:
    return {
        "title": form.title.data or "",
        "category_code": form.category_code.data,
        "place_code": form.place_code.data,
        "need": form.need.data or "",
        "starts_on": form.starts_on.data,
        "months": form.months.data,
    }


def _carried() -> Carried | None:
    """Referrals of past contract years, as the page of a service's volume writes them: `history=2025:180,2026:210`."""
    pairs = re.findall(r"(\d{4}):(\d{1,7})(?:,|$)", request.args.get("history", "")[:200])
    history = {int(year): int(count) for year, count in pairs if 1990 <= int(year) <= 2200}
    source = request.args.get("source", "").strip()[:300]
    return Carried(tuple(sorted(history.items())), source) if history and source else None


def _done(form: Form, action: Callable[[], int]) -> int | None:
    """Do it in one transaction; a refusal stands in the form, and there is no answer."""
    try:
        with transaction():
            return action()
    except Refused as refused:
        form.show_refusal(refused)
        return None


def _part(
    plan: Plan,
    form: Form,
    template: str,
    action: Callable[..., object],
    entered: Callable[[], dict[str, Any]],
    **context: object,
) -> Answer:
    """One part of the plan: shown, or changed and back to the list."""
    plan_id = plan.id

    def change() -> int:
        action(plan, **entered(), actor=acting(), now=clock.now())
        return plan_id

    if form.validate_on_submit() and _done(form, change) is not None:
        return redirect(url_for("plans.draft", plan_id=plan_id))
    return _page(template, form, plan=queries.plan_for(acting(), plan_id), **context)


def _page(template: str, form: Form, **context: object) -> Answer:
    page = render_template(f"calloffs/plans/{template}", form=form, **context)
    return (page, 422) if form.errors or form.form_errors else page
