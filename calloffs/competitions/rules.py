"""Call-off competitions: how they move, and what the clock decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from calloffs.plans.rules import Band
from calloffs.plans.rules import faults as band_faults


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


class OpenTo(StrEnum):
    """Who of women and men a service is for."""

    BOTH = "both"
    WOMEN = "women"
    MEN = "men"

    @property
    def label(self) -> str:
        """The choice in words."""
        return "Women and men" if self is OpenTo.BOTH else self.value.capitalize()


@dataclass(frozen=True)
class Whom:
    """Whom a service is for: women, men or both, of which ages (both included; no oldest age: and over)."""

    open_to: OpenTo
    minimum_age: int
    maximum_age: int | None


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


class Instrument(StrEnum):
    """What a call-off leads to: a contract, or a grant (R29)."""

    CONTRACT = "contract"
    GRANT = "grant"

    @property
    def label(self) -> str:
        """The instrument in words."""
        return {
            Instrument.CONTRACT: "A contract, paid in twelve equal parts a year",
            Instrument.GRANT: "A grant, paid in instalments when milestones are reached",
        }[self]


class VolumeKind(StrEnum):
    """How volume is priced: one cap (the default), or four bands (larger contracts)."""

    CAP = "cap"
    BANDS = "bands"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {VolumeKind.CAP: "A volume cap", VolumeKind.BANDS: "Four volume bands"}[self]


class QuestionKind(StrEnum):
    """How a question to bidders counts."""

    SCORED = "scored"
    PASS_FAIL = "pass_fail"
    PSED = "psed"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            QuestionKind.SCORED: "Scored",
            QuestionKind.PASS_FAIL: "Pass or fail",
            QuestionKind.PSED: "Public Sector Equality Duty: pass or fail",
        }[self]


# Every bid answers it, pass or fail; a fail blocks the award whatever the score (R8-R10).
PSED_QUESTION = (
    "How will your service meet the Public Sector Equality Duty? For each group of people whose needs differ, say "
    "what the need is, what you will do about it, and how anyone can measure that you did."
)
PSED_WORD_LIMIT = 500
TOTAL_WEIGHT = 100

# Our defaults (domain.md, marked there with a double dagger): what is warned of before publishing, never refused.
FEWEST_BIDDERS = 3
SHORTEST_DAYS_TO_BID = 20
# Effort in proportion to value: so many words of answers for each £100,000 over the contract's life, and never
# under the least that a fair comparison needs.
WORDS_PER_100_000 = 1_000
LEAST_WORDS = 2_000
USUAL_MONTHS = 24

WITHOUT_PLAN = "This call-off was not begun from a plan, so it rests on no published needs data."


class Section(StrEnum):
    """A part of the draft: one page of its task list."""

    BASICS = "basics"
    SPECIFICATION = "specification"
    VOLUME = "volume"
    QUESTIONS = "questions"
    FUNDERS = "funders"
    DATES = "dates"

    @property
    def label(self) -> str:
        """The part in words."""
        return {
            Section.BASICS: "Title, category and areas",
            Section.SPECIFICATION: "Specification",
            Section.VOLUME: "Volume and value",
            Section.QUESTIONS: "Questions and weights",
            Section.FUNDERS: "Who pays which share",
            Section.DATES: "Dates",
        }[self]


@dataclass(frozen=True)
class AskedQuestion:
    """A question as the rules know it."""

    kind: QuestionKind
    weight: int
    word_limit: int


@dataclass(frozen=True)
class Requirement:
    """What a draft asks for: all that its faults and warnings depend on. Money in pounds a year."""

    title: str
    place_count: int
    level_reason: str
    specification: str
    volume_kind: VolumeKind
    bands: Sequence[Band]
    planned_band: int
    questions: Sequence[AskedQuestion]
    price_weight: int
    shares: Sequence[Decimal]
    closes_at: datetime | None
    starts_on: date
    months: int

    @property
    def annual_value(self) -> Decimal | None:
        """The most a year in the planned band; None while the volume is not entered."""
        return next((band.annual_value for band in self.bands if band.number == self.planned_band), None)

    @property
    def most_words(self) -> int:
        """The words a bidder may be led to write: every question up to its limit."""
        return sum(question.word_limit for question in self.questions)


@dataclass(frozen=True)
class Fault:
    """Why a draft cannot go to approval yet, and where to put it right."""

    section: Section
    words: str


def faults(needed: Requirement, *, now: datetime) -> list[Fault]:
    """Everything that keeps a draft from being approved and published at this moment, in plain words."""
    found: list[Fault] = []

    def add(section: Section, *words: str) -> None:
        found.extend(Fault(section, each) for each in words)

    if not needed.title:
        add(Section.BASICS, "Enter a title")
    if not needed.place_count:
        add(Section.BASICS, "Choose at least one area")
    if not needed.level_reason:
        add(Section.BASICS, "Say why this level of area is right")
    if not needed.specification:
        add(Section.SPECIFICATION, "Write the specification")
    add(Section.VOLUME, *volume_faults(needed.volume_kind, needed.bands, needed.planned_band))
    add(Section.QUESTIONS, *question_faults(needed.questions, needed.price_weight))
    add(Section.FUNDERS, *share_faults(needed.shares))
    if needed.closes_at is None:
        add(Section.DATES, "Enter when the call-off closes")
    else:
        if needed.closes_at <= now:
            add(Section.DATES, "The closing time must be in the future")
        if needed.starts_on <= needed.closes_at.date():
            add(Section.DATES, "The service must start after the call-off closes")
    return found


def volume_faults(kind: VolumeKind, bands: Sequence[Band], planned_band: int) -> list[str]:
    """What is wrong with the volume: one cap, or four bands of which each begins where the one before ends."""
    if not bands:
        return ["Enter a volume cap or four volume bands"]
    wanted = [1] if kind is VolumeKind.CAP else [1, 2, 3, 4]
    if [band.number for band in bands] != wanted:
        return ["Enter one cap" if kind is VolumeKind.CAP else "Enter all four bands"]
    found = band_faults(bands)
    if any(band.high < 1 for band in bands):
        found.append("The volume must be at least 1 referral a year")
    if planned_band not in wanted:
        found.append("Choose the band that you plan for")
    return found


def question_faults(questions: Sequence[AskedQuestion], price_weight: int) -> list[str]:
    """What is wrong with the questions: the PSED question is always asked, once (R8); weights and price make 100."""
    found = []
    if sum(question.kind is QuestionKind.PSED for question in questions) != 1:
        found.append("The Public Sector Equality Duty question must be there, once")
    if not any(question.kind is QuestionKind.SCORED for question in questions):
        found.append("Add at least one scored question")
    total = price_weight + sum(question.weight for question in questions)
    if total != TOTAL_WEIGHT:
        found.append(f"The weights of the questions and of price must total {TOTAL_WEIGHT}. They total {total}")
    return found


def share_faults(shares: Sequence[Decimal]) -> list[str]:
    """What is wrong with the funders' shares: each above 0, together 100 % (R28)."""
    if any(share <= 0 for share in shares):
        return ["Every share must be above 0%"]
    total = sum(shares, Decimal(0))
    if total == 100:
        return []
    words = f"The shares must total 100%. They total {total.normalize():f}%"
    if abs(total - 100) < Decimal("0.05"):
        words += ". Where shares do not divide evenly, one is a little larger: three thirds are 33.33, 33.33 and 33.34"
    return [words]


