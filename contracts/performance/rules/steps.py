"""How targets are agreed, and how what both sides resolve to do is followed up."""

from __future__ import annotations

from enum import StrEnum


class TargetStatus(StrEnum):
    """One side proposes a target, the other agrees or declines; the first may take it back."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The status in words."""
        return self.value.capitalize()


TARGET_MOVES: dict[TargetStatus, frozenset[TargetStatus]] = {
    TargetStatus.PROPOSED: frozenset({TargetStatus.AGREED, TargetStatus.DECLINED, TargetStatus.WITHDRAWN}),
    TargetStatus.AGREED: frozenset(),
    TargetStatus.DECLINED: frozenset(),
    TargetStatus.WITHDRAWN: frozenset(),
}


class ActionStatus(StrEnum):
    """What somebody is to do to improve: its owner says that it is done, the contract manager closes or reopens it."""

    OPEN = "open"
    DONE = "done"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The status in words."""
        return {ActionStatus.OPEN: "To do", ActionStatus.DONE: "Done, to be checked", ActionStatus.CLOSED: "Closed"}[
            self
        ]


ACTION_MOVES: dict[ActionStatus, frozenset[ActionStatus]] = {
    ActionStatus.OPEN: frozenset({ActionStatus.DONE}),
    ActionStatus.DONE: frozenset({ActionStatus.CLOSED, ActionStatus.OPEN}),
    ActionStatus.CLOSED: frozenset(),
}
