"""Evaluating: a panel is appointed, declares, marks alone, and agrees one mark for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.bids.queries import opened_bids
from calloffs.competitions.models import Competition, Question
from calloffs.competitions.rules import COMPETITION_MOVES, CompetitionStatus
from calloffs.evaluation import letters, queries
from calloffs.evaluation.models import AgreedMark, Evaluator, Mark
from calloffs.evaluation.rules import faults_of_mark, is_gate
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db

PANEL_MAY_CHANGE = (CompetitionStatus.PUBLISHED, CompetitionStatus.PAUSED, CompetitionStatus.OPENED)


@dataclass(frozen=True)
class MarkEntry:
    """A mark and its reason, as entered for one question."""

    mark: int | None
    reason: str


def appoint(competition: Competition, *, person_id: int, actor: Actor, now: datetime) -> Evaluator:
    """Put a person on the panel and tell them.

    They hold the evaluator role in the lead body or a co-funder, are appointed once, and did not approve the call-off.
    Refused before publication and once marks are being agreed.
    """
    queries.must_lead(competition, actor, Permission.MODERATE)
    hold(competition)
    if competition.status not in PANEL_MAY_CHANGE:
        raise NotAllowed("The panel is appointed between publication and the agreeing of marks.")
    if queries.agreed_marks(competition):
        raise NotAllowed("The panel has begun to agree its marks, so nobody can join it now.")
    if queries.is_on_panel(competition, person_id):
        raise AlreadyDone("This person is on the panel already.", field="person_id")
    if person_id == competition.approved_by:
        raise NotAllowed("Whoever approved this call-off cannot be on its panel.", field="person_id")
    chosen = next((person for person, _ in queries.candidates(competition) if person.id == person_id), None)
    if chosen is None:
        raise Invalid("Choose an evaluator of the lead body or of a co-funder.", field="person_id")
    member = Evaluator(competition_id=competition.id, person=chosen, appointed_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(member)
    except IntegrityError as error:
        raise AlreadyDone("This person is on the panel already.", field="person_id") from error
    audit.record(f"Appointed {chosen.name} to the panel", competition, actor=actor, now=now, person=person_id)
    letters.tell_of_appointment(member, competition, now=now)
    return member


def release(competition: Competition, *, person_id: int, actor: Actor, now: datetime) -> None:
    """Take off the panel somebody who has not declared interests, so that they hold nobody up. Others stay."""
    queries.must_lead(competition, actor, Permission.MODERATE)
    hold(competition)
    member = next((one for one in queries.panel(competition) if one.person_id == person_id), None)
    if member is None:
        raise AlreadyDone("This person is not on the panel.")
    if member.declared_at is not None:
        raise NotAllowed("This person has declared their interests, and stays on the panel.")
    audit.record(f"Took {member.person.name} off the panel", competition, actor=actor, now=now, person=person_id)
    db.session.delete(member)
    db.session.flush()


def declare(competition: Competition, *, has_conflict: bool, details: str, actor: Actor, now: datetime) -> Evaluator:
    """Declare interests, once the bidders are known. A conflict bars from seeing and marking any bid.

    Who declared none may still declare one that they find later, until they have finished; never the other way.
    """
    actor.must(Permission.EVALUATE)
    seat = _own_seat(competition, actor)
    _must_be_marking(competition)
    if seat.has_conflict:
        raise AlreadyDone("You have declared a conflict of interest already.")
    if seat.finished_at is not None:
        raise AlreadyDone("You have finished marking. Tell the commercial partner if you find a conflict now.")
    if seat.declared_at is not None and not has_conflict:
        raise AlreadyDone("You have declared that you have no conflict of interest already.")
    if has_conflict and not details.strip():
        raise Invalid("Say what the conflict is", field="details")
    seat.declared_at, seat.has_conflict, seat.declaration = now, has_conflict, details.strip()
    what = "Declared a conflict of interest" if has_conflict else "Declared no conflict of interest"
    audit.record(what, competition, actor=actor, now=now)
    db.session.flush()
    return seat


def save_marks(
    competition: Competition, *, bid_id: int, entries: Mapping[int, MarkEntry], actor: Actor, now: datetime
) -> int:
    """Keep the actor's own marks of one bid, by question, as far as they have come; gives how many were saved.

    A question left wholly empty is left as it was. Refused after they have finished.
    """
    actor.must(Permission.EVALUATE)
    seat = _own_seat(competition, actor)
    _must_be_marking(competition)
    queries.one_of(queries.bids_to_mark(competition, actor=actor), bid_id)
    if seat.finished_at is not None:
        raise AlreadyDone("You have finished, so your marks are locked.")
    before = queries.own_marks(competition, actor=actor)
    given = _checked(competition, entries)
    for question_id, (mark, reason) in given.items():
        kept = before.get((bid_id, question_id))
        if kept is None:
            kept = Mark(bid_id=bid_id, question_id=question_id, person_id=actor.person)
            db.session.add(kept)
        kept.mark, kept.reason, kept.marked_at = mark, reason, now
    # On the seat, not on the call-off: nobody else needs to know how far somebody has come.
    audit.record("Saved marks", seat, actor=actor, now=now, bid=bid_id, questions=sorted(given))
    db.session.flush()
    return len(given)


def finish(competition: Competition, *, actor: Actor, now: datetime) -> Evaluator:
    """Lock the actor's marks. Refused until every answer of every bid has one."""
    actor.must(Permission.EVALUATE)
    seat = _own_seat(competition, actor)
    _must_be_marking(competition)
    if seat.finished_at is not None:
        raise AlreadyDone("You have finished already.")
    bids = queries.bids_to_mark(competition, actor=actor)
    missing = len(bids) * len(competition.questions) - len(queries.own_marks(competition, actor=actor))
    if missing:
        raise Invalid(f"You cannot finish yet: {missing} answer{'s' if missing > 1 else ''} still to mark.")
    seat.finished_at = now
    audit.record("Finished marking", competition, actor=actor, now=now)
    db.session.flush()
    return seat


