"""Writing a referral and sending it, looking at one, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import ServiceLine
from contracts.agreements.queries import is_suspended
from contracts.agreements.rules import contract_year
from contracts.referrals import actions, forms, queries
from contracts.referrals.models import Referral
from contracts.referrals.rules import (
    OFFER_WORKING_DAYS,
    OPEN,
    REFERRAL_MOVES,
    UNSENT,
    Attendance,
    Complexity,
    ReferralStatus,
    calls_for_oversight,
    ordinal,
    undone_by,
)
from contracts.referrals.views import bp
from contracts.referrals.views.steps import Answer, with_reason
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import Full, Refused
from marketplace.framework.models import DesiredOutcome
from marketplace.framework.queries import outcomes
from marketplace.transactions import transaction


@bp.route("/new/<int:line_id>", methods=["GET", "POST"])
@audience(Permission.REFER)
def new(line_id: int) -> Answer:
    """Refer somebody: write, check, send; or wait, where the service is full. What is typed travels in bodies only."""
    actor, now = acting(), clock.now()
    on = clock.london(now).date()
    line = queries.open_line(line_id, on)
    known = [one for category in line.categories for one in outcomes(category.code)]
    form = forms.ReferralForm.for_line(line, known)
    step = request.form.get("step", "")
    if request.method == "POST" and step != "change" and form.validate():
        if step not in ("send", "wait"):
            return _check(line, form, known, on=on)
        try:
            with transaction():
                referral = actions.send(line_id, _need(form), actor=actor, now=now, or_wait=step == "wait")
        except Full as full:
            with transaction():
                actions.settle(line_id, now=now)
            return _check(queries.open_line(line_id, on), form, known, on=on, refused=full.words), full.status
        except Refused as refused:
            form.show_refusal(refused)
            line = queries.open_line(line_id, on)
        else:
            return _written(referral)
    return render_template(
        "contracts/referrals/new.html",
        line=line,
        form=form,
        room=queries.room(line, on),
        queue=queries.queue_of(line_id),
        notices=queries.notices_of([line_id], on).get(line_id, ()),
        crn_hint=forms.CRN_HINT,
    )


def _check(
    line: ServiceLine, form: forms.ReferralForm, known: Sequence[DesiredOutcome], *, on: date, refused: str = ""
) -> str:
    """What was typed, to be checked: then it is sent, or put on the waiting list of a service that is full."""
    next_year = contract_year(line.agreement.starts_on, on)[1] + timedelta(days=1)
    return render_template(
        "contracts/referrals/check.html",
        line=line,
        answers=form,
        known={one.code: one for one in known},
        full=bool(refused) or queries.room(line, on) == 0,
        refused=refused,
        place=ordinal(queries.queue_of(line.id).waiting + 1),
        held_for=OFFER_WORKING_DAYS,
        next_year=next_year if queries.takes_referrals(line.id, next_year) else None,
    )


def _written(referral: Referral) -> Response:
    if referral.status is ReferralStatus.WAITING:
        place = ordinal(queries.place_in_queue(referral))
        words = f"{referral.reference} is {place} on the waiting list. You get an email when a place is free."
    else:
        words = f"Referral {referral.reference} was sent. You will hear when it is accepted."
    flash(words, "success")
    return redirect(url_for("referrals.show", referral_id=referral.id))


def _need(form: forms.ReferralForm) -> actions.Need:
    days: Any = form.rar_days.data
    return actions.Need(
        crn=str(form.crn.data),
        category_code=form.category.data,
        need=str(form.need.data),
        outcome_codes=form.outcomes.data or [],
        complexity=Complexity(form.complexity.data),
        rar_days=days,
    )


@bp.get("/<int:referral_id>")
@audience(Permission.SEE_REFERRALS)
def show(referral_id: int) -> str:
    """One referral with all about it. The look is on record before anything is shown."""
    actor, now = acting(), clock.now()
    with transaction():
        words = actions.look(referral_id, actor=actor, now=now)
    referral = queries.referral_for(actor, referral_id)
    is_officer = queries.is_officer_of(actor, referral)
    events = [one for one in events_for(referral) if is_officer or _is_told(one, referral, actor)]
    earlier = queries.came_from(referral)
    return render_template(
        "contracts/referrals/show.html",
        referral=referral,
        words=words,
        reached=queries.outcomes_reached(referral.id),
        is_officer=is_officer,
        is_manager=queries.is_manager_of(actor, referral),
        moves=REFERRAL_MOVES[referral.status],
        Status=ReferralStatus,
        unsent=referral.status in UNSENT,
        earlier=earlier,
        reads_earlier=earlier is not None and queries.may_read_earlier(actor, referral, earlier),
        # Where somebody has gone is told to their officer, not to the supplier they left.
        goes_on=queries.goes_on_as(referral) if is_officer else None,
        may_undo_move=is_officer
        and referral.status in UNSENT | {ReferralStatus.SENT}
        and earlier is not None
        and earlier.ended_at is not None
        and clock.london(now).date() <= undone_by(clock.london(earlier.ended_at).date()),
        may_write_consent=is_officer or referral.status in OPEN,
        place=ordinal(queries.place_in_queue(referral)) if referral.status is ReferralStatus.WAITING else "",
        is_open=queries.takes_referrals(referral.line_id, clock.london(now).date()),
        is_suspended=is_suspended(referral.line_id, clock.london(now).date()),
        missed=[one for one in referral.sessions if one.attendance is Attendance.MISSED],
        oversight=calls_for_oversight(one.absence for one in referral.sessions),
        done=[event for event in events if event.what != actions.LOOKED],
        looks=[event for event in events if event.what == actions.LOOKED],
    )


def _is_told(event: AuditEvent, referral: Referral, actor: Actor) -> bool:
    """Whether the supplier is told of something that was done: by its own people; by others until it was moved on.

    Who reads its record elsewhere would tell it where the person has gone.
    """
    if event.organisation_id == actor.organisation_id:
        return True
    moved_at = referral.ended_at if referral.status is ReferralStatus.TRANSFERRED else None
    others = (referral.officer_organisation_id, referral.line.agreement.commissioner_id, None)
    return event.organisation_id in others and (moved_at is None or event.at <= moved_at)


@bp.route("/<int:referral_id>/withdraw", methods=["GET", "POST"])
@audience(Permission.REFER)
def withdraw(referral_id: int) -> Answer:
    """Take back a referral one has sent, with a reason."""
    return with_reason(referral_id, "Withdraw", "Withdrawn. The supplier is told")
