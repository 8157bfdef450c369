"""Who sees which marks: an evaluator their own, the commercial partner all once everyone has finished."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from calloffs.bids import queries as bid_queries
from calloffs.bids.models import Bid
from calloffs.bids.queries import OpenedBid, opened_bids
from calloffs.competitions.models import Competition, FunderShare
from calloffs.competitions.rules import CompetitionStatus
from calloffs.evaluation.models import AgreedMark, Evaluator, Mark
from calloffs.evaluation.rules import (
    Criterion,
    Offer,
    Standing,
    is_gate,
    rank,
    two_places,
    what_moderation_waits_for,
    whole_life_price,
)
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Person
from marketplace.accounts.queries import people_with
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.waiting import Waiting

BidAndQuestion = tuple[int, int]


def panel(competition: Competition) -> Sequence[Evaluator]:
    """The members of the panel, in the order they were appointed."""
    return db.session.scalars(
        select(Evaluator)
        .where(Evaluator.competition_id == competition.id)
        .options(joinedload(Evaluator.person))
        .order_by(Evaluator.id)
    ).all()


def is_on_panel(competition: Competition, person_id: int) -> bool:
    """Whether this person was appointed, whatever they declared since."""
    return (
        db.session.scalar(
            select(Evaluator.id).where(Evaluator.competition_id == competition.id, Evaluator.person_id == person_id)
        )
        is not None
    )


def candidates(competition: Competition) -> list[tuple[Person, str]]:
    """Who may still be appointed, with their organisation's name.

    Evaluators of the lead body and the co-funders, without those appointed already and whoever approved the call-off.
    """
    taken = {member.person_id for member in panel(competition)} | {competition.approved_by}
    bodies = {competition.organisation_id: competition.organisation.name}
    bodies.update({share.organisation_id: share.organisation.name for share in competition.funders})
    found: dict[int, tuple[Person, str]] = {}
    for body, name in bodies.items():  # one to a handful of bodies
        for person in people_with(body, Permission.EVALUATE):
            if person.id not in taken:
                found.setdefault(person.id, (person, name))
    return list(found.values())


def seat_of(competition: Competition, *, actor: Actor) -> Evaluator:
    """The actor's own seat on the panel."""
    found = db.session.scalar(
        select(Evaluator)
        .where(Evaluator.competition_id == competition.id, Evaluator.person_id == actor.person)
        .options(joinedload(Evaluator.person))
    )
    if found is None:
        raise NotFound("You are not on the panel for this call-off.")
    return found


def bidders(competition: Competition, *, actor: Actor) -> list[str]:
    """The names of those who bid, for a member of the panel to declare interests against; nothing of their bids."""
    seat_of(competition, actor=actor)
    return bid_queries.bidders(competition)


def bids_to_mark(competition: Competition, *, actor: Actor) -> Sequence[OpenedBid]:
    """The opened bids, for a member of the panel who has declared that no interest conflicts."""
    seat = seat_of(competition, actor=actor)
    if seat.declared_at is None:
        raise NotAllowed("Declare your interests before you see any bid.")
    if seat.has_conflict:
        raise NotAllowed("You declared a conflict of interest, so you do not see or mark these bids.")
    return opened_bids(competition, actor=actor)


def _must_be_free_of_conflict(competition: Competition, actor: Actor) -> None:
    """A conflict that was declared holds in every role: not for marking only."""
    conflicted = select(Evaluator.id).where(
        Evaluator.competition_id == competition.id,
        Evaluator.person_id == actor.person,
        Evaluator.has_conflict.is_(True),
    )
    if db.session.scalar(conflicted) is not None:
        raise NotAllowed("You declared a conflict of interest, so you do not see or mark these bids.")


bid_queries.bars.append(_must_be_free_of_conflict)


def one_of(bids: Sequence[OpenedBid], bid_id: int) -> OpenedBid:
    """The bid with this key among them."""
    for opened in bids:
        if opened.bid.id == bid_id:
            return opened
    raise NotFound("There is no such bid in this call-off.")


