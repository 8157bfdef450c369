"""What the provider says of one invoice's payment."""

from __future__ import annotations

from flask import render_template

from contracts.invoices import queries as invoices
from contracts.payments import queries
from contracts.payments.views import bp
from marketplace.access import Permission, acting, audience


@bp.get("/invoices/<int:invoice_id>/payment")
@audience(Permission.SEE_INVOICES)
def of_invoice(invoice_id: int) -> str:
    """When it went to the provider, how it was paid there, what was given back or taken back."""
    invoice = invoices.invoice_for(acting(), invoice_id)
    return render_template(
        "contracts/payments/of_invoice.html",
        invoice=invoice,
        found=queries.paid_through(invoice),
        is_supplier=invoices.may_credit(acting(), invoice),
    )
