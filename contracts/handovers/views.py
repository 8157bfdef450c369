"""Pages of handovers: those of a contract, the plan of one and its progress, and single cases that officers move."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import Side
from contracts.handovers import actions, queries
from contracts.handovers.forms import MoveForm, PlanForm, ReasonForm
from contracts.handovers.jobs import run_handovers
from contracts.handovers.models import Handover
from contracts.handovers.queries import CaseOrder
from contracts.handovers.rules import HANDOVER_MOVES, Decision, Fate, HandoverStatus
from contracts.mobilisation.queries import side_of
from contracts.referrals import queries as referrals
from contracts.referrals.rules import OPEN, READS_ON_WEEKS, UNSENT, ReferralStatus
from marketplace import asking, clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer
from marketplace.audit import events_for
from marketplace.errors import NotAllowed, Refused
from marketplace.forms import Form
from marketplace.queueing import wake
from marketplace.spreadsheets import csv_download
from marketplace.transactions import after_commit, transaction

bp = Blueprint("handovers", __name__)

_Member = TypeVar("_Member", bound=StrEnum)


def _chosen(kind: type[_Member], name: str) -> _Member | None:
    value = request.args.get(name, "")
    return kind(value) if value in list(kind) else None


@bp.get("/contracts/<int:agreement_id>/handover")
@audience(Permission.SEE_CONTRACTS)
def index(agreement_id: int) -> str:
    """What of this contract is handed over to others, and what is handed over to it."""
    actor = acting()
    agreement = agreement_for(actor, agreement_id)
    return render_template(
        "contracts/handovers/index.html",
        agreement=agreement,
        handovers=queries.handovers_of(actor, agreement),
        moved_here=queries.moved_here(agreement, clock.today()),
        may_plan=side_of(actor, agreement) is Side.COMMISSIONER,
    )


@bp.route("/contracts/<int:agreement_id>/handover/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new(agreement_id: int) -> Answer:
    """Plan a handover."""
    actor, now = acting(), clock.now()
    agreement = agreement_for(actor, agreement_id)
    if side_of(actor, agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only who manages the contract for its lead commissioner plans a handover.")
    on = clock.london(now).date()
    others = {one.id: one for line in agreement.lines for one in queries.next_services(actor, line, on)}
    form = PlanForm.among(agreement.lines, list(others.values()))
    if not form.is_submitted():
        form.from_line.data = str(agreement.lines[0].id)

    def plan() -> str:
        lines = {line.id: line for line in agreement.lines}
        handover = actions.plan(
            lines[int(form.from_line.data)],
            others[int(form.to_line.data)],
            day=form.day.data,
            actor=actor,
            now=now,
        )
        return url_for("handovers.show", handover_id=handover.id)

    return _ask(form, "new", plan, agreement=agreement, others=others)


@bp.get("/contracts/handovers/<int:handover_id>")
@audience(Permission.SEE_CONTRACTS)
def show(handover_id: int) -> str:
    """One handover: what goes, what cannot and why, what stays; how far it is; who is late to be taken on."""
    actor, on = acting(), clock.today()
    handover = queries.handover_for(actor, handover_id)
    fate, order = _chosen(Fate, "show"), _chosen(CaseOrder, "sort") or CaseOrder.REFERENCE
    sees_cases = queries.may_see_cases(actor, handover)
    leads = queries.leads(actor, handover)
    tally = queries.tally_of(handover, on)
    room = referrals.room(handover.to_line, max(handover.day, on))
    kept: dict[str, Any] = {"show": fate.value if fate else None, "sort": order.value}
    return render_template(
        "contracts/handovers/show.html",
        agreement=handover.from_line.agreement,
        handover=handover,
        tally=tally,
        room=room,
        would_wait=0 if room is None else max(tally.goes_in_service - room, 0),
        left_out=queries.places_left_out(handover),
        page=queries.cases(handover, fate=fate, order=order, number=request.args.get("page", 1, type=int))
        if sees_cases
        else None,
        fate=fate,
        fates=list(Fate),
        order=order,
        orders=list(CaseOrder),
        Status=HandoverStatus,
        leads=leads,
        may_decide=queries.may_decide(actor, handover),
        moves=HANDOVER_MOVES[handover.status],
        today=on,
        reads_on=READS_ON_WEEKS,
        events=events_for(handover),
        page_url=lambda number: url_for("handovers.show", handover_id=handover_id, page=number, **kept),
    )


@bp.get("/contracts/handovers/<int:handover_id>/cases.csv")
@audience(Permission.SEE_CONTRACTS)
def cases_csv(handover_id: int) -> Response:
    """The cases by their references, as CSV. Nothing in it says who somebody is."""
    actor, on = acting(), clock.today()
    handover = queries.handover_for(actor, handover_id)
    if not queries.may_see_cases(actor, handover):
        raise NotAllowed("Only who manages the contract, or delivered the service, sees single cases.")
    order = _chosen(CaseOrder, "sort") or CaseOrder.REFERENCE
    return csv_download(
        "handover.csv",
        (
            "referral",
            "status",
            "what_becomes_of_it",
            "why_not",
            "goes_on_as",
            "its_status",
            "to_be_taken_on_by",
            "late",
        ),
        (
            [
                one.reference,
                one.status.label,
                one.fate.label,
                one.obstacle.label if one.obstacle else None,
                one.moved_to,
                one.new_status.label if one.new_status else None,
                one.due_on.isoformat() if one.due_on else None,
                ("yes" if one.is_late(on) else "no") if one.moved_to else None,
            ]
            for one in queries.every_case(handover, fate=_chosen(Fate, "show"), order=order)
        ),
    )


@bp.post("/contracts/handovers/<int:handover_id>/fix")
@audience(Permission.MANAGE_CONTRACTS)
def fix(handover_id: int) -> Response:
    """Fix it: from its day on, it runs by itself."""
    handover = queries.handover_for(acting(), handover_id)

    def agree() -> None:
        actions.agree(handover, actor=acting(), now=clock.now())
        after_commit(lambda: wake(run_handovers))

    return _press(handover_id, agree, "Fixed. Both suppliers and the officers are told.")


@bp.route("/contracts/handovers/<int:handover_id>/cancel", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def cancel(handover_id: int) -> Answer:
    """Give it up before it begins, with the reason."""
    handover, form = _led(handover_id), ReasonForm()

    def give_up() -> str:
        actions.cancel(handover, reason=str(form.reason.data), actor=acting(), now=clock.now())
        return url_for("handovers.show", handover_id=handover_id)

    return _ask(form, "cancel", give_up, agreement=handover.from_line.agreement, handover=handover)


@bp.route("/contracts/handovers/<int:handover_id>/undo", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def undo(handover_id: int) -> Answer:
    """Ask once more, then have all that can be undone undone."""
    handover, form = _led(handover_id), Form()

    def begin() -> str:
        actions.undo(handover, actor=acting(), now=clock.now())
        after_commit(lambda: wake(run_handovers))
        return url_for("handovers.show", handover_id=handover_id)

    return _ask(
        form,
        "undo",
        begin,
        agreement=handover.from_line.agreement,
        handover=handover,
        tally=queries.tally_of(handover, clock.today()),
    )


@bp.post("/contracts/handovers/<int:handover_id>/cases/<int:referral_id>")
@audience(Permission.MANAGE_CONTRACTS, Permission.DELIVER)
def decide(handover_id: int, referral_id: int) -> Response:
    """One referral goes, stays, or has its move undone."""
    actor, now = acting(), clock.now()
    actor.must(Permission.SEE_CONTRACTS)
    handover = queries.handover_for(actor, handover_id)
    wish = request.form.get("decision", "")

    def act() -> None:
        if wish == "undo":
            actions.undo_one(handover, referral_id, actor=actor, now=now)
        elif wish in list(Decision):
            actions.decide(handover, referral_id, Decision(wish), actor=actor, now=now)
        else:
            raise Refused("Choose whether the referral goes or stays.")

    said = {"undo": "The move was undone. The referral stays where it was.", "stay": "It stays until it is completed."}
    return _press(handover_id, act, said.get(wish, "It goes with the service."))


@bp.get("/referrals/moved")
@audience(Permission.REFER)
def moved() -> str:
    """The officer's own referrals that moved: from where, to where, and by when each is to be taken on."""
    text, waiting = _moved_filter()
    page = queries.moved_of(acting(), text=text, waiting=waiting, number=request.args.get("page", 1, type=int))
    kept: dict[str, Any] = {"text": text or None, "waiting": "yes" if waiting else None}
    return render_template(
        "contracts/handovers/moved.html",
        page=page,
        text=text,
        waiting=waiting,
        today=clock.today(),
        page_url=lambda number: url_for("handovers.moved", page=number, **kept),
    )


