"""A contract year at its end: what it was reconciled to, with all that the figure was made of."""

from __future__ import annotations

from datetime import date

from flask import render_template
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.invoices import queries
from contracts.invoices.models import ReconciledSpan, ReconciledYear
from contracts.invoices.queries import Filter
from contracts.invoices.rules import InvoiceKind
from contracts.invoices.views import bp
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotFound
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("service", "first_day", "last_day", "referrals", "compared_with_bands", "planned_band", "planned_price"),
    *("charged", "band_reached", "band_price", "due", "difference"),
)


def _year(agreement_id: int, first: str) -> tuple[Agreement, list[ReconciledYear]]:
    agreement = queries.contract_for(acting(), agreement_id)
    try:
        found = list(queries.reconciled_years(agreement.id, date.fromisoformat(first)))
    except ValueError:
        found = []
    if not found:
        raise NotFound("There is no such contract year, or it is not reconciled yet.")
    return agreement, found


@bp.get("/contracts/<int:agreement_id>/years/<first>")
@audience(Permission.SEE_INVOICES)
def reconciliation(agreement_id: int, first: str) -> str:
    """How one contract year was reconciled, so that it can be checked by hand; what was invoiced or credited for it."""
    agreement, years = _year(agreement_id, first)
    narrowed = Filter(agreement_id=agreement.id, kind=InvoiceKind.RECONCILIATION)
    invoices = [one for one in queries.all_invoices_for(acting(), narrowed) if one.period_from == years[0].first]
    return render_template(
        "contracts/invoices/reconciliation.html",
        agreement=agreement,
        years=years,
        difference=sum(one.difference for one in years),
        invoices=invoices,
        notes=queries.credit_notes_of_year(acting(), agreement.id, years[0].first),
    )


@bp.get("/contracts/<int:agreement_id>/years/<first>.csv")
@audience(Permission.SEE_INVOICES)
def reconciliation_csv(agreement_id: int, first: str) -> Response:
    """The same figures as a CSV file, amounts in pounds."""
    agreement, years = _year(agreement_id, first)
    rows = (_row(year, span) for year in years for span in year.spans)
    return csv_download(f"{agreement.reference}-{first}.csv", COLUMNS, rows)


def _row(year: ReconciledYear, span: ReconciledSpan) -> tuple[object, ...]:
    return (
        year.service_line.title,
        *(span.first, span.last, year.counted, year.compared, span.planned_band, span.planned_price),
        *(span.charged, span.band, span.band_price, span.due, span.difference),
    )
