"""Pages of bids: a supplier's own, and the opening of all."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.bids import actions, queries, rules
from calloffs.bids.forms import BidForm, VersionForm, bid_form
from calloffs.bids.rules import BidContent
from calloffs.competitions import queries as competitions
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import Stage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.forms import Form
from marketplace.transactions import transaction

bp = Blueprint("bids", __name__, url_prefix="/bids")

Answer = str | Response | tuple[str, int]


@bp.get("")
@audience(Permission.SEE_INVITATIONS)
def invitations() -> str:
    """What this supplier is invited to, and how far its bids are."""
    found, rows = queries.invitations_of(acting(), page=request.args.get("page", 1, type=int))
    return render_template("calloffs/bids/invitations.html", found=found, rows=rows, moment=clock.now())


@bp.get("/<int:competition_id>")
@audience(Permission.SEE_INVITATIONS)
def invitation(competition_id: int) -> str:
    """The documents, the deadline, and the supplier's own bid so far."""
    actor, now = acting(), clock.now()
    with transaction():
        actions.look_at_invitation(competition_id, actor=actor, now=now)
    competition = queries.invited_competition(actor, competition_id)
    return render_template(
        "calloffs/bids/invitation.html",
        competition=competition,
        stage=competition.stage(now),
        own=queries.own_bid(competition, actor=actor),
        receipts=queries.own_receipts(competition, actor=actor),
    )


@bp.route("/<int:competition_id>/edit", methods=["GET", "POST"])
@audience(Permission.BID)
def edit(competition_id: int) -> Answer:
    """Write the bid. Whatever is refused, what was typed is shown again."""
    actor = acting()
    competition = queries.invited_competition(actor, competition_id)
    own = queries.own_bid(competition, actor=actor)
    saved = own.draft if own else BidContent()
    form = bid_form(competition)
    if not form.is_submitted():
        form.show(saved, own.bid.version if own else 0)
        form.show_faults(_excesses(competition, saved))
        return _edit_page(competition, form)
    shape_is_right = form.validate()
    content = form.content(saved)
    try:
        with transaction():
            bid = actions.save_draft(
                competition, content=content, base_version=form.base_version, actor=actor, now=clock.now()
            )
    except actions.SavedMeanwhile as refused:
        newer = queries.own_bid(competition, actor=actor)
        assert newer is not None
        form.show_refusal(refused)
        # Saving again from here is a decision made with both versions in view.
        form.version.data = str(newer.bid.version)
        return _edit_page(competition, form, newer=newer), refused.status
    except Refused as refused:
        form.show_refusal(refused)
        return _edit_page(competition, form), refused.status
    if not shape_is_right:
        form.version.data = str(bid.version)
        flash("All the rest is saved.")
        return _edit_page(competition, form), 422
    if request.form.get("then") == "check":
        return redirect(url_for("bids.submit", competition_id=competition_id))
    flash("Your draft is saved. It is not submitted yet.")
    return redirect(url_for("bids.edit", competition_id=competition_id))


