"""How and when a contract ends, ending it early, and the tasks of its ending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import AgreementStatus, Side
from contracts.changes import actions, queries, rules
from contracts.changes.forms import DoneForm, EndForm, ReasonForm, TaskForm
from contracts.changes.models import ExitTask
from contracts.changes.rules import Ground, Purpose, TaskStanding
from contracts.changes.views import Answer, ask, bp, press
from contracts.changes.views.options import open_version
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed
from marketplace.forms import Form
from marketplace.spreadsheets import csv_download

MANAGES = (Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)


@bp.get("/<int:agreement_id>/ending")
@audience(Permission.SEE_CONTRACTS)
def ending(agreement_id: int) -> str:
    """When and how the contract ends, and how far its ending is prepared."""
    actor, today = acting(), clock.today()
    agreement = agreement_for(actor, agreement_id)
    early = queries.ending_of(agreement)
    tasks = queries.exit_tasks(agreement)
    side = manages_for(actor, agreement)
    counts = Counter(one.standing(today) for one in tasks)
    return render_template(
        "contracts/changes/ending.html",
        agreement=agreement,
        early=early if early and queries.is_shown_to(actor, early) else None,
        options=[(one, queries.option_standing(one, today)) for one in queries.options_of(actor, agreement)],
        may_add_option=side is Side.COMMISSIONER and open_version(agreement) is not None,
        tasks=tasks,
        counts=counts,
        needed=len(tasks) - counts[TaskStanding.DROPPED],
        begun=queries.exit_begun(agreement),
        side=side,
        is_over=agreement.ends_on is not None and agreement.ends_on < today,
        may_end=side is Side.COMMISSIONER and agreement.status is AgreementStatus.SIGNED,
        rules=rules,
        today=today,
    )


@bp.get("/<int:agreement_id>/ending.csv")
@audience(Permission.SEE_CONTRACTS)
def ending_csv(agreement_id: int) -> Response:
    """The tasks of the ending."""
    agreement, today = agreement_for(acting(), agreement_id), clock.today()
    return csv_download(
        f"ending-{agreement.reference}.csv".replace("/", "-"),
        ["task", "what_shows_it", "side", "owner", "due_on", "status", "done_at"],
        (
            [
                one.title,
                one.what,
                one.side.value,
                one.owner,
                one.due_on,
                one.standing(today).value,
                one.done_at.isoformat() if one.done_at else None,
            ]
            for one in queries.exit_tasks(agreement)
        ),
    )


@bp.route("/<int:agreement_id>/end", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def end(agreement_id: int) -> Answer:
    """Draft an early ending."""
    actor, form = acting(), EndForm()
    agreement = _led(agreement_id)

    def begin() -> str:
        variation = actions.begin_ending(
            agreement,
            last_day=form.last_day.data,
            ground=Ground(form.ground.data),
            reason=form.reason.data,
            by_notice=form.how.data == Purpose.NOTICE,
            actor=actor,
            now=clock.now(),
        )
        return url_for("changes.show", variation_id=variation.id)

    return ask(
        form,
        "end",
        begin,
        agreement=agreement,
        heading=f"End the {'grant' if agreement.instrument is Instrument.GRANT else 'contract'} early",
        button="Continue",
        notice_days=rules.NOTICE_DAYS,
        back=_to(agreement),
    )


@bp.post("/<int:agreement_id>/ending/begin")
@audience(Permission.MANAGE_CONTRACTS)
def begin_exit(agreement_id: int) -> Response:
    """Make the usual tasks now."""
    actor, agreement = acting(), agreement_for(acting(), agreement_id)
    return press(
        lambda: actions.begin_exit(agreement, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The usual tasks are made. Change them as this contract needs.",
    )


@bp.route("/<int:agreement_id>/ending/tasks/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new_task(agreement_id: int) -> Answer:
    """One more task."""
    agreement, form = _led(agreement_id), TaskForm()
    form.side.choices = _sides(agreement)
    return _ask(
        form,
        agreement,
        lambda: actions.add_task(agreement, **_typed(form), actor=acting(), now=clock.now()),
        heading="Add a task",
        button="Add the task",
    )


@bp.route("/exit-tasks/<int:exit_task_id>", methods=["GET", "POST"])
@audience(*MANAGES)
def exit_task(exit_task_id: int) -> Answer:
    """Change a task: the lead all of it, the supplier who does its own."""
    task = _managed(exit_task_id)
    form = TaskForm(obj=task)
    form.side.choices = _sides(task.agreement)
    if not form.is_submitted():
        form.side.data = task.side.value
    if manages_for(acting(), task.agreement) is Side.SUPPLIER:
        # The supplier says who does it; the rest is shown, and stays as it is.
        del form.title, form.what, form.side, form.due_on
    return _ask(
        form,
        task.agreement,
        lambda: actions.change_task(
            task,
            **_as_it_is(task) | _typed(form),
            actor=acting(),
            now=clock.now(),
        ),
        heading=task.title,
        button="Save",
        task=task,
    )


@bp.route("/exit-tasks/<int:exit_task_id>/done", methods=["GET", "POST"])
@audience(*MANAGES)
def finish_task(exit_task_id: int) -> Answer:
    """It is done."""
    task, form = _managed(exit_task_id), DoneForm()
    return _ask(
        form,
        task.agreement,
        lambda: actions.finish_task(task, note=form.note.data, actor=acting(), now=clock.now()),
        heading=f"Done: {task.title}",
        button="Say that it is done",
        task=task,
    )


@bp.route("/exit-tasks/<int:exit_task_id>/reopen", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def reopen_task(exit_task_id: int) -> Answer:
    """Not done after all."""
    return _with_reason(exit_task_id, actions.reopen_task, "Not done after all", "Open it again")


@bp.route("/exit-tasks/<int:exit_task_id>/drop", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def drop_task(exit_task_id: int) -> Answer:
    """Not needed here."""
    return _with_reason(exit_task_id, actions.drop_task, "Not needed", "Drop the task")


def _with_reason(task_id: int, action: Callable[..., None], heading: str, button: str) -> Answer:
    task, form = _managed(task_id), ReasonForm()
    del form.round
    return _ask(
        form,
        task.agreement,
        lambda: action(task, reason=form.reason.data, actor=acting(), now=clock.now()),
        heading=f"{heading}: {task.title}",
        button=button,
        task=task,
    )


def _managed(task_id: int) -> ExitTask:
    task = queries.exit_task_for(acting(), task_id)
    if manages_for(acting(), task.agreement) is None:
        raise NotAllowed("Only those who manage this contract for the supplier or the lead commissioner do this.")
    return task


def _led(agreement_id: int) -> Agreement:
    agreement = agreement_for(acting(), agreement_id)
    if manages_for(acting(), agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")
    return agreement


def _sides(agreement: Agreement) -> list[tuple[str, str]]:
    return [(Side.SUPPLIER.value, agreement.supplier.name), (Side.COMMISSIONER.value, agreement.commissioner.name)]


def _as_it_is(task: ExitTask) -> dict[str, Any]:
    return {"title": task.title, "what": task.what, "side": task.side, "due_on": task.due_on}


def _typed(form: TaskForm) -> dict[str, Any]:
    typed = {name: form[name].data for name in ("title", "what", "owner", "due_on") if name in form}
    return typed | ({"side": Side(form.side.data)} if form.side else {})


def _ask(form: Form, agreement: Agreement, action: Callable[[], object], **context: object) -> Answer:
    def done() -> str:
        action()
        return _to(agreement)

    return ask(form, "task", done, said="Saved.", agreement=agreement, back=_to(agreement), **context)


def _to(agreement: Agreement) -> str:
    return url_for("changes.ending", agreement_id=agreement.id)
