"""What a grant's instalments were used for: reported by its holder, accepted or asked about by the lead."""

from __future__ import annotations

from flask import url_for

from contracts.invoices import actions, queries
from contracts.invoices.forms import DecideUseForm, UseForm
from contracts.invoices.rules.granting import UseStatus
from contracts.invoices.views import bp
from contracts.invoices.views.instalments import CLAIM
from contracts.invoices.views.money import may_manage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.presentation import pounds_exact


@bp.route("/instalments/<int:instalment_id>/use", methods=["GET", "POST"])
@audience(*CLAIM)
def report_use(instalment_id: int) -> Answer:
    """The grant holder says what an instalment was used for."""
    actor, form = acting(), UseForm()
    made = queries.instalment_for(actor, instalment_id)
    if not queries.may_claim(actor, made.agreement):
        raise NotAllowed("The supplier reports what an instalment was used for.")
    before = queries.use_of(made.id)
    if before is not None and before.status is not UseStatus.ASKED:
        raise AlreadyDone("The use of this instalment is reported already.")
    if before is not None and not form.is_submitted():
        form.spent.data, form.what.data, form.shown_by.data = before.spent, before.what, before.shown_by
    to = url_for("invoices.instalments", agreement_id=made.agreement_id)
    return ask(
        form,
        lambda: actions.report_use(
            made,
            spent=form.spent.data,
            what=form.what.data,
            shown_by=form.shown_by.data,
            actor=actor,
            now=clock.now(),
        ),
        to=to,
        said="The use is reported. The lead commissioner has been told.",
        template="contracts/invoices/use.html",
        heading=f"What instalment {made.number} was used for",
        made=made,
        use=before,
        received=queries.received_for(made.id),
        button="Report it",
        back=to,
        agreement=made.agreement,
    )


@bp.route("/instalment-uses/<int:use_id>/decide", methods=["GET", "POST"])
@audience(Permission.APPROVE_INVOICES)
def decide_use(use_id: int) -> Answer:
    """The lead commissioner accepts what was reported, or asks."""
    actor, form = acting(), DecideUseForm()
    use = queries.use_for(actor, use_id)
    agreement = use.instalment.agreement
    if not may_manage(agreement):
        raise NotAllowed("A contract manager of the lead commissioner accepts what an instalment was used for.")
    if use.status is not UseStatus.SENT:
        raise AlreadyDone("This report does not wait for an answer any more.")

    def act() -> None:
        if form.verdict.data == "yes":
            actions.accept_use(use, actor=actor, now=clock.now())
        elif form.question.data:
            actions.ask_about_use(use, question=form.question.data, actor=actor, now=clock.now())
        else:
            raise Invalid("Say what you ask", field="question")

    said = f"Accepted. {pounds_exact(use.unspent)} is owed back to the funders." if use.unspent else "Accepted."
    to = url_for("invoices.instalments", agreement_id=agreement.id)
    return ask(
        form,
        act,
        to=to,
        said=said if form.verdict.data == "yes" else "The supplier has been asked.",
        template="contracts/invoices/use.html",
        heading=f"What instalment {use.instalment.number} was used for",
        made=use.instalment,
        use=use,
        received=use.received,
        button="Decide",
        back=to,
        agreement=agreement,
    )
