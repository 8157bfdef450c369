"""Awarding: recommended from the ranking, approved by somebody outside the panel, told to every bidder."""

from __future__ import annotations

from datetime import datetime

from calloffs.awards import letters, queries
from calloffs.awards.models import Assessment, Award, AwardedPrice, SentBack
from calloffs.awards.rules import standstill_ends
from calloffs.competitions.actions import end
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import COMPETITION_MOVES, CompetitionStatus
from calloffs.evaluation.actions import hold
from calloffs.evaluation.queries import Results, is_on_panel, must_lead, results
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db


def recommend(competition: Competition, *, bid_id: int, reason: str, actor: Actor, now: datetime) -> Award:
    """Recommend the bid ranked first for the award, with the reason, and tell those who can approve it.

    Refused for a bid that failed the Public Sector Equality Duty or another pass or fail question, whatever its score,
    and for any bid but the first. Bids equal in score, quality and price are all first: the reason says why this one.
    """
    must_lead(competition, actor, Permission.RECOMMEND_AWARD)
    hold(competition)
    if competition.status is not CompetitionStatus.EVALUATED:
        raise NotAllowed("An award is recommended once the evaluation has ended, and only then.")
    if queries.award_of(competition) is not None:
        raise AlreadyDone("An award has been recommended for this call-off already.")
    if not reason.strip():
        raise Invalid("Say why this bid should win", field="reason")
    chosen = _eligible(results(competition, actor=actor), bid_id).of(bid_id)
    assert chosen.total is not None  # it passed
    award = Award(
        competition=competition,
        bid=chosen.bid,
        supplier=chosen.bid.organisation,
        whole_life_value=chosen.whole_life,
        score=chosen.total,
        recommended_at=now,
        recommended_by=actor.person,
        reason=reason.strip(),
    )
    db.session.add(award)
    audit.record(f"Recommended {chosen.supplier_name} for the award", competition, actor=actor, now=now, bid=bid_id)
    letters.ask_for_approval(award, now=now)
    return award


def send_back(competition: Competition, *, reason: str, actor: Actor, now: datetime) -> None:
    """Do not approve: the recommendation is kept as one sent back, and its author told why.

    Nothing has been told to the bidders. A recommendation can be made again.
    """
    award = _to_approve(competition, actor)
    if not reason.strip():
        raise Invalid("Say why you send it back", field="reason")
    back = SentBack(
        competition_id=competition.id,
        bid_id=award.bid_id,
        recommended_at=award.recommended_at,
        recommended_by=award.recommended_by,
        recommendation=award.reason,
        sent_back_at=now,
        sent_back_by=actor.person,
        reason=reason.strip(),
    )
    db.session.add(back)
    audit.record("Sent the recommendation back", competition, actor=actor, now=now, bid=award.bid_id)
    letters.tell_of_sending_back(back, competition=competition, now=now)
    db.session.delete(award)
    db.session.flush()


