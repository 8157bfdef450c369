"""Giving up a contract that one side never signs."""

from __future__ import annotations

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import Side
from contracts.changes import actions, queries
from contracts.changes.forms import ReasonForm
from contracts.changes.models import Abandonment
from contracts.changes.views import Answer, ask, bp, press
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed, NotFound


@bp.get("/<int:agreement_id>/abandonment")
@audience(Permission.SEE_CONTRACTS)
def abandonment(agreement_id: int) -> str:
    """Why it is to be given up, and what the approver decides."""
    actor = acting()
    agreement, asked = _asked(agreement_id, or_kept=True)
    return render_template(
        "contracts/changes/abandonment.html",
        agreement=agreement,
        asked=asked,
        may_decide=queries.may_decide(actor, asked),
    )


@bp.route("/<int:agreement_id>/abandon", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def propose_abandoning(agreement_id: int) -> Answer:
    """Ask the approver."""
    actor, form = acting(), ReasonForm()
    del form.round
    agreement = agreement_for(actor, agreement_id)
    if manages_for(actor, agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")

    def propose() -> str:
        actions.propose_abandoning(agreement, reason=form.reason.data, actor=actor, now=clock.now())
        return url_for("changes.abandonment", agreement_id=agreement.id)

    return ask(
        form,
        "abandon",
        propose,
        said="Your approver has been asked.",
        agreement=agreement,
        heading="Abandon the contract",
        button="Ask the approver",
        back=url_for("agreements.show", agreement_id=agreement.id),
    )


@bp.post("/<int:agreement_id>/abandonment/approve")
@audience(Permission.APPROVE_CHANGES)
def abandon(agreement_id: int) -> Response:
    """Give it up."""
    agreement, asked = _asked(agreement_id)
    return press(
        lambda: actions.abandon(asked, actor=acting(), now=clock.now()),
        to=url_for("agreements.show", agreement_id=agreement.id),
        said="The contract is abandoned. The supplier and all who bid are told.",
    )


@bp.route("/<int:agreement_id>/abandonment/keep", methods=["GET", "POST"])
@audience(Permission.APPROVE_CHANGES)
def keep(agreement_id: int) -> Answer:
    """Do not give it up, with the reason."""
    (agreement, asked), form = _asked(agreement_id), ReasonForm()
    del form.round

    def go_on() -> str:
        actions.keep(asked, reason=form.reason.data, actor=acting(), now=clock.now())
        return url_for("agreements.show", agreement_id=agreement.id)

    return ask(
        form,
        "form",
        go_on,
        said="The contract goes on waiting for its signatures.",
        agreement=agreement,
        heading="Do not abandon the contract",
        button="Keep the contract",
        back=url_for("changes.abandonment", agreement_id=agreement.id),
    )


def _asked(agreement_id: int, *, or_kept: bool = False) -> tuple[Agreement, Abandonment]:
    """The lead's own: the supplier learns of it when it is decided."""
    actor = acting()
    agreement = agreement_for(actor, agreement_id)
    asked = queries.latest_abandonment_of(agreement) if or_kept else queries.abandonment_of(agreement)
    if asked is None or (not asked.approved and actor.organisation_id != agreement.commissioner_id):
        raise NotFound("Nobody asks to abandon this contract.")
    return agreement, asked