def own_marks(competition: Competition, *, actor: Actor) -> Mapping[BidAndQuestion, Mark]:
    """The marks the actor made, by bid and question. Nobody's else."""
    rows = db.session.scalars(
        select(Mark).join(Bid).where(Bid.competition_id == competition.id, Mark.person_id == actor.person)
    )
    return {(mark.bid_id, mark.question_id): mark for mark in rows}


def all_marks(competition: Competition, *, actor: Actor) -> Mapping[BidAndQuestion, Sequence[Mark]]:
    """Everybody's marks side by side, for the lead body's commercial partner.

    Refused until every evaluator without a conflict has finished. Marks of one who declared a conflict are left out.
    """
    must_lead(competition, actor, Permission.MODERATE)
    _must_be_free_of_conflict(competition, actor)
    members = panel(competition)
    if waits_for := what_moderation_waits_for([member.seat for member in members]):
        raise NotAllowed(f"The marks cannot be seen yet. {waits_for}")
    free = [member.person_id for member in members if not member.has_conflict]
    rows = db.session.scalars(
        select(Mark)
        .join(Bid)
        .where(Bid.competition_id == competition.id, Mark.person_id.in_(free))
        .options(joinedload(Mark.person))
        .order_by(Mark.person_id)
    )
    found: dict[BidAndQuestion, list[Mark]] = defaultdict(list)
    for mark in rows:
        found[mark.bid_id, mark.question_id].append(mark)
    return found


def must_lead(competition: Competition, actor: Actor, permission: Permission) -> None:
    """Refuse unless the actor holds the permission and acts for the body that leads the call-off."""
    actor.must(permission)
    if actor.organisation != competition.organisation_id:
        raise NotAllowed("Only the body that leads this call-off can do this.")


def agreed_marks(competition: Competition) -> Mapping[BidAndQuestion, AgreedMark]:
    """The marks agreed so far, by bid and question. The caller has asked who may see them."""
    rows = db.session.scalars(select(AgreedMark).join(Bid).where(Bid.competition_id == competition.id))
    return {(mark.bid_id, mark.question_id): mark for mark in rows}


@dataclass(frozen=True)
class BidResult:
    """How one bid came out: its agreed marks, its prices in pounds, and its scores."""

    opened: OpenedBid
    standing: Standing
    marks: Mapping[int, AgreedMark]
    annual_price: Decimal
    whole_life: Decimal

    @property
    def bid(self) -> Bid:
        """The bid."""
        return self.opened.bid

    @property
    def supplier_name(self) -> str:
        """Whose bid it is."""
        return self.opened.bid.organisation.name

    @property
    def passes(self) -> bool:
        """Whether it passed the Public Sector Equality Duty and every other pass or fail question."""
        return self.standing.passes

    @property
    def quality(self) -> Decimal:
        """Quality score, to two places."""
        return two_places(self.standing.quality)

    @property
    def price_score(self) -> Decimal | None:
        """Price score, to two places; none for a bid that failed a gate."""
        return None if self.standing.price_score is None else two_places(self.standing.price_score)

    @property
    def total(self) -> Decimal | None:
        """Total score, to two places; none for a bid that failed a gate."""
        return None if self.standing.total is None else two_places(self.standing.total)

    def question_score(self, question_id: int) -> Decimal:
        """The score of one scored question, to two places."""
        return two_places(self.standing.question_scores[question_id])


@dataclass(frozen=True)
class Results:
    """The outcome of evaluation: bids that passed, in order; then those that failed a pass or fail question."""

    competition: Competition
    ranking: Sequence[BidResult]
    excluded: Sequence[BidResult]

    @property
    def all(self) -> list[BidResult]:
        """Every bid, ranked ones first."""
        return [*self.ranking, *self.excluded]

    @property
    def first(self) -> list[BidResult]:
        """The bid ranked first; more than one only if they are equal in score, quality and price."""
        return [result for result in self.ranking if result.standing.rank == 1]

    @property
    def lowest(self) -> Decimal | None:
        """The lowest whole-life price among the bids that passed, in pounds."""
        return min((result.whole_life for result in self.ranking), default=None)

    def of(self, bid_id: int) -> BidResult:
        """The result of one bid."""
        for result in self.all:
            if result.bid.id == bid_id:
                return result
        raise NotFound("There is no such bid in this call-off.")


_EVALUATED = (CompetitionStatus.EVALUATED, CompetitionStatus.AWARD_DECIDED)


