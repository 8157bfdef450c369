"""Boards: a region's or the nation's services together."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import queries
from contracts.volumes.queries import Board, By
from contracts.volumes.rules import Standing
from contracts.volumes.views import bp
from contracts.volumes.views.asked import day_asked
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.paging import Page, before, nearest_page
from marketplace.places import queries as places
from marketplace.places.rules import Level
from marketplace.spreadsheets import csv_download

BOARD_COLUMNS = [
    *("area", "kind_of_help", "services", "planned_this_year", "profile_to_date", "referrals_to_date"),
    *("percent_of_profile", "cap", "room", "due_to_date", "used_to_date", "difference"),
    *("delivered_to_date", "waiting_now", "services_taking_referrals", "contracts_to_come", "cap_to_come"),
]


@bp.get("/nation")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def nation() -> str:
    """Every region's services together: commissioned against referred, paid against used."""
    board = queries.nation(acting(), on=day_asked(), by=_by())
    return _board("volumes.nation", "Volumes of the nation", board)


@bp.get("/nation.csv")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def nation_csv() -> Response:
    """The same figures as CSV."""
    return _board_csv("nation", queries.nation(acting(), on=day_asked(), by=_by()))


@bp.get("/places/<place_code>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def region(place_code: str) -> str:
    """Supply and demand in a region (or any place): one's services there by area and kind of help."""
    place = places.place(place_code)
    board = queries.region(acting(), place.code, on=day_asked(), by=_by())
    return _board("volumes.region", f"Volumes in {place.name}", board, place_code=place.code)


@bp.get("/places/<place_code>.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def region_csv(place_code: str) -> Response:
    """The same figures as CSV."""
    place = places.place(place_code)
    return _board_csv(place.code, queries.region(acting(), place.code, on=day_asked(), by=_by()))


def _by() -> By:
    return next((one for one in By if one.value == request.args.get("by")), By.AREA)


def _board(endpoint: str, title: str, board: Board, **values: str) -> str:
    number = nearest_page(request.args.get("page", 1, type=int), len(board.rows))
    kept: dict[str, Any] = {"by": _by().value, "on": day_asked() if "on" in request.args else None, **values}
    return render_template(
        "contracts/volumes/board.html",
        title=title,
        board=board,
        page=Page(board.rows[before(number) : before(number + 1)], len(board.rows), number),
        by=_by(),
        choices=list(By),
        on=day_asked(),
        today=clock.today(),
        url=lambda **changed: url_for(endpoint, **{**kept, **changed}),
        page_url=lambda number: url_for(endpoint, **kept, page=number),
        csv_url=url_for(f"{endpoint}_csv", **kept),
        place_code=values.get("place_code"),
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
                *(one.cap, one.room, one.paid, one.used, one.paid - one.used, one.delivered),
                one.waiting if day_asked() == clock.today() else None,
                *(one.taking, one.to_come, one.cap_to_come),
            ]
            for area, category, one in [
                *((row.area, row.category, row.tally) for row in board.rows),
                ("All, each service once", "", board.total),
            ]
        ),
    )
