"""The supplier's report: all that a contract asks for on one page (R125)."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, queries
from contracts.mobilisation.forms import ReportForm
from contracts.mobilisation.views import Answer, bp
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.errors import NotAllowed, Refused
from marketplace.transactions import transaction


@bp.route("/<int:agreement_id>/report", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def report(agreement_id: int) -> Answer:
    """What was reached of each promise that has its day, and each subcontractor's part of the quarters that are over.

    What is entered is taken; what is left empty is asked for again.
    """
    actor, today = acting(), clock.today()
    agreement = queries.contract_for(actor, agreement_id)
    if queries.side_of(actor, agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only the supplier reports on its contract.")
    owed = queries.due_reports(queries.promises_of(agreement), agreement.ends_on, today)
    quarters = queries.chain_of(agreement, today).to_report
    form = ReportForm.for_contract(
        [(one.promise.id, one.due_on) for one in owed],
        [(member.id, first) for (first, _), asked in quarters for member in asked],
    )
    status = 200
    if form.validate_on_submit():
        form.quarters()  # marks the quarters that lack a part
        if not form.errors:
            try:
                taken = _take(form, agreement, actor)
            except Refused as refused:
                form.show_refusal(refused)
                status = refused.status
            else:
                if taken:
                    flash("Your report is in. Thank you.", "success")
                    return redirect(url_for("mobilisation.promises", agreement_id=agreement_id))
                form.show_refusal(Refused("Enter at least one answer."))
    page = render_template(
        "contracts/mobilisation/report.html", form=form, agreement=agreement, owed=owed, quarters=quarters
    )
    return page, 422 if form.errors and status == 200 else status


def _take(form: ReportForm, agreement: Agreement, actor: Actor) -> int:
    """Keep all that was entered, or nothing of it; how many answers that was."""
    now, taken = clock.now(), 0
    with transaction():
        for key, day, reached, words in form.reached():
            promise = queries.promise_for(actor, key)
            actions.report_on_promise(promise, due_on=day, reached=reached, words=words, actor=actor, now=now)
            taken += 1
        for first, parts in form.quarters().items():
            actions.report_quarter(agreement, quarter_begins=first, parts=parts, actor=actor, now=now)
            taken += 1
    return taken
