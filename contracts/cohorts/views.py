"""Pages of cohorts: who was referred, before a need is planned; and a service's figures for the next plan."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.rules import months_after
from contracts.cohorts import queries
from contracts.cohorts.queries import Asked
from contracts.cohorts.rules import FEWEST, ROUNDED_TO, By
from contracts.referrals.rules import Complexity
from contracts.volumes.queries import line_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.queries import organisation
from marketplace.framework import queries as framework
from marketplace.places import queries as places
from marketplace.spreadsheets import csv_download

bp = Blueprint("cohorts", __name__, url_prefix="/cohorts")

# Our default: the months shown unless others are asked for, and the most that can be asked for.
USUAL_MONTHS = 12
MONTHS = (3, 6, 12, 24, 36)


@bp.get("")
@audience(Permission.EXPLORE_COHORTS)
def explore() -> str:
    """Referrals of the last months in a place, by one of the things that are known of them."""
    asked, by, months = _asked(), _by(), _months()
    kept: dict[str, Any] = {
        "place": asked.place_code,
        "category": asked.category_code or None,
        "complexity": asked.complexity.value if asked.complexity else None,
        "by": by.value,
        "months": months,
    }
    return render_template(
        "contracts/cohorts/explore.html",
        asked=asked,
        by=by,
        months=months,
        counts=queries.cohort(acting(), asked, by=by),
        choices=list(By),
        month_choices=MONTHS,
        complexities=list(Complexity),
        categories=framework.categories(),
        places=places.choices(),
        csv_url=url_for("cohorts.as_csv", **kept),
        fewest=FEWEST,
        rounded_to=ROUNDED_TO,
    )


@bp.get("/cohorts.csv")
@audience(Permission.EXPLORE_COHORTS)
def as_csv() -> Response:
    """The same as CSV: a count that is too small to be shown is an empty cell."""
    asked, by = _asked(), _by()
    found = queries.cohort(acting(), asked, by=by)
    return csv_download(
        f"cohorts-{by.value}.csv",
        (by.value, "from", "to", "referrals_rounded"),
        [(row.name, asked.first, asked.last, row.shown) for row in found.rows]
        + [("All", asked.first, asked.last, found.total)],
    )


@bp.get("/next-plan/<int:line_id>")
@audience(Permission.PLAN)
def next_plan(line_id: int) -> Response:
    """Plan the next service with the figures of this one (R73)."""
    line, today = line_for(acting(), line_id), clock.today()
    history = queries.history_of(line, on=today)
    served = line.terms_on(today).places
    return redirect(
        url_for(
            "plans.new",
            title=line.title,
            category=line.categories[0].code if line.categories else None,
            place=served[0].code if served else None,
            history=",".join(f"{year}:{count}" for year, count in history.years) or None,
            source=history.source,
        )
    )


def _asked() -> Asked:
    """What is asked for; without a place, the one that the body serves."""
    today = clock.today()
    own = organisation(acting().organisation).place_code if "place" not in request.args else ""
    first = months_after(today, -_months())
    return Asked(
        first=date(first.year, first.month, 1),
        last=today,
        place_code=request.args.get("place", own or ""),
        category_code=request.args.get("category", ""),
        complexity=next((one for one in Complexity if one.value == request.args.get("complexity")), None),
    )


def _months() -> int:
    months = request.args.get("months", USUAL_MONTHS, type=int)
    return months if months in MONTHS else USUAL_MONTHS


def _by() -> By:
    return next((one for one in By if one.value == request.args.get("by")), By.CATEGORY)