def agree(
    competition: Competition, *, bid_id: int, entries: Mapping[int, MarkEntry], actor: Actor, now: datetime
) -> int:
    """Record the panel's one mark and reason for answers of one bid; gives how many were saved.

    Refused until every evaluator without a conflict has finished. The bidder will read the reason.
    """
    queries.must_lead(competition, actor, Permission.MODERATE)
    hold(competition)
    _must_be_marking(competition)
    queries.all_marks(competition, actor=actor)  # refuses while anybody still marks
    queries.one_of(opened_bids(competition, actor=actor), bid_id)
    before = queries.agreed_marks(competition)
    given = _checked(competition, entries)
    for question_id, (mark, reason) in given.items():
        kept = before.get((bid_id, question_id))
        if kept is None:
            kept = AgreedMark(bid_id=bid_id, question_id=question_id)
            db.session.add(kept)
        elif (kept.mark, kept.reason) == (mark, reason):
            continue
        kept.mark, kept.reason, kept.agreed_at, kept.recorded_by = mark, reason, now, actor.person
    audit.record("Recorded agreed marks", competition, actor=actor, now=now, bid=bid_id, questions=sorted(given))
    db.session.flush()
    return len(given)


def conclude(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """End the evaluation: scores and ranking are made. Refused until every answer of every bid has an agreed mark."""
    queries.must_lead(competition, actor, Permission.MODERATE)
    hold(competition)
    if CompetitionStatus.EVALUATED not in COMPETITION_MOVES[competition.status]:
        raise AlreadyDone("The evaluation is not under way.")
    queries.all_marks(competition, actor=actor)
    bids = opened_bids(competition, actor=actor)
    missing = len(bids) * len(competition.questions) - len(queries.agreed_marks(competition))
    if missing:
        raise Invalid(
            f"The evaluation cannot end yet: {missing} agreed mark{'s' if missing > 1 else ''} still missing."
        )
    if not bids:
        raise NotAllowed("There is no bid to evaluate. End the call-off as failed instead.")
    competition.status = CompetitionStatus.EVALUATED
    audit.record("Concluded the evaluation", competition, actor=actor, now=now, bids=len(bids))
    db.session.flush()


def _checked(competition: Competition, entries: Mapping[int, MarkEntry]) -> dict[int, tuple[int, str]]:
    """What was entered, checked; a question left wholly empty is not among it."""
    questions: dict[int, Question] = {question.id: question for question in competition.questions}
    given: dict[int, tuple[int, str]] = {}
    for question_id, entry in entries.items():
        if question_id not in questions:
            raise Invalid("There is no such question in this call-off.")
        if entry.mark is None and not entry.reason.strip():
            continue
        for field, words in faults_of_mark(entry.mark, entry.reason, is_gate=is_gate(questions[question_id].kind)):
            raise Invalid(words, field=f"{field}_{question_id}")
        assert entry.mark is not None
        given[question_id] = (entry.mark, entry.reason.strip())
    return given


def _own_seat(competition: Competition, actor: Actor) -> Evaluator:
    """The actor's seat, held: they may have two windows open."""
    seat = queries.seat_of(competition, actor=actor)
    return db.session.scalars(
        select(Evaluator).where(Evaluator.id == seat.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def hold(competition: Competition) -> None:
    """Hold the call-off's row, fresh: one at a time for what concerns the whole of it."""
    db.session.scalars(
        select(Competition)
        .where(Competition.id == competition.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _must_be_marking(competition: Competition) -> None:
    if competition.status is not CompetitionStatus.OPENED:
        raise NotAllowed("Bids are marked after they are opened and until the evaluation has ended.")
