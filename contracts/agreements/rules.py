"""Agreements: where they come from and how they are signed."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """Where an agreement comes from."""

    AWARD = "award"
    REGISTER = "register"


class AgreementStatus(StrEnum):
    """Where signing stands. In force or ended is decided by the clock. Imported ones were signed elsewhere."""

    AWAITING_SUPPLIER = "awaiting_supplier"
    AWAITING_COMMISSIONER = "awaiting_commissioner"
    SIGNED = "signed"


AGREEMENT_MOVES: dict[AgreementStatus, frozenset[AgreementStatus]] = {
    AgreementStatus.AWAITING_SUPPLIER: frozenset({AgreementStatus.AWAITING_COMMISSIONER}),
    AgreementStatus.AWAITING_COMMISSIONER: frozenset({AgreementStatus.SIGNED}),
    AgreementStatus.SIGNED: frozenset(),
}


class Side(StrEnum):
    """Who signs: the supplier first, then the commissioner."""

    SUPPLIER = "supplier"
    COMMISSIONER = "commissioner"


class DocumentStatus(StrEnum):
    """Where a document stands."""

    WAITING = "waiting"
    MADE = "made"
