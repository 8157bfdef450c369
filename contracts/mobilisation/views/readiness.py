"""Readiness: the list of contracts that get ready, one contract's milestones, and what is done to them."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, queries, rules
from contracts.mobilisation.forms import EvidenceForm, MilestoneForm, ReasonForm
from contracts.mobilisation.models import Milestone
from contracts.mobilisation.rules import TO_DO, MilestoneStatus, Readiness, other
from contracts.mobilisation.views import Answer, ask, bp, press
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed
from marketplace.spreadsheets import csv_download

MANAGES = (Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)
CSV_COLUMNS = (
    *("reference", "title", "supplier", "commissioner", "starts_on", "readiness", "missing"),
    *("milestones", "milestones_not_settled", "milestones_late", "people", "people_cleared"),
)


def _wanted() -> dict[str, Any]:
    standing = next((one for one in Readiness if one.value == request.args.get("standing")), None)
    return {"text": request.args.get("text", "").replace("\x00", "").strip()[:200], "standing": standing}


@bp.get("/readiness")
@audience(Permission.SEE_CONTRACTS)
def ready_list() -> str:
    """How ready the contracts are that concern one's organisation, the gravest first (R136)."""
    wanted = _wanted()
    page = queries.ready_contracts(acting(), on=clock.today(), number=request.args.get("page", 1, type=int), **wanted)
    kept = {name: value for name, value in wanted.items() if value}
    return render_template(
        "contracts/mobilisation/ready_list.html",
        page=page,
        standings=list(Readiness),
        kept=kept,
        rules=rules,
        to_page=lambda number: url_for("mobilisation.ready_list", page=number, **kept),
        **wanted,
    )


@bp.get("/readiness.csv")
@audience(Permission.SEE_CONTRACTS)
def ready_csv() -> Response:
    """The same list as CSV."""
    return csv_download(
        "readiness.csv",
        CSV_COLUMNS,
        (
            [
                one.agreement.reference,
                one.agreement.title,
                one.agreement.supplier.name,
                one.agreement.commissioner.name,
                one.agreement.starts_on,
                one.readiness.value,
                "; ".join(one.missing),
                one.tally.milestones,
                one.tally.open,
                one.tally.late,
                one.tally.staff,
                one.tally.cleared,
            ]
            for one in queries.every_ready(acting(), on=clock.today(), **_wanted())
        ),
    )


@bp.get("/<int:agreement_id>/readiness")
@audience(Permission.SEE_CONTRACTS)
def readiness(agreement_id: int) -> str:
    """One contract's milestones, and whether it can begin on its day."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    return render_template(
        "contracts/mobilisation/readiness.html",
        agreement=agreement,
        ready=queries.readiness_of(agreement, clock.today()),
        milestones=queries.milestones_of(agreement),
        begun=queries.is_begun(agreement),
        side=queries.side_of(actor, agreement),
        today=clock.today(),
        days_before=lambda day: rules.days_before(agreement.starts_on, day),
        TO_DO=TO_DO,
        rules=rules,
    )


@bp.get("/<int:agreement_id>/milestones.csv")
@audience(Permission.SEE_CONTRACTS)
def milestones_csv(agreement_id: int) -> Response:
    """One contract's milestones as CSV."""
    agreement = queries.contract_for(acting(), agreement_id)
    return csv_download(
        f"milestones-{agreement.reference}.csv".replace("/", "-"),
        ["milestone", "owner", "due_on", "status", "said_done_at", "judged_at"],
        (
            [
                one.title,
                one.side.value,
                one.due_on,
                one.status.value,
                one.reports[-1].reported_at.isoformat() if one.reports else None,
                one.reports[-1].judged_at.isoformat() if one.reports and one.reports[-1].judged_at else None,
            ]
            for one in queries.milestones_of(agreement)
        ),
    )


