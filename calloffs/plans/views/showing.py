"""Looking at plans: the list, one plan whole, and what changed from version to version."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.plans import queries, rules
from calloffs.plans.queries import Narrowed, Sort
from calloffs.plans.rules import Evidence
from calloffs.plans.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.spreadsheets import csv_download
from marketplace.suppliers import queries as suppliers

COLUMNS = (
    *("title", "category", "area", "version", "settled_on", "referrals_a_year", "months", "calculated_cost_gbp"),
    *("budget_gbp", "gap_gbp", "needs_data"),
)
YEAR_COLUMNS = (
    *("contract_year", "months", "volume", "low", "medium", "high", "calculated_cost_gbp", "adjustment_gbp"),
    "budget_gbp",
)


def _narrowed() -> Narrowed:
    evidence = next((one for one in Evidence if one.value == request.args.get("needs_data")), None)
    return Narrowed(
        category_code=request.args.get("category", ""),
        place_code=request.args.get("place", ""),
        text=request.args.get("text", "").strip()[:100],
        evidence=evidence,
        sort=next((one for one in Sort if one.value == request.args.get("sort")), Sort.LATEST),
    )


@bp.get("")
@audience(Permission.PLAN)
def index() -> str:
    """The body's plans."""
    narrowed, today = _narrowed(), clock.today()
    names = ("category", "place", "text", "needs_data", "sort")
    kept: dict[str, Any] = {name: value for name in names if (value := request.args.get(name))}
    return render_template(
        "calloffs/plans/index.html",
        found=queries.plans_of(acting(), narrowed, on=today, page=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        is_narrowed=bool(kept.keys() - {"sort"}),
        categories=framework.categories(),
        places=places.choices(),
        evidences=list(Evidence),
        sorts=list(Sort),
        today=today,
        page_url=lambda number: url_for("plans.index", page=number, **kept),
        csv_url=url_for("plans.as_csv", **kept),
    )


@bp.get("/plans.csv")
@audience(Permission.PLAN)
def as_csv() -> Response:
    """The same list as CSV, amounts in pounds over the whole life."""
    today = clock.today()
    return csv_download(
        "plans.csv",
        COLUMNS,
        (
            (
                one.plan.title,
                one.plan.category.name,
                one.plan.place.name,
                one.number,
                clock.london(one.settled_at).date() if one.settled_at else None,
                one.projected_annual_volume,
                one.months,
                one.calculated_cost,
                one.budget,
                one.gap,
                one.evidence(today).value,
            )
            for one in queries.all_plans_of(acting(), _narrowed(), on=today)
        ),
    )


@bp.get("/<int:plan_id>")
@audience(Permission.PLAN)
def show(plan_id: int) -> str:
    """One plan: what is assumed, what it comes to year by year, its bands, and who could bid today."""
    plan = queries.plan_for(acting(), plan_id)
    version = plan.latest
    return render_template(
        "calloffs/plans/show.html",
        plan=plan,
        version=version,
        worked=version.worked,
        warnings=version.warnings(clock.today()) if version.settled_at else [],
        qualified=suppliers.qualified_suppliers(plan.category_code, [plan.place_code]),
    )


@bp.get("/<int:plan_id>.csv")
@audience(Permission.PLAN)
def years_csv(plan_id: int) -> Response:
    """The settled figures year by year as CSV."""
    plan = queries.plan_for(acting(), plan_id)
    return csv_download(
        f"plan-{plan.id}.csv",
        YEAR_COLUMNS,
        (
            (
                *(one.number, one.months, one.volume, *(one.people or (None, None, None))),
                *(one.cost, one.adjustment, one.budget),
            )
            for one in plan.latest.worked.years
        ),
    )


@bp.get("/<int:plan_id>/versions")
@audience(Permission.PLAN)
def versions(plan_id: int) -> str:
    """Every version, and what changed between two of them: the last two, unless others are chosen."""
    plan = queries.plan_for(acting(), plan_id)
    numbers = [one.number for one in plan.versions]
    after = request.args.get("after", numbers[-1], type=int)
    before = request.args.get("before", max(numbers[0], after - 1), type=int)
    old, new = queries.version_of(plan, before), queries.version_of(plan, after)
    return render_template(
        "calloffs/plans/versions.html",
        plan=plan,
        before=old,
        after=new,
        differences=rules.differences(old.assumptions, new.assumptions),
    )
