from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.volumes import rules
from contracts.volumes.rules import Likelihood, Sureness


def exhaustive(more: int, counted: int, elapsed: int, whole: int) -> Decimal:
    """P(at most so many more) by the definition: the negative binomial's terms summed, to forty digits."""
    with localcontext() as there:
        there.prec = 40
        size, p = counted + Decimal("0.5"), Decimal(elapsed) / whole
        term = p**size
        total = term
        for number in range(more):
            term *= (size + number) / (number + 1) * (1 - p)
            total += term
        return total


def test_the_range_worked_by_hand() -> None:
    # Nobody came in half the year: size 1/2, probability 1/2. P(0) = 0.7071, P(1) = 0.7071 x 1/2 x 1/2 = 0.1768,
    # P(2) = 0.1768 x 3/4 x 1/2 = 0.0663: sums 0.7071, 0.8839, 0.9502. The 10th percentile is 0, the 90th is 2.
    assert rules.at_most(0, 0, 1, 2) == pytest.approx(0.7071, abs=1e-4)
    assert rules.at_most(1, 0, 1, 2) == pytest.approx(0.8839, abs=1e-4)
    assert rules.at_most(2, 0, 1, 2) == pytest.approx(0.9502, abs=1e-4)
    found = rules.year_end_range(0, 1, 2, projected=0, early=False)
    assert (found.low, found.high) == (0, 2)


@pytest.mark.parametrize("counted", [0, 1, 7, 60, 400])
@pytest.mark.parametrize(("elapsed", "whole"), [(1, 251), (60, 251), (126, 251), (250, 251), (3, 10)])
def test_the_probability_is_the_sum_of_the_terms(counted: int, elapsed: int, whole: int) -> None:
    for more in (0, 1, 2, 5, 20, 100, 700):
        assert rules.at_most(more, counted, elapsed, whole) == pytest.approx(
            float(exhaustive(more, counted, elapsed, whole)), abs=1e-9
        )


@given(counted=st.integers(0, 120), elapsed=st.integers(5, 99), percent=st.sampled_from([10, 50, 90]))
def test_the_percentile_is_the_least_whose_sum_reaches_it(counted: int, elapsed: int, percent: int) -> None:
    found = rules.more_at(percent / 100, counted, elapsed, 100)
    assert exhaustive(found, counted, elapsed, 100) >= Decimal(percent) / 100 - Decimal("1e-9")
    assert found == 0 or exhaustive(found - 1, counted, elapsed, 100) < Decimal(percent) / 100 + Decimal("1e-9")


def test_eight_years_in_ten_end_within_the_range() -> None:
    """Half a year has brought 40: of all the ways in which the year may go on, the range holds 80% and little more."""
    found = rules.year_end_range(40, 1, 2, projected=80, early=False)
    inside = exhaustive(found.high - 40, 40, 1, 2) - exhaustive(found.low - 41, 40, 1, 2)
    assert Decimal("0.80") <= inside <= Decimal("0.84")


def test_nothing_is_left_open_when_the_year_is_over() -> None:
    found = rules.year_end_range(73, 251, 251, projected=73, early=False)
    assert (found.low, found.high, found.sureness) == (73, 73, Sureness.KNOWN)


@pytest.mark.parametrize(
    ("counted", "elapsed", "early", "sureness"),
    [
        (40, 10, True, Sureness.TOO_EARLY),
        (12, 30, False, Sureness.ROUGH),
        (0, 60, False, Sureness.ROUGH),
        (40, 40, False, Sureness.FAIR),
        (40, 60, False, Sureness.FAIR),
        (40, 95, False, Sureness.CLOSE),
        (400, 40, False, Sureness.CLOSE),
    ],
)
def test_how_sure_follows_from_how_wide_the_range_is(
    counted: int, elapsed: int, early: bool, sureness: Sureness
) -> None:
    projected = rules.half_up(counted * 100, elapsed)
    assert rules.year_end_range(counted, elapsed, 100, projected=projected, early=early).sureness is sureness


def test_likelihood_in_words() -> None:
    # Half a year has brought 40; the year may be expected to bring 80.
    said = {volume: rules.likelihood(volume, 40, 1, 2) for volume in (40, 60, 68, 76, 80, 84, 92, 100, 120)}
    assert said[40] is Likelihood.HAPPENED
    assert said[60] is Likelihood.ALMOST_CERTAIN
    assert said[80] is Likelihood.REALISTIC
    assert said[120] is Likelihood.REMOTE
    assert [list(Likelihood).index(word) for word in said.values()] == sorted(
        list(Likelihood).index(word) for word in said.values()
    )
    assert rules.likelihood(81, 80, 2, 2) is Likelihood.REMOTE


@given(counted=st.integers(0, 300), elapsed=st.integers(1, 99), more=st.integers(1, 300))
def test_a_likelihood_is_a_word_of_the_yardstick_for_the_chance(counted: int, elapsed: int, more: int) -> None:
    chance = 1 - exhaustive(more - 1, counted, elapsed, 100)
    said = rules.likelihood(counted + more, counted, elapsed, 100)
    least = {
        Likelihood.ALMOST_CERTAIN: "0.925",
        Likelihood.HIGHLY_LIKELY: "0.775",
        Likelihood.LIKELY: "0.525",
        Likelihood.REALISTIC: "0.375",
        Likelihood.UNLIKELY: "0.225",
        Likelihood.HIGHLY_UNLIKELY: "0.075",
        Likelihood.REMOTE: "0",
    }
    words = list(least)
    assert chance >= Decimal(least[said]) - Decimal("1e-9")
    above = words.index(said) - 1
    assert above < 0 or chance < Decimal(least[words[above]]) + Decimal("1e-9")


def test_the_percentiles_of_the_largest_services_lie_around_their_mean() -> None:
    # 5,000 in 40 of 100: the mean of what is to come is 5000.5 x 60 / 40 = 7,500.75, its deviation the root of
    # 7,500.75 / 0.4 = 136.9, of which the 90th percentile is 1.2816 away.
    assert rules.more_at(0.9, 5000, 40, 100) == pytest.approx(7676, abs=3)
    assert rules.more_at(0.1, 5000, 40, 100) == pytest.approx(7325, abs=3)


@pytest.mark.parametrize(
    ("counted", "elapsed", "width", "sureness"),
    [
        # Exactly as wide as a fifth of the projection of 950, and as a half of that of 50; then a little wider.
        (140, 37, 190, Sureness.CLOSE),
        (17, 86, 25, Sureness.FAIR),
        (16, 86, 24, Sureness.ROUGH),
    ],
)
def test_a_range_of_exactly_so_much_still_counts(counted: int, elapsed: int, width: int, sureness: Sureness) -> None:
    projected = rules.half_up(counted * 251, elapsed)
    found = rules.year_end_range(counted, elapsed * 100, 25100, projected=projected, early=False)
    assert (found.high - found.low, found.sureness) == (width, sureness)


def test_how_likely_worked_by_hand() -> None:
    # Nobody in half the year, as above: one or more come with 1 - 0.7071, two or more with 1 - 0.8839.
    assert rules.likelihood(1, 0, 1, 2) is Likelihood.UNLIKELY
    assert rules.likelihood(2, 0, 1, 2) is Likelihood.HIGHLY_UNLIKELY


def test_the_range_holds_the_projection_even_on_the_first_day() -> None:
    # Nobody on the first of 251 days: nine times in ten somebody comes yet, though the rate says nobody does.
    assert rules.more_at(0.1, 0, 1, 251) == 2
    assert rules.year_end_range(0, 1, 251, projected=0, early=True).low == 0
