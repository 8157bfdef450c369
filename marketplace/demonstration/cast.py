"""Who plays: invented organisations and people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from marketplace.access import Role
from marketplace.accounts import queries
from marketplace.accounts.models import RoleGrant
from marketplace.accounts.rules import DEMONSTRATION_PASSWORD, OrganisationKind, SupplierStatus


@dataclass(frozen=True)
class Invented:
    """Somebody who can sign in to the demonstration."""

    name: str
    email: str
    organisation: str
    roles: tuple[Role, ...]
    password: str


@dataclass(frozen=True)
class Body:
    """An invented organisation and its people: (name, roles). `key` is the last part of their addresses."""

    key: str
    name: str
    kind: OrganisationKind
    people: tuple[tuple[str, tuple[Role, ...]], ...]
    place_code: str | None = None
    status: SupplierStatus | None = None
    company: str | None = None
    charity: str | None = None


_OWNER = (Role.ADMINISTRATOR, Role.BID_MANAGER, Role.SIGNATORY)

FRAMEWORK = Body(
    "framework",
    "National Framework Team",
    OrganisationKind.FRAMEWORK_TEAM,
    (("Amara Osei", (Role.FRAMEWORK_TEAM,)), ("Colin Baxter", (Role.ADMINISTRATOR,))),
)
REGION = Body(
    "north-east",
    "Probation Service – North East",
    OrganisationKind.PROBATION_REGION,
    (
        ("Priya Nair", (Role.COMMERCIAL_PARTNER,)),
        ("Graham Ellison", (Role.APPROVER,)),
        ("Moira Tait", (Role.EVALUATOR,)),
        ("Daniel Okafor", (Role.EVALUATOR,)),
        ("Lesley Hunt", (Role.CONTRACT_MANAGER,)),
        ("Imran Shah", (Role.COMMISSIONER_FINANCE,)),
        ("Bethan Rowe", (Role.REGIONAL_COORDINATOR,)),
        ("Joanna Clark", (Role.RESPONSIBLE_OFFICER,)),
        ("Tom Ferris", (Role.RESPONSIBLE_OFFICER,)),
        ("Helen Marsh", (Role.ADMINISTRATOR,)),
    ),
    place_code="A",
)
PCC = Body(
    "northumbria-pcc",
    "Northumbria Police and Crime Commissioner",
    OrganisationKind.PCC,
    (
        ("Ruth Adeyemi", (Role.EVALUATOR,)),
        ("Nadia Rahman", (Role.APPROVER,)),
        ("Sam Doyle", (Role.COMMISSIONER_FINANCE,)),
    ),
    place_code="E23000007",
)
WOMENS_CENTRE = Body(
    "staithes",
    "Staithes Women’s Centre",
    OrganisationKind.SUPPLIER,
    (
        ("Carol Whitfield", _OWNER),
        ("Nadia Rahman", (Role.SERVICE_MANAGER,)),
        ("Ellie Young", (Role.CASEWORKER,)),
        ("Mark Dunn", (Role.SUPPLIER_FINANCE,)),
    ),
    status=SupplierStatus.VCSE,
    charity="9990001",
)
PATHWAYS = Body(
    "pathways",
    "Pennine Pathways CIC",
    OrganisationKind.SUPPLIER,
    (
        ("Owen Hardy", _OWNER),
        ("Grace Liddle", (Role.SERVICE_MANAGER,)),
        ("Femi Balogun", (Role.CASEWORKER,)),
        ("Julia Kerr", (Role.SUPPLIER_FINANCE,)),
    ),
    status=SupplierStatus.VCSE,
    company="99900002",
)
KITTIWAKE = Body(
    "kittiwake",
    "Kittiwake Housing Support Ltd",
    OrganisationKind.SUPPLIER,
    (
        ("Peter Lowe", _OWNER),
        ("Sunita Patel", (Role.SERVICE_MANAGER, Role.CASEWORKER)),
        ("Anna Reid", (Role.SUPPLIER_FINANCE,)),
    ),
    status=SupplierStatus.SME,
    company="99900003",
)
LODESTAR = Body(
    "lodestar",
    "Lodestar Justice Services Ltd",
    OrganisationKind.SUPPLIER,
    (
        ("Victoria Stone", _OWNER),
        ("Karl Jensen", (Role.SERVICE_MANAGER,)),
        ("Paul Novak", (Role.SUPPLIER_FINANCE,)),
    ),
    status=SupplierStatus.LARGE,
    company="99900004",
)
APPLICANT = Body(
    "cheviot",
    "Cheviot Recovery",
    OrganisationKind.SUPPLIER,
    (("Fiona Grant", _OWNER),),
    status=SupplierStatus.VCSE,
    charity="9990005",
)
NEWCOMER = Body(
    "teal-street",
    "Teal Street Mentoring",
    OrganisationKind.SUPPLIER,
    (("Jamal Edwards", _OWNER),),
    status=SupplierStatus.VCSE,
    charity="9990006",
)
BODIES = (FRAMEWORK, REGION, PCC, WOMENS_CENTRE, PATHWAYS, KITTIWAKE, LODESTAR, APPLICANT, NEWCOMER)
# One person who acts for two organisations.
SECOND_GRANTS = (("ruth.adeyemi@northumbria-pcc.example", REGION.key, Role.EVALUATOR),)


def email_of(name: str, body: Body) -> str:
    """The invented address of an invented person; addresses under .example reach nobody."""
    return f"{name.lower().replace(' ', '.')}@{body.key}.example"


def people() -> list[Invented]:
    """Who can sign in: everyone invented, with each organisation they act for."""
    return [
        Invented(
            person.name,
            person.email,
            grants[0].organisation.name,
            tuple(grant.role for grant in grants),
            DEMONSTRATION_PASSWORD,
        )
        for person in queries.demonstration_people()
        for grants in _by_organisation(person.grants)
    ]


def _by_organisation(grants: Iterable[RoleGrant]) -> list[list[RoleGrant]]:
    kept: dict[int, list[RoleGrant]] = {}
    for grant in grants:
        kept.setdefault(grant.organisation_id, []).append(grant)
    return list(kept.values())
