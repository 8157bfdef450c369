"""The service navigation: which lists each role finds at the top of every page."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.access import Actor, Permission


@dataclass(frozen=True)
class Item:
    """One link of the navigation: endpoint names are strings, so nothing is imported."""

    text: str
    endpoint: str
    permission: Permission | None = None


PUBLIC_ITEMS = (
    Item("Find a service", "search.find"),
    Item("Opportunities", "competitions.notices"),
    Item("Contracts awarded", "publishing.register"),
)
SIGNED_IN_ITEMS = (
    Item("Home", "home"),
    Item("Applications", "suppliers.decide_list", Permission.DECIDE_APPLICATIONS),
    Item("Suppliers without people", "accounts.unclaimed", Permission.DECIDE_APPLICATIONS),
    Item("Join the framework", "suppliers.application", Permission.APPLY_TO_FRAMEWORK),
    Item("Plans", "plans.index", Permission.PLAN),
    Item("Funds", "funds.index", Permission.PLAN),
    Item("Call-offs", "competitions.index", Permission.SEE_COMPETITION_FILE),
    Item("Invitations", "bids.invitations", Permission.SEE_INVITATIONS),
    Item("Contracts", "agreements.index", Permission.SEE_CONTRACTS),
    Item("Volumes", "volumes.index", Permission.SEE_VOLUMES),
    Item("Who was referred", "cohorts.explore", Permission.EXPLORE_COHORTS),
    Item("National volumes", "volumes.nation", Permission.SEE_NATIONAL_VOLUMES),
    Item("Performance", "performance.index", Permission.SEE_CONTRACTS),
    # Others who may see it come to it from the volumes.
    Item("Late referrals", "performance.desk", Permission.CHASE_REFERRALS),
    Item("Referrals", "referrals.index", Permission.SEE_REFERRALS),
    Item("Invoices", "invoices.index", Permission.SEE_INVOICES),
    Item("Payment differences", "payments.differences", Permission.SEE_PAYMENT_DIFFERENCES),
    Item("Base rates", "ledger.base_rates", Permission.KEEP_BASE_RATES),
    Item("How you are paid", "payments.account", Permission.RECEIVE_PAYMENTS),
    Item("People", "accounts.people", Permission.ADMINISTER_ORGANISATION),
)


def navigation_for(actor: Actor | None) -> list[Item]:
    """What this person finds at the top, theirs first."""
    if actor is None:
        return list(PUBLIC_ITEMS)
    own = [item for item in SIGNED_IN_ITEMS if item.permission is None or actor.may(item.permission)]
    return [*own, PUBLIC_ITEMS[0]]
