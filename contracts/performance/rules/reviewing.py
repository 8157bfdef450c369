"""Quality reviews: a checklist of the design, referrals drawn so that anybody can check it, and a rating (R51)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

from contracts.agreements.rules import months_after

# How many referrals are looked at, out of how many months, and when the next review is due: our defaults (‡).
SAMPLE_SIZE = 10
SAMPLE_MONTHS = 6
NEXT_REVIEW_MONTHS = 12
# How long before it is due a review stands on the home page (‡).
REVIEW_SOON_DAYS = 30


class Point(StrEnum):
    """What a reviewer asks of an intervention that nobody has accredited. Our default checklist (‡)."""

    AIM = "aim"
    EVIDENCE = "evidence"
    FIT = "fit"
    METHOD = "method"
    AMOUNT = "amount"
    STAFF = "staff"
    VOICE = "voice"
    EQUALITY = "equality"

    @property
    def label(self) -> str:
        """The question."""
        return _POINTS[self]


_POINTS = {
    Point.AIM: "It is written down what the work changes for people, and how",
    Point.EVIDENCE: "There is evidence that work of this kind helps, and it is named",
    Point.FIT: "It is said whom it is for and whom it is not for, and referrals fit that",
    Point.METHOD: "Staff have a manual or plan of sessions, and use it",
    Point.AMOUNT: "How many sessions people get follows from what they need",
    Point.STAFF: "Staff are trained, supervised and observed at work",
    Point.VOICE: "People who use the service are asked, and something changed because of it",
    Point.EQUALITY: "Who drops out is looked at by group, and acted on",
}


class Verdict(StrEnum):
    """What a reviewer found of one point, or of the work with one person."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"

    @property
    def label(self) -> str:
        """The verdict in words."""
        return {Verdict.MET: "Met", Verdict.PARTLY: "Partly met", Verdict.NOT_MET: "Not met"}[self]


class ReviewRating(StrEnum):
    """How good the intervention is, by those who looked."""

    STRONG = "strong"
    SOUND = "sound"
    NEEDS_WORK = "needs_work"
    POOR = "poor"

    @property
    def label(self) -> str:
        """The rating in words."""
        return {
            ReviewRating.STRONG: "Strong",
            ReviewRating.SOUND: "Sound",
            ReviewRating.NEEDS_WORK: "Needs work",
            ReviewRating.POOR: "Poor",
        }[self]


def sample(references: Iterable[str], *, seed: str, size: int = SAMPLE_SIZE) -> list[str]:
    """So many references drawn by a seed: those whose SHA-256 with it comes first.

    Nobody can choose whom it falls on, and anybody who has the references and the seed can draw it again.
    """

    def mark(reference: str) -> str:
        return hashlib.sha256(f"{seed}:{reference}".encode()).hexdigest()

    return sorted(sorted(references, key=mark)[:size])


def tally(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """How many were met, of how many looked at: partly met is not met."""
    return sum(one is Verdict.MET for one in verdicts), len(verdicts)


def usual_rating(verdicts: Sequence[Verdict]) -> ReviewRating | None:
    """What the verdicts suggest (‡): the reviewers decide, and say why. None before anything was looked at."""
    if not verdicts:
        return None
    met, looked_at = tally(verdicts)
    if any(one is Verdict.NOT_MET for one in verdicts):
        return ReviewRating.NEEDS_WORK if met * 2 >= looked_at else ReviewRating.POOR
    return ReviewRating.STRONG if met * 10 >= looked_at * 9 else ReviewRating.SOUND


def next_review_on(finished_on: date) -> date:
    """When the next review is due, unless the reviewers say otherwise."""
    return months_after(finished_on, NEXT_REVIEW_MONTHS)
