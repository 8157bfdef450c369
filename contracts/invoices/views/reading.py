"""The list of invoices, and one of them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.invoices import queries
from contracts.invoices.models import Invoice
from contracts.invoices.queries import Filter, Order
from contracts.invoices.rules import InvoiceKind, InvoiceStatus
from contracts.invoices.views import bp
from contracts.ledger.queries import days_paid, interest_by_item
from contracts.ledger.rules import ABOVE_BASE
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("number", "kind", "contract", "supplier", "funder", "period_from", "period_to", "share_percent"),
    *("net", "vat_rate", "vat", "amount", "credited", "left_to_pay", "po_number", "status", "in_dispute"),
    *("raised_on", "due_on", "approved_on", "paid_on", "paid_amount"),
)
FILTERS = ("status", "kind", "agreement", "funder", "month", "dispute", "sort")

_Member = TypeVar("_Member", bound=StrEnum)


def member(kind: type[_Member], name: str) -> _Member | None:
    """What was asked for under this name, if it is one of these."""
    value = request.args.get(name, "")
    return kind(value) if value in list(kind) else None


def _month() -> date | None:
    try:
        return date.fromisoformat(f"{request.args.get('month', '')}-01")
    except ValueError:
        return None


def _filter() -> Filter:
    return Filter(
        status=member(InvoiceStatus, "status"),
        kind=member(InvoiceKind, "kind"),
        agreement_id=request.args.get("agreement", type=int),
        funder_id=request.args.get("funder", type=int),
        month=_month(),
        in_dispute=request.args.get("dispute") == "open",
        order=member(Order, "sort") or Order.MONTH,
    )


@bp.get("/invoices")
@audience(Permission.SEE_INVOICES)
def index() -> str:
    """The invoices one may see, narrowed, sorted, by pages; contract managers approve there."""
    actor, narrowed = acting(), _filter()
    page = queries.invoices_for(actor, narrowed, page=request.args.get("page", 1, type=int))
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in FILTERS and value}
    approves = actor.may(Permission.APPROVE_INVOICES)
    return render_template(
        "contracts/invoices/index.html",
        page=page,
        narrowed=narrowed,
        choices=queries.choices_for(actor),
        statuses=list(InvoiceStatus),
        kinds=list(InvoiceKind),
        orders=list(Order),
        kept=kept,
        to_page=lambda number: url_for("invoices.index", page=number, **kept),
        approvable={one.id for one in page.rows if approves and one.status is InvoiceStatus.AWAITING_APPROVAL},
        today=clock.today(),
    )


@bp.get("/invoices.csv")
@audience(Permission.SEE_INVOICES)
def as_csv() -> Response:
    """The same list as a CSV file, amounts in pounds."""
    return csv_download("invoices.csv", COLUMNS, (_row(one) for one in queries.all_invoices_for(acting(), _filter())))


def _row(one: Invoice) -> tuple[object, ...]:
    return (
        one.number,
        one.kind.value,
        one.agreement.reference,
        one.agreement.supplier.name,
        one.organisation.name,
        one.period_from,
        one.period_to,
        one.percent,
        one.net,
        one.vat_rate,
        one.vat,
        one.amount,
        one.credited,
        one.left,
        one.po_number,
        one.status.value,
        "yes" if one.open_dispute else "no",
        clock.london(one.raised_at).date(),
        one.due_on,
        clock.london(one.approved_at).date() if one.approved_at else None,
        clock.london(one.paid_at).date() if one.paid_at else None,
        one.paid_amount,
    )


@bp.get("/invoices/<int:invoice_id>")
@audience(Permission.SEE_INVOICES)
def show(invoice_id: int) -> str:
    """One invoice: what it asks for, what became of it, and what the person asking may do about it."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    return render_template(
        "contracts/invoices/show.html",
        invoice=invoice,
        reissues=queries.reissues_of(invoice),
        document=queries.document_of(invoice_id=invoice.id),
        can_pay=queries.may_pay(actor, invoice),
        can_approve=queries.may_approve(actor, invoice) and invoice.status is InvoiceStatus.AWAITING_APPROVAL,
        can_credit=queries.why_not_credit(actor, invoice) is None,
        can_raise_again=queries.why_not_raise_again(actor, invoice) is None,
        can_dispute=queries.why_not_dispute(actor, invoice) is None,
        interest=interest_by_item([invoice.number], on=clock.today()).get(invoice.number),
        above_base=ABOVE_BASE,
        paid_days=days_paid(invoice.number) if _is_side(actor, invoice) else (),
        other_side=invoice.organisation_id if actor.is_supplier else invoice.agreement.supplier_id,
        today=clock.today(),
    )


def _is_side(actor: Actor, invoice: Invoice) -> bool:
    """Whether the actor's organisation pays it, or is paid."""
    return actor.organisation in (invoice.organisation_id, invoice.agreement.supplier_id)


@bp.get("/invoices/number/<number>")
@audience(Permission.SEE_INVOICES)
def numbered(number: str) -> Response:
    """The invoice with this number."""
    return redirect(url_for("invoices.show", invoice_id=queries.invoice_numbered(acting(), number)))
