"""The chase list: what is late, service by service."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import actions, queries
from contracts.volumes.rules import ACCEPT_WITHIN, ASSESS_WITHIN
from contracts.volumes.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction


@bp.get("/chasing")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def chasing() -> str:
    """Services at which referrals are late, in numbers. Nobody is named."""
    text, today = _text(), clock.today()
    return render_template(
        "contracts/volumes/chasing.html",
        page=queries.late(acting(), text=text, on=today, number=request.args.get("page", 1, type=int)),
        text=text,
        today=today,
        accept_within=ACCEPT_WITHIN,
        assess_within=ASSESS_WITHIN,
        page_url=lambda number: url_for("volumes.chasing", page=number, text=text or None),
    )


@bp.get("/chasing.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def chasing_csv() -> Response:
    """The same list as CSV, all of it."""
    today = clock.today()
    return csv_download(
        "late-referrals.csv",
        ("contract", "service", "supplier", "not_accepted", "no_session_attended", "not_recorded", "longest_days"),
        (
            [
                *(one.line.agreement.reference, one.line.title, one.line.agreement.supplier.name),
                *(one.unaccepted, one.unassessed, one.unrecorded, one.longest_days(today)),
            ]
            for one in queries.every_late(acting(), text=_text(), on=today)
        ),
    )


@bp.post("/<int:line_id>/chase")
@audience(Permission.ACT_ON_VOLUMES)
def chase(line_id: int) -> Response:
    """Write to the supplier about it."""
    with transaction():
        found = actions.chase(line_id, actor=acting(), now=clock.now())
    flash(f"{found.line.agreement.supplier.name} is written to about {found.line.title}.", "success")
    return redirect(url_for("volumes.chasing"))


def _text() -> str:
    return request.args.get("text", "").strip()[:100]
