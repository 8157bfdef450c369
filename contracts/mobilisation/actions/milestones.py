"""Milestones: made, done, accepted or sent back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import letters, rules
from contracts.mobilisation.actions.checks import must_be, must_last
from contracts.mobilisation.models import Milestone, MilestoneReport, Mobilisation
from contracts.mobilisation.rules import MILESTONE_MOVES, TO_DO, USUAL, MilestoneStatus, other
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db


def begin(agreement: Agreement, *, actor: Actor, now: datetime) -> list[Milestone]:
    """Make the usual milestones, once. For the scheduled job and the lead's contract manager.

    Refused when they are made already, and when the contract is over.
    """
    hold(agreement)
    if actor is not SYSTEM:
        must_be(Side.COMMISSIONER, actor, agreement)
    must_last(agreement, now)
    begun = db.session.scalar(
        insert(Mobilisation)
        .values(agreement_id=agreement.id, begun_at=now)
        .on_conflict_do_nothing()
        .returning(Mobilisation.agreement_id)
    )
    if begun is None:
        raise AlreadyDone("The milestones of this contract are made already.")
    today = clock.london(now).date()
    made = [
        Milestone(
            agreement_id=agreement.id,
            title=one.title,
            evidence=one.evidence,
            side=one.side,
            due_on=rules.due_on(agreement.starts_on, one.days_before, made_on=today),
        )
        for one in USUAL
        if not _has(agreement, one.title)
    ]
    db.session.add_all(made)
    db.session.flush()
    audit.record("Began mobilisation", agreement, actor=actor, now=now, milestones=len(made))
    letters.tell_begun(agreement, now=now)
    return made


def add_milestone(
    agreement: Agreement, *, title: str, evidence: str, side: Side, due_on: date, actor: Actor, now: datetime
) -> Milestone:
    """One more milestone, by the lead's contract manager. Refused under a title that is there, and after the end."""
    hold(agreement)
    must_be(Side.COMMISSIONER, actor, agreement)
    must_last(agreement, now)
    _must_be_new(agreement, title)
    milestone = Milestone(agreement_id=agreement.id, title=title, evidence=evidence, side=side, due_on=due_on)
    db.session.add(milestone)
    db.session.flush()
    audit.record("Added the milestone", milestone, actor=actor, now=now, due_on=due_on.isoformat(), side=side.value)
    return milestone


def change_milestone(
    milestone: Milestone, *, title: str, evidence: str, side: Side, due_on: date, actor: Actor, now: datetime
) -> None:
    """Change what is asked, of whom, by when. Refused once it is said to be done, or settled."""
    _locked(milestone)
    must_be(Side.COMMISSIONER, actor, milestone.agreement)
    if milestone.status not in TO_DO:
        raise Refused("This milestone is done or not needed, so that it cannot be changed.")
    if title != milestone.title:
        _must_be_new(milestone.agreement, title)
    before = milestone.due_on
    milestone.title, milestone.evidence, milestone.side, milestone.due_on = title, evidence, side, due_on
    db.session.flush()
    audit.record(
        "Changed the milestone",
        milestone,
        actor=actor,
        now=now,
        due_on=due_on.isoformat(),
        due_on_before=before.isoformat(),
        side=side.value,
    )


def drop(milestone: Milestone, *, reason: str, actor: Actor, now: datetime) -> None:
    """This contract does not need it. By the lead's contract manager, with the reason."""
    _locked(milestone)
    must_be(Side.COMMISSIONER, actor, milestone.agreement)
    _move(milestone, MilestoneStatus.DROPPED)
    milestone.dropped_reason = reason
    db.session.flush()
    audit.record("Found the milestone not needed", milestone, actor=actor, now=now)


def say_done(milestone: Milestone, *, evidence: str, actor: Actor, now: datetime) -> MilestoneReport:
    """Its owner says that it is done and what shows it; the other side is told."""
    _locked(milestone)
    must_be(milestone.side, actor, milestone.agreement)
    _move(milestone, MilestoneStatus.DONE)
    report = MilestoneReport(evidence=evidence, reported_at=now, reported_by=actor.person)
    milestone.reports.append(report)
    db.session.flush()
    audit.record("Said that the milestone is done", milestone, actor=actor, now=now)
    letters.tell_done(milestone, report, now=now)
    return report


def accept(milestone: Milestone, *, actor: Actor, now: datetime) -> None:
    """The other side accepts what its owner has shown."""
    _judge(milestone, MilestoneStatus.ACCEPTED, None, actor=actor, now=now)
    audit.record("Accepted the milestone", milestone, actor=actor, now=now)


def send_back(milestone: Milestone, *, reason: str, actor: Actor, now: datetime) -> None:
    """The other side says what is missing still."""
    _judge(milestone, MilestoneStatus.SENT_BACK, reason, actor=actor, now=now)
    audit.record("Sent the milestone back", milestone, actor=actor, now=now)


def _judge(
    milestone: Milestone, to: MilestoneStatus, reason: str | None, *, actor: Actor, now: datetime
) -> MilestoneReport:
    _locked(milestone)
    must_be(other(milestone.side), actor, milestone.agreement)
    _move(milestone, to)
    report = next(one for one in milestone.reports if one.judged_at is None)
    if report.reported_by == actor.person:
        raise NotAllowed("You said that this is done, so that somebody else must judge it.")
    report.judged_at, report.judged_by = now, actor.person
    report.accepted, report.reason = to is MilestoneStatus.ACCEPTED, reason
    db.session.flush()
    letters.tell_judged(milestone, report, now=now)
    return report


def _locked(milestone: Milestone) -> None:
    hold(milestone.agreement)
    db.session.refresh(milestone)


def _move(milestone: Milestone, to: MilestoneStatus) -> None:
    if milestone.status is to:
        raise AlreadyDone(f"This milestone is “{to.label.lower()}” already.")
    if to not in MILESTONE_MOVES[milestone.status]:
        raise Refused(f"This milestone is “{milestone.status.label.lower()}”, so that this cannot be done now.")
    milestone.status = to


def _has(agreement: Agreement, title: str) -> bool:
    return (
        db.session.scalar(
            select(Milestone.id).where(
                Milestone.agreement_id == agreement.id,
                Milestone.title == title,
                Milestone.status != MilestoneStatus.DROPPED,
            )
        )
        is not None
    )


def _must_be_new(agreement: Agreement, title: str) -> None:
    if _has(agreement, title):
        raise Invalid("This contract has a milestone of that name already.", field="title")
