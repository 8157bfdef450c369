"""Promises: written by one side, agreed by the other, reported by the supplier, judged by the contract manager."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import letters, queries
from contracts.mobilisation.actions.checks import must_be, must_last, must_manage
from contracts.mobilisation.models import Promise, PromiseReport
from contracts.mobilisation.rules import PROMISE_MOVES, Frequency, PromiseKind, PromiseStatus, Verdict, other
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db


@dataclass(frozen=True)
class Words:
    """A promise as a row: for whom, what they need, what is counted, how much, from when, how often reported."""

    kind: PromiseKind
    who: str
    need: str
    measure: str
    target: str
    frequency: Frequency
    first_due_on: date


def propose_promise(agreement: Agreement, words: Words, *, actor: Actor, now: datetime) -> Promise:
    """Write a promise as a row. It binds nobody until the other side agrees that this is what was promised.

    Refused: for others than those who manage the contract, after its end, a first day outside the contract, the same
    measure for the same group twice.
    """
    hold(agreement)
    side = must_manage(actor, agreement)
    must_last(agreement, now)
    last = agreement.ends_on
    if words.first_due_on < agreement.starts_on or (last is not None and words.first_due_on > last):
        raise Invalid("The first report is due within the contract", field="first_due_on")
    there = db.session.scalar(
        select(Promise.id).where(
            Promise.agreement_id == agreement.id,
            Promise.who == words.who,
            Promise.measure == words.measure,
            Promise.status.in_((PromiseStatus.PROPOSED, PromiseStatus.AGREED)),
        )
    )
    if there is not None:
        raise AlreadyDone("This measure stands there for the same group already.", field="measure")
    promise = Promise(
        agreement_id=agreement.id,
        **asdict(words),
        status=PromiseStatus.PROPOSED,
        side=side,
        proposed_at=now,
        proposed_by=actor.person,
    )
    db.session.add(promise)
    db.session.flush()
    audit.record(
        "Wrote the promise as a row", promise, actor=actor, now=now, first_due_on=words.first_due_on.isoformat()
    )
    letters.ask_to_agree_promise(promise, now=now)
    return promise


def agree_promise(promise: Promise, *, actor: Actor, now: datetime) -> None:
    """The other side agrees. From now on the supplier reports on it."""
    _answer(promise, PromiseStatus.AGREED, None, actor=actor, now=now)
    audit.record("Agreed the promise", promise, actor=actor, now=now)


def decline_promise(promise: Promise, *, reason: str, actor: Actor, now: datetime) -> None:
    """The other side says why this is not what was promised, or cannot be measured so."""
    _answer(promise, PromiseStatus.DECLINED, reason, actor=actor, now=now)
    audit.record("Declined the promise as written", promise, actor=actor, now=now)


def _answer(promise: Promise, to: PromiseStatus, reason: str | None, *, actor: Actor, now: datetime) -> None:
    _locked(promise)
    must_be(other(promise.side), actor, promise.agreement)
    if promise.proposed_by == actor.person:
        raise NotAllowed("You wrote this row, so that somebody else must answer it.")
    _move(promise, to)
    promise.answered_at, promise.answered_by, promise.reason = now, actor.person, reason
    db.session.flush()
    letters.tell_promise_answered(promise, now=now)


def end_promise(promise: Promise, *, reason: str, actor: Actor, now: datetime) -> None:
    """No more is asked: it was reached for good, or replaced. By the lead's contract manager, with the reason."""
    _locked(promise)
    must_be(Side.COMMISSIONER, actor, promise.agreement)
    _move(promise, PromiseStatus.ENDED)
    promise.reason = reason
    db.session.flush()
    audit.record("Ended the promise", promise, actor=actor, now=now)
    letters.tell_promise_answered(promise, now=now)


def report_on_promise(
    promise: Promise, *, due_on: date, reached: str, words: str, actor: Actor, now: datetime
) -> PromiseReport:
    """The supplier's report as of one of the promise's days. Refused: twice, out of order, before the day."""
    _locked(promise)
    must_be(Side.SUPPLIER, actor, promise.agreement)
    if promise.status is not PromiseStatus.AGREED:
        raise Refused("This promise is not agreed, or has ended, so that no report is asked for.")
    if any(one.due_on == due_on and one.verdict is not Verdict.SENT_BACK for one in promise.reports):
        raise AlreadyDone("This report is in already.")
    owed = queries.due_reports([promise], promise.agreement.ends_on, clock.london(now).date())
    if not owed or owed[0].due_on != due_on:
        raise TooLate("This report is not asked for now. Look at the page again.")
    report = PromiseReport(due_on=due_on, reached=reached, words=words, reported_at=now, reported_by=actor.person)
    promise.reports.append(report)
    db.session.flush()
    audit.record("Reported on the promise", promise, actor=actor, now=now, due_on=due_on.isoformat())
    letters.tell_reported(promise.agreement, now=now)
    return report


def judge(report: PromiseReport, *, verdict: Verdict, reason: str | None, actor: Actor, now: datetime) -> None:
    """The lead's contract manager says whether it was kept. Refused: twice, and without a reason where one is due."""
    _locked(report.promise)
    must_be(Side.COMMISSIONER, actor, report.promise.agreement)
    db.session.refresh(report)
    if report.judged_at is not None:
        raise AlreadyDone("Somebody has judged this report already.")
    if verdict.needs_reason and not reason:
        raise Invalid("Say why", field="reason")
    report.judged_at, report.judged_by, report.verdict = now, actor.person, verdict
    report.reason = reason or None
    db.session.flush()
    audit.record("Judged the report on the promise", report.promise, actor=actor, now=now, verdict=verdict.value)
    letters.tell_report_judged(report, now=now)


def _locked(promise: Promise) -> None:
    hold(promise.agreement)
    db.session.refresh(promise)


def _move(promise: Promise, to: PromiseStatus) -> None:
    if promise.status is to:
        raise AlreadyDone(f"This promise is {to} already.")
    if to not in PROMISE_MOVES[promise.status]:
        raise Refused(f"This promise is {promise.status}, so that this cannot be done now.")
    promise.status = to
