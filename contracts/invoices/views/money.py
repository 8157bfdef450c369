"""The money of one contract: what it costs, what was invoiced and paid, what is to come."""

from __future__ import annotations

from datetime import date

from flask import render_template, request
from werkzeug.wrappers import Response

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from contracts.invoices import queries
from contracts.invoices.rules import PAYMENT_DAYS
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("contract_year_from", "month", "first_day", "last_day", "planned", "invoiced_from"),
    *("invoices", "invoiced_less_credited"),
)


def _asked_day() -> date:
    try:
        return date.fromisoformat(request.args.get("year", ""))
    except ValueError:
        return clock.today()


@bp.get("/contracts/<int:agreement_id>/money")
@audience(Permission.SEE_INVOICES)
def money(agreement_id: int) -> str:
    """A contract's years and payment schedule, how its payment works, and what belongs to it (R121, R122)."""
    actor, today = acting(), clock.today()
    agreement = queries.contract_for(actor, agreement_id)
    found = queries.contract_money(actor, agreement, today=today)
    funders = agreement.version_on(today).funders
    return render_template(
        "contracts/invoices/money.html",
        agreement=agreement,
        money=found,
        shown=found.year_of(_asked_day()) if found.years else None,
        is_grant=agreement.instrument is Instrument.GRANT,
        reconciled={year.first: year for year in queries.reconciled_years(agreement.id)},
        deductions=queries.deductions(agreement.id),
        vat=queries.vat_status(agreement.supplier_id, today),
        orders=[(one, queries.purchase_order(agreement.id, one.organisation_id, today)) for one in funders],
        supplements=agreement.status is AgreementStatus.SIGNED and queries.may_supplement(actor, agreement),
        days=PAYMENT_DAYS,
        today=today,
    )


@bp.get("/contracts/<int:agreement_id>/money.csv")
@audience(Permission.SEE_INVOICES)
def schedule_csv(agreement_id: int) -> Response:
    """The whole payment schedule as a CSV file, amounts in pounds before VAT."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    found = queries.contract_money(actor, agreement, today=clock.today())
    return csv_download(
        f"schedule-{agreement.reference}.csv".replace("/", "-"),
        COLUMNS,
        (
            (
                *(year.first, f"{month.month:%Y-%m}", month.first, month.last, month.planned, month.raised_from),
                *(" ".join(one.number for one in month.invoices), month.invoiced if month.invoices else None),
            )
            for year in found.years
            for month in year.months
        ),
    )


def may_manage(agreement: Agreement) -> bool:
    """Whether the person asking decides for the lead commissioner what of its invoices is owed."""
    actor = acting()
    return actor.may(Permission.APPROVE_INVOICES) and actor.organisation_id == agreement.commissioner_id
