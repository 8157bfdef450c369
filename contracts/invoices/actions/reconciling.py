"""Reconciling contract years that are over to the band that was reached."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import contract_year
from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import credit_funder
from contracts.invoices.actions.deducting import deduct_the_rest
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.actions.raising import raise_invoices
from contracts.invoices.models import ReconciledSpan, ReconciledYear
from contracts.invoices.rules import (
    CreditKind,
    InvoiceKind,
    YearDue,
    reconciliation_number,
    year_due,
    years_over,
)
from contracts.referrals import actions as referring
from contracts.referrals.queries import counted
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.extensions import db
from marketplace.presentation import date_words


def reconcile_years(agreement: Agreement, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    """Reconcile every contract year that is over and is not yet: each once, by constraint.

    What a funder owes more is one invoice; what it owes less is credited on its invoices. So its months are raised
    first, if they are not. After the last of them, what is left of deductions is credited too. Refused for a contract
    that is not signed; nothing for a grant.
    """
    raise_invoices(agreement, actor=actor, now=now)
    if agreement.instrument is Instrument.GRANT:
        return []
    today = clock.london(now).date()
    there = queries.years_reconciled(agreement.id)
    made: list[ReconciledYear] = []
    for first, last in years_over(agreement.starts_on, agreement.ends_on, today):
        if first not in there:
            made += _reconcile(agreement, first, last, actor=actor, now=now)
    if there or made:
        _give_back(agreement, actor=actor, now=now)
    deduct_the_rest(agreement, actor=actor, now=now)
    return made


def _reconcile(agreement: Agreement, first: date, last: date, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    versions = queries.versions_by_number(agreement)
    made: list[ReconciledYear] = []
    # By funder, what each service's year still asks for or gives back.
    parts: dict[int, list[Part]] = defaultdict(list)
    for line in sorted(agreement.lines, key=lambda one: one.id):
        # Places only held when the year ended are none of it, whether or not the job that says so has run.
        referring.settle(line.id, now=now)
        due = _year_of(agreement, line, first, last)
        if not due.spans:
            continue
        year = _kept(agreement, line, due, now=now)
        made.append(year)
        by_funder: dict[int, Decimal] = defaultdict(Decimal)
        for span in due.spans:
            for funder_id, amount in queries.shares(versions[span.version], span.difference).items():
                by_funder[funder_id] += amount
        for funder_id, amount in by_funder.items():
            if amount:
                parts[funder_id].append(Part(_text(year), amount, line.id))
    db.session.flush()
    for funder_id in queries.funder_places(agreement):
        _ask(agreement, funder_id, parts[funder_id], (first, last), actor=actor, now=now)
    if made:
        audit.record(
            f"Reconciled the contract year to {date_words(last)}", agreement, actor=actor, now=now, first=str(first)
        )
        letters.reconciled(agreement, first, last, now=now)
    return made


def _year_of(agreement: Agreement, line: ServiceLine, first: date, last: date) -> YearDue:
    return year_due(
        queries.spans(agreement, line),
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        year=contract_year(agreement.starts_on, first),
        counted=counted(line.id, first, last),
    )


def _kept(agreement: Agreement, line: ServiceLine, due: YearDue, *, now: datetime) -> ReconciledYear:
    versions = queries.versions_by_number(agreement)
    kept = ReconciledYear(
        agreement_id=agreement.id,
        service_line=line,
        first=due.first,
        last=due.last,
        whole_days=due.whole_days,
        counted=due.counted,
        compared=due.compared,
        at=now,
        spans=[
            ReconciledSpan(
                version_id=versions[span.version].id,
                first=span.first,
                last=span.last,
                planned_band=span.planned_band,
                planned_price=span.planned_price,
                charged=span.charged,
                band=span.band,
                band_price=span.band_price,
                low=span.low,
                high=span.high,
                due=span.due,
            )
            for span in due.spans
        ],
    )
    db.session.add(kept)
    return kept


def _text(year: ReconciledYear) -> str:
    reached = ", then ".join(f"band {span.band}" for span in year.spans)
    return (
        f"{year.service_line.title}: {year.counted:,} referrals in the contract year {date_words(year.first)} to "
        f"{date_words(year.last)}, paid as {reached}"
    )


def _ask(
    agreement: Agreement, funder_id: int, parts: list[Part], year: tuple[date, date], *, actor: Actor, now: datetime
) -> None:
    """One invoice for what the year asks of a funder beyond its months, if it does."""
    if sum(part.amount for part in parts) <= 0:
        return
    place = queries.funder_places(agreement)[funder_id]
    invoice = make_invoice(
        agreement,
        kind=InvoiceKind.RECONCILIATION,
        number=reconciliation_number(agreement.reference, year[0], place),
        funder_id=funder_id,
        percent=queries.percent_on(agreement, funder_id, year[1]),
        period=year,
        parts=parts,
        actor=actor,
        now=now,
    )
    letters.to_approve(agreement, [invoice], now=now)


def _give_back(agreement: Agreement, *, actor: Actor, now: datetime) -> None:
    """Credit what reconciled years are to give back, as far as there is anything to credit; the rest stays owed back.

    It is looked for each time the contract's invoices are raised: what an invoice to come (of a later month, or of
    what was disputed and turned out to be owed) asks for is credited then.
    """
    for one in queries.owed_back(agreement):
        reason = "; ".join(_text(year) for year in one.years)
        credit_funder(
            agreement,
            one.funder_id,
            one.amount,
            kind=CreditKind.RECONCILIATION,
            reason=reason,
            actor=actor,
            now=now,
            year_begins=one.first,
        )
