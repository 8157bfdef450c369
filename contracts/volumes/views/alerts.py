"""Alerts: the list of those that concern one's organisation, and one with what can be done about it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.queries import is_suspended
from contracts.volumes import actions, forms, queries
from contracts.volumes.models import VolumeAlert
from contracts.volumes.queries import AlertFilter, AlertOrder
from contracts.volumes.rules import AlertKind, AlertStatus
from contracts.volumes.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


@bp.get("/alerts")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def alerts() -> str:
    """What was warned of, for the services that concern one's organisation."""
    narrowed = _narrowed()
    kept = _kept(narrowed)
    return render_template(
        "contracts/volumes/alerts.html",
        page=queries.alerts(acting(), narrowed, number=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        kept=kept,
        statuses=list(AlertStatus),
        kinds=list(AlertKind),
        orders=list(AlertOrder),
        page_url=lambda number: url_for("volumes.alerts", page=number, **kept),
    )


@bp.get("/alerts.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def alerts_csv() -> Response:
    """The same list as CSV, all of it."""
    return csv_download(
        "volume-alerts.csv",
        (
            *("contract", "service", "supplier", "contract_year_begins", "alert", "volume", "raised_on"),
            *("referrals_then", "year_end_then", "status", "closed_why"),
        ),
        (
            [
                *(one.line.agreement.reference, one.line.title, one.line.agreement.supplier.name),
                *(one.year_begins, one.kind.label, one.volume, one.raised_on, one.counted, one.projected),
                *(one.status.value, one.closed_why),
            ]
            for one in queries.every_alert(acting(), _narrowed())
        ),
    )


def _narrowed() -> AlertFilter:
    asked = request.args.get
    return AlertFilter(
        text=asked("text", "").strip()[:100],
        status=next((one for one in AlertStatus if one.value == asked("status")), None),
        kind=next((one for one in AlertKind if one.value == asked("kind")), None),
        order=next((one for one in AlertOrder if one.value == asked("sort")), AlertOrder.NEWEST),
    )


def _kept(narrowed: AlertFilter) -> dict[str, Any]:
    return {
        "text": narrowed.text or None,
        "status": narrowed.status.value if narrowed.status else None,
        "kind": narrowed.kind.value if narrowed.kind else None,
        "sort": narrowed.order.value,
    }


@bp.get("/alerts/<int:alert_id>")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def alert(alert_id: int) -> str:
    """One alert: the figures when it was raised beside those of today, and what can be done."""
    return _shown(queries.alert_for(acting(), alert_id), forms.CloseForm())


@bp.post("/alerts/<int:alert_id>")
@audience(Permission.ACT_ON_VOLUMES)
def close_alert(alert_id: int) -> Answer:
    """Say why nothing more is done about it."""
    actor, form = acting(), forms.CloseForm()
    queries.alert_for(actor, alert_id)
    if form.validate():
        try:
            with transaction():
                actions.close(alert_id, why=form.why.data, actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            return _shown(queries.alert_for(actor, alert_id), form), refused.status
        flash("The alert is closed.", "success")
        return redirect(url_for("volumes.alert", alert_id=alert_id))
    return _shown(queries.alert_for(actor, alert_id), form), 422


def _shown(found: VolumeAlert, form: forms.CloseForm) -> str:
    actor, today = acting(), clock.today()
    line = queries.line_for(actor, found.line_id)
    return render_template(
        "contracts/volumes/alert.html",
        alert=found,
        line=line,
        then=queries.position(line, on=found.raised_on),
        now_=queries.position(line, on=today),
        form=form,
        actions=[one for one in queries.actions_of(line.id) if one.alert_id == found.id],
        may_act=queries.may_act(actor, line, today),
        is_stopped=is_suspended(line.id, today),
        Status=AlertStatus,
    )
