"""Accounts: kinds of organisation, and the form of company and charity numbers."""

from __future__ import annotations

import re
from enum import StrEnum

from marketplace.access import COMMISSIONER_ROLES, FRAMEWORK_ROLES, SUPPLIER_ROLES, Role


class OrganisationKind(StrEnum):
    """Who an organisation is to the marketplace."""

    SUPPLIER = "supplier"
    PROBATION_REGION = "probation_region"
    HMPPS_NATIONAL = "hmpps_national"
    PCC = "pcc"
    MOPAC = "mopac"
    GMCA = "gmca"
    LOCAL_AUTHORITY = "local_authority"
    NHS_BODY = "nhs_body"
    WELSH_GOVERNMENT = "welsh_government"
    PRISON = "prison"
    FRAMEWORK_TEAM = "framework_team"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            OrganisationKind.HMPPS_NATIONAL: "HMPPS national",
            OrganisationKind.PCC: "Police and Crime Commissioner",
            OrganisationKind.MOPAC: "Mayor’s Office for Policing and Crime",
            OrganisationKind.GMCA: "Greater Manchester Combined Authority",
            OrganisationKind.NHS_BODY: "NHS body",
            OrganisationKind.WELSH_GOVERNMENT: "Welsh Government",
        }.get(self, self.value.replace("_", " ").capitalize())

    @property
    def is_commissioner(self) -> bool:
        """Whether it may fund and run call-offs."""
        return self not in (OrganisationKind.SUPPLIER, OrganisationKind.FRAMEWORK_TEAM)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles people can hold for it."""
        if self is OrganisationKind.SUPPLIER:
            return SUPPLIER_ROLES
        return FRAMEWORK_ROLES if self is OrganisationKind.FRAMEWORK_TEAM else COMMISSIONER_ROLES


class SupplierStatus(StrEnum):
    """Voluntary, community or social enterprise; small or medium-sized; or large (R132)."""

    VCSE = "vcse"
    SME = "sme"
    LARGE = "large"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            SupplierStatus.VCSE: "Voluntary, community or social enterprise (VCSE)",
            SupplierStatus.SME: "Small or medium-sized enterprise (SME)",
            SupplierStatus.LARGE: "Large",
        }[self]


_COMPANY = re.compile(
    r"(?:\d{8}|(?:SC|NI|OC|SO|NC|CE|CS|RC|IP|SP|RS|SR|FC|GE|LP|SL|NL|AC|SA|NA|NR|NO|NV|R0|RO|PC|ZC|SZ|IC|SI|NP|SG|SF|BR)\d{6})"
)
_CHARITY = re.compile(r"(?:\d{6,7}(?:-\d{1,2})?|SC\d{6}|NIC?\d{6})")


def company_number(text: str) -> str | None:
    """A Companies House number in its usual form (eight digits, or two letters and six digits); None if it is none.

    Shorter numbers are filled with zeros on the left, as Companies House itself does.
    """
    squeezed = re.sub(r"\s", "", text).upper()
    if squeezed.isdigit() and 0 < len(squeezed) < 8:
        squeezed = squeezed.zfill(8)
    return squeezed if _COMPANY.fullmatch(squeezed) else None


def charity_number(text: str) -> str | None:
    """A registered charity number of England and Wales, Scotland or Northern Ireland; None if it is none."""
    squeezed = re.sub(r"\s", "", text).upper()
    return squeezed if _CHARITY.fullmatch(squeezed) else None
