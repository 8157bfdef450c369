"""The referral desk: which services have referrals past a clock, which ones, and asking their suppliers (R72)."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.mobilisation.views import press
from contracts.performance import actions, queries
from contracts.performance.queries import DeskFilter, DeskOrder
from contracts.performance.rules import LateClock
from contracts.performance.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download


def _narrowed() -> DeskFilter:
    asked = request.args
    return DeskFilter(
        text=asked.get("text", "").replace("\x00", "").strip()[:100],
        clock=next((one for one in LateClock if one.value == asked.get("clock")), None),
        order=next((one for one in DeskOrder if one.value == asked.get("sort")), DeskOrder.MOST),
    )


@bp.get("/late")
@audience(Permission.SEE_LATE_REFERRALS)
def desk() -> str:
    """Services that concern one's organisation and have referrals past a clock."""
    narrowed = _narrowed()
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in ("text", "clock", "sort")}
    return render_template(
        "contracts/performance/desk.html",
        page=queries.desk(acting(), narrowed, on=clock.today(), number=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        clocks=list(LateClock),
        orders=list(DeskOrder),
        kept=kept,
        to_page=lambda number: url_for("performance.desk", **{**kept, "page": number}),
    )


@bp.get("/late.csv")
@audience(Permission.SEE_LATE_REFERRALS)
def desk_csv() -> Response:
    """The same list as CSV."""
    return csv_download(
        "late-referrals.csv",
        ["service", "contract", "supplier", *(one.value for one in LateClock), "last_chased_on"],
        (
            [
                one.line.title,
                one.line.agreement.reference,
                one.line.agreement.supplier.name,
                *one.late.values(),
                one.chased_on,
            ]
            for one in queries.every_late_line(acting(), _narrowed(), on=clock.today())
        ),
    )


@bp.get("/late/<int:line_id>")
@audience(Permission.SEE_LATE_REFERRALS)
def late(line_id: int) -> str:
    """One service's late referrals, by reference."""
    line = queries.late_line(acting(), line_id)
    today = clock.today()
    chases = queries.chases_of(line.id)
    return render_template(
        "contracts/performance/late.html",
        line=line,
        page=queries.late_referrals(line.id, on=today, number=request.args.get("page", 1, type=int)),
        chases=chases,
        may_chase=acting().may(Permission.CHASE_REFERRALS) and not any(one.day == today for one in chases),
        today=today,
        to_page=lambda number: url_for("performance.late", line_id=line_id, page=number),
    )


@bp.get("/late/<int:line_id>.csv")
@audience(Permission.SEE_LATE_REFERRALS)
def late_csv(line_id: int) -> Response:
    """The same as CSV."""
    line = queries.late_line(acting(), line_id)
    return csv_download(
        f"late-{line.agreement.reference}-{line.number}.csv".replace("/", "-"),
        ["referral", "clock", "late_since"],
        ([one.reference, one.clock.value, one.since] for one in queries.every_late_referral(line.id, on=clock.today())),
    )


@bp.post("/late/<int:line_id>/chase")
@audience(Permission.CHASE_REFERRALS)
def chase(line_id: int) -> Response:
    """Ask the supplier about them."""
    line = queries.late_line(acting(), line_id)
    return press(
        lambda: actions.chase(line, actor=acting(), now=clock.now()),
        to=url_for("performance.late", line_id=line_id),
        said="The supplier’s service managers have been asked about these referrals.",
    )
