"""Reconciling contract years that are over to the band that was reached: worked out, approved, invoiced or credited."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import contract_year
from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import credit_funder
from contracts.invoices.actions.deducting import deduct_the_rest
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.actions.raising import raise_invoices
from contracts.invoices.actions.settling import approve_held
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
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import date_words


def reconcile_years(agreement: Agreement, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    """Work out every contract year that is over and is not yet: each once, by constraint. It waits for approval.

    Its months are raised first, if they are not. One whose count has been corrected while it waits is worked out again;
    one of which nothing comes needs no approval. What approved years, and deductions after the last month, are still to
    give back is credited. Refused for a contract that is not signed; nothing for a grant.
    """
    raise_invoices(agreement, actor=actor, now=now)
    if agreement.instrument is Instrument.GRANT:
        return []
    today = clock.london(now).date()
    there = queries.reconciled_years(agreement.id)
    made: list[ReconciledYear] = []
    for first, last in years_over(agreement.starts_on, agreement.ends_on, today):
        before = [year for year in there if year.first == first]
        if before and not any(_is_out_of_date(year) for year in before):
            continue
        for year in before:
            db.session.delete(year)
        db.session.flush()
        made += _work_out(agreement, first, last, actor=actor, now=now)
    _give_back(agreement, actor=actor, now=now)
    deduct_the_rest(agreement, actor=actor, now=now)
    return made


def _is_out_of_date(year: ReconciledYear) -> bool:
    return year.approved_at is None and year.counted != counted(year.service_line_id, year.first, year.last)


def _work_out(agreement: Agreement, first: date, last: date, *, actor: Actor, now: datetime) -> list[ReconciledYear]:
    for line in sorted(agreement.lines, key=lambda one: one.id):
        # Places only held when the year ended are none of it, whether or not the job that says so has run.
        referring.settle(line.id, now=now)
    dues = [(line, _year_of(agreement, line, first, last)) for line in agreement.lines]
    made = [_kept(agreement, line, due, now=now) for line, due in dues if due.spans]
    db.session.flush()
    if not made:
        return []
    audit.record(
        f"Worked out the contract year to {date_words(last)}", agreement, actor=actor, now=now, first=str(first)
    )
    if any(queries.difference_by_funder(agreement, made).values()):
        letters.year_to_approve(agreement, made, now=now)
    else:
        for year in made:
            year.approved_at = now
        db.session.flush()
        letters.reconciled(agreement, made, now=now)
    return made


def approve_year(agreement: Agreement, first: date, *, actor: Actor, now: datetime, seen: str | None = None) -> None:
    """A contract manager of the lead commissioner approves what a contract year was worked out to.

    What a funder owes more is one invoice, which is approved by this; what it owes less is credited. `seen` is what the
    year differed when they decided: refused where it has been worked out again by now. Refused for others and twice.
    """
    actor.must(Permission.APPROVE_INVOICES)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("A contract manager of the lead commissioner approves a contract year.")
    hold_contract(agreement.id)
    years = queries.reconciled_years(agreement.id, first)
    for year in years:
        db.session.refresh(year)
    if not years:
        raise Refused("This contract year is not worked out yet.")
    if any(year.approved_at for year in years):
        raise AlreadyDone("This contract year is approved already.")
    if seen is not None and seen != str(sum(year.difference for year in years)):
        raise Refused("The year has been worked out again since you looked. Look at it again.")
    for year in years:
        year.approved_at, year.approved_by = now, actor.person
    db.session.flush()
    audit.record(
        f"Approved the contract year to {date_words(years[0].last)}", agreement, actor=actor, now=now, first=str(first)
    )
    # By funder, what each service's year asks for or gives back.
    parts: dict[int, list[Part]] = defaultdict(list)
    for year in years:
        for funder_id, amount in queries.difference_by_funder(agreement, [year]).items():
            if amount:
                parts[funder_id].append(Part(_text(year), amount, year.service_line_id))
    for funder_id in queries.funder_places(agreement):
        _ask(agreement, funder_id, parts[funder_id], (first, years[0].last), actor=actor, now=now)
    _give_back(agreement, actor=actor, now=now)
    letters.reconciled(agreement, years, now=now)


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
    approve_held(invoice, actor=actor, now=now)


def _give_back(agreement: Agreement, *, actor: Actor, now: datetime) -> None:
    """Credit what approved years are to give back, as far as there is anything to credit; the rest stays owed back.

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