@bp.get("/referrals/moved.csv")
@audience(Permission.REFER)
def moved_csv() -> Response:
    """The same list as CSV, by references only."""
    text, waiting = _moved_filter()
    today = clock.today()
    return csv_download(
        "moved-referrals.csv",
        ("referral", "from_service", "goes_on_as", "to_service", "status", "moved_on", "to_be_taken_on_by", "late"),
        (
            [
                one.old.reference,
                one.old.line.title,
                one.new.reference,
                one.new.line.title,
                one.new.status.label,
                one.moved_on.isoformat(),
                one.due_on.isoformat() if one.due_on else None,
                "yes" if one.is_late(today) else "no",
            ]
            for one in queries.every_moved(acting(), text=text, waiting=waiting)
        ),
    )


def _moved_filter() -> tuple[str, bool]:
    return request.args.get("text", "").replace("\x00", "").strip()[:100], request.args.get("waiting") == "yes"


@bp.route("/referrals/<int:referral_id>/move", methods=["GET", "POST"])
@audience(Permission.REFER)
def move(referral_id: int) -> Answer:
    """The officer moves one referral to a service elsewhere: look for it, choose it, move."""
    actor, now = acting(), clock.now()
    referral = referrals.referral_for(actor, referral_id)
    if not referrals.is_officer_of(actor, referral):
        raise NotAllowed("Only the officer who sent the referral can move it.")
    on = clock.london(now).date()
    text = request.args.get("text", "").replace("\x00", "").strip()[:100]
    found = queries.services_elsewhere(referral, text, on)
    places = {one.id: ", ".join(place.name for place in one.terms_on(on).places[:3]) for one in found}
    form = MoveForm.among(found, places)
    status = 200
    if form.validate_on_submit():
        try:
            with transaction():
                new = actions.move_single(referral_id, int(form.line.data), actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            words = "It is on the waiting list there." if new.status in UNSENT else "The next supplier is told."
            flash(f"Moved: it goes on as {new.reference}. {words}", "success")
            return redirect(url_for("referrals.show", referral_id=new.id))
    elif not form.is_submitted() and referral.status not in OPEN:
        return redirect(url_for("referrals.show", referral_id=referral_id))
    referral = referrals.referral_for(actor, referral_id)
    page = render_template(
        "contracts/handovers/move.html",
        referral=referral,
        form=form,
        text=text,
        found=found,
        attended=referrals.has_attended(referral),
        reads_on=READS_ON_WEEKS,
    )
    return page, 422 if form.errors and status == 200 else status


@bp.route("/referrals/<int:referral_id>/undo-move", methods=["GET", "POST"])
@audience(Permission.REFER)
def undo_move(referral_id: int) -> Answer:
    """Ask once more, then undo the move by which this referral came."""
    actor, form = acting(), Form()
    referral = referrals.referral_for(actor, referral_id)
    earlier = referrals.came_from(referral)
    if earlier is None or referral.status not in UNSENT | {ReferralStatus.SENT}:
        return redirect(url_for("referrals.show", referral_id=referral_id))

    def take_back() -> str:
        old = actions.undo_single(referral_id, actor=actor, now=clock.now())
        return url_for("referrals.show", referral_id=old.id)

    return _ask(form, "undo_move", take_back, referral=referral, earlier=earlier)


def _led(handover_id: int) -> Handover:
    handover = queries.handover_for(acting(), handover_id)
    if not queries.leads(acting(), handover):
        raise NotAllowed("Only who manages the contract that is handed over, for its lead commissioner, can do this.")
    return handover


def _ask(form: Form, template: str, action: Callable[[], str], **context: Any) -> Answer:
    """A page with a form: shown; or what it asks for done, and on to where that leads. A refusal stands in it."""
    return asking.ask(form, action, template=f"contracts/handovers/{template}.html", **context)


def _press(handover_id: int, action: Callable[[], object], said: str) -> Response:
    return asking.press(action, to=url_for("handovers.show", handover_id=handover_id), said=said)
