"""When in the year referrals of a service are expected: what was set, and setting it anew."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import actions, forms, queries, rules
from contracts.volumes.rules import Position
from contracts.volumes.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed, Refused
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


@bp.get("/<int:line_id>/seasons")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def seasons(line_id: int) -> str:
    """How much each month weighs, and every season that was ever set."""
    line, today = queries.line_for(acting(), line_id), clock.today()
    return render_template(
        "contracts/volumes/seasons.html",
        line=line,
        now_=queries.season_on(line_id, today),
        seasons=queries.seasons(line_id),
        today=today,
        months=forms.month_names(),
        even=rules.EVEN,
        may_set=queries.may_set_season(acting(), line),
    )


@bp.route("/<int:line_id>/season", methods=["GET", "POST"])
@audience(Permission.ACT_ON_VOLUMES)
def season(line_id: int) -> Answer:
    """Weigh the months, look at what that does to the profile, and set it."""
    actor, today = acting(), clock.today()
    line = queries.line_for(actor, line_id)
    if not queries.may_set_season(actor, line):
        raise NotAllowed("Only those who act on volumes for the body that leads the contract can set a season.")
    known = dict(zip(forms.MONTHS, queries.season_on(line_id, today), strict=True))
    form, status = forms.SeasonForm(data={**known, "from_day": today}), 200
    step = request.form.get("step", "")
    if form.is_submitted() and step != "change":
        if not form.validate():
            status = 422
        elif step != "set" and not _fault(form):
            return _preview(line_id, form)
        elif step == "set":
            try:
                with transaction():
                    actions.set_season(
                        line_id,
                        form.weights,
                        from_day=form.from_day.data,
                        reason=str(form.reason.data),
                        actor=actor,
                        now=clock.now(),
                    )
            except Refused as refused:
                form.show_refusal(refused)
                status = refused.status
            else:
                flash("The season is set, and the supplier is told.", "success")
                return redirect(url_for("volumes.seasons", line_id=line_id))
        else:
            status = 422
    line = queries.line_for(actor, line_id)
    return render_template("contracts/volumes/season.html", line=line, form=form, most=rules.MOST_WEIGHT), status


def _fault(form: forms.SeasonForm) -> bool:
    """Whether no season has these weights; it is shown at the first month."""
    faults = rules.season_faults(form.weights)
    form.month_1.errors = [*form.month_1.errors, *faults]
    return bool(faults)


def _preview(line_id: int, form: forms.SeasonForm) -> str:
    line = queries.line_for(acting(), line_id)
    before = queries.position(line, on=clock.today())
    after: Position = replace(before, year=replace(before.year, season=form.weights))
    return render_template(
        "contracts/volumes/season_preview.html",
        line=line,
        form=form,
        months=list(zip(forms.month_names(), form.weights, strict=True)),
        before=before,
        after=after,
        steps=list(zip(rules.steps(before, {}), rules.steps(after, {}), strict=True)),
    )
