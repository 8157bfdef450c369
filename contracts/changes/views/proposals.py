"""What a supplier proposes to change, and the lead's answer."""

from __future__ import annotations

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import Side
from contracts.changes import actions, queries
from contracts.changes.forms import ProposalForm, ReasonForm
from contracts.changes.models import Proposal
from contracts.changes.views import Answer, ask, bp, press
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed
from marketplace.transactions import transaction


@bp.route("/<int:agreement_id>/changes/propose", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def propose(agreement_id: int) -> Answer:
    """Say what to change, from when and why."""
    actor, form = acting(), ProposalForm()
    agreement = agreement_for(actor, agreement_id)
    if manages_for(actor, agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only those who manage delivery at the supplier propose a change.")
    back = url_for("changes.index", agreement_id=agreement.id)

    def send() -> str:
        actions.propose(
            agreement,
            what=form.what.data,
            reason=form.reason.data,
            from_on=form.from_on.data,
            ends_on=form.ends_on.data,
            actor=actor,
            now=clock.now(),
        )
        return back

    return ask(
        form,
        "form",
        send,
        said="The commissioner has been asked.",
        agreement=agreement,
        heading="Propose a change",
        button="Send the proposal",
        back=back,
    )


@bp.post("/proposals/<int:proposal_id>/take-up")
@audience(Permission.MANAGE_CONTRACTS)
def take_up(proposal_id: int) -> Response:
    """Draft a change from it."""
    proposal = _answering(proposal_id)
    with transaction():
        variation = actions.take_up(proposal, actor=acting(), now=clock.now())
        to = url_for("changes.show", variation_id=variation.id)
    flash("A draft is begun from the proposal. Write its parts, then ask the funders.", "success")
    return redirect(to)


@bp.route("/proposals/<int:proposal_id>/decline", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def decline(proposal_id: int) -> Answer:
    """Say why not."""
    proposal, form = _answering(proposal_id), ReasonForm()
    del form.round

    def say_no() -> str:
        actions.decline(proposal, reason=form.reason.data, actor=acting(), now=clock.now())
        return _to(proposal)

    return ask(
        form,
        "form",
        say_no,
        said="Declined. The supplier is told why.",
        agreement=proposal.agreement,
        heading="Decline the proposal",
        button="Decline",
        back=_to(proposal),
    )


@bp.post("/proposals/<int:proposal_id>/take-back")
@audience(Permission.MANAGE_DELIVERY)
def take_proposal_back(proposal_id: int) -> Response:
    """No longer propose it."""
    proposal = queries.proposal_for(acting(), proposal_id)
    return press(
        lambda: actions.take_proposal_back(proposal, actor=acting(), now=clock.now()),
        to=_to(proposal),
        said="The proposal is taken back.",
    )


def _answering(proposal_id: int) -> Proposal:
    proposal = queries.proposal_for(acting(), proposal_id)
    if manages_for(acting(), proposal.agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner answers a proposal.")
    return proposal


def _to(proposal: Proposal) -> str:
    return url_for("changes.index", agreement_id=proposal.agreement_id)
