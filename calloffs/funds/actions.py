"""Setting up a fund, changing what is in it, and setting money aside from it, never more than there is (R30)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.funds import queries, rules
from calloffs.funds.models import Commitment, Fund
from calloffs.funds.rules import STAGE_MOVES, FundKind, Stage
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def open_fund(
    *,
    name: str,
    kind: FundKind,
    purposes: str,
    amount: Decimal,
    starts_on: date,
    ends_on: date,
    actor: Actor,
    now: datetime,
) -> Fund:
    """Set up a fund of the body acted for. Refused: no money, no purpose, an end before its start, a name twice."""
    actor.must(Permission.PLAN)
    _check(purposes, amount)
    if ends_on < starts_on:
        raise Invalid("The fund must end on or after the day on which it starts.", field="ends_on")
    fund = Fund(
        organisation_id=actor.organisation,
        name=name,
        kind=kind,
        purposes="\n".join(rules.purposes_of(purposes)),
        amount=amount,
        starts_on=starts_on,
        ends_on=ends_on,
        created_at=now,
        created_by=actor.person,
    )
    db.session.add(fund)
    try:
        db.session.flush()
    except IntegrityError as error:
        if "uq_funds_organisation_id_name" not in str(error.orig):
            raise
        raise AlreadyDone("Your organisation has a fund of this name already.", field="name") from error
    audit.record("Set up the fund", fund, actor=actor, now=now, amount=str(amount))
    db.session.flush()
    return fund


def change_fund(fund: Fund, *, amount: Decimal, purposes: str, reason: str, actor: Actor, now: datetime) -> None:
    """Change what is in the fund or what it is for, with the reason. Refused under what is set aside already."""
    actor.must(Permission.PLAN)
    if fund.organisation_id != actor.organisation:
        raise NotAllowed("Only the body whose fund it is can change it.")
    _check(purposes, amount)
    fund = _locked(fund.id)
    standing = fund.standing
    if amount < standing.held + standing.agreed:
        taken = pounds_exact(standing.held + standing.agreed)
        raise Invalid(f"{taken} is set aside already, so the fund cannot hold less than that.", field="amount")
    before = fund.amount
    fund.amount, fund.purposes = amount, "\n".join(rules.purposes_of(purposes))
    audit.record("Changed the fund", fund, actor=actor, now=now, before=str(before), after=str(amount), reason=reason)
    db.session.flush()


def hold(
    fund_id: int, *, call_off: str, title: str, purpose: str, amount: Decimal, actor: Actor, now: datetime
) -> Commitment:
    """Set money aside for a call-off that is being published. Refused when the fund has less than that left."""
    fund = _locked(fund_id)
    if purpose not in fund.purpose_list:
        raise Refused(f"{fund.name} is not for “{purpose}” any more. Choose the source of the money again.")
    _must_have(fund, amount)
    held = Commitment(
        fund=fund, call_off=call_off, title=title, purpose=purpose, stage=Stage.HELD, amount=amount, changed_at=now
    )
    db.session.add(held)
    audit.record(f"Held for {call_off}", fund, actor=actor, now=now, amount=str(amount))
    db.session.flush()
    return held


def settle(call_off: str, *, owed: Mapping[int, Decimal], stage: Stage, actor: Actor, now: datetime) -> None:
    """Bring what a call-off takes to what the fund's body owes for it over the whole life: awarded, agreed, or varied.

    `owed` is in pounds, by the key of the body: whoever leads the contract meanwhile, the fund pays for its own.
    Nothing where it takes nothing from a fund, or has been released. Refused when the fund has less than that left.
    """
    found = queries.commitment_of(call_off)
    if found is None or stage not in STAGE_MOVES[found.stage]:
        return
    fund = _locked(found.fund_id)
    amount = owed.get(fund.organisation_id, Decimal(0))
    _must_have(fund, amount - found.amount)
    if (found.amount, found.stage) == (amount, stage):
        return
    found.amount, found.stage, found.changed_at = amount, stage, now
    audit.record(f"{stage.label}: {call_off}", fund, actor=actor, now=now, amount=str(amount))
    db.session.flush()


def release(call_off: str, *, actor: Actor, now: datetime) -> None:
    """Give back what was set aside for a call-off that ends without a contract. Nothing where nothing was."""
    found = queries.commitment_of(call_off)
    if found is None or found.stage is Stage.RELEASED:
        return
    fund = _locked(found.fund_id)
    found.stage, found.changed_at = Stage.RELEASED, now
    audit.record(f"Released: {call_off}", fund, actor=actor, now=now, amount=str(found.amount))
    db.session.flush()


def _check(purposes: str, amount: Decimal) -> None:
    if amount <= 0:
        raise Invalid("The amount must be above £0.", field="amount")
    if not rules.purposes_of(purposes):
        raise Invalid("Enter at least one purpose.", field="purposes")


def _locked(fund_id: int) -> Fund:
    """The fund, held and fresh with its commitments: two that set money aside at once come one after the other."""
    db.session.flush()
    fund = db.session.scalars(
        select(Fund).where(Fund.id == fund_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    db.session.refresh(fund, ["commitments"])
    return fund


def _must_have(fund: Fund, more: Decimal) -> None:
    left = fund.standing.left
    if more > left:
        raise Refused(
            f"{fund.name} has {pounds_exact(left)} left, and this would take {pounds_exact(more)} more. "
            "Lower the value, choose another source, or put more into the fund."
        )
