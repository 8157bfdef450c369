"""Evaluation: what marks mean, how scores are made of them, and how bids are ranked.

Source: domain.md, "Evaluating and awarding". Arithmetic is exact (fractions) from the marks and prices to the
ranking; a figure is rounded once, half up to two places, where it is shown or stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from calloffs.competitions.rules import QuestionKind

MOST_MARK = 5
FAIL, PASS = 0, 1
# Our rule: one person's judgement is never a panel's.
FEWEST_EVALUATORS = 2

# Our default scale, and labelled as such wherever it is shown.
MARK_WORDS: dict[int, tuple[str, str]] = {
    5: ("Excellent", "Meets the need in full and adds to it; every claim is backed by evidence."),
    4: ("Good", "Meets the need in full; the evidence is sound, with at most small gaps."),
    3: ("Satisfactory", "Meets the need in the main; some detail or evidence is missing."),
    2: ("Weak", "Meets part of the need; there are gaps that would need work before the service could start."),
    1: ("Poor", "Meets little of the need, or gives little to show that it would."),
    0: ("Unacceptable", "No answer, or one that does not meet the need."),
}
VERDICT_WORDS: dict[int, tuple[str, str]] = {
    PASS: ("Pass", "Meets the requirement."),
    FAIL: ("Fail", "Does not meet the requirement: this bid cannot win, whatever its score."),
}


@dataclass(frozen=True)
class Criterion:
    """A question as evaluation counts it: weight in percent for scored ones, 0 for pass or fail."""

    question_id: int
    weight: int
    is_gate: bool = False


@dataclass(frozen=True)
class Offer:
    """What is scored of one bid: the agreed mark by question (gates: 0 fail, 1 pass) and its whole-life price."""

    bid_id: int
    marks: Mapping[int, int]
    price: Fraction


@dataclass(frozen=True)
class Standing:
    """How one bid came out, exactly. A bid that failed a gate has quality, but no price score, no total and no rank."""

    bid_id: int
    question_scores: Mapping[int, Fraction]
    quality: Fraction
    failed_gates: tuple[int, ...] = ()
    price_score: Fraction | None = None
    total: Fraction | None = None
    rank: int | None = None
    # Others with the very same rank: told apart neither by score nor quality nor price.
    level_with: tuple[int, ...] = field(default=())

    @property
    def passes(self) -> bool:
        """Whether it passed every gate, the Public Sector Equality Duty among them."""
        return not self.failed_gates


def is_gate(kind: QuestionKind) -> bool:
    """Whether a question is passed or failed rather than scored: a fail keeps the bid from winning."""
    return kind is not QuestionKind.SCORED


def two_places(figure: Fraction) -> Decimal:
    """The figure rounded half up to two places: the one rounding of a score."""
    hundredths = (abs(figure) * 200 + 1) // 2
    return Decimal(int(hundredths if figure >= 0 else -hundredths)).scaleb(-2)


def question_score(mark: int, weight: int) -> Fraction:
    """mark ÷ 5 × weight."""
    if not 0 <= mark <= MOST_MARK:
        raise ValueError("a mark is from 0 to 5")
    return Fraction(mark, MOST_MARK) * weight


def price_score(price: Fraction, lowest: Fraction, weight: int) -> Fraction:
    """lowest ÷ this × weight. The lowest price has the full weight, even where it is nothing."""
    if price < lowest:
        raise ValueError("no price is below the lowest")
    return Fraction(weight) if price == lowest else lowest / price * weight


def whole_life_price(annual_price: Decimal, months: int) -> Fraction:
    """The planned band's annual price over the months of the contract, in pounds, exactly."""
    return Fraction(annual_price) * months / 12


def rank(criteria: Sequence[Criterion], offers: Iterable[Offer], price_weight: int) -> list[Standing]:
    """All bids: those that pass in order of rank, then those that failed a gate, in the order given.

    Every offer must bear a mark for every criterion. Equal totals: higher quality first, then lower price; bids that
    are equal in all three share their rank.
    """
    given = list(offers)
    quality = {offer.bid_id: _quality(criteria, offer) for offer in given}
    fails = {
        offer.bid_id: tuple(c.question_id for c in criteria if c.is_gate and offer.marks[c.question_id] == FAIL)
        for offer in given
    }
    passing = [offer for offer in given if not fails[offer.bid_id]]
    lowest = min((offer.price for offer in passing), default=Fraction(0))
    scores = {offer.bid_id: price_score(offer.price, lowest, price_weight) for offer in passing}

    def order(offer: Offer) -> tuple[Fraction, Fraction, Fraction]:
        own = sum(quality[offer.bid_id].values(), Fraction(0))
        return (-(own + scores[offer.bid_id]), -own, offer.price)

    keys = {offer.bid_id: order(offer) for offer in passing}
    standings = []
    for offer in sorted(passing, key=order):
        key = keys[offer.bid_id]
        standings.append(
            Standing(
                bid_id=offer.bid_id,
                question_scores=quality[offer.bid_id],
                quality=-key[1],
                price_score=scores[offer.bid_id],
                total=-key[0],
                rank=1 + sum(other < key for other in keys.values()),
                level_with=tuple(bid for bid, other in keys.items() if other == key and bid != offer.bid_id),
            )
        )
    for offer in given:
        if fails[offer.bid_id]:
            own_scores = quality[offer.bid_id]
            standings.append(
                Standing(offer.bid_id, own_scores, sum(own_scores.values(), Fraction(0)), fails[offer.bid_id])
            )
    return standings


def _quality(criteria: Sequence[Criterion], offer: Offer) -> dict[int, Fraction]:
    return {c.question_id: question_score(offer.marks[c.question_id], c.weight) for c in criteria if not c.is_gate}


def faults_of_mark(mark: int | None, reason: str, *, is_gate: bool) -> list[tuple[str, str]]:
    """What is wrong with a mark as entered: pairs of ("mark" or "reason") and plain words; empty if nothing is."""
    found = []
    if mark is None:
        found.append(("mark", "Choose pass or fail" if is_gate else "Choose a mark from 0 to 5"))
    elif not 0 <= mark <= (PASS if is_gate else MOST_MARK):
        found.append(("mark", "A mark here is pass or fail" if is_gate else "A mark is from 0 to 5"))
    if not reason.strip():
        found.append(("reason", "Say why: the mark needs its reason"))
    return found


def mark_words(mark: int, *, is_gate: bool) -> str:
    """A mark as people read it: "4, good", "Pass"."""
    if is_gate:
        return VERDICT_WORDS[mark][0]
    return f"{mark}, {MARK_WORDS[mark][0].lower()}"


@dataclass(frozen=True)
class Seat:
    """Where one member of the panel stands."""

    has_declared: bool
    has_conflict: bool
    has_finished: bool


def what_moderation_waits_for(panel: Sequence[Seat]) -> str | None:
    """Why nobody may see the marks side by side yet, in plain words; None once moderation can begin.

    Marks are made blind: until every member without a conflict has finished, each sees only their own.
    """
    marking = [seat for seat in panel if not seat.has_conflict]
    if len(marking) < FEWEST_EVALUATORS:
        return f"The panel needs at least {FEWEST_EVALUATORS} evaluators without a conflict of interest."
    if any(not seat.has_declared for seat in marking):
        return "An evaluator has not declared their interests yet."
    if any(not seat.has_finished for seat in marking):
        return "An evaluator has not finished marking yet."
    return None
