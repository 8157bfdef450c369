"""The tasks of a contract's ending: made once, changed, done."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus, Side
from contracts.changes import letters
from contracts.changes.actions.checks import must_lead
from contracts.changes.models import ExitPlan, ExitTask
from contracts.changes.rules import EXIT_TASKS, GRANT_EXIT_TASKS, lead_days_left
from contracts.mobilisation.queries import side_of
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db


def begin_exit(agreement: Agreement, *, actor: Actor, now: datetime) -> list[ExitTask]:
    """Make the usual tasks, once. For the daily job, and the lead's contract manager who begins sooner.

    Refused when they are made already, for a contract that is not signed, and for one without a last day.
    """
    hold(agreement)
    if actor is not SYSTEM:
        must_lead(agreement, actor)
    if agreement.status is not AgreementStatus.SIGNED or agreement.ends_on is None:
        raise Refused("Only a signed contract with a last day has an exit plan.")
    begun = db.session.scalar(
        insert(ExitPlan)
        .values(agreement_id=agreement.id, begun_at=now)
        .on_conflict_do_nothing()
        .returning(ExitPlan.agreement_id)
    )
    if begun is None:
        raise AlreadyDone("The exit plan of this contract is made already.")
    today = clock.london(now).date()
    tasks = [
        ExitTask(
            agreement=agreement,
            title=one.title,
            what=one.what,
            side=one.side,
            lead_days=lead_days_left(one.lead_days, ends_on=agreement.ends_on, made_on=today),
        )
        for one in (GRANT_EXIT_TASKS if agreement.instrument is Instrument.GRANT else EXIT_TASKS)
    ]
    db.session.add_all(tasks)
    db.session.flush()
    audit.record("Made the exit plan", agreement, actor=actor, now=now, tasks=len(tasks))
    letters.tell_exit_begun(agreement, now=now)
    return tasks


def prepare_exit(agreement: Agreement, *, now: datetime) -> None:
    """Make the usual tasks of a contract whose end was just agreed, if they are not there."""
    if db.session.get(ExitPlan, agreement.id) is None:
        begin_exit(agreement, actor=SYSTEM, now=now)


def add_task(
    agreement: Agreement,
    *,
    title: str,
    what: str,
    side: Side,
    owner: str | None,
    due_on: date,
    actor: Actor,
    now: datetime,
) -> ExitTask:
    """One more task, by the lead's contract manager. Refused under a title that is there."""
    hold(agreement)
    must_lead(agreement, actor)
    if agreement.ends_on is None:
        raise Refused("A contract without a last day has no exit plan.")
    _must_be_new(agreement, title)
    task = ExitTask(
        agreement=agreement,
        title=title,
        what=what,
        side=side,
        owner=owner or None,
        lead_days=(agreement.ends_on - due_on).days,
    )
    db.session.add(task)
    _record("Added the exit task", task, actor, now)
    return task


def change_task(
    task: ExitTask,
    *,
    title: str,
    what: str,
    side: Side,
    owner: str | None,
    due_on: date,
    actor: Actor,
    now: datetime,
) -> None:
    """What is to be done, by whom, by when. The lead changes all; the supplier says who of its people does it."""
    _open(task)
    if side_of(actor, task.agreement) is Side.SUPPLIER:
        if task.side is not Side.SUPPLIER or (title, what, side, due_on) != (
            task.title,
            task.what,
            task.side,
            task.due_on,
        ):
            raise NotAllowed("The supplier says who does its tasks; the lead commissioner changes the rest.")
    else:
        must_lead(task.agreement, actor)
    if title != task.title:
        _must_be_new(task.agreement, title)
    task.title, task.what, task.side, task.owner = title, what, side, owner or None
    task.lead_days = ((task.agreement.ends_on or due_on) - due_on).days
    _record("Changed the exit task", task, actor, now)


def finish_task(task: ExitTask, *, note: str, actor: Actor, now: datetime) -> None:
    """It is done, by somebody of the side whose task it is, with what shows it."""
    _open(task)
    if side_of(actor, task.agreement) is not task.side:
        raise NotAllowed("Only those who manage the contract for the side whose task this is say that it is done.")
    task.done_at, task.done_by, task.note = now, actor.person, note
    _record("Did the exit task", task, actor, now)


def reopen_task(task: ExitTask, *, reason: str, actor: Actor, now: datetime) -> None:
    """It is not done after all, says the lead's contract manager; the reason goes on record."""
    hold(task.agreement)
    must_lead(task.agreement, actor)
    db.session.refresh(task)
    if task.done_at is None:
        raise AlreadyDone("This task is open already.")
    task.done_at, task.done_by, task.note = None, None, reason
    _record("Opened the exit task again", task, actor, now)


def drop_task(task: ExitTask, *, reason: str, actor: Actor, now: datetime) -> None:
    """This ending does not need it. By the lead's contract manager, with the reason."""
    must_lead(task.agreement, actor)
    _open(task)
    task.dropped_reason = reason
    _record("Found the exit task not needed", task, actor, now)


def _open(task: ExitTask) -> None:
    hold(task.agreement)
    db.session.refresh(task)
    if task.done_at is not None:
        raise AlreadyDone("This task is done already.")
    if task.dropped_reason is not None:
        raise Refused("This task is not needed, so that nothing can be done with it.")


def _record(what: str, task: ExitTask, actor: Actor, now: datetime) -> None:
    db.session.flush()
    audit.record(what, task.agreement, actor=actor, now=now, task=task.id, due_on=task.due_on.isoformat())


def _must_be_new(agreement: Agreement, title: str) -> None:
    there = db.session.scalar(
        select(ExitTask.id).where(
            ExitTask.agreement_id == agreement.id, ExitTask.title == title, ExitTask.dropped_reason.is_(None)
        )
    )
    if there is not None:
        raise Invalid("This contract has an exit task of that name already.", field="title")
