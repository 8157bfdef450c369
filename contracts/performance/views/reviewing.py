"""Quality reviews: those of a contract, the sheet that is filled in, and finishing it (R51)."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation.queries import contract_for, side_of
from contracts.mobilisation.views import Answer, ask, press
from contracts.performance import actions, queries, rules
from contracts.performance.forms import FinishForm, SheetForm
from contracts.performance.models import QualityReview
from contracts.performance.rules import ReviewRating
from contracts.performance.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction


@bp.get("/<int:agreement_id>/reviews")
@audience(Permission.SEE_CONTRACTS)
def quality_reviews(agreement_id: int) -> str:
    """Every review of a contract, and beginning one."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    return render_template(
        "contracts/performance/reviews.html",
        agreement=agreement,
        reviews=queries.reviews_of(agreement),
        side=side_of(actor, agreement),
        today=clock.today(),
        rules=rules,
    )


@bp.post("/<int:agreement_id>/reviews")
@audience(Permission.MANAGE_CONTRACTS)
def begin_review(agreement_id: int) -> Response:
    """Begin one: the referrals are drawn."""
    actor = acting()
    agreement = contract_for(actor, agreement_id)
    return press(
        lambda: actions.begin_review(agreement, actor=actor, now=clock.now()),
        to=url_for("performance.quality_reviews", agreement_id=agreement_id),
        said="The review is begun. The supplier has been told which referrals were drawn.",
    )


@bp.get("/reviews/<int:review_id>")
@audience(Permission.SEE_CONTRACTS)
def quality_review(review_id: int) -> str:
    """One review: what was drawn, what was found. While it is open only the commissioner reads what was found."""
    actor = acting()
    review = queries.review_for(actor, review_id)
    side = side_of(actor, review.agreement)
    return render_template(
        "contracts/performance/review.html",
        review=review,
        agreement=review.agreement,
        side=side,
        may_read=review.finished_at is not None or actor.organisation_id == review.agreement.commissioner_id,
        sees_drawn=queries.sees_cases(actor, review.agreement),
        rules=rules,
    )


@bp.get("/reviews/<int:review_id>.csv")
@audience(Permission.SEE_CONTRACTS)
def quality_review_csv(review_id: int) -> Response:
    """A finished review as CSV; the referrals drawn for the two sides only."""
    actor = acting()
    review = queries.review_for(actor, review_id)
    if review.finished_at is None:
        raise Refused("This review is not finished.")
    drawn = review.referrals if queries.sees_cases(actor, review.agreement) else []
    return csv_download(
        f"quality-review-{review.agreement.reference}-{review.number}.csv".replace("/", "-"),
        ["what", "verdict", "words"],
        [
            *([one.point.label, one.verdict, one.words] for one in review.points),
            *([one.referral.reference, one.verdict, one.words] for one in drawn),
        ],
    )


@bp.route("/reviews/<int:review_id>/sheet", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def review_sheet(review_id: int) -> Answer:
    """Fill in what was found, some now and some later."""
    review = _open(review_id)
    form, status = SheetForm.of(review), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.keep_review(
                    review,
                    {point: form.found(f"point_{point.value}") for point in form.points},
                    {position: form.found(f"referral_{position}") for position in form.drawn},
                    actor=acting(),
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            flash("What you found is kept.", "success")
            return redirect(url_for("performance.quality_review", review_id=review_id))
    page = render_template("contracts/performance/sheet.html", form=form, review=review, agreement=review.agreement)
    return page, 422 if form.errors and status == 200 else status


@bp.route("/reviews/<int:review_id>/finish", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def finish_review(review_id: int) -> Answer:
    """Rate it, with the reasons."""
    review = _open(review_id)
    usual = rules.usual_rating(review.verdicts)
    form = FinishForm(rating=usual.value if usual else None, next_on=rules.next_review_on(clock.today()))
    met, looked_at = rules.tally(review.verdicts)
    return ask(
        form,
        "form",
        lambda: actions.finish_review(
            review,
            rating=ReviewRating(form.rating.data),
            reasons=form.reasons.data,
            next_on=form.next_on.data,
            actor=acting(),
            now=clock.now(),
        ),
        to=url_for("performance.quality_review", review_id=review_id),
        said="The review is finished. The supplier has been told.",
        heading="Finish the review",
        intro=f"{met} of {looked_at} points and referrals were met. The rating chosen beforehand follows from that by "
        "our default (‡); it is yours to give.",
        button="Finish review",
        back=url_for("performance.quality_review", review_id=review_id),
        agreement=review.agreement,
    )


def _open(review_id: int) -> QualityReview:
    """An open review, for those who may fill it in."""
    review = queries.review_for(acting(), review_id)
    _must_lead(review.agreement)
    if review.finished_at is not None:
        raise AlreadyDone("This review is finished, and stays as it is.")
    return review


def _must_lead(agreement: Agreement) -> None:
    if side_of(acting(), agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")
