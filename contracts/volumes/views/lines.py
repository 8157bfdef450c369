"""Services one by one: the list of those that concern one's organisation, and each one's contract year."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import forms, queries, rules
from contracts.volumes.rules import Standing
from contracts.volumes.views import bp
from contracts.volumes.views.asked import day_asked
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.queries import organisation
from marketplace.spreadsheets import csv_download


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
        place=organisation(acting().organisation).place_code,
        page_url=lambda number: url_for("volumes.index", page=number, **kept),
        rules=rules,
    )


@bp.get("/<int:line_id>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def line(line_id: int) -> str | Response:
    """One service's contract year, as of today or a past day: figures, words that say what they mean, chart, table."""
    service = queries.line_for(acting(), line_id)
    form = forms.DayForm(request.args) if "on-day" in request.args else forms.DayForm(data={"on": day_asked()})
    if "on-day" in request.args and form.validate():
        return redirect(url_for("volumes.line", line_id=line_id, on=min(form.on.data, clock.today())))
    position = queries.position(service, on=day_asked())
    return render_template(
        "contracts/volumes/line.html",
        line=service,
        position=position,
        steps=queries.steps(position),
        paid=rules.paid_against_used(position),
        stake=rules.at_stake(position),
        one_more=rules.one_more(position),
        alerts=queries.alerts_of(line_id, position.first_day),
        actions=queries.actions_of(line_id),
        may_act=queries.may_act(acting(), service, clock.today()),
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
    position = queries.position(service, on=day_asked())
    return csv_download(
        f"volume-{service.agreement.reference}-{service.number}.csv".replace("/", "-"),
        ["period_ends_on", "referrals", "referrals_to_date", "profile_to_date"],
        (
            [step.ends_on, step.referrals, step.actual, step.profile if position.planned else None]
            for step in queries.steps(position)
        ),
    )
