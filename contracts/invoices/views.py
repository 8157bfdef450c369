"""Invoices: the list, and one of them."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from contracts.invoices import queries
from contracts.invoices.rules import InvoiceStatus
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download

bp = Blueprint("invoices", __name__)

COLUMNS = (
    *("number", "contract", "supplier", "funder", "month", "share_percent", "amount", "status", "due_on", "paid_on"),
)


def _status() -> InvoiceStatus | None:
    chosen = request.args.get("status", "")
    return InvoiceStatus(chosen) if chosen in list(InvoiceStatus) else None


@bp.get("/invoices")
@audience(Permission.SEE_INVOICES)
def index() -> str:
    """The invoices one may see, by status and contract."""
    actor = acting()
    agreement_id = request.args.get("agreement", type=int)
    page = queries.invoices_for(
        actor, status=_status(), agreement_id=agreement_id, page=request.args.get("page", 1, type=int)
    )
    return render_template(
        "contracts/invoices/index.html",
        page=page,
        statuses=list(InvoiceStatus),
        chosen=_status(),
        agreement_id=agreement_id,
        today=clock.today(),
    )


@bp.get("/invoices.csv")
@audience(Permission.SEE_INVOICES)
def as_csv() -> Response:
    """The same list as a CSV file, amounts in pounds."""
    found = queries.all_invoices_for(acting(), status=_status(), agreement_id=request.args.get("agreement", type=int))
    return csv_download(
        "invoices.csv",
        COLUMNS,
        (
            (
                one.number,
                one.agreement.reference,
                one.agreement.supplier.name,
                one.organisation.name,
                f"{one.month:%Y-%m}",
                one.percent,
                one.amount,
                one.status.value,
                one.due_on,
                clock.london(one.paid_at).date() if one.paid_at else None,
            )
            for one in found
        ),
    )


@bp.get("/invoices/<int:invoice_id>")
@audience(Permission.SEE_INVOICES)
def show(invoice_id: int) -> str:
    """One invoice, with the way to pay it for those who may."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    can_pay = (
        invoice.status is InvoiceStatus.OPEN
        and actor.may(Permission.PAY_INVOICES)
        and invoice.organisation_id == actor.organisation_id
    )
    return render_template("contracts/invoices/show.html", invoice=invoice, can_pay=can_pay, today=clock.today())