@bp.route("/<int:competition_id>/submit", methods=["GET", "POST"])
@audience(Permission.BID)
def submit(competition_id: int) -> Answer:
    """Check everything, then submit."""
    actor = acting()
    competition = queries.invited_competition(actor, competition_id)
    form, status = VersionForm(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                receipt = actions.submit(competition, version=form.base_version, actor=actor, now=clock.now())
                number = receipt.number
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return redirect(url_for("bids.receipt", competition_id=competition_id, number=number))
    own = queries.own_bid(competition, actor=actor)
    if own is None:
        return redirect(url_for("bids.edit", competition_id=competition_id))
    form.version.data = str(own.bid.version)
    page = render_template(
        "calloffs/bids/submit.html",
        competition=competition,
        form=form,
        own=own,
        faults=actions.faults(competition, own.draft),
        count_words=rules.count_words,
        can_submit=competition.stage(clock.now()) is Stage.OPEN,
    )
    return page, status


@bp.route("/<int:competition_id>/withdraw", methods=["GET", "POST"])
@audience(Permission.BID)
def withdraw(competition_id: int) -> Answer:
    """Ask once more, then take the bid back."""
    actor = acting()
    competition = queries.invited_competition(actor, competition_id)
    form, status = Form(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.withdraw(competition, actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            flash("Your bid is withdrawn. Its draft is kept, and you can submit it again until bidding closes.")
            return redirect(url_for("bids.invitation", competition_id=competition_id))
    own = queries.own_bid(competition, actor=actor)
    if own is None or (own.bid.submitted_at is None and not form.is_submitted()):
        return redirect(url_for("bids.invitation", competition_id=competition_id))
    return render_template("calloffs/bids/withdraw.html", competition=competition, form=form, own=own), status


@bp.get("/<int:competition_id>/receipts/<int:number>")
@audience(Permission.SEE_INVITATIONS)
def receipt(competition_id: int, number: int) -> str:
    """Proof of one submission."""
    actor = acting()
    competition = queries.invited_competition(actor, competition_id)
    receipts = queries.own_receipts(competition, actor=actor)
    return render_template(
        "calloffs/bids/receipt.html",
        competition=competition,
        receipt=queries.own_receipt(competition, number, actor=actor),
        latest=receipts[0].number,
        own=queries.own_bid(competition, actor=actor),
    )


@bp.route("/<int:competition_id>/opening", methods=["GET", "POST"])
@audience(Permission.OPEN_BIDS)
def opening(competition_id: int) -> Answer:
    """Who has turned the key; turn one's own."""
    actor = acting()
    competition = competitions.own_competition(actor, competition_id)
    form, status = VersionForm(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                are_open = actions.turn_key(competition, actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            flash("The bids are open." if are_open else "Your key is turned. A different officer must turn theirs.")
            to = "bids.opened" if are_open else "bids.opening"
            return redirect(url_for(to, competition_id=competition_id))
    turned = queries.openings(competition_id)
    page = render_template(
        "calloffs/bids/opening.html",
        competition=competition,
        stage=competition.stage(clock.now()),
        form=form,
        turned=turned,
        have_turned=any(one.person_id == actor.person for one in turned),
    )
    return page, status


@bp.get("/<int:competition_id>/opened")
@audience(Permission.OPEN_BIDS)
def opened(competition_id: int) -> str:
    """The bids that were submitted, once they are open.

    Evaluators read bids on their own pages only, without the prices and after declaring their interests.
    """
    actor = acting()
    competition = competitions.competition_for(actor, competition_id)
    return render_template(
        "calloffs/bids/opened.html",
        competition=competition,
        stage=competition.stage(clock.now()),
        bids=queries.opened_bids(competition, actor=actor),
        leads=competition.organisation_id == actor.organisation,
        count_words=rules.count_words,
    )


@bp.post("/<int:competition_id>/no-bids")
@audience(Permission.MODERATE)
def no_bids(competition_id: int) -> Response:
    """Record that nobody bid."""
    actor = acting()
    competition = competitions.own_competition(actor, competition_id)
    with transaction():
        actions.end_without_bids(competition, actor=actor, now=clock.now())
    flash("The call-off has ended without an award.")
    return redirect(url_for("competitions.show", competition_id=competition_id))


def _excesses(competition: Competition, content: BidContent) -> list[rules.Fault]:
    return rules.excesses(
        content,
        questions=actions.asked(competition),
        most={band.number: band.annual_value for band in competition.bands},
    )


def _edit_page(competition: Competition, form: BidForm, *, newer: queries.OwnBid | None = None) -> str:
    return render_template(
        "calloffs/bids/edit.html",
        competition=competition,
        form=form,
        newer=newer,
        stage=competition.stage(clock.now()),
    )