def results(competition: Competition, *, actor: Actor) -> Results:
    """Scores and ranking, for the commercial partner and the approver, once every mark is agreed."""
    if not (actor.may(Permission.MODERATE) or actor.may(Permission.APPROVE_AWARD)):
        raise NotAllowed("Your role does not let you see the results.")
    if competition.status not in _EVALUATED:
        raise NotAllowed("The panel has not agreed all its marks yet.")
    return scored(competition, opened_bids(competition, actor=actor))


def scored(competition: Competition, bids: Sequence[OpenedBid]) -> Results:
    """The bids scored and ranked. Every answer of each must have an agreed mark."""
    agreed = agreed_marks(competition)
    criteria = [Criterion(question.id, question.weight, is_gate(question.kind)) for question in competition.questions]
    by_bid: dict[int, dict[int, AgreedMark]] = {
        opened.bid.id: {criterion.question_id: agreed[opened.bid.id, criterion.question_id] for criterion in criteria}
        for opened in bids
    }
    prices: dict[int, Fraction] = {
        opened.bid.id: whole_life_price(opened.content.prices[competition.planned_band], competition.months)
        for opened in bids
    }
    offers = [
        Offer(key, {question: mark.mark for question, mark in marks.items()}, prices[key])
        for key, marks in by_bid.items()
    ]
    opened_by_id = {opened.bid.id: opened for opened in bids}
    found = [
        BidResult(
            opened=opened_by_id[standing.bid_id],
            standing=standing,
            marks=by_bid[standing.bid_id],
            annual_price=opened_by_id[standing.bid_id].content.prices[competition.planned_band],
            whole_life=two_places(prices[standing.bid_id]),
        )
        for standing in rank(criteria, offers, competition.price_weight)
    ]
    return Results(
        competition,
        ranking=[result for result in found if result.passes],
        excluded=[result for result in found if not result.passes],
    )


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Interests to declare and bids to mark; a panel to appoint and marks to agree."""
    items: list[Waiting] = []
    if actor.may(Permission.EVALUATE):
        items += _waiting_to_mark(actor)
    if actor.may(Permission.MODERATE):
        items += _waiting_to_moderate(actor)
    return items


def _waiting_to_mark(actor: Actor) -> list[Waiting]:
    seats = db.session.scalars(
        select(Evaluator)
        .join(Evaluator.competition)
        .where(
            Evaluator.person_id == actor.person,
            Evaluator.finished_at.is_(None),
            Evaluator.has_conflict.is_not(True),
            Competition.status == CompetitionStatus.OPENED,
            (Competition.organisation_id == actor.organisation_id)
            | Competition.funders.any(FunderShare.organisation_id == actor.organisation_id),
        )
        .options(joinedload(Evaluator.competition))
    )
    items = []
    for seat in seats:
        title = seat.competition.title
        if seat.declared_at is None:
            page = url_for("evaluation.declare", competition_id=seat.competition_id)
            items.append(Waiting(f"Declare your interests before you mark the bids for {title}", page))
        else:
            page = url_for("evaluation.mark", competition_id=seat.competition_id)
            items.append(Waiting(f"Mark the bids for {title}", page))
    return items


def _waiting_to_moderate(actor: Actor) -> list[Waiting]:
    opened = db.session.scalars(
        select(Competition).where(
            Competition.organisation_id == actor.organisation_id, Competition.status == CompetitionStatus.OPENED
        )
    ).all()
    seats: dict[int, list[Evaluator]] = {competition.id: [] for competition in opened}
    for member in db.session.scalars(select(Evaluator).where(Evaluator.competition_id.in_(seats))):
        seats[member.competition_id].append(member)
    items = []
    for competition in opened:
        members = [member.seat for member in seats[competition.id]]
        if what_moderation_waits_for(members) is None:
            page = url_for("evaluation.moderate", competition_id=competition.id)
            items.append(Waiting(f"Agree the marks for {competition.title}", page))
        elif len([seat for seat in members if not seat.has_conflict]) < 2:
            page = url_for("evaluation.panel", competition_id=competition.id)
            items.append(Waiting(f"Appoint the panel for {competition.title}", page))
    return items
