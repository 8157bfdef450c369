"""Reads of agreements: the one query that gives a contract to whom it concerns, lists, lines, and the terms."""

from contracts.agreements.queries.finding import (
    agreement_for,
    history,
    in_force,
    is_open,
    is_suspended,
    line,
    open_lines,
    suspended_lines,
    suspensions_on,
    taken_again_on,
    terms_in_force,
    theirs,
    whole,
    with_terms,
)
from contracts.agreements.queries.lists import Filter, Order, agreements, every_agreement
from contracts.agreements.queries.signing import (
    award_to_draw,
    awards_to_draw,
    side_of,
    turn_of,
    waiting,
    waiting_documents,
)
from contracts.agreements.queries.terms import is_as_signed, terms, what_changes

__all__ = [
    "Filter",
    "Order",
    "agreement_for",
    "agreements",
    "award_to_draw",
    "awards_to_draw",
    "every_agreement",
    "history",
    "in_force",
    "is_as_signed",
    "is_open",
    "is_suspended",
    "line",
    "open_lines",
    "side_of",
    "suspended_lines",
    "suspensions_on",
    "taken_again_on",
    "terms",
    "terms_in_force",
    "theirs",
    "turn_of",
    "waiting",
    "waiting_documents",
    "what_changes",
    "whole",
    "with_terms",
]
