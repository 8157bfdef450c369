"""Stopping new referrals to a contract or to one of its services, and taking them again."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement, ServiceLine, Suspension
from contracts.agreements.rules import AgreementStatus, SuspensionCause
from contracts.changes import letters, queries
from contracts.changes.actions.checks import must_lead
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused, TooLate
from marketplace.extensions import db


def suspend(
    agreement: Agreement,
    *,
    line: ServiceLine | None,
    from_on: date,
    reason: str,
    cause: SuspensionCause = SuspensionCause.DECIDED,
    actor: Actor,
    now: datetime,
) -> Suspension:
    """No new referrals from a day, until it is lifted: to one service, or (None) to the whole contract.

    Open referrals go on, and so do the payments. Refused for others than the lead's contract manager or commercial
    partner, before the contract is signed and after its end, from a day that is past, and what is stopped already.
    """
    hold(agreement)
    must_lead(agreement, actor)
    if agreement.status is not AgreementStatus.SIGNED:
        raise Refused("Nobody is referred to this contract yet: it is not signed.")
    today = clock.london(now).date()
    if agreement.ends_on is not None and agreement.ends_on < today:
        raise TooLate("This contract has ended.")
    if from_on < today:
        raise Invalid("New referrals can be stopped from today at the earliest", field="from_on")
    if agreement.ends_on is not None and from_on > agreement.ends_on:
        raise Invalid("The contract ends before that day", field="from_on")
    for one in queries.suspensions_of(agreement):
        if one.lifted_at is None and one.line_id in (None, line.id if line else None):
            raise AlreadyDone(
                "New referrals to it are stopped already. Lift that first.", field="line_id" if line else None
            )
    # Whoever refers to a service holds its line: once this is in, nobody more is sent there.
    db.session.execute(
        select(ServiceLine.id)
        .where(ServiceLine.agreement_id == agreement.id)
        .order_by(ServiceLine.id)
        .with_for_update(key_share=True)
    )
    suspension = Suspension(
        agreement_id=agreement.id,
        line_id=line.id if line else None,
        from_on=from_on,
        cause=cause,
        reason=reason,
        at=now,
        by=actor.person,
    )
    db.session.add(suspension)
    db.session.flush()
    audit.record(
        "Stopped new referrals",
        agreement,
        actor=actor,
        now=now,
        suspension=suspension.id,
        from_on=from_on.isoformat(),
        line=suspension.line_id,
    )
    letters.tell_suspended(suspension, now=now)
    return suspension


def lift(suspension: Suspension, *, on: date, reason: str, actor: Actor, now: datetime) -> None:
    """Referrals are taken again from a day, with the reason. One that has not begun is called off.

    Refused for a day that is past, and when it is lifted already.
    """
    hold(suspension.agreement)
    must_lead(suspension.agreement, actor)
    db.session.refresh(suspension)
    if suspension.lifted_at is not None:
        raise AlreadyDone("This suspension is lifted already.")
    if on < clock.london(now).date():
        raise Invalid("Referrals can be taken again from today at the earliest", field="on")
    suspension.lifted_from = max(on, suspension.from_on)
    suspension.lifted_reason, suspension.lifted_at, suspension.lifted_by = reason, now, actor.person
    db.session.flush()
    audit.record(
        "Lifted the suspension",
        suspension.agreement,
        actor=actor,
        now=now,
        suspension=suspension.id,
        lifted_from=suspension.lifted_from.isoformat(),
    )
    letters.tell_lifted(suspension, now=now)