@bp.post("/<int:agreement_id>/mobilisation")
@audience(Permission.MANAGE_CONTRACTS)
def begin(agreement_id: int) -> Response:
    """Make the usual milestones now, without waiting for the scheduled job."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    return press(
        lambda: actions.begin(agreement, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The usual milestones are made. Change them as this contract needs.",
    )


@bp.route("/<int:agreement_id>/milestones/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new_milestone(agreement_id: int) -> Answer:
    """One more milestone."""
    actor, form = acting(), MilestoneForm()
    agreement = queries.contract_for(actor, agreement_id)
    _must_be(Side.COMMISSIONER, agreement)
    return ask(
        form,
        "form",
        lambda: actions.add_milestone(agreement, **_typed(form, agreement), actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The milestone is added.",
        heading="Add a milestone",
        button="Add milestone",
        back=_to(agreement),
        agreement=agreement,
    )


@bp.get("/milestones/<int:milestone_id>")
@audience(Permission.SEE_CONTRACTS)
def milestone(milestone_id: int) -> str:
    """One milestone: what is asked, what was shown, what was found of it."""
    actor = acting()
    found = queries.milestone_for(actor, milestone_id)
    side = queries.side_of(actor, found.agreement)
    to_do = found.status in TO_DO
    return render_template(
        "contracts/mobilisation/milestone.html",
        milestone=found,
        agreement=found.agreement,
        may_do=to_do and side is found.side,
        may_judge=found.status is MilestoneStatus.DONE and side is other(found.side),
        may_change=to_do and side is Side.COMMISSIONER,
        is_late=to_do and found.due_on < clock.today(),
    )


@bp.route("/milestones/<int:milestone_id>/change", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def change_milestone(milestone_id: int) -> Answer:
    """Change what is asked, of whom, by when."""
    actor = acting()
    found = queries.milestone_for(actor, milestone_id)
    _must_be(Side.COMMISSIONER, found.agreement)
    form = MilestoneForm(obj=found)
    if not form.is_submitted():
        form.side.data = found.side.value
        form.days_before.data = rules.days_before(found.agreement.starts_on, found.due_on)
    return ask(
        form,
        "form",
        lambda: actions.change_milestone(found, **_typed(form, found.agreement), actor=actor, now=clock.now()),
        to=_to_one(found),
        said="The milestone is changed.",
        heading="Change the milestone",
        button="Save",
        back=_to_one(found),
        agreement=found.agreement,
    )


@bp.route("/milestones/<int:milestone_id>/done", methods=["GET", "POST"])
@audience(*MANAGES)
def done(milestone_id: int) -> Answer:
    """Say that it is done."""
    actor, form = acting(), EvidenceForm()
    found = queries.milestone_for(actor, milestone_id)
    _must_be(found.side, found.agreement)
    return ask(
        form,
        "form",
        lambda: actions.say_done(found, evidence=form.evidence.data, actor=actor, now=clock.now()),
        to=_to(found.agreement),
        said="It is said to be done. The other side has been asked to accept it.",
        heading=f"{found.title}: done",
        intro=found.evidence,
        button="Say that it is done",
        back=_to_one(found),
        agreement=found.agreement,
    )


@bp.post("/milestones/<int:milestone_id>/accept")
@audience(*MANAGES)
def accept(milestone_id: int) -> Response:
    """Accept what was shown."""
    actor = acting()
    found = queries.milestone_for(actor, milestone_id)
    return press(
        lambda: actions.accept(found, actor=actor, now=clock.now()),
        to=_to(found.agreement),
        said="The milestone is accepted.",
    )


@bp.route("/milestones/<int:milestone_id>/send-back", methods=["GET", "POST"])
@audience(*MANAGES)
def send_back(milestone_id: int) -> Answer:
    """Send it back with the reason."""
    actor, form = acting(), ReasonForm()
    found = queries.milestone_for(actor, milestone_id)
    _must_be(other(found.side), found.agreement)
    return ask(
        form,
        "form",
        lambda: actions.send_back(found, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to(found.agreement),
        said="The milestone is sent back, with your reason.",
        heading=f"Send back: {found.title}",
        intro="The other side is told at once what is missing still.",
        button="Send back",
        back=_to_one(found),
        agreement=found.agreement,
    )


@bp.route("/milestones/<int:milestone_id>/not-needed", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def drop(milestone_id: int) -> Answer:
    """This contract does not need it."""
    actor, form = acting(), ReasonForm()
    found = queries.milestone_for(actor, milestone_id)
    _must_be(Side.COMMISSIONER, found.agreement)
    return ask(
        form,
        "form",
        lambda: actions.drop(found, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to(found.agreement),
        said="The milestone counts no more.",
        heading=f"Not needed: {found.title}",
        intro="It stays in the list with your reason, and counts no more.",
        button="Mark as not needed",
        back=_to_one(found),
        agreement=found.agreement,
    )


def _typed(form: MilestoneForm, agreement: Agreement) -> dict[str, Any]:
    return {
        "title": form.title.data,
        "evidence": form.evidence.data,
        "side": Side(form.side.data),
        "due_on": rules.working_days_before(agreement.starts_on, form.days_before.data or 0),
    }


def _must_be(side: Side, agreement: Agreement) -> None:
    """A page with a form is shown to nobody whose form would be refused."""
    if queries.side_of(acting(), agreement) is not side:
        raise NotAllowed("This is for the other side of the contract.")


def _to(agreement: Agreement) -> str:
    return url_for("mobilisation.readiness", agreement_id=agreement.id)


def _to_one(milestone: Milestone) -> str:
    return url_for("mobilisation.milestone", milestone_id=milestone.id)
