"""Reconciling contract years that are over to the band that was reached."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import contract_year
from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import give_credit
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.actions.raising import raise_invoices
from contracts.invoices.models import Invoice, ReconciledSpan, ReconciledYear
from contracts.invoices.rules import (
    CreditKind,
    InvoiceKind,
    YearDue,
    poured,
    reconciliation_number,
    year_due,
    years_over,
)
from contracts.referrals.queries import counted
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.extensions import db
from marketplace.presentation import date_words


def reconcile_years(agreement: Agreement, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    """Reconcile every contract year that is over and is not yet: each once, by constraint.

    What a funder owes more is one invoice; what it owes less is credited on the year's invoices, the latest first. So
    its months are raised first, if they are not. Refused for a contract that is not signed; nothing for a grant.
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
    return made


def _reconcile(agreement: Agreement, first: date, last: date, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    versions = queries.versions_by_number(agreement)
    made: list[ReconciledYear] = []
    # By funder, what each service's year still asks for or gives back.
    parts: dict[int, list[Part]] = defaultdict(list)
    for line in agreement.lines:
        due = _year_of(agreement, line, first, last)
        if not due.spans:
            continue
        made.append(_kept(agreement, line, due, now=now))
        by_funder: dict[int, Decimal] = defaultdict(Decimal)
        for span in due.spans:
            for funder_id, amount in queries.shares(versions[span.version], span.difference).items():
                by_funder[funder_id] += amount
        for funder_id, amount in by_funder.items():
            if amount:
                parts[funder_id].append(Part(_text(line, due), amount, line.id))
    db.session.flush()
    for funder_id, place in queries.funder_places(agreement).items():
        _ask_or_credit(agreement, funder_id, place, parts[funder_id], (first, last), actor=actor, now=now)
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
        service_line_id=line.id,
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
                due=span.due,
            )
            for span in due.spans
        ],
    )
    db.session.add(kept)
    return kept


def _text(line: ServiceLine, due: YearDue) -> str:
    reached = ", then ".join(f"band {span.band}" for span in due.spans)
    return (
        f"{line.title}: {due.counted:,} referrals in the contract year {date_words(due.first)} to "
        f"{date_words(due.last)}, paid as {reached}"
    )


def _ask_or_credit(
    agreement: Agreement,
    funder_id: int,
    place: int,
    parts: list[Part],
    year: tuple[date, date],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    amount = sum((part.amount for part in parts), Decimal(0))
    if amount > 0:
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
    if amount < 0:
        reason = "; ".join(part.text for part in parts)
        invoices = _of_year(agreement, funder_id, year)
        for invoice, net in zip(invoices, poured(-amount, [one.creditable_net for one in invoices]), strict=True):
            if net:
                note = give_credit(
                    invoice,
                    net,
                    kind=CreditKind.RECONCILIATION,
                    reason=reason,
                    actor=actor,
                    now=now,
                    year_begins=year[0],
                )
                letters.credited(note, invoice, now=now)


def _of_year(agreement: Agreement, funder_id: int, year: tuple[date, date]) -> list[Invoice]:
    """The funder's invoices for months of the year, the latest first, locked in the order of their keys."""
    found = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.agreement_id == agreement.id,
            Invoice.organisation_id == funder_id,
            Invoice.kind == InvoiceKind.MONTH,
            Invoice.period_from <= year[1],
            Invoice.period_to >= year[0],
        )
        .order_by(Invoice.id)
        .with_for_update(of=Invoice)
        .execution_options(populate_existing=True)
    ).all()
    return sorted(found, key=lambda one: (one.period_from, one.id), reverse=True)
