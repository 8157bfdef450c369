"""When a region is warned: at parts of the cap, and when a service heads under its guaranteed minimum (R42, R46)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from contracts.volumes.rules.position import Position


class AlertKind(StrEnum):
    """What an alert is about, the gravest first."""

    CAP_MET = "cap_met"
    CAP_CLOSE = "cap_close"
    CAP_NEAR = "cap_near"
    UNDER_MINIMUM = "under_minimum"

    @property
    def percent(self) -> int | None:
        """From what part of the cap it is given, in percent (our default); None for the minimum."""
        return {AlertKind.CAP_NEAR: 80, AlertKind.CAP_CLOSE: 95, AlertKind.CAP_MET: 100}.get(self)

    @property
    def label(self) -> str:
        """The alert in words."""
        if self is AlertKind.UNDER_MINIMUM:
            return "Heading under its minimum"
        return "Full" if self is AlertKind.CAP_MET else f"{self.percent}% of the cap used"


# The gravest first: each overtakes those behind it.
CAP_ALERTS = tuple(kind for kind in AlertKind if kind.percent is not None)


class AlertStatus(StrEnum):
    """Whether somebody has dealt with an alert."""

    OPEN = "open"
    ACTED_ON = "acted_on"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The status in words."""
        return self.value.replace("_", " ").capitalize()


# One that was acted on waits again for somebody if what was done made no difference, or was dropped.
ALERT_MOVES: dict[AlertStatus, frozenset[AlertStatus]] = {
    AlertStatus.OPEN: frozenset({AlertStatus.ACTED_ON, AlertStatus.CLOSED}),
    AlertStatus.ACTED_ON: frozenset({AlertStatus.OPEN, AlertStatus.CLOSED}),
    AlertStatus.CLOSED: frozenset(),
}


@dataclass(frozen=True)
class DueAlert:
    """An alert that a position calls for, and the volume it is about: the cap, or the lowest band's low end."""

    kind: AlertKind
    volume: int


def due_alerts(found: Position) -> tuple[DueAlert, ...]:
    """The alerts that the position calls for, the gravest first. Under the minimum not in the first weeks."""
    cap, counted = found.cap, found.counted
    if cap is None:
        return ()
    due = [DueAlert(kind, cap) for kind in CAP_ALERTS if counted * 100 >= cap * (kind.percent or 0)]
    if not found.year.elapsed(found.on).early and found.heads_under_minimum:
        due.append(DueAlert(AlertKind.UNDER_MINIMUM, found.lows[0]))
    return tuple(due)


def told_of(raised: Collection[DueAlert]) -> list[DueAlert]:
    """Which of the alerts raised at one moment people are told of: of those about the cap, the gravest alone."""
    gravest = next((kind for kind in CAP_ALERTS if any(one.kind is kind for one in raised)), None)
    return [one for one in raised if one.kind in (gravest, AlertKind.UNDER_MINIMUM)]


def overtaken_by(kind: AlertKind) -> tuple[AlertKind, ...]:
    """The alerts that say less than this one does."""
    return CAP_ALERTS[CAP_ALERTS.index(kind) + 1 :] if kind in CAP_ALERTS else ()
