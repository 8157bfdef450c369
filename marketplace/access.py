"""Who may do what. One table; every view names its audience and is closed without one.

A view is opened with `@audience(...)`: to everybody (`PUBLIC`), to anyone signed in (`SIGNED_IN`), or to the roles
that hold a `Permission`. That lets a person to the door; which rows they see there is decided by the area's queries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from marketplace.errors import NotAllowed


class Role(StrEnum):
    """What a person does for one organisation (domain.md, "Who uses it")."""

    ADMINISTRATOR = "administrator"
    BID_MANAGER = "bid_manager"
    SIGNATORY = "signatory"
    SERVICE_MANAGER = "service_manager"
    CASEWORKER = "caseworker"
    SUPPLIER_FINANCE = "supplier_finance"
    COMMERCIAL_PARTNER = "commercial_partner"
    APPROVER = "approver"
    EVALUATOR = "evaluator"
    CONTRACT_MANAGER = "contract_manager"
    COMMISSIONER_FINANCE = "commissioner_finance"
    REGIONAL_COORDINATOR = "regional_coordinator"
    RESPONSIBLE_OFFICER = "responsible_officer"
    FRAMEWORK_TEAM = "framework_team"

    @property
    def label(self) -> str:
        """The role as people say it."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())


_LABELS = {
    Role.ADMINISTRATOR: "Account administrator",
    Role.APPROVER: "Approver (Regional Probation Director)",
    Role.SUPPLIER_FINANCE: "Finance",
    Role.COMMISSIONER_FINANCE: "Finance",
    Role.REGIONAL_COORDINATOR: "Regional co-ordinator",
}

SUPPLIER_ROLES = (
    Role.ADMINISTRATOR,
    Role.BID_MANAGER,
    Role.SIGNATORY,
    Role.SERVICE_MANAGER,
    Role.CASEWORKER,
    Role.SUPPLIER_FINANCE,
)
COMMISSIONER_ROLES = (
    Role.ADMINISTRATOR,
    Role.COMMERCIAL_PARTNER,
    Role.APPROVER,
    Role.EVALUATOR,
    Role.CONTRACT_MANAGER,
    Role.COMMISSIONER_FINANCE,
    Role.REGIONAL_COORDINATOR,
    Role.RESPONSIBLE_OFFICER,
)
FRAMEWORK_ROLES = (Role.ADMINISTRATOR, Role.FRAMEWORK_TEAM)
# Held at public bodies only. A second factor is compulsory there outside the demonstration, for administrators too.
STAFF_ROLES = frozenset(COMMISSIONER_ROLES + FRAMEWORK_ROLES) - {Role.ADMINISTRATOR}


class Permission(StrEnum):
    """One thing that may be done."""

    ADMINISTER_ORGANISATION = "administer_organisation"
    APPLY_TO_FRAMEWORK = "apply_to_framework"
    DECIDE_APPLICATIONS = "decide_applications"
    PLAN = "plan"
    DRAFT_COMPETITION = "draft_competition"
    APPROVE_COMPETITION = "approve_competition"
    SEE_COMPETITION_FILE = "see_competition_file"
    SEE_INVITATIONS = "see_invitations"
    BID = "bid"
    OPEN_BIDS = "open_bids"
    EVALUATE = "evaluate"
    MODERATE = "moderate"
    RECOMMEND_AWARD = "recommend_award"
    APPROVE_AWARD = "approve_award"
    SIGN_FOR_SUPPLIER = "sign_for_supplier"
    SIGN_FOR_COMMISSIONER = "sign_for_commissioner"
    DRAW_CONTRACTS = "draw_contracts"
    SEE_CONTRACTS = "see_contracts"
    MANAGE_CONTRACTS = "manage_contracts"
    APPROVE_CHANGES = "approve_changes"
    MANAGE_DELIVERY = "manage_delivery"
    SEE_VOLUMES = "see_volumes"
    ACT_ON_VOLUMES = "act_on_volumes"
    SEE_NATIONAL_VOLUMES = "see_national_volumes"
    EXPLORE_COHORTS = "explore_cohorts"
    REFER = "refer"
    DELIVER = "deliver"
    SEE_REFERRALS = "see_referrals"
    SEE_LATE_REFERRALS = "see_late_referrals"
    CHASE_REFERRALS = "chase_referrals"
    SEE_INVOICES = "see_invoices"
    PAY_INVOICES = "pay_invoices"
    APPROVE_INVOICES = "approve_invoices"
    DISPUTE_INVOICES = "dispute_invoices"
    ISSUE_CREDITS = "issue_credits"
    RECEIVE_PAYMENTS = "receive_payments"
    PAY_SUPPLY_CHAIN = "pay_supply_chain"
    SEE_PAYMENT_DIFFERENCES = "see_payment_differences"
    KEEP_BASE_RATES = "keep_base_rates"


