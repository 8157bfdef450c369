"""Open data: what the Open Contracting Data Standard (OCDS 1.1) and our own files ask for, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Not a prefix registered with the Open Contracting Partnership: whoever runs the marketplace registers one.
OCID_PREFIX = "ocds-dfm000"
# Not a prefix registered with 360Giving, either.
GRANT_PREFIX = "360G-dfm"
PUBLISHER = "Dynamic Framework Marketplace"
LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
# Of the Open Contracting Data Standard.
VERSION = "1.1"
# What the columns of the register's CSV hold, in words.
COLUMNS = {
    "reference": "The call-off’s reference",
    "title": "What was bought",
    "category": "Category of service",
    "places": "Areas served, by name",
    "place_codes": "Areas served, by official code (Office for National Statistics; a letter for a probation region)",
    "commissioner": "The public body that leads the contract",
    "supplier": "Who won it",
    "supplier_status": "vcse (voluntary, community or social enterprise), sme (small or medium-sized) or large",
    "whole_life_value_gbp": "Value in pounds over the contract’s whole length, at the volume that is planned",
    "months": "Length of the contract",
    "awarded_on": "When the award was approved",
    "standstill_ends_on": "The last day of the pause before signing",
    "ocid": "The process’s identifier in the Open Contracting Data Standard",
}

# How volumes and budgets of published call-offs were worked out (R45): a line a contract year.
PLAN_COLUMNS = {
    "reference": "The call-off’s reference",
    "title": "What is wanted",
    "category": "Category of service",
    "commissioner": "The public body that leads the call-off",
    "version": "Which version of the plan’s figures the call-off started from",
    "contract_year": "The contract year, counted from 1",
    "months": "How many months of it there are: the last year may be shorter",
    "projected_volume": "Referrals expected in it",
    "low": "Of these at low intensity; empty where no mix was entered",
    "medium": "Of these at medium intensity",
    "high": "Of these at high intensity",
    "calculated_cost_gbp": "The volume times the unit costs, in pounds; empty where no unit costs were entered",
    "budget_adjustment_gbp": "What is added to the calculated cost (below nought: taken from it) to come to the budget",
    "budget_gbp": "What there is for it, in pounds",
    "gap_gbp": "By how much the budget is under the calculated cost",
    "ocid": "The process’s identifier in the Open Contracting Data Standard",
}
ASSUMPTION_COLUMNS = {
    "reference": "The call-off’s reference",
    "assumption": "What is assumed, or where it comes from",
    "value": "The assumption, as the plan has it",
    "ocid": "The process’s identifier in the Open Contracting Data Standard",
}


def ocid(reference: str) -> str:
    """The open contracting identifier of a competition: the same through all its stages."""
    return f"{OCID_PREFIX}-{reference}"


def without_nothing(value: Any) -> Any:
    """The same JSON without members that are None or empty, as the standard asks."""
    if isinstance(value, Mapping):
        kept = {key: without_nothing(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each is not None and each != [] and each != {}}
    if isinstance(value, list):
        return [without_nothing(each) for each in value]
    return value


def identifier(company_number: str | None, charity_number: str | None) -> tuple[str, str] | None:
    """Scheme and number of an organisation in a public register (org-id.guide); None if it is in none that we know."""
    if company_number:
        return "GB-COH", company_number
    if charity_number is None:
        return None
    if charity_number.startswith("SC"):
        return "GB-SC", charity_number
    return ("GB-NIC" if charity_number.startswith("NI") else "GB-CHC"), charity_number
