"""When a region is warned: at parts of the cap, and when a service heads under its guaranteed minimum (R42, R46)."""

from __future__ import annotations

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


CAP_ALERTS = tuple(kind for kind in AlertKind if kind.percent is not None)


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
    elapsed = found.year.elapsed(found.on)
    if not elapsed.early and elapsed.weight and found.heads_under_minimum:
        due.append(DueAlert(AlertKind.UNDER_MINIMUM, found.lows[0]))
    return tuple(due)
