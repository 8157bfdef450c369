"""Writes of volumes: alerts raised and closed, what is done about them, and seasons."""

from contracts.volumes.actions.acting import Decision, decide, follow_up, letters_written
from contracts.volumes.actions.alerting import close, close_what_is_over, raise_alerts
from contracts.volumes.actions.seasons import set_season

__all__ = [
    "Decision",
    "close",
    "close_what_is_over",
    "decide",
    "follow_up",
    "letters_written",
    "raise_alerts",
    "set_season",
]
