"""What contract managers decide: to approve."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from contracts.invoices import actions, queries
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import AlreadyDone
from marketplace.presentation import plural
from marketplace.transactions import transaction


@bp.post("/invoices/<int:invoice_id>/approve")
@audience(Permission.APPROVE_INVOICES)
def approve(invoice_id: int) -> Response:
    """Approve one invoice: it is sent for payment."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    number = invoice.number
    with transaction():
        actions.approve(invoice, actor=actor, now=clock.now())
    flash(f"Invoice {number} is approved and is being sent for payment.", "success")
    return redirect(url_for("invoices.show", invoice_id=invoice_id))


@bp.post("/invoices/approve")
@audience(Permission.APPROVE_INVOICES)
def approve_ticked() -> Response:
    """Approve every invoice that was ticked on the list. What somebody else approved meanwhile is passed over."""
    actor, done = acting(), 0
    for invoice_id in request.form.getlist("invoice", type=int):
        invoice = queries.invoice_for(actor, invoice_id)
        try:
            with transaction():
                actions.approve(invoice, actor=actor, now=clock.now())
        except AlreadyDone:
            continue
        done += 1
    if done:
        flash(f"{plural(done, 'invoice')} approved. They are being sent for payment.", "success")
    else:
        flash("Tick the invoices that you approve.", "notice")
    return redirect(url_for("invoices.index", status=request.form.get("status") or None))
