"""Pages of awards: recommending, approving, the standstill, and what each bidder is told."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from calloffs.awards import actions, queries
from calloffs.awards.forms import DecideForm, RecommendForm
from calloffs.awards.rules import STANDSTILL_WORDS, standstill_last_day
from calloffs.competitions.models import Competition
from calloffs.competitions.queries import competition_for
from calloffs.competitions.rules import HOW_SCORES_ARE_MADE, CompetitionStatus
from calloffs.evaluation.queries import is_on_panel, results
from calloffs.evaluation.rules import mark_words
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.errors import Refused
from marketplace.transactions import transaction

bp = Blueprint("awards", __name__, url_prefix="/awards")


@bp.get("/<int:competition_id>")
@audience(Permission.SEE_COMPETITION_FILE)
def show(competition_id: int) -> str:
    """The award: where it stands, and until when the standstill runs."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    award = queries.award_of(competition)
    leads = actor.organisation == competition.organisation_id
    evaluated = competition.status is CompetitionStatus.EVALUATED
    return render_template(
        "calloffs/awards/show.html",
        competition=competition,
        stage=competition.stage(now),
        award=award,
        in_standstill=award is not None and award.in_standstill(now),
        sent_back=queries.sent_back(competition),
        standstill_words=STANDSTILL_WORDS[competition.framework.regime],
        may_recommend=leads and evaluated and award is None and actor.may(Permission.RECOMMEND_AWARD),
        may_decide=award is not None and award.approved_at is None and _may_decide(competition, actor),
        may_report=actor.may(Permission.MODERATE) or actor.may(Permission.APPROVE_AWARD),
    )


def _may_decide(competition: Competition, actor: Actor) -> bool:
    return (
        actor.may(Permission.APPROVE_AWARD)
        and actor.organisation == competition.organisation_id
        and not is_on_panel(competition, actor.person)
    )


@bp.get("/<int:competition_id>/recommend")
@audience(Permission.RECOMMEND_AWARD)
def recommend(competition_id: int) -> str:
    """Recommend the bid ranked first."""
    return _recommend_page(competition_id, RecommendForm())


@bp.post("/<int:competition_id>/recommend")
@audience(Permission.RECOMMEND_AWARD)
def make_recommendation(competition_id: int) -> str | Response:
    """Keep the recommendation."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form = RecommendForm()
    form.bid_id.choices = _first_ranked(competition, actor)
    if form.validate():
        try:
            with transaction():
                actions.recommend(
                    competition, bid_id=int(form.bid_id.data), reason=form.reason.data or "", actor=actor, now=now
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("Recommended. The approvers have been told by email.", "success")
            return redirect(url_for(".show", competition_id=competition_id))
    return _recommend_page(competition_id, form)


def _first_ranked(competition: Competition, actor: Actor) -> list[tuple[str, str]]:
    outcome = results(competition, actor=actor)
    return [(str(result.bid.id), f"{result.supplier_name}, score {result.total}") for result in outcome.first]


def _recommend_page(competition_id: int, form: RecommendForm) -> str:
    actor = acting()
    competition = competition_for(actor, competition_id)
    outcome = results(competition, actor=actor)
    form.bid_id.choices = _first_ranked(competition, actor)
    return render_template(
        "calloffs/awards/recommend.html",
        competition=competition,
        results=outcome,
        award=queries.award_of(competition),
        leads=actor.organisation == competition.organisation_id,
        form=form,
    )


@bp.post("/<int:competition_id>/reopen")
@audience(Permission.MODERATE)
def reopen(competition_id: int) -> Response:
    """Go back to the agreed marks, to put one right."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    with transaction():
        actions.reopen_evaluation(competition, actor=actor, now=clock.now())
    flash("The agreed marks can be changed again. End the evaluation anew when they are right.", "success")
    return redirect(url_for("evaluation.moderate", competition_id=competition_id))


@bp.post("/<int:competition_id>/fail")
@audience(Permission.RECOMMEND_AWARD)
def fail(competition_id: int) -> Response:
    """No bid can win: end the call-off."""
    actor = acting()
    with transaction():
        actions.end_without_award(competition_for(actor, competition_id), actor=actor, now=clock.now())
    flash("The call-off has ended without an award. Every bidder has been told by email.", "success")
    return redirect(url_for("competitions.show", competition_id=competition_id))


@bp.get("/<int:competition_id>/approve")
@audience(Permission.APPROVE_AWARD)
def approve(competition_id: int) -> str:
    """Approve the recommended award, or send it back."""
    return _approve_page(competition_id, DecideForm())


@bp.post("/<int:competition_id>/approve")
@audience(Permission.APPROVE_AWARD)
def decide(competition_id: int) -> Response | tuple[str, int]:
    """Keep the decision."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form, status = DecideForm(), 200
    if form.validate():
        try:
            with transaction():
                if form.decision.data == "approve":
                    actions.approve(competition, actor=actor, now=now)
                    done = "Approved. The award notice is published and every bidder has been written to."
                else:
                    actions.send_back(competition, reason=form.reason.data or "", actor=actor, now=now)
                    done = "Sent back. Nothing has been told to the bidders."
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            flash(done, "success")
            return redirect(url_for(".show", competition_id=competition_id))
    return _approve_page(competition_id, form), status


def _approve_page(competition_id: int, form: DecideForm) -> str:
    actor, now = acting(), clock.now()
    award = queries.award_for(actor, competition_id)
    competition = award.competition
    return render_template(
        "calloffs/awards/approve.html",
        competition=competition,
        award=award,
        results=results(competition, actor=actor),
        may_decide=_may_decide(competition, actor) and award.recommended_by != actor.person,
        standstill_words=STANDSTILL_WORDS[competition.framework.regime],
        last_day=standstill_last_day(competition.framework.regime, clock.london(now).date()),
        form=form,
    )


@bp.get("/<int:competition_id>/assessment")
@audience(Permission.SEE_INVITATIONS)
def assessment(competition_id: int) -> str:
    """A bidder's own assessment summary, with the winner's. The first look at it is kept."""
    actor, now = acting(), clock.now()
    with transaction():
        actions.note_read(queries.assessment_for(actor, competition_id), actor=actor, now=now)
    summary = queries.assessment_for(actor, competition_id)
    return render_template(
        "calloffs/awards/assessment.html",
        assessed=summary,
        competition=summary.competition,
        award=summary.award,
        in_standstill=summary.award.in_standstill(now),
        standstill_words=STANDSTILL_WORDS[summary.competition.framework.regime],
        how=HOW_SCORES_ARE_MADE,
        mark_words=mark_words,
    )
