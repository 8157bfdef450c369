"""The register of awards as a CSV file."""

from __future__ import annotations

from collections.abc import Iterable

from calloffs.awards.models import Award
from catalogue.publishing.rules import COLUMNS, ocid
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
