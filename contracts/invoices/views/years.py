"""A contract year at its end: what it was reconciled to, with all that the figure was made of."""

from __future__ import annotations

from datetime import date

from flask import render_template
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.invoices import queries
from contracts.invoices.queries import Filter, Reconciliation, SpanSeen, YearSeen
from contracts.invoices.rules import InvoiceKind
from contracts.invoices.views import bp
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotFound
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("service", "first_day", "last_day", "referrals", "compared_with_bands", "planned_band", "planned_price"),
    *("charged", "band_reached", "band_from", "band_to", "band_price", "due", "difference", "of_what"),
)


def _year(agreement_id: int, first: str) -> tuple[Agreement, Reconciliation]:
    agreement = queries.contract_for(acting(), agreement_id)
    try:
        found = queries.reconciliation(acting(), agreement, date.fromisoformat(first))
    except ValueError:
        found = Reconciliation([], is_share=False)
    if not found.years:
        raise NotFound("There is no such contract year, or it is not reconciled yet.")
    return agreement, found


@bp.get("/contracts/<int:agreement_id>/years/<first>")
@audience(Permission.SEE_INVOICES)
def reconciliation(agreement_id: int, first: str) -> str:
    """How one contract year was reconciled, so that it can be checked by hand; what was invoiced or credited for it."""
    agreement, found = _year(agreement_id, first)
    begins = found.years[0].year.first
    narrowed = Filter(agreement_id=agreement.id, kind=InvoiceKind.RECONCILIATION)
    invoices = [one for one in queries.all_invoices_for(acting(), narrowed) if one.period_from == begins]
    return render_template(
        "contracts/invoices/reconciliation.html",
        agreement=agreement,
        found=found,
        first=begins,
        last=found.years[0].year.last,
        invoices=invoices,
        notes=queries.credit_notes_of_year(acting(), agreement.id, begins),
    )


@bp.get("/contracts/<int:agreement_id>/years/<first>.csv")
@audience(Permission.SEE_INVOICES)
def reconciliation_csv(agreement_id: int, first: str) -> Response:
    """The same figures as a CSV file, amounts in pounds."""
    agreement, found = _year(agreement_id, first)
    rows = (_row(one, span, is_share=found.is_share) for one in found.years for span in one.spans)
    return csv_download(f"{agreement.reference}-{first}.csv", COLUMNS, rows)


def _row(one: YearSeen, seen: SpanSeen, *, is_share: bool) -> tuple[object, ...]:
    year, span = one.year, seen.span
    return (
        year.service_line.title,
        *(span.first, span.last, year.counted, year.compared, span.planned_band, span.planned_price),
        *(seen.charged, span.band, span.low, span.high, span.band_price, seen.due, seen.difference),
        "own share" if is_share else "whole",
    )
