"""What is measured and against which targets: the set, its history, proposing, agreeing, declining."""

from __future__ import annotations

from datetime import date

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import first_of_month
from contracts.mobilisation.forms import ReasonForm
from contracts.mobilisation.queries import contract_for, side_of
from contracts.mobilisation.rules import other
from contracts.mobilisation.views import Answer, ask, press
from contracts.performance import actions, queries
from contracts.performance.forms import TargetForm
from contracts.performance.models import MeasureTarget
from contracts.performance.rules import Measure, Target, TargetStatus
from contracts.performance.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import AlreadyDone, Invalid, NotAllowed

MANAGES = (Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)


@bp.get("/<int:agreement_id>/targets")
@audience(Permission.SEE_CONTRACTS)
def targets(agreement_id: int) -> str:
    """What is measured, how, and against what; what waits to be agreed, and everything that was."""
    actor, today = acting(), clock.today()
    agreement = contract_for(actor, agreement_id)
    side, every = side_of(actor, agreement), queries.every_target(agreement)
    month = max(first_of_month(today), first_of_month(agreement.starts_on))
    applied = queries.targets_of([agreement.id], month)[agreement.id]
    waits = [one for one in every if one.status is TargetStatus.PROPOSED]
    return render_template(
        "contracts/performance/targets.html",
        agreement=agreement,
        applied=applied,
        dropped=[one for one in Measure if one not in applied],
        waits=waits,
        mine=[one for one in waits if side is not None and one.side is other(side)],
        past=[one for one in every if one.status is not TargetStatus.PROPOSED],
        side=side,
        month=month,
    )


@bp.route("/<int:agreement_id>/targets/new", methods=["GET", "POST"])
@audience(*MANAGES)
def propose(agreement_id: int) -> Answer:
    """Propose another target for a measure."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    if side_of(actor, agreement) is None:
        raise NotAllowed("Only those who manage this contract for the supplier or the lead commissioner do this.")
    month = max(first_of_month(clock.today()), first_of_month(agreement.starts_on))
    measure = next((one for one in Measure if one.value == request.args.get("measure")), None)
    applied = queries.targets_of([agreement.id], month)[agreement.id].get(measure) if measure else None
    given = {"measure": measure.value} if measure else {}
    if applied:
        given |= {"percent": applied.target.percent, "tolerance": applied.target.tolerance}  # type: ignore[dict-item]
    form = TargetForm.from_month_on(month, **given)
    return ask(
        form,
        "form",
        lambda: _propose(agreement, form),
        to=_to(agreement),
        said="The target is proposed. The other side has been asked to agree.",
        heading="Propose a target",
        intro="Both sides agree to it before it counts. Months that are over stay as they are.",
        button="Propose",
        back=_to(agreement),
        agreement=agreement,
    )


def _propose(agreement: Agreement, form: TargetForm) -> None:
    percent, tolerance = form.percent.data, form.tolerance.data or 0
    if percent is not None and tolerance > percent:
        raise Invalid("It cannot be more than the target itself", field="tolerance")
    actions.propose(
        agreement,
        Measure(form.measure.data),
        None if percent is None else Target(percent, tolerance),
        from_month=date.fromisoformat(form.from_month.data),
        why=form.why.data,
        actor=acting(),
        now=clock.now(),
    )


@bp.post("/<int:agreement_id>/targets/usual")
@audience(*MANAGES)
def propose_usual(agreement_id: int) -> Response:
    """Propose the usual set, so that the other side can agree to it at once."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    return press(
        lambda: actions.propose_usual(agreement, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The usual set is proposed. The other side has been asked to agree.",
    )


@bp.post("/<int:agreement_id>/targets/agree")
@audience(*MANAGES)
def agree_all(agreement_id: int) -> Response:
    """Agree to everything that waits, as it was seen."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    seen = [int(part) for part in request.form.get("seen", "").split(",") if part.isascii() and part.isdigit()]
    return press(
        lambda: actions.agree_all(agreement, seen=seen, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The targets are agreed.",
    )


@bp.post("/targets/<int:target_id>/agree")
@audience(*MANAGES)
def agree(target_id: int) -> Response:
    """Agree to one target."""
    actor = acting()
    target = queries.target_for(actor, target_id)
    return press(
        lambda: actions.agree(target, actor=actor, now=clock.now()),
        to=_to(target.agreement),
        said="The target is agreed.",
    )


@bp.route("/targets/<int:target_id>/decline", methods=["GET", "POST"])
@audience(*MANAGES)
def decline(target_id: int) -> Answer:
    """Say why not."""
    actor, form = acting(), ReasonForm()
    target = queries.target_for(actor, target_id)
    if side_of(actor, target.agreement) is not other(target.side):
        raise NotAllowed("This is for the other side of the contract.")
    if target.status is not TargetStatus.PROPOSED and not form.is_submitted():
        raise AlreadyDone(f"This target is {target.status} already.")
    return ask(
        form,
        "form",
        lambda: actions.decline(target, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to(target.agreement),
        said="The target is declined, with your reason.",
        heading="Decline the target",
        intro=_words(target),
        button="Decline",
        back=_to(target.agreement),
        agreement=target.agreement,
    )


@bp.post("/targets/<int:target_id>/take-back")
@audience(*MANAGES)
def take_back(target_id: int) -> Response:
    """Take one's own proposal back."""
    actor = acting()
    target = queries.target_for(actor, target_id)
    return press(
        lambda: actions.take_back(target, actor=actor, now=clock.now()),
        to=_to(target.agreement),
        said="The proposal is taken back.",
    )


def _words(target: MeasureTarget) -> str:
    wanted = "not measured any more" if target.percent is None else f"at least {target.percent}%"
    return f"{target.measure.label}: {wanted}, from {target.from_month:%B %Y}. {target.why}"


def _to(agreement: Agreement) -> str:
    return url_for("performance.targets", agreement_id=agreement.id)
