"""Awards: who sees them, and what each bidder is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.awards.models import Assessment, Award, SentBack
from calloffs.bids.models import Bid
from calloffs.competitions.models import Competition, Question
from calloffs.competitions.queries import competition_for
from calloffs.competitions.rules import CompetitionStatus
from calloffs.evaluation.models import AgreedMark, Evaluator
from calloffs.evaluation.rules import is_gate, question_score, two_places
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.waiting import Waiting


def award_of(competition: Competition) -> Award | None:
    """The award of a call-off, recommended or approved. The caller has asked who may see the call-off."""
    return db.session.scalar(
        select(Award)
        .where(Award.competition_id == competition.id)
        .options(
            joinedload(Award.supplier),
            joinedload(Award.recommender),
            joinedload(Award.approver),
            selectinload(Award.prices),
            selectinload(Award.assessments).joinedload(Assessment.supplier),
        )
    )


def award_for(actor: Actor, competition_id: int) -> Award:
    """The award of a call-off that the actor's body leads or funds."""
    found = award_of(competition_for(actor, competition_id))
    if found is None:
        raise NotFound("No supplier has been recommended for this call-off yet.")
    return found


def sent_back(competition: Competition) -> Sequence[SentBack]:
    """The recommendations that were not approved, latest first."""
    return db.session.scalars(
        select(SentBack)
        .where(SentBack.competition_id == competition.id)
        .options(joinedload(SentBack.sender), joinedload(SentBack.bid).joinedload(Bid.organisation))
        .order_by(SentBack.id.desc())
    ).all()


def awards_after_standstill(now: datetime) -> Sequence[Award]:
    """Approved awards whose standstill is over: from now on a contract may be drawn and signed."""
    return _approved(Award.standstill_ends_at <= now)


def published_awards() -> Sequence[Award]:
    """Every approved award, latest first: its notice is public from the moment of approval."""
    return _approved()


def published_award(competition_id: int) -> Award:
    """The approved award of one call-off, for anybody."""
    found = _approved(Award.competition_id == competition_id)
    if not found:
        raise NotFound("No award has been published for this call-off.")
    return found[0]


def _approved(*conditions: object) -> Sequence[Award]:
    return db.session.scalars(
        select(Award)
        .join(Award.competition)
        .where(
            Award.approved_at.is_not(None),
            Competition.status == CompetitionStatus.AWARD_DECIDED,
            *conditions,  # type: ignore[arg-type]
        )
        .options(
            joinedload(Award.supplier),
            joinedload(Award.competition).joinedload(Competition.organisation),
            joinedload(Award.competition).selectinload(Competition.places),
            joinedload(Award.competition).joinedload(Competition.category),
            selectinload(Award.prices),
        )
        .order_by(Award.approved_at.desc(), Award.id.desc())
    ).all()


@dataclass(frozen=True)
class AssessedAnswer:
    """One answer as it was assessed. `score` in percent of the total; none for a pass or fail question."""

    question: Question
    is_gate: bool
    mark: int
    reason: str
    score: Decimal | None


@dataclass(frozen=True)
class AssessmentSummary:
    """What one bidder is told: how its own bid came out, and the winner's. Of nobody else's bid a word."""

    award: Award
    competition: Competition
    own: Assessment
    own_answers: Sequence[AssessedAnswer]
    winner: Assessment
    winner_answers: Sequence[AssessedAnswer]
    bids: int
    ranked: int

    @property
    def has_won(self) -> bool:
        """Whether the bidder is the winner."""
        return self.own.id == self.winner.id

    @property
    def failed(self) -> list[AssessedAnswer]:
        """The pass or fail questions that its bid failed."""
        return [answer for answer in self.own_answers if answer.is_gate and answer.mark == 0]


