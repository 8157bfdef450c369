"""How sure a projected year-end is.

The method. Referrals are taken as a Poisson process whose rate follows the profile: in any part of the year that holds
the share s of the profile's weight they are Poisson distributed with mean m x s, m being the year's unknown volume.
About m nothing is assumed beforehand but the scale-free Gamma(1/2, 0) of Jeffreys: the plan has no part in it, so that
a plan that was wrong cannot hide it. After k referrals in the share e that has elapsed, m is Gamma(k + 1/2, e)
distributed, and the referrals still to come in the share 1 - e follow a negative binomial distribution with size
k + 1/2 and probability e. Its 10th and 90th percentile are the range: eight times in ten the year ends within it.
Their distribution function is a regularised incomplete beta function: P(at most j more) = I_e(k + 1/2, j + 1).

What it leaves out: referrals that come in clumps, and reasons to come (a campaign, a closed court) that nobody told us.
Then the year ends outside the range more often than twice in ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

# Our defaults, shown as such: the range holds the year's end this often, in percent.
RANGE_PERCENT = 80
# A range as wide as this part of the projection, in percent, or less, is a close guide, or a fair one.
CLOSE_PERCENT = 20
FAIR_PERCENT = 50


class Sureness(StrEnum):
    """How far a projected year-end can be leaned on."""

    KNOWN = "known"
    CLOSE = "close"
    FAIR = "fair"
    ROUGH = "rough"
    TOO_EARLY = "too_early"

    @property
    def label(self) -> str:
        """The sureness in words."""
        return {
            Sureness.KNOWN: "Known: no more referrals are taken this contract year",
            Sureness.CLOSE: "A close guide",
            Sureness.FAIR: "A fair guide",
            Sureness.ROUGH: "A rough guide only",
            Sureness.TOO_EARLY: "Too early to say",
        }[self]


class Likelihood(StrEnum):
    """How likely something is, in the words that government analysts use."""

    HAPPENED = "happened"
    ALMOST_CERTAIN = "almost_certain"
    HIGHLY_LIKELY = "highly_likely"
    LIKELY = "likely"
    REALISTIC = "realistic"
    UNLIKELY = "unlikely"
    HIGHLY_UNLIKELY = "highly_unlikely"
    REMOTE = "remote"

    @property
    def label(self) -> str:
        """The likelihood in words."""
        return {Likelihood.REALISTIC: "A realistic possibility", Likelihood.REMOTE: "A remote chance"}.get(
            self, self.value.replace("_", " ").capitalize()
        )


# The Probability Yardstick of the Professional Head of Intelligence Assessment, whose words leave gaps between them
# (5-10, 20-25 % and so on); each gap is parted in its middle. From what chance on, in thousandths, each word is used.
_YARDSTICK = (
    (925, Likelihood.ALMOST_CERTAIN),
    (775, Likelihood.HIGHLY_LIKELY),
    (525, Likelihood.LIKELY),
    (375, Likelihood.REALISTIC),
    (225, Likelihood.UNLIKELY),
    (75, Likelihood.HIGHLY_UNLIKELY),
)


@dataclass(frozen=True)
class Range:
    """From where to where the year ends, eight times in ten, both included; and how sure that makes the projection."""

    low: int
    high: int
    sureness: Sureness


def year_end_range(counted: int, elapsed: int, whole: int, *, projected: int, early: bool) -> Range:
    """The range of the year-end after `counted` referrals in `elapsed` of the `whole` weight. It holds `projected`."""
    if elapsed >= whole:
        return Range(counted, counted, Sureness.KNOWN)
    tail = (100 - RANGE_PERCENT) / 200
    low = min(counted + more_at(tail, counted, elapsed, whole), projected)
    high = max(counted + more_at(1 - tail, counted, elapsed, whole), projected)
    return Range(low, high, Sureness.TOO_EARLY if early else _sureness(high - low, projected))


def _sureness(width: int, projected: int) -> Sureness:
    if width * 100 <= projected * CLOSE_PERCENT:
        return Sureness.CLOSE
    return Sureness.FAIR if width * 100 <= projected * FAIR_PERCENT else Sureness.ROUGH


def likelihood(volume: int, counted: int, elapsed: int, whole: int) -> Likelihood:
    """How likely it is that the year's count meets `volume`; it has happened if it has."""
    if counted >= volume:
        return Likelihood.HAPPENED
    chance = 1 - at_most(volume - counted - 1, counted, elapsed, whole) if elapsed < whole else 0.0
    return next((word for least, word in _YARDSTICK if chance * 1000 >= least), Likelihood.REMOTE)


def at_most(more: int, counted: int, elapsed: int, whole: int) -> float:
    """The probability that no more than so many referrals are still to come."""
    return 0.0 if more < 0 else _incomplete_beta(counted + 0.5, more + 1.0, elapsed / whole)


def more_at(probability: float, counted: int, elapsed: int, whole: int) -> int:
    """The least number of referrals still to come that is not exceeded with this probability.

    The search begins where a normal distribution would have it and goes on term by term.
    """
    size, p = counted + 0.5, elapsed / whole
    mean = size * (1 - p) / p
    found = max(0, round(mean + NormalDist().inv_cdf(probability) * sqrt(mean / p)))
    total = at_most(found, counted, elapsed, whole)
    term = exp(lgamma(size + found) - lgamma(size) - lgamma(found + 1) + size * log(p) + found * log1p(-p))
    while total < probability:
        found += 1
        term *= (size + found - 1) / found * (1 - p)
        total += term
    while found and total - term >= probability:
        total -= term
        term *= found / ((size + found - 1) * (1 - p))
        found -= 1
    return found


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), 0 < x < 1, by Lentz's continued fraction (to 1e-12)."""
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    value, step = d, 0
    while True:
        step += 1
        double = a + 2 * step
        even = step * (b - step) * x / ((double - 1) * double)
        d, c = 1 / (1 + even * d or tiny), 1 + even / c or tiny
        value *= d * c
        odd = -(a + step) * (a + b + step) * x / (double * (double + 1))
        d, c = 1 / (1 + odd * d or tiny), 1 + odd / c or tiny
        value *= d * c
        if abs(d * c - 1) < 1e-12:
            return value
