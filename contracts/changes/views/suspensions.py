"""Stopping new referrals to a contract or a service, and taking them again."""

from __future__ import annotations

from flask import url_for

from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import Side
from contracts.changes import actions, queries
from contracts.changes.forms import LiftForm, SuspendForm
from contracts.changes.views import Answer, ask, bp
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed

WHOLE = "all"


@bp.route("/<int:agreement_id>/suspend", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def suspend(agreement_id: int) -> Answer:
    """Stop new referrals, with the reason."""
    actor, form = acting(), SuspendForm()
    agreement = agreement_for(actor, agreement_id)
    if manages_for(actor, agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner stops referrals.")
    if len(agreement.lines) == 1:
        del form.line_id  # there is but one, which is the whole
    else:
        form.line_id.choices = [
            (WHOLE, "Every service of the contract"),
            *((str(line.id), line.title) for line in agreement.lines),
        ]
    if not form.is_submitted():
        form.from_on.data = clock.today()
    back = url_for("changes.index", agreement_id=agreement.id)

    def stop() -> str:
        chosen = form.line_id.data if form.line_id else WHOLE
        line = next((one for one in agreement.lines if str(one.id) == chosen), None)
        actions.suspend(
            agreement, line=line, from_on=form.from_on.data, reason=form.reason.data, actor=actor, now=clock.now()
        )
        return back

    return ask(
        form,
        "suspend",
        stop,
        agreement=agreement,
        heading="Stop new referrals",
        button="Stop new referrals",
        said="New referrals are stopped. Everybody concerned is told.",
        back=back,
    )


@bp.route("/suspensions/<int:suspension_id>/lift", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def lift(suspension_id: int) -> Answer:
    """Take referrals again, with the reason."""
    actor, form = acting(), LiftForm()
    suspension = queries.suspension_for(actor, suspension_id)
    if manages_for(actor, suspension.agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner lifts it.")
    back = url_for("changes.index", agreement_id=suspension.agreement_id)
    if not form.is_submitted():
        form.on.data = max(clock.today(), suspension.from_on)

    def again() -> str:
        actions.lift(suspension, on=form.on.data, reason=form.reason.data, actor=actor, now=clock.now())
        return back

    return ask(
        form,
        "form",
        again,
        agreement=suspension.agreement,
        heading="Take referrals again",
        button="Lift the suspension",
        said="The suspension is lifted. Everybody concerned is told.",
        back=back,
    )