def reopen_evaluation(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Go back to agreeing marks, to put one right. Refused while an award stands recommended or approved."""
    must_lead(competition, actor, Permission.MODERATE)
    hold(competition)
    if queries.award_of(competition) is not None:
        raise NotAllowed("An award has been recommended: marks can only change after it is sent back.")
    # Bids that are not opened yet may move to "opened" too, but by two officers' keys and not by this.
    if competition.status is not CompetitionStatus.EVALUATED:
        raise NotAllowed("The evaluation has not ended.")
    competition.status = CompetitionStatus.OPENED
    audit.record("Reopened the agreed marks", competition, actor=actor, now=now)
    db.session.flush()


def end_without_award(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Every bid failed a pass or fail question, so none can win: the call-off has failed.

    Refused while any bid could win. Every bidder is told.
    """
    must_lead(competition, actor, Permission.RECOMMEND_AWARD)
    hold(competition)
    if competition.status is not CompetitionStatus.EVALUATED:
        raise NotAllowed("A call-off ends without an award once the evaluation has ended, and only then.")
    outcome = results(competition, actor=actor)
    if outcome.first:
        raise NotAllowed("There is a bid that can win.")
    reason = "Every bid failed a pass or fail question."
    end(competition, CompetitionStatus.FAILED, reason=reason, actor=actor, now=now)
    letters.tell_of_failure(competition, [one.bid.organisation_id for one in outcome.all], now=now)
    db.session.flush()


def approve(competition: Competition, *, actor: Actor, now: datetime) -> Award:
    """Decide the award: freeze prices and assessments, publish the notice, begin the standstill, write to all bidders.

    Refused for a member of the panel and for whoever recommended it. The ranking is made afresh: an award to a bid
    that is not first, or fails a pass or fail question, is refused here too.
    """
    award = _to_approve(competition, actor)
    if CompetitionStatus.AWARD_DECIDED not in COMPETITION_MOVES[competition.status]:
        raise NotAllowed("The evaluation of this call-off has not ended.")
    outcome = _eligible(results(competition, actor=actor), award.bid_id)
    winner = outcome.of(award.bid_id)
    if (award.score, award.whole_life_value) != (winner.total, winner.whole_life):
        raise NotAllowed("The scores have changed since the recommendation. Send it back.")
    ends_at = standstill_ends(competition.framework.regime, now)
    award.approved_at, award.approved_by = now, actor.person
    award.notice_published_at, award.standstill_ends_at = now, ends_at
    award.prices = [
        AwardedPrice(number=band.number, annual_price=winner.opened.content.prices[band.number])
        for band in competition.bands
    ]
    award.assessments = [
        Assessment(
            bid_id=result.bid.id,
            supplier=result.bid.organisation,
            rank=result.standing.rank,
            quality=result.quality,
            price_score=result.price_score,
            total=result.total,
        )
        for result in outcome.all
    ]
    competition.status = CompetitionStatus.AWARD_DECIDED
    competition.standstill_ends_at = ends_at
    db.session.flush()
    what = f"Approved the award to {award.supplier.name} and published the award notice"
    audit.record(what, competition, actor=actor, now=now, standstill_ends_at=ends_at.isoformat())
    audit.record("Approved the award", award, actor=actor, now=now)
    letters.tell_bidders(award, now=now)
    return award


def note_read(summary: queries.AssessmentSummary, *, actor: Actor, now: datetime) -> None:
    """Keep when somebody of the bidder first read its assessment."""
    if summary.own.read_at is None:
        summary.own.read_at, summary.own.read_by = now, actor.person
        audit.record("Read the assessment summary", summary.award, actor=actor, now=now, bid=summary.own.bid_id)
        db.session.flush()


def _to_approve(competition: Competition, actor: Actor) -> Award:
    """The recommended award, locked, for somebody who may decide it."""
    must_lead(competition, actor, Permission.APPROVE_AWARD)
    hold(competition)
    award = queries.award_of(competition)
    if award is None:
        raise NotAllowed("No supplier has been recommended for this call-off yet.")
    if award.approved_at is not None:
        raise AlreadyDone("This award has been approved already.")
    if award.recommended_by == actor.person:
        raise NotAllowed("You recommended this award, so somebody else must decide it.")
    if is_on_panel(competition, actor.person):
        raise NotAllowed("You were appointed to the panel, so somebody outside it must decide this award.")
    return award


def _eligible(outcome: Results, bid_id: int) -> Results:
    """The outcome, if this bid may be given the award."""
    chosen = outcome.of(bid_id)
    if not chosen.passes:
        raise NotAllowed(
            f"{chosen.supplier_name} failed a pass or fail question, so its bid cannot win, whatever its score.",
            field="bid_id",
        )
    if chosen.standing.rank != 1:
        raise NotAllowed(f"{chosen.supplier_name} is not ranked first.", field="bid_id")
    return outcome
