"""Agreements: contracts in their versions, service lines and their terms, funders, signatures, and suspensions."""

from contracts.agreements.models.contracts import (
    Agreement,
    AgreementDocument,
    AgreementFunder,
    AgreementVersion,
    LineBand,
    LineTerms,
    LineTermsPlace,
    ServiceLine,
    ServiceLineCategory,
    Signature,
    Subcontractor,
)
from contracts.agreements.models.standing import ExtensionOption, Suspension

__all__ = [
    "Agreement",
    "AgreementDocument",
    "AgreementFunder",
    "AgreementVersion",
    "ExtensionOption",
    "LineBand",
    "LineTerms",
    "LineTermsPlace",
    "ServiceLine",
    "ServiceLineCategory",
    "Signature",
    "Subcontractor",
    "Suspension",
]
