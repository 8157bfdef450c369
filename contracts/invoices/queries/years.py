"""A contract year that was reconciled, as one organisation sees it, and what each funder's share of it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.agreements.models import Agreement, AgreementVersion
from contracts.invoices.models import ReconciledSpan, ReconciledYear
from contracts.invoices.queries.reckoning import reconciled_years
from marketplace.access import Actor
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
    return Reconciliation([YearSeen(year, [seen(span) for span in year.spans]) for year in found], is_share)


def shares(version: AgreementVersion, amount: Decimal) -> dict[int, Decimal]:
    """An amount of a version's days by funder, to the penny."""
    parts = split(amount, [one.percent for one in version.funders])
    return {one.organisation_id: part for one, part in zip(version.funders, parts, strict=True)}
