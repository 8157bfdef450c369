"""What is measured: each measure's meaning, the records it is counted from, and the usual targets (R119, R120).

Of every measure more is better. A case counts in the month in which its clock ran out, so that it counts once, and a
month that is over stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.performance.rules.clocks import ANSWER_WORKING_DAYS, FIRST_SESSION_WORKING_DAYS, IN_TOUCH_DAYS


class Part(StrEnum):
    """The three parts of a scorecard (R120). None makes up for another."""

    QUALITY = "quality"
    OUTCOMES = "outcomes"
    BASICS = "basics"

    @property
    def label(self) -> str:
        """The part in words."""
        return self.value.capitalize()


class Measure(StrEnum):
    """One thing that is measured."""

    ATTENDED = "attended"
    IN_TOUCH = "in_touch"
    REVIEWED = "reviewed"
    COMPLETED = "completed"
    REACHED = "reached"
    ANSWERED = "answered"
    TAKEN_ON = "taken_on"
    FIRST_SESSION = "first_session"
    RECORDED = "recorded"

    @property
    def definition(self) -> Definition:
        """What it means."""
        return DEFINITIONS[self]

    @property
    def label(self) -> str:
        """Its short name."""
        return DEFINITIONS[self].title


# What stands at a month's end and is no sum of the month: months of these do not add up.
STANDING = frozenset({Measure.IN_TOUCH, Measure.REVIEWED})


@dataclass(frozen=True)
class Definition:
    """What a measure means: its part, what counts as a case and what as met, and where both are read from."""

    part: Part
    title: str
    # What is counted: "sessions".
    unit: str
    cases: str
    met: str
    source: str


DEFINITIONS: dict[Measure, Definition] = {
    Measure.ATTENDED: Definition(
        Part.QUALITY,
        "Sessions attended",
        "sessions",
        "Sessions that began in the month and were recorded.",
        "The person came, on time or late.",
        "Attendance as recorded",
    ),
    Measure.IN_TOUCH: Definition(
        Part.QUALITY,
        "Nobody lost sight of",
        "referrals",
        f"Referrals accepted more than {IN_TOUCH_DAYS} days before the month’s end and still open then.",
        f"A session in the last {IN_TOUCH_DAYS} days of the month was recorded, whether or not the person came. The "
        f"{IN_TOUCH_DAYS} days are our default (‡).",
        "Referrals and their sessions",
    ),
    Measure.REVIEWED: Definition(
        Part.QUALITY,
        "Quality review",
        "points",
        "Points and referrals looked at in the latest quality review, if it was finished in the year (‡) before.",
        "Found to be met, not only in part.",
        "The review, by the contract manager",
    ),
    Measure.COMPLETED: Definition(
        Part.OUTCOMES,
        "Seen through to the end",
        "referrals",
        "Referrals that were accepted and ended in the month, completed or withdrawn.",
        "Completed.",
        "Referrals as they ended",
    ),
    Measure.REACHED: Definition(
        Part.OUTCOMES,
        "Outcomes reached",
        "outcomes",
        "Desired outcomes of referrals completed in the month, where it was said what became of them.",
        "Reached, as said at completion.",
        "What the service said at completion",
    ),
    Measure.ANSWERED: Definition(
        Part.BASICS,
        f"Answered within {ANSWER_WORKING_DAYS} working days",
        "referrals",
        f"Referrals whose {ANSWER_WORKING_DAYS} working days (‡) ended in the month, unless withdrawn before "
        "or moved here from another supplier.",
        "Accepted or returned by then.",
        "Referrals as they moved",
    ),
    Measure.TAKEN_ON: Definition(
        Part.BASICS,
        "Taken on",
        "referrals",
        "Referrals accepted or returned in the month.",
        "Accepted.",
        "Referrals as they moved",
    ),
    Measure.FIRST_SESSION: Definition(
        Part.BASICS,
        f"First session within {FIRST_SESSION_WORKING_DAYS} working days",
        "referrals",
        f"Referrals whose {FIRST_SESSION_WORKING_DAYS} working days after sending ended in the month, unless they "
        "ended before without one or were moved here from another supplier.",
        "A session began by then and had been entered by then, whether or not the person came.",
        "Referrals and their sessions",
    ),
    Measure.RECORDED: Definition(
        Part.BASICS,
        "Recorded the same day",
        "sessions",
        "Sessions that began in the month, unless the referral had ended.",
        "Recorded on the day, so that a missed one was told at once.",
        "When attendance was recorded",
    ),
}


@dataclass(frozen=True)
class Target:
    """At least so many percent of cases are met; a little less, by so many points, is near."""

    percent: int
    tolerance: int


# Our defaults (‡), for both sides to change. One set for all kinds of help, and where a kind differs.
_USUAL: Mapping[Measure, Target] = {
    Measure.ATTENDED: Target(75, 10),
    Measure.IN_TOUCH: Target(90, 10),
    Measure.REVIEWED: Target(80, 10),
    Measure.COMPLETED: Target(70, 10),
    Measure.REACHED: Target(60, 10),
    Measure.ANSWERED: Target(95, 5),
    Measure.TAKEN_ON: Target(90, 5),
    Measure.FIRST_SESSION: Target(90, 5),
    Measure.RECORDED: Target(95, 5),
}
_BY_CATEGORY: Mapping[str, Mapping[Measure, Target]] = {
    "ACC": {Measure.REACHED: Target(50, 10)},
    "DEP": {Measure.ATTENDED: Target(65, 10), Measure.COMPLETED: Target(60, 10)},
    "EMO": {Measure.ATTENDED: Target(70, 10)},
    "YAD": {Measure.ATTENDED: Target(70, 10)},
}


def usual_targets(category_codes: Collection[str]) -> dict[Measure, Target]:
    """The usual set for a contract that gives these kinds of help: of several targets the lowest."""
    found = {}
    for measure, usual in _USUAL.items():
        targets = [_BY_CATEGORY.get(code, {}).get(measure, usual) for code in category_codes] or [usual]
        found[measure] = min(targets, key=lambda target: target.percent)
    return found
