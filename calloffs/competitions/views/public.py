"""The public notices: everyone sees what is open for bids, and what was."""

from __future__ import annotations

from flask import render_template, request

from calloffs.competitions import queries
from calloffs.competitions.rules import Stage
from calloffs.competitions.views import bp
from marketplace import clock
from marketplace.access import PUBLIC, audience
from marketplace.framework import queries as framework
from marketplace.places import queries as places


@bp.get("/notices")
@audience(PUBLIC)
def notices() -> str:
    """What is open for bids, soonest deadline first; or what has closed and is not decided."""
    now = clock.now()
    stage = Stage.CLOSED if request.args.get("show") == "closed" else Stage.OPEN
    category, place = request.args.get("category") or None, request.args.get("place") or None
    return render_template(
        "calloffs/competitions/notices.html",
        found=queries.notices(
            now=now,
            stage=stage,
            category_code=category,
            place_code=place,
            page=request.args.get("page", 1, type=int),
        ),
        stage=stage,
        category=category,
        place=place,
        categories=framework.categories(),
        places=places.choices(),
    )


@bp.get("/notices/<int:competition_id>")
@audience(PUBLIC)
def notice(competition_id: int) -> str:
    """One public notice: what is wanted, where, for how much, by when. Nothing about who was invited or has bid."""
    competition = queries.public_competition(competition_id)
    return render_template(
        "calloffs/competitions/notice.html", competition=competition, stage=competition.stage(clock.now())
    )
