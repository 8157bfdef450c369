"""What people are told about volumes: figures only, never of anybody who is referred."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts.agreements import queries as agreements
from contracts.agreements.models import ServiceLine
from contracts.referrals.queries import service_managers
from contracts.volumes import queries
from contracts.volumes.models import LineSeason, VolumeAction, VolumeAlert
from contracts.volumes.rules import Position, Verdict
from marketplace.accounts.letters import write_to
from marketplace.accounts.models import Person


def alert(raised: VolumeAlert, found: Position, *, now: datetime) -> None:
    """To those who can act: a service came near a volume that matters. Once for each alert."""
    line = agreements.line(raised.line_id)
    write_to(
        queries.who_can_act(line, found.on),
        key=f"volume-alert:{raised.id}",
        subject=f"{raised.kind.label}: {line.title}",
        template="emails/volumes/alert.txt",
        now=now,
        alert=raised,
        position=found,
        service=line,
    )


def decided(action: VolumeAction, *, now: datetime) -> None:
    """To everybody else who can act: what is done about the service's volume, and who sees to it."""
    people = [*queries.who_can_act(action.line, action.decided_on), action.owner]
    _of_action(action, "decided", f"{action.kind.label}: {action.line.title}", people, now)


def ended(action: VolumeAction, verdict: Verdict, *, now: datetime) -> None:
    """To the supplier's service managers: it is over, and whether it helped."""
    subject = f"{action.kind.label}: {verdict.label[0].lower()}{verdict.label[1:]}"
    _of_action(action, "ended", subject, _managers(action), now)


def remind(action: VolumeAction, *, now: datetime) -> None:
    """To whoever sees to it: the day has come to say what it has brought. Once for each day planned."""
    subject = f"Follow up: {action.kind.label}, {action.line.title}"
    _of_action(action, f"follow_up:{action.follow_up_on}", subject, [action.owner], now)


def _managers(action: VolumeAction) -> list[Person]:
    return list(service_managers(action.line.agreement.supplier_id))


def _of_action(action: VolumeAction, what: str, subject: str, people: Iterable[Person], now: datetime) -> None:
    write_to(
        [one for one in people if what != "decided" or one.id != action.decided_by],
        key=f"volume-action:{action.id}:{what}",
        subject=subject,
        template="emails/volumes/action.txt",
        now=now,
        action=action,
        service=action.line,
        what=what.partition(":")[0],
    )


def has_room(line: ServiceLine, found: Position, officers: Iterable[Person], *, now: datetime) -> None:
    """To officers of the area: a service has room. Each gets it once for a service and contract year."""
    write_to(
        officers,
        key=f"volume-room:{line.id}:{found.first_day}",
        subject=f"Room for people: {line.title}",
        template="emails/volumes/room.txt",
        now=now,
        service=line,
        position=found,
    )


def season(made: LineSeason, line: ServiceLine, *, now: datetime) -> None:
    """To the supplier's service managers: the profile of their service is spread otherwise over the year."""
    write_to(
        service_managers(line.agreement.supplier_id),
        key=f"line-season:{made.id}",
        subject=f"The profile of {line.title} changes",
        template="emails/volumes/season.txt",
        now=now,
        season=made,
        service=line,
    )
