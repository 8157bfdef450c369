"""The register of awards, and what published call-offs were planned with, as CSV files."""

from __future__ import annotations

from collections.abc import Iterable

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from catalogue.publishing.rules import ASSUMPTION_COLUMNS, COLUMNS, PLAN_COLUMNS, ocid
from marketplace import clock
from marketplace.spreadsheets import csv_text


def register_csv(awards: Iterable[Award]) -> str:
    """A line an award: values in pounds, dates as YYYY-MM-DD (London), places by name and by official code."""
    return csv_text(
        tuple(COLUMNS),
        (
            (
                award.competition.reference,
                award.competition.title,
                award.competition.category.name,
                "; ".join(place.name for place in award.competition.places),
                "; ".join(place.code for place in award.competition.places),
                award.competition.organisation.name,
                award.supplier.name,
                award.supplier.supplier_status.value if award.supplier.supplier_status else None,
                award.whole_life_value,
                award.competition.months,
                clock.london(award.approved_at).date() if award.approved_at else None,
                clock.london(award.standstill_ends_at).date() if award.standstill_ends_at else None,
                ocid(award.competition.reference),
            )
            for award in awards
        ),
    )


def plans_csv(competitions: Iterable[Competition]) -> str:
    """A line a contract year of each call-off: what was projected, what that costs, what there is, and the gap."""
    return csv_text(
        tuple(PLAN_COLUMNS),
        (
            (
                one.reference,
                one.title,
                one.category.name,
                one.organisation.name,
                one.plan_version.number,
                year.number,
                year.months,
                year.volume,
                *(year.people or (None, None, None)),
                year.cost,
                year.adjustment,
                year.budget,
                year.gap,
                ocid(one.reference),
            )
            for one in competitions
            if one.plan_version is not None
            for year in one.plan_version.worked.years
        ),
    )


def assumptions_csv(competitions: Iterable[Competition]) -> str:
    """A line an assumption of each call-off, with the lines that name the sources beside them."""
    return csv_text(
        tuple(ASSUMPTION_COLUMNS),
        (
            (one.reference, what, assumed, ocid(one.reference))
            for one in competitions
            if one.plan_version is not None
            for what, assumed in one.plan_version.written
        ),
    )
