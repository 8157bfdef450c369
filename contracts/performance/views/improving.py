"""What both sides make of a month: comment, review, actions and what came of them."""

from __future__ import annotations

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.rules import Side
from contracts.mobilisation.forms import ReasonForm
from contracts.mobilisation.queries import contract_for, side_of
from contracts.mobilisation.views import Answer, ask, press
from contracts.performance import actions, queries
from contracts.performance.forms import CommentForm, DoneForm, ResolveForm, ReviewForm
from contracts.performance.models import ImprovementAction, Scorecard
from contracts.performance.rules import ActionStatus
from contracts.performance.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import AlreadyDone, NotAllowed

MANAGES = (Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)


@bp.route("/scorecards/<int:scorecard_id>/comment", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def comment(scorecard_id: int) -> Answer:
    """The supplier says what it makes of its month."""
    actor = acting()
    card = _card(scorecard_id, Side.SUPPLIER)
    form = CommentForm(comment=card.comment)
    if card.reviewed_at is not None and not form.is_submitted():
        raise AlreadyDone("This month has been reviewed, so that its comment stays as it is.")
    return ask(
        form,
        "form",
        lambda: actions.comment(card, words=form.comment.data, actor=actor, now=clock.now()),
        to=_to(card),
        said="Your comment is kept. The contract manager has been told.",
        heading=f"Comment on {card.month:%B %Y}",
        button="Keep comment",
        back=_to(card),
        agreement=card.agreement,
    )


@bp.route("/scorecards/<int:scorecard_id>/review", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def review(scorecard_id: int) -> Answer:
    """The contract manager writes what was found."""
    actor, form = acting(), ReviewForm()
    card = _card(scorecard_id, Side.COMMISSIONER)
    if card.reviewed_at is not None and not form.is_submitted():
        raise AlreadyDone("Somebody has written the review of this month already.")
    return ask(
        form,
        "form",
        lambda: actions.review(card, words=form.review.data, actor=actor, now=clock.now()),
        to=_to(card),
        said="The review is kept. The supplier has been told.",
        heading=f"Review {card.month:%B %Y}",
        intro=f"The supplier says: {card.comment}" if card.comment else "The supplier has not commented.",
        button="Keep review",
        back=_to(card),
        agreement=card.agreement,
    )


@bp.route("/scorecards/<int:scorecard_id>/actions/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def resolve(scorecard_id: int) -> Answer:
    """Set down what one side is to do."""
    actor, form = acting(), ResolveForm()
    card = _card(scorecard_id, Side.COMMISSIONER)
    return ask(
        form,
        "form",
        lambda: actions.resolve(
            card, what=form.what.data, side=form.owner, due_on=form.due_on.data, actor=actor, now=clock.now()
        ),
        to=_to(card),
        said="The action is set. Its owner has been told.",
        heading="Set an action",
        intro=f"What is to be done after {card.month:%B %Y}, by whom and when.",
        button="Set action",
        back=_to(card),
        agreement=card.agreement,
    )


@bp.get("/<int:agreement_id>/actions")
@audience(Permission.SEE_CONTRACTS)
def improvements(agreement_id: int) -> str:
    """Everything that was resolved to do under a contract."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    return render_template(
        "contracts/performance/improvements.html",
        agreement=agreement,
        improvements=queries.improvements_of(agreement),
        side=side_of(actor, agreement),
        today=clock.today(),
        ActionStatus=ActionStatus,
    )


@bp.route("/actions/<int:improvement_id>/done", methods=["GET", "POST"])
@audience(*MANAGES)
def done(improvement_id: int) -> Answer:
    """Its owner says what was done."""
    actor, form = acting(), DoneForm()
    made = queries.improvement_for(actor, improvement_id)
    if side_of(actor, made.scorecard.agreement) is not made.side:
        raise NotAllowed("This is for the other side of the contract.")
    return ask(
        form,
        "form",
        lambda: actions.say_done(made, shown=form.shown.data, actor=actor, now=clock.now()),
        to=_to_all(made),
        said="It is said to be done. The contract manager has been asked to check it.",
        heading="Say that it is done",
        intro=made.what,
        button="Say that it is done",
        back=_to_all(made),
        agreement=made.scorecard.agreement,
    )


@bp.post("/actions/<int:improvement_id>/close")
@audience(Permission.MANAGE_CONTRACTS)
def close(improvement_id: int) -> Response:
    """It is done."""
    actor = acting()
    made = queries.improvement_for(actor, improvement_id)
    return press(
        lambda: actions.close(made, actor=actor, now=clock.now()), to=_to_all(made), said="The action is closed."
    )


@bp.route("/actions/<int:improvement_id>/reopen", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def reopen(improvement_id: int) -> Answer:
    """It was not enough."""
    actor, form = acting(), ReasonForm()
    made = queries.improvement_for(actor, improvement_id)
    if side_of(actor, made.scorecard.agreement) is not Side.COMMISSIONER:
        raise NotAllowed("This is for the other side of the contract.")
    return ask(
        form,
        "form",
        lambda: actions.reopen(made, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to_all(made),
        said="The action is to do again. Its owner has been told why.",
        heading="Reopen the action",
        intro=f"{made.what}. Said to be done: {made.shown or 'nothing'}",
        button="Reopen",
        back=_to_all(made),
        agreement=made.scorecard.agreement,
    )


def _card(scorecard_id: int, side: Side) -> Scorecard:
    """A page with a form is shown to nobody whose form would be refused."""
    card = queries.scorecard_for(acting(), scorecard_id)
    if side_of(acting(), card.agreement) is not side:
        raise NotAllowed("This is for the other side of the contract.")
    return card


def _to(card: Scorecard) -> str:
    return url_for("performance.show", agreement_id=card.agreement_id, month=f"{card.month:%Y-%m}")


def _to_all(made: ImprovementAction) -> str:
    return url_for("performance.improvements", agreement_id=made.scorecard.agreement_id)
