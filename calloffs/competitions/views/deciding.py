"""Approving a call-off or sending it back; cancelling it."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from calloffs.competitions import queries
from calloffs.competitions.actions import approve_and_publish, cancel, send_back
from calloffs.competitions.forms import ApprovalForm, ReasonForm
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from calloffs.competitions.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.suppliers import queries as suppliers
from marketplace.transactions import transaction


@bp.get("/<int:competition_id>/decide")
@audience(Permission.APPROVE_COMPETITION)
def decide(competition_id: int) -> str:
    """The whole of what would be published, with its warnings, for the approver."""
    competition = queries.own_competition(acting(), competition_id)
    return _decide_page(competition)


@bp.post("/<int:competition_id>/approve")
@audience(Permission.APPROVE_COMPETITION)
def approve(competition_id: int) -> Response | tuple[str, int]:
    """Approve and publish now."""
    actor = acting()
    competition = queries.own_competition(actor, competition_id)
    form = ApprovalForm()
    reason = form.needs_reason.data or ""
    try:
        with transaction():
            invited = approve_and_publish(competition, needs_reason=reason, actor=actor, now=clock.now())
    except Refused as refused:
        form.show_refusal(refused)
        return _decide_page(queries.own_competition(actor, competition_id), approval=form), refused.status
    flash(f"The call-off is published. {plural(invited, 'supplier')} invited.")
    return redirect(url_for("competitions.show", competition_id=competition_id))


@bp.post("/<int:competition_id>/send-back")
@audience(Permission.APPROVE_COMPETITION)
def return_to_author(competition_id: int) -> Response | tuple[str, int]:
    """Give it back to the author with a reason."""
    competition = queries.own_competition(acting(), competition_id)
    form = ReasonForm()
    if _done_with_reason(send_back, competition, form):
        flash("The call-off is back with its author.")
        return redirect(url_for("competitions.show", competition_id=competition_id))
    return _decide_page(competition, sending_back=form), 422


@bp.route("/<int:competition_id>/cancel", methods=["GET", "POST"])
@audience(Permission.DRAFT_COMPETITION)
def stop(competition_id: int) -> str | Response | tuple[str, int]:
    """Cancel, with a reason that everyone invited reads."""
    competition = queries.own_competition(acting(), competition_id)
    form = ReasonForm()
    if _done_with_reason(cancel, competition, form):
        flash("The call-off is cancelled. Everyone invited is told.")
        return redirect(url_for("competitions.show", competition_id=competition_id))
    page = render_template("calloffs/competitions/cancel.html", form=form, competition=competition)
    return page, 422 if form.errors else 200


def _done_with_reason(act: Callable[..., None], competition: Competition, form: ReasonForm) -> bool:
    """Whether the action was done for the reason typed; a refusal stands in the form, the call-off read afresh."""
    if not form.validate_on_submit():
        return False
    try:
        with transaction():
            act(competition, reason=form.reason.data or "", actor=acting(), now=clock.now())
    except Refused as refused:
        form.show_refusal(refused)
        db.session.refresh(competition)
        return False
    return True


def _decide_page(
    competition: Competition, *, approval: ApprovalForm | None = None, sending_back: ReasonForm | None = None
) -> str:
    if competition.status is CompetitionStatus.DRAFT:
        raise NotAllowed("This call-off is still a draft.")
    now = clock.now()
    qualified = suppliers.qualified_suppliers(competition.category_code, [one.code for one in competition.places])
    return render_template(
        "calloffs/competitions/decide.html",
        competition=competition,
        stage=competition.stage(now),
        # Of the two forms of the page, the one that was sent is shown as it was sent.
        form=sending_back or approval,
        approval=approval or ApprovalForm(formdata=None),
        sending_back=sending_back or ReasonForm(formdata=None),
        needs_reason=competition.evidence(clock.london(now).date()).needs_reason,
        waits=competition.status is CompetitionStatus.AWAITING_APPROVAL,
        is_author=competition.author_id == acting().person,
        qualified=qualified,
        warnings=queries.warnings(competition, qualified=len(qualified), now=now),
    )
