"""Contracts side by side, for whoever manages several (R71), and by kind of help for the next plan (R73)."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.performance import queries, rules
from contracts.performance.queries import Narrowed, Order
from contracts.performance.rules import Part, Rating
from contracts.performance.views import bp
from contracts.performance.views.scorecard import asked_month
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.framework.queries import categories
from marketplace.spreadsheets import csv_download

CSV_COLUMNS = (
    *("month", "reference", "title", "supplier", "commissioner"),
    *(part.value for part in Part),
    *("overall", "overall_month_before"),
)


def _narrowed() -> Narrowed:
    asked = request.args
    return Narrowed(
        text=asked.get("text", "").replace("\x00", "").strip()[:100],
        rating=next((one for one in Rating if one.value == asked.get("rating")), None),
        category=asked.get("category", "").replace("\x00", "")[:10],
        order=next((one for one in Order if one.value == asked.get("sort")), Order.GRAVEST),
    )


@bp.get("/performance")
@audience(Permission.SEE_CONTRACTS)
def index() -> str:
    """How the contracts that concern one's organisation performed in a month, the gravest first."""
    actor, narrowed = acting(), _narrowed()
    latest = queries.latest_month(actor)
    month = asked_month() or latest
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in ("text", "rating", "category", "sort", "month")
    }
    return render_template(
        "contracts/performance/index.html",
        page=queries.compared(actor, narrowed, month=month, number=request.args.get("page", 1, type=int))
        if month
        else None,
        month=month,
        latest=latest,
        narrowed=narrowed,
        ratings=list(Rating),
        orders=list(Order),
        categories=categories(),
        kept=kept,
        to_page=lambda number: url_for("performance.index", **{**kept, "page": number}),
        Part=Part,
        rules=rules,
    )


@bp.get("/performance.csv")
@audience(Permission.SEE_CONTRACTS)
def index_csv() -> Response:
    """The same list as CSV."""
    month = asked_month() or queries.latest_month(acting())
    found = queries.every_compared(acting(), _narrowed(), month=month) if month else []
    return csv_download(
        "performance.csv",
        CSV_COLUMNS,
        (
            [
                f"{month:%Y-%m}",
                one.card.agreement.reference,
                one.card.agreement.title,
                one.card.agreement.supplier.name,
                one.card.agreement.commissioner.name,
                *(one.card.rating(part).value for part in Part),
                one.card.overall.value,
                one.before.value if one.before else None,
            ]
            for one in found
        ),
    )


@bp.get("/performance/kinds")
@audience(Permission.SEE_CONTRACTS)
def kinds() -> str:
    """What a year of scorecards says of each kind of help: something to begin the next plan from."""
    until = asked_month() or queries.latest_month(acting()) or clock.today().replace(day=1)
    return render_template(
        "contracts/performance/kinds.html",
        found=queries.by_category(acting(), until=until),
        until=until,
        months=queries.MONTHS_TOGETHER,
        rules=rules,
    )


@bp.get("/performance/kinds.csv")
@audience(Permission.SEE_CONTRACTS)
def kinds_csv() -> Response:
    """The same as CSV. No numbers of cases: they would tell of other bodies' contracts."""
    until = asked_month() or queries.latest_month(acting()) or clock.today().replace(day=1)
    return csv_download(
        "performance-by-kind-of-help.csv",
        ["kind_of_help", "measure", "contracts", "percent"],
        (
            [one.category, one.measure.value, one.contracts, one.percent]
            for one in queries.by_category(acting(), until=until)
        ),
    )
