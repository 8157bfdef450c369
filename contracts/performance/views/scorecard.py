"""One contract's scorecard: this month so far, or a month that is over; its months as chart, table and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from flask import render_template, request
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import first_of_month
from contracts.mobilisation.queries import contract_for, side_of
from contracts.performance import queries, rules
from contracts.performance.models import Scorecard
from contracts.performance.rules import Measure, Part, Rating
from contracts.performance.views import bp
from contracts.volumes import queries as volumes
from contracts.volumes.rules import paid_against_used
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.spreadsheets import csv_download

# The chart and the table show so many months at most; the CSV has all.
MONTHS_SHOWN = 12
CSV_COLUMNS = ("month", "part", "measure", "met", "cases", "percent", "target_percent", "agreed", "rating")


def asked_month() -> date | None:
    """The month asked for as `month`, like 2026-10; None where none is, or no such month."""
    try:
        return date.fromisoformat(f"{request.args.get('month', '')}-01")
    except ValueError:
        return None


@bp.get("/<int:agreement_id>/performance")
@audience(Permission.SEE_CONTRACTS)
def show(agreement_id: int) -> str:
    """How the contract performs, alike for both sides (R119, R120)."""
    actor, today = acting(), clock.today()
    agreement = contract_for(actor, agreement_id)
    cards = queries.scorecards_of(agreement)
    month = asked_month()
    card = next((one for one in cards if one.month == month), None)
    running = max(first_of_month(today), first_of_month(agreement.starts_on))
    figures = card.figures if card else queries.figures_so_far(agreement, running, on=today)
    shown = cards[-MONTHS_SHOWN:]
    measures = queries.measures_in([figures, *(one.figures for one in shown)])
    missed = (one.measure for one in figures.figures if one.rating is Rating.MISSED)
    asked = (one for one in measures if one.value == request.args.get("measure"))
    chosen = next(asked, None) or next(missed, None) or next(iter(measures), None)
    return render_template(
        "contracts/performance/show.html",
        agreement=agreement,
        card=card,
        month=card.month if card else running,
        figures=figures,
        cards=shown,
        measures=measures,
        chosen=chosen,
        bars=percents(shown, chosen) if chosen else [],
        side=side_of(actor, agreement),
        counted=queries.sees_cases(actor, agreement),
        money=_money(agreement, today),
        improvements=[one for one in queries.improvements_of(agreement) if one.closed_at is None],
        Part=Part,
        rules=rules,
        today=today,
    )


def _money(agreement: Agreement, on: date) -> tuple[Decimal, Decimal] | None:
    """Paid to date and used to date in this contract year, over the services that have a price (R50)."""
    found = [paid_against_used(one) for one in volumes.readings(ServiceLine.agreement_id == agreement.id, on=on)]
    known = [one for one in found if one is not None]
    return (
        (sum((one.paid for one in known), Decimal(0)), sum((one.used for one in known), Decimal(0))) if known else None
    )


@bp.get("/<int:agreement_id>/performance.csv")
@audience(Permission.SEE_CONTRACTS)
def show_csv(agreement_id: int) -> Response:
    """Every month that is over, a row a measure."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    rows = figure_rows(queries.scorecards_of(agreement), counted=queries.sees_cases(actor, agreement))
    return csv_download(f"performance-{agreement.reference}.csv".replace("/", "-"), CSV_COLUMNS, rows)


def figure_rows(cards: Sequence[Scorecard], *, counted: bool) -> list[list[object]]:
    """The rows of a CSV; numbers of cases only for those who may see them."""
    return [
        [
            f"{card.month:%Y-%m}",
            one.measure.definition.part.value,
            one.measure.value,
            one.met if counted else None,
            one.cases if counted else None,
            one.percent if counted or one.rating is not Rating.TOO_FEW else None,
            one.target.percent,
            "yes" if one.is_agreed else "no",
            one.rating.value,
        ]
        for card in cards
        for one in card.figures.figures
    ]


def percents(cards: Sequence[Scorecard], measure: Measure) -> list[dict[str, object]]:
    """A measure month by month, for the chart."""
    found: list[dict[str, object]] = []
    for card in cards:
        figure = next((one for one in card.figures.figures if one.measure is measure), None)
        if figure is not None:
            enough = figure.rating is not Rating.TOO_FEW
            found.append(
                {
                    "text": f"{card.month:%b}",
                    "percent": figure.percent if enough else None,
                    "target": figure.target.percent,
                }
            )
    return found
