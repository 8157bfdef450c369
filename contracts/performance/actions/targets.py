"""Targets: proposed by one side, agreed by a person of the other. Nobody changes a month that is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side, first_of_month
from contracts.mobilisation.actions.checks import must_be, must_last, must_manage
from contracts.mobilisation.rules import other
from contracts.performance import letters, queries
from contracts.performance.models import MeasureTarget
from contracts.performance.rules import TARGET_MOVES, Measure, Target, TargetStatus
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, TooLate
from marketplace.extensions import db


def propose(
    agreement: Agreement,
    measure: Measure,
    target: Target | None,
    *,
    from_month: date,
    why: str,
    actor: Actor,
    now: datetime,
) -> MeasureTarget:
    """Propose a target for a measure from a month on; None proposes not to measure it.

    Refused: for others than those who manage the contract, after its end, for a month that is over or outside the
    contract, while another target for the measure waits, and where it changes nothing.
    """
    made = _propose(agreement, measure, target, from_month=from_month, why=why, actor=actor, now=now)
    letters.ask_to_agree(agreement, other(made.side), [made], now=now)
    return made


def propose_usual(agreement: Agreement, *, actor: Actor, now: datetime) -> list[MeasureTarget]:
    """Propose the usual set for every measure on which nothing is agreed and nothing waits."""
    month = max(first_of_month(clock.london(now).date()), first_of_month(agreement.starts_on))
    applies = queries.targets_of([agreement.id], month)[agreement.id]
    waits = {one.measure for one in queries.every_target(agreement) if one.status is TargetStatus.PROPOSED}
    made = [
        _propose(agreement, measure, one.target, from_month=month, why="The usual set", actor=actor, now=now)
        for measure, one in applies.items()
        if not one.is_agreed and measure not in waits
    ]
    if not made:
        raise AlreadyDone("Each measure has a target that is agreed or proposed.")
    letters.ask_to_agree(agreement, other(made[0].side), made, now=now)
    return made


def _propose(
    agreement: Agreement,
    measure: Measure,
    target: Target | None,
    *,
    from_month: date,
    why: str,
    actor: Actor,
    now: datetime,
) -> MeasureTarget:
    hold(agreement)
    side = must_manage(actor, agreement)
    must_last(agreement, now)
    from_month = first_of_month(from_month)
    if from_month < first_of_month(clock.london(now).date()):
        raise Invalid("Choose this month or a later one: months that are over stay as they are", field="from_month")
    if from_month < first_of_month(agreement.starts_on) or from_month > (agreement.ends_on or date.max):
        raise Invalid("Choose a month of the contract", field="from_month")
    if not why.strip():
        raise Invalid("Say why", field="why")
    if any(one.measure is measure and one.status is TargetStatus.PROPOSED for one in queries.every_target(agreement)):
        raise AlreadyDone("A target for this measure waits to be agreed already.", field="measure")
    applies = queries.targets_of([agreement.id], from_month)[agreement.id].get(measure)
    if (applies is None and target is None) or (applies and applies.is_agreed and applies.target == target):
        raise Invalid("This is what is agreed already", field="percent")
    made = MeasureTarget(
        agreement_id=agreement.id,
        agreement=agreement,
        measure=measure,
        percent=target.percent if target else None,
        tolerance=target.tolerance if target else None,
        from_month=from_month,
        side=side,
        why=why.strip(),
        proposed_at=now,
        proposed_by=actor.person,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        f"Proposed a target: {measure.label}", agreement, actor=actor, now=now, percent=made.percent, target=made.id
    )
    return made


def agree(target: MeasureTarget, *, actor: Actor, now: datetime) -> None:
    """The other side agrees. Refused once the month from which it was to apply is over: it is proposed again then."""
    _agree(target, actor=actor, now=now)
    letters.tell_answered(target.agreement, [target], now=now)


def agree_all(agreement: Agreement, *, seen: Sequence[int], actor: Actor, now: datetime) -> list[MeasureTarget]:
    """The other side agrees to everything it has seen waiting. Refused if that is not what waits now."""
    hold(agreement)
    side = must_manage(actor, agreement)
    waits = db.session.scalars(
        select(MeasureTarget)
        .where(
            MeasureTarget.agreement_id == agreement.id,
            MeasureTarget.status == TargetStatus.PROPOSED,
            MeasureTarget.side == other(side),
        )
        .order_by(MeasureTarget.id)
        .execution_options(populate_existing=True)
    ).all()
    if not waits or {one.id for one in waits} != set(seen):
        raise AlreadyDone("What was proposed has changed since you opened the page. Look at it again.")
    for one in waits:
        _agree(one, actor=actor, now=now)
    letters.tell_answered(agreement, waits, now=now)
    return list(waits)


def _agree(target: MeasureTarget, *, actor: Actor, now: datetime) -> None:
    must_be(other(target.side), actor, target.agreement)
    _move(target, TargetStatus.AGREED)
    if target.proposed_by == actor.person:
        raise NotAllowed("You proposed this target, so that somebody else must answer it.")
    if target.from_month < first_of_month(clock.london(now).date()):
        raise TooLate(
            f"It was to apply from {target.from_month:%B %Y}, which is over. Decline it, and propose it from a later "
            "month."
        )
    _answer(target, TargetStatus.AGREED, actor=actor, now=now)


def decline(target: MeasureTarget, *, reason: str, actor: Actor, now: datetime) -> None:
    """The other side says why not."""
    must_be(other(target.side), actor, target.agreement)
    _move(target, TargetStatus.DECLINED)
    if not reason.strip():
        raise Invalid("Say why", field="reason")
    target.reason = reason.strip()
    _answer(target, TargetStatus.DECLINED, actor=actor, now=now)
    letters.tell_answered(target.agreement, [target], now=now)


def take_back(target: MeasureTarget, *, actor: Actor, now: datetime) -> None:
    """The side that proposed it takes it back."""
    must_be(target.side, actor, target.agreement)
    _move(target, TargetStatus.WITHDRAWN)
    _answer(target, TargetStatus.WITHDRAWN, actor=actor, now=now)


def _move(target: MeasureTarget, to: TargetStatus) -> None:
    hold(target.agreement)
    db.session.refresh(target, ["status"])
    if to not in TARGET_MOVES[target.status]:
        raise AlreadyDone(f"This target is {target.status} already.")


def _answer(target: MeasureTarget, to: TargetStatus, *, actor: Actor, now: datetime) -> None:
    target.status, target.answered_at, target.answered_by = to, now, actor.person
    db.session.flush()
    audit.record(
        f"{to.label} the target: {target.measure.label}", target.agreement, actor=actor, now=now, target=target.id
    )


def may_answer(side: Side | None, target: MeasureTarget) -> bool:
    """Whether it waits for this side."""
    return side is not None and target.status is TargetStatus.PROPOSED and side is other(target.side)
