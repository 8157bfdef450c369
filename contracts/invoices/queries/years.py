"""A contract year that was reconciled, as one organisation sees it, and what each funder's share of it comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from contracts.agreements.models import Agreement, AgreementVersion
from contracts.invoices.models import CreditNote, Invoice, ReconciledSpan, ReconciledYear
from contracts.invoices.queries.reckoning import reconciled_years
from marketplace.access import Actor
from marketplace.extensions import db
from marketplace.money import split

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class SpanSeen:
    """The days of one version of the terms: what they were charged and differ, whole or one funder's share."""

    span: ReconciledSpan
    charged: Decimal
    difference: Decimal

    @property
    def due(self) -> Decimal:
        """What these days cost, in pounds."""
        return self.charged + self.difference


@dataclass(frozen=True)
class YearSeen:
    """One service's reconciled year: its figures, and its money whole or one funder's share of it."""

    year: ReconciledYear
    spans: Sequence[SpanSeen]

    @property
    def charged(self) -> Decimal:
        """What its months came to, in pounds."""
        return sum((one.charged for one in self.spans), NOTHING)

    @property
    def difference(self) -> Decimal:
        """What was still to be paid, in pounds; below nought, what was to be given back."""
        return sum((one.difference for one in self.spans), NOTHING)

    @property
    def due(self) -> Decimal:
        """What the year costs, in pounds."""
        return self.charged + self.difference


@dataclass(frozen=True)
class Reconciliation:
    """A contract year by service: whole for the lead and the supplier, its own share for another funder."""

    years: Sequence[YearSeen]
    is_share: bool
    # What of it no invoice could give back yet, in pounds.
    owed_back: Decimal = NOTHING

    @property
    def one(self) -> ReconciledYear:
        """Any of its services' years: all have the same days, and are approved together."""
        return self.years[0].year

    @property
    def difference(self) -> Decimal:
        """What was still to be paid, in pounds; below nought, what was to be given back."""
        return sum((one.difference for one in self.years), NOTHING)


def reconciliation(actor: Actor, agreement: Agreement, first: date) -> Reconciliation:
    """The contract year that begins on a day, as the actor's organisation sees it; empty if it is not reconciled."""
    is_share = actor.organisation not in (agreement.supplier_id, agreement.commissioner_id)
    versions = {version.id: version for version in agreement.versions}

    def seen(span: ReconciledSpan) -> SpanSeen:
        if not is_share:
            return SpanSeen(span, span.charged, span.difference)
        charged, difference = (
            shares(versions[span.version_id], amount).get(actor.organisation, NOTHING)
            for amount in (span.charged, span.difference)
        )
        return SpanSeen(span, charged, difference)

    found = reconciled_years(agreement.id, first)
    left = (
        one.amount
        for one in owed_back(agreement)
        if one.first == first and (not is_share or one.funder_id == actor.organisation)
    )
    years = [YearSeen(year, [seen(span) for span in year.spans]) for year in found]
    return Reconciliation(years, is_share, sum(left, NOTHING))


def shares(version: AgreementVersion, amount: Decimal) -> dict[int, Decimal]:
    """An amount of a version's days by funder, to the penny."""
    parts = split(amount, [one.percent for one in version.funders])
    return {one.organisation_id: part for one, part in zip(version.funders, parts, strict=True)}


@dataclass(frozen=True)
class OwedBack:
    """What a reconciled year is still to give back to a funder, in pounds: there was too little left to credit."""

    funder_id: int
    years: Sequence[ReconciledYear]
    amount: Decimal

    @property
    def first(self) -> date:
        """The first day of the contract year."""
        return self.years[0].first


def owed_back(agreement: Agreement) -> list[OwedBack]:
    """All that approved years are still to give back, the earliest year first, by funder."""
    by_first: dict[date, list[ReconciledYear]] = defaultdict(list)
    for year in reconciled_years(agreement.id):
        if year.approved_at is not None:
            by_first[year.first].append(year)
    if not by_first:
        return []
    given = {
        (first, funder_id): Decimal(net)
        for first, funder_id, net in db.session.execute(
            select(CreditNote.year_begins, Invoice.organisation_id, func.sum(CreditNote.net))
            .join(CreditNote.invoice)
            .where(Invoice.agreement_id == agreement.id, CreditNote.year_begins.is_not(None))
            .group_by(CreditNote.year_begins, Invoice.organisation_id)
        )
    }
    return [
        OwedBack(funder_id, years, left)
        for first, years in sorted(by_first.items())
        for funder_id, amount in difference_by_funder(agreement, years).items()
        if (left := -amount - given.get((first, funder_id), NOTHING)) > 0
    ]


def difference_by_funder(agreement: Agreement, years: Sequence[ReconciledYear]) -> dict[int, Decimal]:
    """What each funder still owes of these years, in pounds; below nought, what it is to be given back."""
    versions = {version.id: version for version in agreement.versions}
    found: dict[int, Decimal] = defaultdict(Decimal)
    for year in years:
        for span in year.spans:
            for funder_id, amount in shares(versions[span.version_id], span.difference).items():
                found[funder_id] += amount
    return found


@dataclass(frozen=True)
class YearToApprove:
    """A contract year that was worked out and waits for its lead, and what it differs from its months, in pounds."""

    agreement_id: int
    reference: str
    first: date
    last: date
    difference: Decimal


def years_to_approve(actor: Actor) -> list[YearToApprove]:
    """The contract years that wait for this contract manager of the lead, the earliest first."""
    rows = db.session.execute(
        select(
            Agreement.id,
            Agreement.reference,
            ReconciledYear.first,
            ReconciledYear.last,
            func.sum(ReconciledSpan.due - ReconciledSpan.charged),
        )
        .join(ReconciledYear, ReconciledYear.agreement_id == Agreement.id)
        .join(ReconciledYear.spans)
        .where(Agreement.commissioner_id == actor.organisation, ReconciledYear.approved_at.is_(None))
        .group_by(Agreement.id, ReconciledYear.first, ReconciledYear.last)
        .order_by(ReconciledYear.last, Agreement.id)
    )
    return [YearToApprove(*row) for row in rows]
