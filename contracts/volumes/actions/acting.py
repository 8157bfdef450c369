"""What is done about a service's volume: decided, followed up on its day, and found to have helped or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, select

from contracts.agreements import queries as agreements
from contracts.agreements.models import ServiceLine
from contracts.referrals import actions as referrals
from contracts.referrals.queries import takes_referrals
from contracts.volumes import letters, queries
from contracts.volumes.actions.alerting import shut
from contracts.volumes.models import VolumeAction, VolumeAlert, VolumeReview
from contracts.volumes.rules import ACTION_MOVES, ActionKind, ActionStatus, AlertKind, AlertStatus, Verdict
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.accounts.queries import people_with
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db


@dataclass(frozen=True)
class Decision:
    """What is to be done, by whom, and when it is looked at again."""

    kind: ActionKind
    what: str
    owner_id: int
    follow_up_on: date
    # What officers see on the service, and until when: where it slows referrals or speaks of the waiting list.
    message: str = ""
    message_until: date | None = None
    # Whether the officers of the area get a letter: where it makes the service known.
    writes_to_officers: bool = False


def decide(line_id: int, decision: Decision, *, actor: Actor, now: datetime) -> VolumeAction:
    """Put on record what is done about a service's volume. The alert that waits is acted on, and the others who can act
    are told.

    Refused: for others than those who act for a body that leads or pays, while one of its kind is under way, for a day
    that is not to come, and to make a service known that is full or stopped.
    """
    on = clock.london(now).date()
    line = agreements.line(line_id)
    _must_act(actor, line, on)
    referrals.hold(line_id)
    _check(line, decision, actor=actor, on=on)
    notice = None
    if decision.kind.has_message:
        until = decision.message_until or decision.follow_up_on
        notice = referrals.show_notice(line_id, words=decision.message, until=until, actor=actor, now=now)
    alert = _alert_that_waits(line_id)
    action = VolumeAction(
        line=line,
        alert_id=alert.id if alert else None,
        kind=decision.kind,
        status=ActionStatus.UNDER_WAY,
        what=decision.what.strip(),
        owner_id=decision.owner_id,
        organisation_id=actor.organisation,
        follow_up_on=decision.follow_up_on,
        decided_on=on,
        decided_at=now,
        decided_by=actor.person,
        notice=notice,
        letters_wanted_at=now if decision.writes_to_officers and decision.kind is ActionKind.MARKET else None,
    )
    db.session.add(action)
    if alert is not None and alert.status is AlertStatus.OPEN:
        alert.status = AlertStatus.ACTED_ON
        audit.record(f"Acted on: {decision.kind.label}", alert, actor=actor, now=now)
    audit.record(f"Decided: {decision.kind.label}", action, actor=actor, now=now, follow_up_on=str(action.follow_up_on))
    db.session.flush()
    letters.decided(action, now=now)
    return action


def _check(line: ServiceLine, decision: Decision, *, actor: Actor, on: date) -> None:
    under_way = select(VolumeAction.id).where(
        VolumeAction.line_id == line.id,
        VolumeAction.kind == decision.kind,
        VolumeAction.status == ActionStatus.UNDER_WAY,
    )
    if db.session.scalar(under_way) is not None:
        raise AlreadyDone("This is under way for the service already. Follow it up instead.")
    if not decision.what.strip():
        raise Invalid("Say what will be done.", field="what")
    if decision.owner_id not in {one.id for one in people_with(actor.organisation, Permission.ACT_ON_VOLUMES)}:
        raise Invalid("Choose somebody of your organisation who acts on volumes.", field="owner")
    _must_be_to_come(decision.follow_up_on, on, "follow_up_on")
    if decision.kind is ActionKind.MARKET:
        if agreements.is_suspended(line.id, on):
            raise Refused("New referrals to this service are stopped. It is made known once they are taken again.")
        if queries.position(line, on=on).room == 0:
            raise Refused("This service is full. There is no room to make known.")


def _must_be_to_come(day: date, on: date, field: str) -> None:
    if not on < day <= on.replace(year=on.year + 1, day=min(on.day, 28)):
        raise Invalid("Enter a day to come, within a year.", field=field)


def _alert_that_waits(line_id: int) -> VolumeAlert | None:
    """The gravest alert about the line that is not closed, held."""
    gravest = case({kind: rank for rank, kind in enumerate(AlertKind)}, value=VolumeAlert.kind)
    return db.session.scalar(
        select(VolumeAlert)
        .where(VolumeAlert.line_id == line_id, VolumeAlert.status != AlertStatus.CLOSED)
        .order_by(gravest)
        .limit(1)
        .with_for_update()
    )


def follow_up(
    action_id: int, *, due_on: date, verdict: Verdict, words: str, next_on: date | None, actor: Actor, now: datetime
) -> VolumeAction:
    """Say what an action has brought: it goes on until another day, has helped or not, or is dropped.

    `due_on` is the day for which this was planned, as whoever follows up saw it: a second press is refused. An alert
    that was answered is closed if it helped, and waits for somebody again if it did not.
    """
    on = clock.london(now).date()
    action = db.session.scalars(
        select(VolumeAction)
        .where(VolumeAction.id == action_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    _must_act(actor, agreements.line(action.line_id), on)
    if action.status is not ActionStatus.UNDER_WAY or action.follow_up_on != due_on:
        raise AlreadyDone("Somebody has followed this up already.")
    if not words.strip():
        raise Invalid("Say what you found.", field="words")
    if verdict is Verdict.GOES_ON:
        if next_on is None:
            raise Invalid("Enter the day on which it is looked at again.", field="next_on")
        _must_be_to_come(next_on, on, "next_on")
        if next_on <= due_on:
            raise Invalid("Enter a later day than before.", field="next_on")
        action.follow_up_on = next_on
    review = VolumeReview(
        due_on=due_on,
        verdict=verdict,
        words=words.strip(),
        next_on=next_on if verdict is Verdict.GOES_ON else None,
        reviewed_on=on,
        at=now,
        by=actor.person,
    )
    action.reviews.append(review)
    audit.record(f"Followed up: {verdict.label}", action, actor=actor, now=now)
    if verdict.leaves is not action.status:
        _end(action, verdict, actor=actor, now=now)
    db.session.flush()
    return action


def _end(action: VolumeAction, verdict: Verdict, *, actor: Actor, now: datetime) -> None:
    assert verdict.leaves in ACTION_MOVES[action.status]
    action.status = verdict.leaves
    if action.notice is not None:
        referrals.end_notice(action.notice, actor=actor, now=now)
    db.session.flush()
    letters.ended(action, verdict, now=now)
    if action.alert_id is None:
        return
    alert = db.session.scalars(select(VolumeAlert).where(VolumeAlert.id == action.alert_id).with_for_update()).one()
    others = select(VolumeAction.id).where(
        VolumeAction.alert_id == alert.id, VolumeAction.status == ActionStatus.UNDER_WAY
    )
    if alert.status is not AlertStatus.ACTED_ON or db.session.scalar(others) is not None:
        return
    if verdict.settles_alert:
        shut(alert, f"{action.kind.label}: {verdict.label[0].lower()}{verdict.label[1:]}.", actor=actor, now=now)
    else:
        alert.status = AlertStatus.OPEN
        audit.record("Waits for somebody again", alert, actor=actor, now=now)


def letters_written(action_id: int, *, now: datetime) -> None:
    """Write to the officers of the area that the service has room: once for a service and contract year to each.

    Nothing is written where it has been, or is wanted no more; nor while the service is full or takes no referrals.
    """
    action = db.session.scalars(
        select(VolumeAction)
        .where(VolumeAction.id == action_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if action.letters_wanted_at is None or action.letters_written_at is not None:
        return
    if action.status is not ActionStatus.UNDER_WAY:
        return
    on = clock.london(now).date()
    line = agreements.line(action.line_id)
    found = queries.position(line, on=on)
    if found.room == 0 or not takes_referrals(line.id, on):
        return
    letters.has_room(line, found, queries.officers_around(line, on), now=now)
    action.letters_written_at = now
    db.session.flush()


def _must_act(actor: Actor, line: ServiceLine, on: date) -> None:
    if not queries.may_act(actor, line, on):
        raise NotAllowed("Only those who act on volumes for a body that leads or pays can do this.")
