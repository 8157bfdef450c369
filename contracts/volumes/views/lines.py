"""Services one by one: the list of those that concern one's organisation, and each one's contract year."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.queries import is_suspended
from contracts.volumes import forms, queries, rules
from contracts.volumes.rules import Standing
from contracts.volumes.views import bp
from contracts.volumes.views.asked import day_asked, kept, narrowed_asked, place_choices
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.queries import organisation
from marketplace.framework.queries import categories
from marketplace.spreadsheets import csv_download

LIST_COLUMNS = [
    *("contract", "service", "supplier", "standing", "referrals_to_date", "profile_to_date", "year_end_at_this_rate"),
    *("likely_from", "likely_to", "planned_this_year", "cap", "room", "due_to_date", "used_to_date"),
]


@bp.get("/")
@audience(Permission.SEE_VOLUMES)
def index() -> str:
    """The services that concern one's organisation, those first on which somebody should act."""
    narrowed = narrowed_asked()
    return render_template(
        "contracts/volumes/index.html",
        page=queries.lines_for(acting(), narrowed, on=clock.today(), number=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        kept=kept(narrowed),
        categories=categories(),
        places=place_choices(),
        orders=list(queries.Order),
        place=organisation(acting().organisation).place_code,
        page_url=lambda number: url_for("volumes.index", page=number, **kept(narrowed)),
        rules=rules,
    )


@bp.get("/services.csv")
@audience(Permission.SEE_VOLUMES)
def index_csv() -> Response:
    """The same list as CSV, all of it."""
    rows = queries.with_lines(queries.chosen(acting(), narrowed_asked(), on=clock.today()))
    return csv_download("volumes.csv", LIST_COLUMNS, (_listed(row) for row in rows))


def _listed(row: queries.LinePosition) -> list[object]:
    found, agreement = row.position, row.line.agreement
    likely, both = found.likely_range, rules.paid_against_used(found)
    return [
        *(agreement.reference, row.line.title, agreement.supplier.name, found.standing.value),
        *(found.counted, found.expected, found.projected),
        *((likely.low, likely.high) if likely else (None, None)),
        *(found.planned, found.cap, found.room),
        *((both.paid, both.used) if both else (None, None)),
    ]


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
        is_stopped=is_suspended(line_id, position.on),
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
