"""What is done about volumes: deciding, following up, and the log of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import Side
from contracts.mobilisation.queries import side_of
from contracts.volumes import actions as acts
from contracts.volumes import forms, queries
from contracts.volumes.models import VolumeAction
from contracts.volumes.queries import ActionFilter, ActionOrder
from contracts.volumes.rules import ActionKind, ActionStatus, Verdict
from contracts.volumes.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.queries import people_with
from marketplace.errors import NotAllowed, Refused
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


@bp.get("/actions")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def actions() -> str:
    """What is and was done about the volumes of services that concern one's organisation."""
    narrowed = _narrowed()
    kept = _kept(narrowed)
    return render_template(
        "contracts/volumes/actions.html",
        page=queries.actions(acting(), narrowed, number=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        kept=kept,
        statuses=list(ActionStatus),
        kinds=list(ActionKind),
        orders=list(ActionOrder),
        today=clock.today(),
        page_url=lambda number: url_for("volumes.actions", page=number, **kept),
    )


@bp.get("/actions.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def actions_csv() -> Response:
    """The same list as CSV, all of it."""
    return csv_download(
        "volume-actions.csv",
        (
            *("contract", "service", "supplier", "action", "what", "decided_on", "sees_to_it", "follow_up_on"),
            *("status", "last_verdict", "found"),
        ),
        (
            [
                *(one.line.agreement.reference, one.line.title, one.line.agreement.supplier.name, one.kind.label),
                *(one.what, one.decided_on, one.owner.name, one.follow_up_on, one.status.value),
                *((one.reviews[-1].verdict.label, one.reviews[-1].words) if one.reviews else (None, None)),
            ]
            for one in queries.every_action(acting(), _narrowed())
        ),
    )


def _narrowed() -> ActionFilter:
    asked = request.args.get
    return ActionFilter(
        text=asked("text", "").strip()[:100],
        status=next((one for one in ActionStatus if one.value == asked("status")), None),
        kind=next((one for one in ActionKind if one.value == asked("kind")), None),
        order=next((one for one in ActionOrder if one.value == asked("sort")), ActionOrder.FOLLOW_UP),
    )


def _kept(narrowed: ActionFilter) -> dict[str, Any]:
    return {
        "text": narrowed.text or None,
        "status": narrowed.status.value if narrowed.status else None,
        "kind": narrowed.kind.value if narrowed.kind else None,
        "sort": narrowed.order.value,
    }


@bp.route("/<int:line_id>/act", methods=["GET", "POST"])
@audience(Permission.ACT_ON_VOLUMES)
def act(line_id: int) -> Answer:
    """Choose what is done about a service's volume; then say what, by whom and until when."""
    actor, today = acting(), clock.today()
    line = queries.line_for(actor, line_id)
    if not queries.may_act(actor, line, today):
        raise NotAllowed("Only those who act on volumes for a body that leads or pays can do this.")
    kind = next((one for one in ActionKind if one.value == request.args.get("kind")), None)
    if kind is None:
        return _choose(line)
    form, status = forms.ActForm.for_kind(kind, people_with(actor.organisation, Permission.ACT_ON_VOLUMES)), 200
    if form.validate_on_submit():
        try:
            with transaction():
                action = acts.decide(line_id, _decision(kind, form), actor=actor, now=clock.now())
                to = _next(action)
        except Refused as refused:
            form.show_refusal(refused)
            line, status = queries.line_for(actor, line_id), refused.status
        else:
            flash("It is on record, and the others who can act are told.", "success")
            return redirect(to)
    elif form.is_submitted():
        status = 422
    elif form.owner.data is None:
        form.owner.data = str(actor.person)
    position = queries.position(line, on=today)
    page = render_template("contracts/volumes/act.html", line=line, kind=kind, form=form, position=position)
    return page, status


def _choose(line: ServiceLine) -> str:
    under_way = {one.kind: one for one in queries.actions_of(line.id) if one.status is ActionStatus.UNDER_WAY}
    return render_template(
        "contracts/volumes/act_choose.html",
        line=line,
        kinds=[one for one in ActionKind if one not in under_way],
        missing="asked" in request.args,
        under_way=list(under_way.values()),
        position=queries.position(line, on=clock.today()),
    )


def _decision(kind: ActionKind, form: forms.ActForm) -> acts.Decision:
    has_message, markets = kind.has_message, kind is ActionKind.MARKET
    return acts.Decision(
        kind=kind,
        what=str(form.what.data),
        owner_id=int(form.owner.data),
        follow_up_on=form.follow_up_on.data,
        message=str(form.message.data) if has_message else "",
        message_until=form.message_until.data if has_message else None,
        writes_to_officers=bool(form.writes_to_officers.data) if markets else False,
    )


def _next(action: VolumeAction) -> str:
    """Where one goes on: to the draft of the change, for those who write it; else to the action."""
    actor, agreement = acting(), action.line.agreement
    if action.kind is ActionKind.VARY and side_of(actor, agreement) is Side.COMMISSIONER:
        return url_for("changes.new", agreement_id=agreement.id)
    return url_for("volumes.action", action_id=action.id)


@bp.get("/actions/<int:action_id>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def action(action_id: int) -> str:
    """One action: what was decided, the figures then and now, and each time that it was followed up."""
    return _shown(queries.action_for(acting(), action_id), forms.FollowUpForm())


@bp.post("/actions/<int:action_id>")
@audience(Permission.ACT_ON_VOLUMES)
def follow_up(action_id: int) -> Answer:
    """Say what it has brought."""
    actor, form = acting(), forms.FollowUpForm()
    found = queries.action_for(actor, action_id)
    if not form.validate():
        return _shown(found, form), 422
    try:
        with transaction():
            acts.follow_up(
                action_id,
                due_on=_due_on(),
                verdict=Verdict(form.verdict.data),
                words=str(form.words.data),
                next_on=form.next_on.data,
                actor=actor,
                now=clock.now(),
            )
    except Refused as refused:
        form.show_refusal(refused)
        return _shown(queries.action_for(actor, action_id), form), refused.status
    flash("It is on record.", "success")
    return redirect(url_for("volumes.action", action_id=action_id))


def _due_on() -> date:
    """The day for which the follow-up was planned when its page was opened."""
    try:
        return date.fromisoformat(request.form.get("due_on", ""))
    except ValueError:
        return date.min


def _shown(found: VolumeAction, form: forms.FollowUpForm) -> str:
    actor, today = acting(), clock.today()
    line = queries.line_for(actor, found.line_id)
    over = found.status is not ActionStatus.UNDER_WAY
    return render_template(
        "contracts/volumes/action.html",
        action=found,
        line=line,
        then=queries.position(line, on=found.decided_on),
        now_=queries.position(line, on=found.reviews[-1].reviewed_on if over and found.reviews else today),
        over=over,
        form=form,
        today=today,
        may_act=queries.may_act(actor, line, today),
        may_vary=found.kind is ActionKind.VARY and side_of(actor, line.agreement) is Side.COMMISSIONER,
        Verdict=Verdict,
    )
