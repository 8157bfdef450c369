"""Pages of plans."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.plans import queries, rules
from calloffs.plans.actions import plan_need
from calloffs.plans.forms import PlanForm
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.suppliers import queries as suppliers
from marketplace.transactions import transaction

bp = Blueprint("plans", __name__, url_prefix="/plans")


@bp.get("")
@audience(Permission.PLAN)
def index() -> str:
    """The body's plans."""
    category = request.args.get("category") or None
    found = queries.plans_of(acting(), category_code=category, page=request.args.get("page", 1, type=int))
    return render_template(
        "calloffs/plans/index.html", found=found, category=category, categories=framework.categories()
    )


@bp.route("/new", methods=["GET", "POST"])
@audience(Permission.PLAN)
def new() -> str | Response | tuple[str, int]:
    """Plan a need."""
    form = PlanForm()
    form.category_code.choices = [("", "Choose a category")] + [(one.code, one.name) for one in framework.categories()]
    form.place_code.choices = [("", "Choose an area"), *places.choices()]
    if form.validate_on_submit():
        try:
            with transaction():
                plan = plan_need(
                    title=form.title.data or "",
                    category_code=form.category_code.data,
                    place_code=form.place_code.data,
                    need=form.need.data or "",
                    projected_annual_volume=form.projected_annual_volume.data,
                    annual_budget=form.annual_budget.data,
                    actor=acting(),
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The plan is saved.")
            return redirect(url_for("plans.show", plan_id=plan.id))
    return render_template("calloffs/plans/new.html", form=form), 422 if form.errors else 200


@bp.get("/<int:plan_id>")
@audience(Permission.PLAN)
def show(plan_id: int) -> str:
    """One plan: the bands proposed from it, and who could bid today."""
    plan = queries.plan_for(acting(), plan_id)
    return render_template(
        "calloffs/plans/show.html",
        plan=plan,
        bands=rules.proposed_bands(plan.projected_annual_volume, plan.annual_budget),
        widths=rules.BAND_WIDTHS,
        planned_band=rules.PLANNED_BAND,
        qualified=suppliers.qualified_suppliers(plan.category_code, [plan.place_code]),
    )
