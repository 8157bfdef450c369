"""Accounts: kinds of organisation, and the form of company and charity numbers."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

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


# The password that all invented people of a demonstration share; shown on its sign-in page, and refused in production.
DEMONSTRATION_PASSWORD = "open-door-for-all"

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

# How long a browser stays signed in: without being used, and at most.
IDLE_FOR = timedelta(hours=2)
SIGNED_IN_FOR = timedelta(hours=12)
# How long after the password the second factor may be given.
SECOND_FACTOR_WITHIN = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)

INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=1)
# A new reset link is sent at most this often, so that nobody's letter box is filled by a stranger.
RESET_EVERY = timedelta(minutes=2)

FREE_FAILURES = 4
LONGEST_LOCK = timedelta(hours=1)


def lock_after(failures: int) -> timedelta | None:
    """How long an account is locked after so many failures in a row: from the fifth on, twice as long each time."""
    if failures <= FREE_FAILURES:
        return None
    # The power is bounded before it is taken: a patient attacker makes the number of failures large.
    return min(timedelta(minutes=2 ** min(failures - FREE_FAILURES - 1, 10)), LONGEST_LOCK)


def password_fault(password: str, email: str, name: str) -> str | None:
    """What is wrong with a password one chooses; None if nothing.

    Length over kinds of characters, as the National Cyber Security Centre advises.
    """
    if len(password) < SHORTEST_PASSWORD:
        return f"Your password must be {SHORTEST_PASSWORD} characters or more"
    if len(password) > LONGEST_PASSWORD:
        return f"Your password must be {LONGEST_PASSWORD} characters or fewer"
    if len(set(password)) < 5 or password.casefold() in (email.casefold(), name.casefold()):
        return "Choose a password that is harder to guess"
    return None


def local_path(target: str | None) -> str | None:
    """A path of this site to go on to; None for anything that could lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(character) < 32 for character in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def token_hash(token: str) -> str:
    """What the database keeps of a session's or a link's token. Tokens are random and long: no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
