"""Planning a need: volume, price, bands.

Source: the government's own method (domain.md, "Planning a need"; R40-R48). Widths and thresholds are our defaults,
configurable, and labelled as such where they are shown.
"""

from __future__ import annotations

from calloffs.plans.rules.bands import (
    BAND_EDGES,
    BAND_WIDTHS,
    FIXED_PERCENT,
    LARGER_FROM,
    PLANNED_BAND,
    Band,
    edge_faults,
    faults,
    planned_band,
    proposed_bands,
)
from calloffs.plans.rules.checks import Difference, Fault, differences, evidence_on, money_faults, warnings, written
from calloffs.plans.rules.checks import faults as plan_faults
from calloffs.plans.rules.method import (
    MOST_COST,
    MOST_MONTHS,
    MOST_VOLUME,
    Assumptions,
    Growth,
    Worked,
    YearFigures,
    changes,
    people_of,
    work_out,
    year_lengths,
)
from calloffs.plans.rules.vocabulary import Evidence, GrowthKind, Intensity, Route, Section, VolumeBasis

__all__ = [
    "BAND_EDGES",
    "BAND_WIDTHS",
    "FIXED_PERCENT",
    "LARGER_FROM",
    "MOST_COST",
    "MOST_MONTHS",
    "MOST_VOLUME",
    "PLANNED_BAND",
    "Assumptions",
    "Band",
    "Difference",
    "Evidence",
    "Fault",
    "Growth",
    "GrowthKind",
    "Intensity",
    "Route",
    "Section",
    "VolumeBasis",
    "Worked",
    "YearFigures",
    "changes",
    "differences",
    "edge_faults",
    "evidence_on",
    "faults",
    "money_faults",
    "people_of",
    "plan_faults",
    "planned_band",
    "proposed_bands",
    "warnings",
    "work_out",
    "written",
    "year_lengths",
]
