"""Pages of volumes: where every service stands against what was planned."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import queries, rules
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
@audience(Permission.SEE_VOLUMES)
def line(line_id: int) -> str:
    """One service's contract year: figures, words that say what they mean, chart and table."""
    service = queries.line_for(acting(), line_id)
    position = queries.position(service, on=clock.today())
    return render_template(
        "contracts/volumes/line.html",
        line=service,
        position=position,
        steps=queries.steps(position),
        Standing=Standing,
        rules=rules,
    )


@bp.get("/<int:line_id>.csv")
@audience(Permission.SEE_VOLUMES)
def line_csv(line_id: int) -> Response:
    """The same figures as the chart, as CSV."""
    service = queries.line_for(acting(), line_id)
    position = queries.position(service, on=clock.today())
    return csv_download(
        f"volume-{service.agreement.reference}-{service.number}.csv".replace("/", "-"),
        ["period_ends_on", "referrals", "referrals_to_date", "profile_to_date"],
        (
            [step.ends_on, step.referrals, step.actual, step.profile if position.planned else None]
            for step in queries.steps(position)
        ),
    )