_OF_COMMISSIONER = {Role.COMMERCIAL_PARTNER, Role.APPROVER, Role.CONTRACT_MANAGER}
_OF_SUPPLIER = {Role.BID_MANAGER, Role.SIGNATORY}

TABLE: dict[Permission, frozenset[Role]] = {
    Permission.ADMINISTER_ORGANISATION: frozenset({Role.ADMINISTRATOR}),
    Permission.APPLY_TO_FRAMEWORK: frozenset(_OF_SUPPLIER),
    Permission.DECIDE_APPLICATIONS: frozenset({Role.FRAMEWORK_TEAM}),
    Permission.PLAN: frozenset({Role.COMMERCIAL_PARTNER}),
    Permission.DRAFT_COMPETITION: frozenset({Role.COMMERCIAL_PARTNER}),
    Permission.APPROVE_COMPETITION: frozenset({Role.APPROVER}),
    Permission.SEE_COMPETITION_FILE: frozenset(_OF_COMMISSIONER | {Role.EVALUATOR}),
    Permission.SEE_INVITATIONS: frozenset(_OF_SUPPLIER),
    Permission.BID: frozenset(_OF_SUPPLIER),
    Permission.OPEN_BIDS: frozenset(_OF_COMMISSIONER),
    Permission.EVALUATE: frozenset({Role.EVALUATOR}),
    Permission.MODERATE: frozenset({Role.COMMERCIAL_PARTNER}),
    Permission.RECOMMEND_AWARD: frozenset({Role.COMMERCIAL_PARTNER}),
    Permission.APPROVE_AWARD: frozenset({Role.APPROVER}),
    Permission.SIGN_FOR_SUPPLIER: frozenset({Role.SIGNATORY}),
    Permission.SIGN_FOR_COMMISSIONER: frozenset({Role.APPROVER}),
    Permission.DRAW_CONTRACTS: frozenset({Role.COMMERCIAL_PARTNER, Role.CONTRACT_MANAGER}),
    Permission.SEE_CONTRACTS: frozenset(
        _OF_COMMISSIONER
        | _OF_SUPPLIER
        | {Role.COMMISSIONER_FINANCE, Role.REGIONAL_COORDINATOR, Role.SERVICE_MANAGER, Role.SUPPLIER_FINANCE}
    ),
    Permission.MANAGE_CONTRACTS: frozenset({Role.COMMERCIAL_PARTNER, Role.CONTRACT_MANAGER}),
    Permission.APPROVE_CHANGES: frozenset({Role.APPROVER}),
    Permission.MANAGE_DELIVERY: frozenset({Role.SERVICE_MANAGER, Role.SIGNATORY, Role.BID_MANAGER}),
    Permission.SEE_VOLUMES: frozenset(
        _OF_COMMISSIONER | {Role.REGIONAL_COORDINATOR, Role.SERVICE_MANAGER, Role.SIGNATORY, Role.BID_MANAGER}
    ),
    Permission.ACT_ON_VOLUMES: frozenset({Role.CONTRACT_MANAGER, Role.REGIONAL_COORDINATOR}),
    Permission.SEE_NATIONAL_VOLUMES: frozenset({Role.FRAMEWORK_TEAM}),
    Permission.EXPLORE_COHORTS: frozenset(_OF_COMMISSIONER | {Role.REGIONAL_COORDINATOR, Role.FRAMEWORK_TEAM}),
    Permission.REFER: frozenset({Role.RESPONSIBLE_OFFICER}),
    Permission.DELIVER: frozenset({Role.SERVICE_MANAGER, Role.CASEWORKER}),
    Permission.SEE_REFERRALS: frozenset({Role.RESPONSIBLE_OFFICER, Role.SERVICE_MANAGER, Role.CASEWORKER}),
    # Of referrals past a clock: how many, and their references. Nothing about anybody.
    Permission.SEE_LATE_REFERRALS: frozenset(
        _OF_COMMISSIONER | _OF_SUPPLIER | {Role.REGIONAL_COORDINATOR, Role.SERVICE_MANAGER}
    ),
    Permission.CHASE_REFERRALS: frozenset({Role.CONTRACT_MANAGER, Role.REGIONAL_COORDINATOR}),
    Permission.SEE_INVOICES: frozenset({Role.COMMISSIONER_FINANCE, Role.SUPPLIER_FINANCE, Role.CONTRACT_MANAGER}),
    Permission.PAY_INVOICES: frozenset({Role.COMMISSIONER_FINANCE}),
    Permission.APPROVE_INVOICES: frozenset({Role.CONTRACT_MANAGER}),
    Permission.DISPUTE_INVOICES: frozenset({Role.CONTRACT_MANAGER, Role.COMMISSIONER_FINANCE}),
    Permission.ISSUE_CREDITS: frozenset({Role.SUPPLIER_FINANCE}),
    Permission.RECEIVE_PAYMENTS: frozenset({Role.SUPPLIER_FINANCE}),
    Permission.PAY_SUPPLY_CHAIN: frozenset({Role.SUPPLIER_FINANCE}),
    Permission.SEE_PAYMENT_DIFFERENCES: frozenset({Role.FRAMEWORK_TEAM}),
    Permission.KEEP_BASE_RATES: frozenset({Role.FRAMEWORK_TEAM}),
}


