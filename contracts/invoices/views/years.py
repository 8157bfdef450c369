"""A contract year at its end: what it was reconciled to, with all that the figure was made of."""

from __future__ import annotations

from datetime import date

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.forms import ApproveYearForm
from contracts.invoices.queries import Filter, Reconciliation, SpanSeen, YearSeen
from contracts.invoices.rules import InvoiceKind
from contracts.invoices.views import bp
from contracts.invoices.views.money import may_manage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import AlreadyDone, NotAllowed, NotFound
from marketplace.presentation import date_words, pounds_exact
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("service", "first_day", "last_day", "referrals", "compared_with_bands", "planned_band", "planned_price"),
    *("charged", "band_reached", "band_from", "band_to", "band_price", "due", "difference", "of_what", "approved_on"),
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
    begins = found.one.first
    narrowed = Filter(agreement_id=agreement.id, kind=InvoiceKind.RECONCILIATION)
    invoices = [one for one in queries.all_invoices_for(acting(), narrowed) if one.period_from == begins]
    return render_template(
        "contracts/invoices/reconciliation.html",
        agreement=agreement,
        found=found,
        first=begins,
        last=found.one.last,
        approves=found.one.approved_at is None and may_manage(agreement),
        invoices=invoices,
        notes=queries.credit_notes_of_year(acting(), agreement.id, begins),
    )


@bp.route("/contracts/<int:agreement_id>/years/<first>/approve", methods=["GET", "POST"])
@audience(Permission.APPROVE_INVOICES)
def approve_year(agreement_id: int, first: str) -> Answer:
    """A contract manager of the lead commissioner approves a contract year: asks once more, and invoices or credits."""
    actor, form = acting(), ApproveYearForm()
    agreement, found = _year(agreement_id, first)
    if not may_manage(agreement):
        raise NotAllowed("A contract manager of the lead commissioner approves a contract year.")
    if found.one.approved_at is not None:
        raise AlreadyDone("This contract year is approved already.")
    if not form.is_submitted():
        form.seen.data = str(found.difference)
    amount = pounds_exact(abs(found.difference))
    follows = (
        f"{amount} before VAT is given back: credited on invoices that are not paid first; what was paid beyond that "
        "goes back to the funders, each its share."
        if found.difference < 0
        else f"{amount} before VAT is invoiced, to each funder its share. By approving the year you approve that."
    )
    here = url_for("invoices.reconciliation", agreement_id=agreement.id, first=found.one.first)
    return ask(
        form,
        lambda: actions.approve_year(
            agreement, found.one.first, actor=actor, now=clock.now(), seen=str(form.seen.data or "")
        ),
        to=here,
        said="The contract year is approved. Both sides have been told.",
        heading=f"Approve the contract year to {date_words(found.one.last)}?",
        intro=follows,
        button="Approve it",
        back=here,
        agreement=agreement,
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
        clock.london(year.approved_at).date() if year.approved_at else None,
    )
