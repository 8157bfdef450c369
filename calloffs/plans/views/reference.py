"""Pages of reference figures: needs data of areas with its dates, and the body's unit costs."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.plans import actions, queries
from calloffs.plans.forms import NeedsDataForm, PublishForm, UnitCostsForm
from calloffs.plans.rules import Evidence
from calloffs.plans.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


@bp.get("/needs-data")
@audience(Permission.PLAN)
def needs_data() -> str:
    """Needs data of every area: what is due, published, out of date."""
    place, evidence = _asked()
    kept: dict[str, Any] = {name: value for name in ("place", "standing") if (value := request.args.get(name))}
    return render_template(
        "calloffs/plans/needs_data.html",
        found=queries.needs_data_by_page(place, evidence, on=clock.today(), page=request.args.get("page", 1, type=int)),
        place=place,
        evidence=evidence,
        evidences=[one for one in Evidence if one is not Evidence.NONE],
        places=places.choices(),
        today=clock.today(),
        page_url=lambda number: url_for("plans.needs_data", page=number, **kept),
        csv_url=url_for("plans.needs_data_csv", **kept),
    )


@bp.get("/needs-data.csv")
@audience(Permission.PLAN)
def needs_data_csv() -> Response:
    """The same list as CSV."""
    today = clock.today()
    return csv_download(
        "needs-data.csv",
        ("title", "source", "area", "due_on", "published_on", "good_until", "stands"),
        (
            (
                *(one.title, one.source, one.place.name, one.due_on, one.published_on, one.good_until),
                one.standing(today).value,
            )
            for one in queries.all_needs_data(*_asked(), on=today)
        ),
    )


def _asked() -> tuple[str, Evidence | None]:
    evidence = next((one for one in Evidence if one.value == request.args.get("standing")), None)
    return request.args.get("place", ""), evidence


@bp.route("/needs-data/new", methods=["GET", "POST"])
@audience(Permission.PLAN)
def announce() -> Answer:
    """Enter needs data of an area."""
    form = NeedsDataForm()
    form.place_code.choices = [("", "Choose an area"), *places.choices()]
    if not form.is_submitted():
        form.place_code.data = request.args.get("place", "")
    if form.validate_on_submit():
        try:
            with transaction():
                actions.announce_needs_data(
                    title=form.title.data,
                    source=form.source.data,
                    place_code=form.place_code.data,
                    due_on=form.due_on.data,
                    good_until=form.good_until.data,
                    published_on=form.published_on.data,
                    actor=acting(),
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The needs data is entered. Plans of this area can rest on it.")
            return redirect(url_for("plans.needs_data"))
    return render_template("calloffs/plans/announce.html", form=form), 422 if form.errors else 200


@bp.route("/needs-data/<int:data_id>", methods=["GET", "POST"])
@audience(Permission.PLAN)
def publish(data_id: int) -> Answer:
    """Say that needs data is published."""
    actor = acting()
    data = queries.needs_data_for(actor, data_id)
    form = PublishForm(obj=data)
    if form.validate_on_submit():
        try:
            with transaction():
                actions.publish_needs_data(
                    data,
                    published_on=form.published_on.data,
                    good_until=form.good_until.data,
                    actor=actor,
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The dates are saved.")
            return redirect(url_for("plans.needs_data"))
    page = render_template(
        "calloffs/plans/publish.html", form=form, data=queries.needs_data_for(actor, data_id), today=clock.today()
    )
    return page, 422 if form.errors else 200


@bp.get("/unit-costs")
@audience(Permission.PLAN)
def unit_costs() -> str:
    """The body's unit costs, those in use and those of before."""
    category = request.args.get("category", "")
    return render_template(
        "calloffs/plans/unit_costs.html",
        found=queries.all_unit_costs(acting(), category),
        category=category,
        categories=framework.categories(),
    )


@bp.get("/unit-costs.csv")
@audience(Permission.PLAN)
def unit_costs_csv() -> Response:
    """The same as CSV, amounts in pounds for one referral."""
    return csv_download(
        "unit-costs.csv",
        ("category", "low_gbp", "medium_gbp", "high_gbp", "source", "as_of"),
        (
            (one.category.name, one.low, one.medium, one.high, one.source, one.as_of)
            for one in queries.all_unit_costs(acting(), request.args.get("category", ""))
        ),
    )


@bp.route("/unit-costs/new", methods=["GET", "POST"])
@audience(Permission.PLAN)
def enter_costs() -> Answer:
    """Enter unit costs of a category."""
    form = UnitCostsForm()
    form.category_code.choices = [("", "Choose a category")] + [(one.code, one.name) for one in framework.categories()]
    if form.validate_on_submit():
        try:
            with transaction():
                actions.enter_unit_costs(
                    category_code=form.category_code.data,
                    amounts=form.amounts(),
                    source=form.source.data,
                    as_of=form.as_of.data,
                    actor=acting(),
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The unit costs are entered. New plans begin with them.")
            return redirect(url_for("plans.unit_costs"))
    return render_template("calloffs/plans/enter_costs.html", form=form), 422 if form.errors else 200