@dataclass(frozen=True)
class Actor:
    """Somebody acting for one organisation; the clock and the scheduler act as `SYSTEM`."""

    person_id: int | None
    name: str
    organisation_id: int | None
    organisation_name: str
    roles: frozenset[Role]
    is_supplier: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether any of this actor's roles holds the permission."""
        return bool(TABLE[permission] & self.roles)

    def must(self, permission: Permission) -> None:
        """Refuse unless the actor may. Actions ask this too: jobs and imports come by no view."""
        if self is not SYSTEM and not self.may(permission):
            raise NotAllowed("Your role does not let you do this.")

    @property
    def person(self) -> int:
        """The person's key. Only people, never the system, do what asks for it."""
        if self.person_id is None:
            raise NotAllowed("Only a person can do this.")
        return self.person_id

    @property
    def organisation(self) -> int:
        """The key of the organisation acted for."""
        if self.organisation_id is None:
            raise NotAllowed("Choose the organisation you act for first.")
        return self.organisation_id


SYSTEM = Actor(None, "The marketplace", None, "", frozenset())


class Door(StrEnum):
    """Audiences that are not a permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    SIGNED_WEBHOOK = "signed_webhook"


PUBLIC = Door.PUBLIC
SIGNED_IN = Door.SIGNED_IN
# Machines that prove themselves by a signature over what they send; the view checks it.
SIGNED_WEBHOOK = Door.SIGNED_WEBHOOK

Audience = Door | tuple[Permission, ...]
View = TypeVar("View", bound=Callable[..., object])


def audience(*who: Door | Permission) -> Callable[[View], View]:
    """Open a view: to one door, or to every role that holds one of the permissions."""
    doors = [one for one in who if isinstance(one, Door)]
    opened: Audience
    if doors:
        if len(who) != 1:
            raise ValueError("a door stands alone")
        opened = doors[0]
    else:
        opened = tuple(one for one in who if isinstance(one, Permission))
        if not opened:
            raise ValueError("name an audience")

    def mark(view: View) -> View:
        view.audience = opened  # type: ignore[attr-defined]
        return view

    return mark


def audience_of(app: Flask, endpoint: str) -> Audience | None:
    """Who the view is opened to; None if to nobody."""
    if endpoint == "static":
        return PUBLIC
    return getattr(app.view_functions[endpoint], "audience", None)


def current_actor() -> Actor | None:
    """Who is asking, if signed in. Accounts load it: `marketplace.accounts.views.sessions`."""
    return getattr(current_user, "actor", None)


def acting() -> Actor:
    """Who is asking. Only for views that are not public."""
    actor = current_actor()
    if actor is None:
        raise NotAllowed("Sign in first.")
    return actor


def closed_by_default() -> Response | None:
    """Before every request: let in only whom the view is opened to."""
    if request.endpoint is None:
        return None
    opened = audience_of(current_app, request.endpoint)
    if opened is None:
        abort(403)
    if opened in (PUBLIC, SIGNED_WEBHOOK):
        return None
    actor = current_actor()
    if actor is None:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.sign_in", next=back))
    if opened is SIGNED_IN:
        return None
    if isinstance(opened, Door) or not any(actor.may(permission) for permission in opened):
        abort(403)
    return None
