"""What the rest of a trial may bring: predictive probabilities of a response rate, and of seeing no event at all."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialbook.statistics.intervals import prob_greater


def predictive_distribution(x: int, n: int, n_max: int, prior: tuple[float, float] = (1, 1)) -> NDArray[np.float64]:
    """The probability of 0, 1, ..., n_max - n further responders, after x of n and a Beta prior (beta-binomial).

    Raises ValueError for counts that do not fit, or a prior that is none.

    >>> [round(float(p), 4) for p in predictive_distribution(2, 3, n_max=5)]
    [0.2, 0.4, 0.4]
    """
    if not 0 <= x <= n <= n_max:
        raise ValueError(f"x of n, n of n_max at most: not {x}, {n}, {n_max}")
    if not (prior[0] > 0 and prior[1] > 0):
        raise ValueError(f"the parameters of a Beta prior exceed 0, not {prior}")
    a, b, rest = prior[0] + x, prior[1] + n - x, n_max - n
    y = np.arange(rest + 1)
    ways = special.gammaln(rest + 1) - special.gammaln(y + 1) - special.gammaln(rest - y + 1)
    return np.exp(ways + special.betaln(a + y, b + rest - y) - special.betaln(a, b))


def binomial_distribution(n: int, p: float) -> NDArray[np.float64]:
    """P(k of n) for k = 0 to n, when each of n has the probability p.

    >>> binomial_distribution(2, 0.4).round(2).tolist()
    [0.36, 0.48, 0.16]
    """
    # Not `scipy.stats`: half a second of imports in each kernel, for a sum of a few subjects.
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])


def predictive_probability(
    x: int, n: int, n_max: int, threshold: float, prior: tuple[float, float] = (1, 1), certainty: float | None = None
) -> float:  # fmt: skip
    """The predictive probability that a response rate exceeds `threshold` when n_max subjects are evaluable.

    Without `certainty`, that the observed rate exceeds it (strictly). With `certainty`, that the posterior probability
    of a rate above the threshold exceeds `certainty` then (Lee and Liu, Clin Trials 2008;5:93-106). Raises as
    `predictive_distribution`, and for a threshold or a certainty outside [0, 1].

    >>> round(predictive_probability(4, 6, n_max=12, threshold=0.40), 4)
    0.9837
    >>> round(predictive_probability(16, 23, n_max=40, threshold=0.60, prior=(0.6, 0.4), certainty=0.90), 4)
    0.5656
    """
    if not 0 <= threshold <= 1 or (certainty is not None and not 0 <= certainty <= 1):
        raise ValueError(f"a threshold and a certainty lie in [0, 1], not {threshold} and {certainty}")
    chances = predictive_distribution(x, n, n_max, prior)
    finals = range(x, x + len(chances))
    if certainty is None:
        # Exact, because 0.3 times 10 is not 3 in floating point.
        exceeds = [final > Fraction(str(threshold)) * n_max for final in finals]
    else:
        posterior = [prob_greater(final, n_max, threshold, prior) for final in finals]
        exceeds = [probability is not None and probability > certainty for probability in posterior]
    return min(float(chances[np.array(exceeds)].sum()), 1.0)


def probability_of_no_event(p: float, n: int) -> float:
    """The probability that none of n subjects has an event which each has with probability p: (1 - p)^n.

    >>> round(probability_of_no_event(0.10, 12), 3)
    0.282
    """
    if not 0 <= p <= 1 or n < 0:
        raise ValueError(f"a probability in [0, 1] and a number of subjects, not {p} and {n}")
    return (1 - p) ** n


def subjects_to_see_one(p: float, certainty: float = 0.95) -> int:
    """The fewest subjects among whom an event of probability p is seen at least once with this certainty.

    >>> subjects_to_see_one(0.10)
    29
    """
    if not 0 < p <= 1 or not 0 < certainty < 1:
        raise ValueError(f"p in (0, 1] and a certainty between 0 and 1, not {p} and {certainty}")
    found = 1 if p == 1 else max(1, math.ceil(math.log(1 - certainty) / math.log1p(-p)))
    # Logarithms may miss a whole number by rounding.
    while found > 1 and probability_of_no_event(p, found - 1) <= 1 - certainty:
        found -= 1
    return found
