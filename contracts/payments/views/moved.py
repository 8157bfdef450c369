"""Where money moved by another way than through the payment provider: the supplier's finance says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from contracts.invoices import actions
from contracts.invoices import queries as invoices
from contracts.invoices.models import Invoice
from contracts.payments import queries
from contracts.payments.forms import MovedForm
from contracts.payments.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.presentation import pounds_exact
from marketplace.transactions import transaction


@bp.route("/invoices/<int:invoice_id>/payment/came", methods=["GET", "POST"])
@audience(Permission.RECEIVE_PAYMENTS)
def came(invoice_id: int) -> str | Response | tuple[str, int]:
    """What a bank took back has come by another way."""
    invoice = invoices.invoice_for(acting(), invoice_id)
    return _asked(
        invoice,
        title=f"When did {pounds_exact(invoice.owed_again)} of invoice {invoice.number} come by another way?",
        words="Only say so when the money is in your account. The invoice then counts as paid again.",
        since=queries.undone_on(invoice) or clock.today(),
        act=lambda on: actions.paid_elsewhere(invoice, on=on, actor=acting(), now=clock.now()),
        done="The invoice counts as paid again.",
    )


@bp.route("/credit-notes/<int:credit_note_id>/given-back", methods=["GET", "POST"])
@audience(Permission.RECEIVE_PAYMENTS)
def given_back(credit_note_id: int) -> str | Response | tuple[str, int]:
    """What was paid too much, as a credit note says, has gone back by another way."""
    note = invoices.credit_note_for(acting(), credit_note_id)
    return _asked(
        note.invoice,
        title=f"When did you give {pounds_exact(note.to_refund)} back for credit note {note.number}?",
        words="The payment provider does not give this money back, so you do. Only say so once you have.",
        since=clock.london(note.issued_at).date(),
        act=lambda on: actions.given_back_elsewhere(note, on=on, actor=acting(), now=clock.now()),
        done="The funder is told that the money has gone back.",
    )


def _asked(
    invoice: Invoice, *, title: str, words: str, since: date, act: Callable[[date], None], done: str
) -> str | Response | tuple[str, int]:
    form = MovedForm()
    form.earliest = since
    if form.validate_on_submit():
        try:
            with transaction():
                act(form.on.data)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash(done)
            return redirect(url_for("payments.of_invoice", invoice_id=invoice.id), code=303)
    page = render_template("contracts/payments/moved.html", invoice=invoice, form=form, title=title, words=words)
    return page, 422 if form.errors else 200
