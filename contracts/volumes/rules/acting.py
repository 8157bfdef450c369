"""What is done about a service's volume, and whether it helped (R46: "threshold actions log")."""

from __future__ import annotations

from enum import StrEnum


class ActionKind(StrEnum):
    """What can be done where referrals run ahead of a volume, or stay behind it."""

    VARY = "vary"
    SLOW = "slow"
    WAITING_LIST = "waiting_list"
    MARKET = "market"

    @property
    def label(self) -> str:
        """The action in words."""
        return {
            ActionKind.VARY: "Change the contract",
            ActionKind.SLOW: "Slow referrals",
            ActionKind.WAITING_LIST: "Run a waiting list",
            ActionKind.MARKET: "Make the service known",
        }[self]

    @property
    def meaning(self) -> str:
        """What it brings about here."""
        return {
            ActionKind.VARY: "Move the cap, the bands or the dates. The contract manager drafts the change next.",
            ActionKind.SLOW: "Officers see a message on the service before they refer, until a day.",
            ActionKind.WAITING_LIST: "A full service has one by itself. Officers see a message about it, until a day.",
            ActionKind.MARKET: "The service is marked in the catalogue, and officers of its area can be written to.",
        }[self]

    @property
    def has_message(self) -> bool:
        """Whether officers see a message on the service for as long as it goes on."""
        return self in (ActionKind.SLOW, ActionKind.WAITING_LIST)


class ActionStatus(StrEnum):
    """Whether an action is still followed up."""

    UNDER_WAY = "under_way"
    DONE = "done"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """The status in words."""
        return self.value.replace("_", " ").capitalize()


ACTION_MOVES: dict[ActionStatus, frozenset[ActionStatus]] = {
    ActionStatus.UNDER_WAY: frozenset({ActionStatus.DONE, ActionStatus.DROPPED}),
    ActionStatus.DONE: frozenset(),
    ActionStatus.DROPPED: frozenset(),
}


class Verdict(StrEnum):
    """What somebody finds when they follow an action up."""

    GOES_ON = "goes_on"
    HELPED = "helped"
    PARTLY = "partly"
    NO_DIFFERENCE = "no_difference"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """The verdict in words."""
        return {
            Verdict.GOES_ON: "It goes on",
            Verdict.HELPED: "It helped",
            Verdict.PARTLY: "It helped in part",
            Verdict.NO_DIFFERENCE: "It made no difference",
            Verdict.DROPPED: "It is dropped",
        }[self]

    @property
    def leaves(self) -> ActionStatus:
        """How the action stands after it."""
        return {Verdict.GOES_ON: ActionStatus.UNDER_WAY, Verdict.DROPPED: ActionStatus.DROPPED}.get(
            self, ActionStatus.DONE
        )

    @property
    def settles_alert(self) -> bool:
        """Whether the alert it answers is dealt with; else it waits for somebody again."""
        return self in (Verdict.HELPED, Verdict.PARTLY)
