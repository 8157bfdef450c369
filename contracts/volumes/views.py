"""Pages of volumes: where every service stands against what was planned."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import forms, queries, rules
from contracts.volumes.queries import Board, By
from contracts.volumes.rules import Standing
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.queries import organisation
from marketplace.places import queries as places
from marketplace.places.rules import Level
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
        place=organisation(acting().organisation).place_code,
        page_url=lambda number: url_for("volumes.index", page=number, **kept),
        rules=rules,
    )


BOARD_COLUMNS = [
    *("area", "kind_of_help", "services", "planned_this_year", "profile_to_date", "referrals_to_date"),
    *("percent_of_profile", "cap", "room", "paid_to_date", "used_to_date", "difference"),
]


@bp.get("/nation")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def nation() -> str:
    """Every region's services together: commissioned against referred, paid against used."""
    board = queries.nation(acting(), on=_day(), by=_by())
    return _board("volumes.nation", "Volumes of the nation", board)


@bp.get("/nation.csv")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def nation_csv() -> Response:
    """The same figures as CSV."""
    return _board_csv("nation", queries.nation(acting(), on=_day(), by=_by()))


@bp.get("/places/<place_code>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def region(place_code: str) -> str:
    """Supply and demand in a region (or any place): one's services there by area and kind of help."""
    place = places.place(place_code)
    board = queries.region(acting(), place.code, on=_day(), by=_by())
    return _board("volumes.region", f"Volumes in {place.name}", board, place_code=place.code)


@bp.get("/places/<place_code>.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def region_csv(place_code: str) -> Response:
    """The same figures as CSV."""
    place = places.place(place_code)
    return _board_csv(place.code, queries.region(acting(), place.code, on=_day(), by=_by()))


def _by() -> By:
    return next((one for one in By if one.value == request.args.get("by")), By.AREA)


def _board(endpoint: str, title: str, board: Board, **values: str) -> str:
    kept: dict[str, Any] = {"by": _by().value, "on": _day() if "on" in request.args else None, **values}
    return render_template(
        "contracts/volumes/board.html",
        title=title,
        board=board,
        by=_by(),
        choices=list(By),
        on=_day(),
        today=clock.today(),
        url=lambda **changed: url_for(endpoint, **{**kept, **changed}),
        csv_url=url_for(f"{endpoint}_csv", **kept),
        regions=places.places_at(Level.PROBATION_REGION),
        standings=[one for one in Standing if board.total.standings[one]],
    )


def _board_csv(name: str, board: Board) -> Response:
    return csv_download(
        f"volumes-{name}.csv",
        BOARD_COLUMNS,
        (
            [
                *(area, category, one.services, one.planned, one.expected, one.counted, one.used_percent),
                *(one.cap, one.room, one.paid, one.used, one.paid - one.used),
            ]
            for area, category, one in [
                *((row.area, row.category, row.tally) for row in board.rows),
                ("All, each service once", "", board.total),
            ]
        ),
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