def assessment_for(actor: Actor, competition_id: int) -> AssessmentSummary:
    """The assessment summary of the actor's own bid, once the award is approved."""
    actor.must(Permission.SEE_INVITATIONS)
    own = db.session.scalar(
        select(Assessment)
        .join(Assessment.award)
        .where(
            Award.competition_id == competition_id,
            Award.approved_at.is_not(None),
            Assessment.supplier_id == actor.organisation,
        )
        .options(
            joinedload(Assessment.award).joinedload(Award.supplier),
            joinedload(Assessment.award).joinedload(Award.competition).selectinload(Competition.questions),
            joinedload(Assessment.award).joinedload(Award.competition).joinedload(Competition.organisation),
            joinedload(Assessment.award).selectinload(Award.assessments),
        )
    )
    if own is None:
        raise NotFound("There is no assessment of a bid of yours for this call-off.")
    award = own.award
    winner = next(one for one in award.assessments if one.bid_id == award.bid_id)
    marks = _agreed({own.bid_id, winner.bid_id})
    return AssessmentSummary(
        award=award,
        competition=award.competition,
        own=own,
        own_answers=_answers(award.competition, marks, own.bid_id),
        winner=winner,
        winner_answers=_answers(award.competition, marks, winner.bid_id),
        bids=len(award.assessments),
        ranked=sum(one.rank is not None for one in award.assessments),
    )


def _agreed(bid_ids: set[int]) -> Mapping[tuple[int, int], AgreedMark]:
    rows = db.session.scalars(select(AgreedMark).where(AgreedMark.bid_id.in_(bid_ids)))
    return {(mark.bid_id, mark.question_id): mark for mark in rows}


def _answers(
    competition: Competition, marks: Mapping[tuple[int, int], AgreedMark], bid_id: int
) -> list[AssessedAnswer]:
    found = []
    for question in competition.questions:
        mark, gate = marks[bid_id, question.id], is_gate(question.kind)
        score = None if gate else two_places(question_score(mark.mark, question.weight))
        found.append(AssessedAnswer(question, gate, mark.mark, mark.reason, score))
    return found


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """An award to recommend, to approve, and an assessment to read."""
    items: list[Waiting] = []
    if actor.may(Permission.RECOMMEND_AWARD) or actor.may(Permission.APPROVE_AWARD):
        items += _waiting_to_decide(actor)
    if actor.may(Permission.SEE_INVITATIONS):
        items += _waiting_to_read(actor)
    return items


def _waiting_to_decide(actor: Actor) -> list[Waiting]:
    rows = db.session.execute(
        select(Competition, Award)
        .outerjoin(Award, Award.competition_id == Competition.id)
        .where(Competition.organisation_id == actor.organisation_id, Competition.status == CompetitionStatus.EVALUATED)
        .order_by(Competition.id)
    ).all()
    on_panel = set(
        db.session.scalars(
            select(Evaluator.competition_id).where(
                Evaluator.person_id == actor.person, Evaluator.competition_id.in_([row[0].id for row in rows])
            )
        )
    )
    items = []
    for competition, award in rows:
        if award is None:
            if actor.may(Permission.RECOMMEND_AWARD):
                page = url_for("awards.recommend", competition_id=competition.id)
                items.append(Waiting(f"Recommend the award of {competition.title}", page))
        elif (
            actor.may(Permission.APPROVE_AWARD)
            and award.recommended_by != actor.person
            and competition.id not in on_panel
        ):
            page = url_for("awards.approve", competition_id=competition.id)
            items.append(Waiting(f"Approve the award of {competition.title}, or send it back", page))
    return items


def _waiting_to_read(actor: Actor) -> list[Waiting]:
    unread = db.session.scalars(
        select(Award)
        .join(Award.assessments)
        .where(
            Assessment.supplier_id == actor.organisation_id,
            Assessment.read_at.is_(None),
            Award.approved_at.is_not(None),
        )
        .options(joinedload(Award.competition))
        .order_by(Award.id)
    )
    return [
        Waiting(
            f"Read how your bid for {award.competition.title} was assessed",
            url_for("awards.assessment", competition_id=award.competition_id),
        )
        for award in unread
    ]
