"""Reads of endings: the tasks of a contract that ends, which contracts near their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import contains_eager, joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus, Origin, months_after
from contracts.changes.models import ExitPlan, ExitTask, Variation
from contracts.changes.rules import ENDS, EXIT_MONTHS, OPEN, TaskStanding
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db

OWED = frozenset({TaskStanding.SOON, TaskStanding.LATE})


def exit_tasks(agreement: Agreement) -> list[ExitTask]:
    """The tasks of the contract's ending, by their day; those not needed last."""
    found = db.session.scalars(
        select(ExitTask).where(ExitTask.agreement_id == agreement.id).options(joinedload(ExitTask.doer))
    )
    return sorted(found, key=lambda one: (one.dropped_reason is not None, -one.lead_days, one.id))


def exit_begun(agreement: Agreement) -> bool:
    """Whether the usual tasks are made."""
    return db.session.get(ExitPlan, agreement.id) is not None


def exit_task_for(actor: Actor, task_id: int) -> ExitTask:
    """The task, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(ExitTask).join(ExitTask.agreement).where(ExitTask.id == task_id, agreements.theirs(actor))
    )
    if found is None:
        raise NotFound("There is no such task, or it does not concern your organisation.")
    return found


def ending_of(agreement: Agreement) -> Variation | None:
    """The early ending that was decided last, or is on its way; None if the contract ends as it was first agreed."""
    return db.session.scalar(
        select(Variation)
        .where(
            Variation.agreement_id == agreement.id, Variation.purpose.in_(ENDS), Variation.withdrawn_reason.is_(None)
        )
        .order_by(Variation.status.in_(OPEN).desc(), Variation.id.desc())
        .limit(1)
    )


def contracts_near_their_end(on: date) -> Sequence[int]:
    """Signed contracts drawn from awards that end within six months ‡ of a day and have no exit plan yet."""
    return db.session.scalars(
        select(Agreement.id)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.origin == Origin.AWARD,
            Agreement.ends_on.between(on, months_after(on, EXIT_MONTHS)),
            ~exists().where(ExitPlan.agreement_id == Agreement.id),
        )
        .order_by(Agreement.id)
    ).all()


def exit_tasks_owed(on: date) -> list[ExitTask]:
    """Every task that is near or late, of all contracts."""
    return [
        one
        for one in db.session.scalars(
            select(ExitTask)
            .join(ExitTask.agreement)
            .where(ExitTask.done_at.is_(None), ExitTask.dropped_reason.is_(None), Agreement.ends_on.is_not(None))
            .options(contains_eager(ExitTask.agreement))
            .order_by(ExitTask.agreement_id, ExitTask.lead_days.desc(), ExitTask.id)
        )
        if one.standing(on) in OWED
    ]
