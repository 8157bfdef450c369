"""Agreements: contracts in their versions, lines and their terms, funders, signatures, suspensions, instalments."""

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
from contracts.agreements.models.granting import GrantInstalment, VersionInstalment
from contracts.agreements.models.standing import ExtensionOption, Suspension

__all__ = [
    "Agreement",
    "AgreementDocument",
    "AgreementFunder",
    "AgreementVersion",
    "ExtensionOption",
    "GrantInstalment",
    "LineBand",
    "LineTerms",
    "LineTermsPlace",
    "ServiceLine",
    "ServiceLineCategory",
    "Signature",
    "Subcontractor",
    "Suspension",
    "VersionInstalment",
]
