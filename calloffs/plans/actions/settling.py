"""Settling a plan's figures, and changing them in another version with a reason."""

from __future__ import annotations

from datetime import datetime

from calloffs.plans import rules
from calloffs.plans.actions.drafting import figures_into, locked
from calloffs.plans.models import Plan, PlanBudget, PlanGrowth, PlanHistory, PlanVersion
from marketplace import audit
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid
from marketplace.extensions import db

# What a new version takes over; the rest is its own or follows.
_TAKEN = (
    *("starts_on", "months", "needs_data_id", "evidence_reason", "basis", "history_source", "eligible_percent"),
    *("eligible_source", "stated_volume", "stated_source", "unit_low", "unit_medium", "unit_high", "unit_source"),
    *("unit_as_of", "mix_low", "mix_medium", "mix_high", "budget_reason", "fund_id", "fund_purpose", "route"),
    *("route_reason", "larger_from", "edges", "fixed_percent"),
)


def settle(plan: Plan, *, actor: Actor, now: datetime) -> PlanVersion:
    """Settle the figures: they stay from now on, and a call-off can start from them. Refused while any is missing."""
    plan = locked(plan, actor)
    version = plan.draft
    if version is None:
        raise AlreadyDone("The figures of this plan are settled already.")
    if found := rules.plan_faults(version.assumptions):
        raise Invalid(". ".join(fault.words for fault in found) + ".")
    worked = figures_into(version)
    version.settled_at, version.settled_by = now, actor.person
    audit.record(
        "Settled the figures",
        plan,
        actor=actor,
        now=now,
        version=version.number,
        volume=worked.annual_volume,
        budget=str(worked.budget),
        calculated_cost=str(worked.cost),
        gap=str(worked.gap),
    )
    db.session.flush()
    return version


def begin_version(plan: Plan, *, reason: str, actor: Actor, now: datetime) -> PlanVersion:
    """Begin another version with everything as it stands, to change some of it for a reason."""
    plan = locked(plan, actor)
    before = plan.settled
    if plan.draft is not None or before is None:
        raise AlreadyDone("Another version of this plan is being worked on already.")
    version = PlanVersion(
        number=before.number + 1,
        reason=reason,
        created_at=now,
        created_by=actor.person,
        **{name: getattr(before, name) for name in _TAKEN},
    )
    version.history = [PlanHistory(year=one.year, caseload=one.caseload) for one in before.history]
    version.growth = [
        PlanGrowth(kind=one.kind, first_percent=one.first_percent, later_percent=one.later_percent, source=one.source)
        for one in before.growth
    ]
    version.budgets = [PlanBudget(year=one.year, amount=one.amount) for one in before.budgets]
    plan.versions.append(version)
    db.session.flush()
    db.session.refresh(version)
    figures_into(version)
    audit.record("Began another version", plan, actor=actor, now=now, version=version.number, reason=reason)
    db.session.flush()
    return version


def discard_version(plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Throw away the version that is being worked on; the settled one before it holds. Refused for the first."""
    plan = locked(plan, actor)
    version = plan.draft
    if version is None:
        raise AlreadyDone("No version of this plan is being worked on.")
    if plan.settled is None:
        raise Invalid("The first version of a plan cannot be thrown away.")
    plan.versions.remove(version)
    audit.record("Threw away a version", plan, actor=actor, now=now, version=version.number)
    db.session.flush()