def words_in_proportion(whole_life_value: Decimal) -> int:
    """The most words our default thinks in proportion to this value in pounds (R4)."""
    return max(LEAST_WORDS, int(whole_life_value * WORDS_PER_100_000 / 100_000))


def warnings(needed: Requirement, *, qualified: int, now: datetime) -> list[str]:
    """What the author and the approver should think about before publishing; nothing here is refused.

    `qualified`: how many suppliers can bid today. Half of the first round drew one bid or none (domain.md).
    """
    found = []
    if qualified < FEWEST_BIDDERS:
        who = {0: "No supplier is", 1: "Only 1 supplier is"}.get(qualified, f"Only {qualified} suppliers are")
        found.append(
            f"{who} qualified to bid for this category in all of these areas. Our default is to expect at least "
            f"{FEWEST_BIDDERS}. A smaller area, or time for others to join the framework, may help."
        )
    if needed.annual_value is not None:
        whole_life = needed.annual_value * needed.months / 12
        fair = words_in_proportion(whole_life)
        if needed.most_words > fair:
            found.append(
                f"The questions ask for up to {needed.most_words:,} words. For a contract of £{whole_life:,.0f} our "
                f"default is at most {fair:,}. Fewer or shorter questions let smaller suppliers bid."
            )
    if needed.closes_at is not None and needed.closes_at - now < timedelta(days=SHORTEST_DAYS_TO_BID):
        found.append(f"Suppliers would have less than {SHORTEST_DAYS_TO_BID} days to bid, which is our default.")
    return found


# What the documents say: shown with the call-off's criteria, in the report and to every bidder.
HOW_SCORES_ARE_MADE = (
    "Each scored answer gets a mark from 0 to 5. Its score is the mark divided by 5, times the weight of the question.",
    "The price score is the lowest whole-life price divided by this bid’s whole-life price, times the weight of price. "
    "The price compared is the annual price of the planned band over the months of the contract.",
    "A bid that fails the Public Sector Equality Duty question, or another pass or fail question, cannot win. It is "
    "left out of the ranking, and its price does not count as the lowest.",
    "Where two scores are equal, the bid with the higher quality score comes first; if those are equal too, the bid "
    "with the lower price.",
    "Scores are worked out exactly and rounded once, half up, to two places. The order follows the exact scores.",
)
