"""Waiting lists: taking or leaving a place that came free, leaving the list, and how many wait where."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.referrals import actions, forms, queries
from contracts.referrals.queries import QueueOrder
from contracts.referrals.rules import OFFER_WORKING_DAYS, UNSENT, Complexity, ReferralStatus
from contracts.referrals.views import bp
from contracts.referrals.views.steps import Answer, again, done
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.forms import Form
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction


@bp.route("/<int:referral_id>/confirm", methods=["GET", "POST"])
@audience(Permission.REFER)
def confirm(referral_id: int) -> Answer:
    """Take the place that is held, with what the person needs as it is now. The look is on record."""
    actor, now = acting(), clock.now()
    with transaction():
        words = actions.look(referral_id, actor=actor, now=now)
    referral = again(referral_id)
    form, status = forms.ConfirmForm(need=words.need, complexity=referral.complexity.value), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.confirm(
                    referral_id,
                    need=str(form.need.data),
                    complexity=Complexity(form.complexity.data),
                    actor=actor,
                    now=now,
                )
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return done(referral_id, "Sent to the supplier. You will hear when it is accepted.")
    elif not form.is_submitted() and referral.status is not ReferralStatus.OFFERED:
        return redirect(url_for("referrals.show", referral_id=referral_id))
    page = render_template("contracts/referrals/confirm.html", referral=again(referral_id), words=words, form=form)
    return page, status


@bp.route("/<int:referral_id>/leave", methods=["GET", "POST"])
@audience(Permission.REFER)
def leave(referral_id: int) -> Answer:
    """Ask once more, then take the person off the waiting list, or leave the place to the next in line."""
    referral = queries.referral_for(acting(), referral_id)
    form, status = Form(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                left = actions.leave(referral_id, actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            to_next = left.offered_at is not None
            return done(referral_id, "Left to the next in line." if to_next else "Taken off the waiting list.")
    elif not form.is_submitted() and referral.status not in UNSENT:
        return redirect(url_for("referrals.show", referral_id=referral_id))
    return render_template("contracts/referrals/leave.html", referral=again(referral_id), form=form), status


@bp.get("/waiting-lists")
@audience(Permission.SEE_VOLUMES)
def waiting_lists() -> str:
    """How many wait for a place, and how long, at the services that concern one's organisation. Nobody is named."""
    text, order = _narrowed()
    page = queries.waiting_lists(acting(), text=text, order=order, number=request.args.get("page", 1, type=int))
    kept: dict[str, Any] = {"text": text or None, "order": order.value}
    return render_template(
        "contracts/referrals/waiting_lists.html",
        page=page,
        text=text,
        order=order,
        orders=list(QueueOrder),
        today=clock.today(),
        held_for=OFFER_WORKING_DAYS,
        page_url=lambda number: url_for("referrals.waiting_lists", page=number, **kept),
    )


@bp.get("/waiting-lists.csv")
@audience(Permission.SEE_VOLUMES)
def waiting_lists_csv() -> Response:
    """The same list as CSV, all of it."""
    text, order = _narrowed()
    today = clock.today()
    return csv_download(
        "waiting-lists.csv",
        ("contract", "service", "supplier", "waiting", "places_held", "longest_days", "average_days"),
        (
            [
                one.line.agreement.reference,
                one.line.title,
                one.line.agreement.supplier.name,
                one.queue.waiting,
                one.queue.offered,
                one.queue.longest_days(today),
                one.queue.average_days(today),
            ]
            for one in queries.every_waiting_list(acting(), text=text, order=order)
        ),
    )


def _narrowed() -> tuple[str, QueueOrder]:
    order = next((one for one in QueueOrder if one.value == request.args.get("order")), QueueOrder.WAITING)
    return request.args.get("text", "").strip()[:100], order
