"""Predictive probabilities against exact fractions and a published table; seeing none of an event."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from trialbook.statistics.prediction import (
    predictive_distribution,
    predictive_probability,
    probability_of_no_event,
    subjects_to_see_one,
)


@pytest.mark.parametrize(("x", "n", "n_max"), [(0, 0, 12), (4, 6, 12), (12, 12, 12), (3, 3, 7)])
def test_predictive_distribution_under_a_uniform_prior(x: int, n: int, n_max: int) -> None:
    """With whole parameters it is a ratio of binomial coefficients (a Polya urn)."""
    a, b, rest = 1 + x, 1 + n - x, n_max - n
    expected = [
        Fraction(comb(a + y - 1, y) * comb(b + rest - y - 1, rest - y), comb(a + b + rest - 1, rest))
        for y in range(rest + 1)
    ]
    assert predictive_distribution(x, n, n_max) == pytest.approx([float(p) for p in expected], abs=1e-12)


def test_the_observed_rate_has_to_exceed_the_threshold() -> None:
    """With 3 of 10, 0.3 is not exceeded; in floating point 0.3 * 10 misses 3, as 0.1 + 0.2 does."""
    assert predictive_probability(3, 10, 10, 0.3) == 0
    assert predictive_probability(4, 10, 10, 0.3) == 1
    chances = predictive_distribution(2, 5, 10, (0.5, 0.5))
    assert predictive_probability(2, 5, 10, 0.3, (0.5, 0.5)) == pytest.approx(float(np.sum(chances[2:])), abs=1e-15)


def test_published_predictive_probability() -> None:
    """Lee and Liu 2008, table 1: 16 of 23, 40 in all, prior Beta(0.6, 0.4), Pr(rate > 60%) > 0.90: 0.5656."""
    assert predictive_probability(16, 23, 40, 0.60, (0.6, 0.4), 0.90) == pytest.approx(0.5656, abs=5e-5)


def test_seeing_none_of_an_event() -> None:
    assert probability_of_no_event(0.10, 12) == pytest.approx(0.9**12, abs=1e-15)
    assert (probability_of_no_event(0.0, 12), probability_of_no_event(1.0, 0)) == (1, 1)
    for p in (0.01, 0.1, 0.25, 0.5, 0.9, 1.0):
        for certainty in (0.5, 0.75, 0.8, 0.95):
            n = subjects_to_see_one(p, certainty)
            below = 0.0 if n == 1 else 1 - probability_of_no_event(p, n - 1)
            assert 1 - probability_of_no_event(p, n) >= certainty - 1e-15 > below - 1e-15, (p, certainty)


def test_predictions_of_counts_that_do_not_fit_are_refused() -> None:
    for refused in (
        lambda: predictive_distribution(3, 2, 12), lambda: predictive_distribution(3, 13, 12),
        lambda: predictive_distribution(1, 2, 12, (0, 1)), lambda: predictive_probability(1, 2, 12, 1.4),
        lambda: predictive_probability(1, 2, 12, 0.4, certainty=2), lambda: probability_of_no_event(-0.1, 3),
        lambda: subjects_to_see_one(0.0),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            refused()
