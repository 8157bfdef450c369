"""Asking for what was invoiced too little."""

from __future__ import annotations

from datetime import date

from flask import url_for

from contracts.invoices import actions, queries
from contracts.invoices.forms import SupplementForm
from contracts.invoices.rules import InvoiceKind, months_begun
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import NotAllowed


@bp.route("/contracts/<int:agreement_id>/supplements/new", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS, Permission.APPROVE_INVOICES)
def new_supplement(agreement_id: int) -> Answer:
    """The supplier's finance asks for more, or the lead's contract manager has it invoiced."""
    actor, form = acting(), SupplementForm()
    agreement = queries.contract_for(actor, agreement_id)
    if not queries.may_supplement(actor, agreement):
        raise NotAllowed("The supplier’s finance asks for more; a contract manager of the lead commissioner may, too.")
    form.offer(list(reversed(months_begun(agreement.starts_on, agreement.ends_on, clock.today()))), agreement.lines)
    approval = (
        "A contract manager of the lead commissioner approves it before it is sent."
        if actor.is_supplier
        else "By asking for it you approve it: it is sent at once, and the supplier is told."
    )
    return ask(
        form,
        lambda: actions.supplement(
            agreement,
            next(line for line in agreement.lines if str(line.id) == form.service.data),
            month=date.fromisoformat(form.month.data),
            amount=form.amount.data,
            reason=form.reason.data,
            actor=actor,
            now=clock.now(),
        ),
        to=url_for("invoices.index", agreement=agreement.id, kind=InvoiceKind.SUPPLEMENTARY.value),
        said="The supplementary invoices are raised.",
        heading="Invoice what was charged too little",
        intro=(
            "For what no invoice asked for and is owed all the same: referrals that were counted too low, say. Each "
            f"funder is invoiced its share. {approval}"
        ),
        button="Raise the invoices",
        back=url_for("invoices.money", agreement_id=agreement.id),
        agreement=agreement,
    )
