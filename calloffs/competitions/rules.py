"""Call-off competitions: how they move, and what the clock decides."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class CompetitionStatus(StrEnum):
    """What people have decided about a competition. Closing is decided by the clock and not stored: see Stage."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    PUBLISHED = "published"
    PAUSED = "paused"
    OPENED = "opened"
    EVALUATED = "evaluated"
    AWARD_DECIDED = "award_decided"
    CANCELLED = "cancelled"
    FAILED = "failed"


_S = CompetitionStatus
COMPETITION_MOVES: dict[CompetitionStatus, frozenset[CompetitionStatus]] = {
    _S.DRAFT: frozenset({_S.AWAITING_APPROVAL, _S.CANCELLED}),
    _S.AWAITING_APPROVAL: frozenset({_S.PUBLISHED, _S.DRAFT, _S.CANCELLED}),
    _S.PUBLISHED: frozenset({_S.PAUSED, _S.OPENED, _S.CANCELLED, _S.FAILED}),
    _S.PAUSED: frozenset({_S.PUBLISHED, _S.CANCELLED}),
    _S.OPENED: frozenset({_S.EVALUATED, _S.CANCELLED, _S.FAILED}),
    _S.EVALUATED: frozenset({_S.AWARD_DECIDED, _S.OPENED, _S.CANCELLED, _S.FAILED}),
    _S.AWARD_DECIDED: frozenset({_S.CANCELLED}),
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset(),
}


class Stage(StrEnum):
    """Where a competition is, as people see it: what was decided and what the clock has decided since."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    OPENED = "opened"
    EVALUATED = "evaluated"
    STANDSTILL = "standstill"
    AWARDED = "awarded"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """The stage in words."""
        return {Stage.OPEN: "Open for bids", Stage.OPENED: "Bids opened"}.get(
            self, self.value.replace("_", " ").capitalize()
        )


def stage_of(
    status: CompetitionStatus, *, closes_at: datetime | None, standstill_ends_at: datetime | None, now: datetime
) -> Stage:
    """The stage at a moment. Closing is exact: at the instant of closing it is closed."""
    if status is CompetitionStatus.PUBLISHED:
        return Stage.OPEN if closes_at is not None and now < closes_at else Stage.CLOSED
    if status is CompetitionStatus.AWARD_DECIDED:
        return Stage.STANDSTILL if standstill_ends_at is None or now < standstill_ends_at else Stage.AWARDED
    return Stage(status.value)


class VolumeKind(StrEnum):
    """How volume is priced: one cap (the default), or four bands (larger contracts)."""

    CAP = "cap"
    BANDS = "bands"


class QuestionKind(StrEnum):
    """How a question to bidders counts."""

    SCORED = "scored"
    PASS_FAIL = "pass_fail"
    PSED = "psed"


# Every bid answers it, pass or fail; a fail blocks the award whatever the score (R8-R10).
PSED_QUESTION = (
    "How will your service meet the Public Sector Equality Duty? For each group of people whose needs differ, say "
    "what the need is, what you will do about it, and how anyone can measure that you did."
)
PSED_WORD_LIMIT = 500
TOTAL_WEIGHT = 100
