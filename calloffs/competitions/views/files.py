"""A commissioner's call-offs: the list, and the file of each."""

from __future__ import annotations

from flask import render_template, request

from calloffs.competitions import queries
from calloffs.competitions.rules import Stage
from calloffs.competitions.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience


@bp.get("")
@audience(Permission.SEE_COMPETITION_FILE)
def index() -> str:
    """The call-offs that the body leads or funds."""
    now, wanted = clock.now(), request.args.get("stage", "")
    stage = Stage(wanted) if wanted in list(Stage) else None
    found = queries.competitions_of(acting(), stage=stage, now=now, page=request.args.get("page", 1, type=int))
    return render_template("calloffs/competitions/index.html", found=found, stage=stage, stages=list(Stage), moment=now)


@bp.get("/<int:competition_id>")
@audience(Permission.SEE_COMPETITION_FILE)
def show(competition_id: int) -> str:
    """The file: where the call-off is, what comes next, what has happened."""
    actor, now = acting(), clock.now()
    competition = queries.competition_for(actor, competition_id)
    return render_template(
        "calloffs/competitions/show.html",
        competition=competition,
        stage=competition.stage(now),
        invited=queries.invited(competition.id),
        leads=competition.organisation_id == actor.organisation,
        is_author=competition.author_id == actor.person,
    )
