"""Pages of volumes: where every service stands against what was planned."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import forms, queries, rules
from contracts.volumes.rules import Standing
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download

bp = Blueprint("volumes", __name__, url_prefix="/volumes")


@bp.get("/")
@audience(Permission.SEE_VOLUMES)
def index() -> str:
    """The services that concern one's organisation, those first on which somebody should act."""
    standing = next((one for one in Standing if one.value == request.args.get("standing")), None)
    text = request.args.get("text", "").strip()[:100]
    narrowed = queries.Narrowed(text=text, standing=standing)
    page = queries.lines_for(acting(), narrowed, on=clock.today(), number=request.args.get("page", 1, type=int))
    kept: dict[str, Any] = {"standing": standing.value if standing else None, "text": text or None}
    return render_template(
        "contracts/volumes/index.html",
        page=page,
        standing=standing,
        text=text,
        page_url=lambda number: url_for("volumes.index", page=number, **kept),
        rules=rules,
    )


@bp.get("/<int:line_id>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def line(line_id: int) -> str | Response:
    """One service's contract year, as of today or a past day: figures, words that say what they mean, chart, table."""
    service = queries.line_for(acting(), line_id)
    form = forms.DayForm(request.args) if "on-day" in request.args else forms.DayForm(data={"on": _day()})
    if "on-day" in request.args and form.validate():
        return redirect(url_for("volumes.line", line_id=line_id, on=min(form.on.data, clock.today())))
    position = queries.position(service, on=_day())
    return render_template(
        "contracts/volumes/line.html",
        line=service,
        position=position,
        steps=queries.steps(position),
        paid=rules.paid_against_used(position),
        stake=rules.at_stake(position),
        one_more=rules.one_more(position),
        form=form,
        today=clock.today(),
        Standing=Standing,
        rules=rules,
    )


@bp.get("/<int:line_id>.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def line_csv(line_id: int) -> Response:
    """The same figures as the chart, as CSV."""
    service = queries.line_for(acting(), line_id)
    position = queries.position(service, on=_day())
    return csv_download(
        f"volume-{service.agreement.reference}-{service.number}.csv".replace("/", "-"),
        ["period_ends_on", "referrals", "referrals_to_date", "profile_to_date"],
        (
            [step.ends_on, step.referrals, step.actual, step.profile if position.planned else None]
            for step in queries.steps(position)
        ),
    )


def _day() -> date:
    """The day asked about: today, or a past one."""
    today = clock.today()
    try:
        return max(min(date.fromisoformat(request.args.get("on", "")), today), date(1990, 1, 1))
    except ValueError:
        return today
