"""Intervals of a proportion, Beta posteriors (§5.1), and Poisson rates per time at risk with exact limits (§3.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from scipy import special

# ----------------------------------------------------------------------------------------------------
# Intervals for one binomial proportion x/n, and the Beta posterior of a rate (rulebook §5.1).
#
# Each function returns an `Interval`. With n = 0 nothing is known: estimate and limits are None, never 0.


# Root finding of mid-P: far below the smallest difference that a reader sees, far above rounding error.
MIDP_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Interval:
    """An estimate with its limits; None where it cannot be estimated. `method` names how the limits were found."""

    estimate: float | None
    low: float | None
    high: float | None
    method: str


def clopper_pearson(x: int, n: int, level: float = 0.95) -> Interval:
    """Exact limits from the binomial tails (Clopper and Pearson, Biometrika 1934;26:404-413).

    >>> found = clopper_pearson(3, 12)
    >>> print(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
    0.250 (0.055 to 0.572)
    >>> clopper_pearson(0, 0).estimate is None
    True
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "clopper_pearson")
    tail = (1 - level) / 2
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, tail))
    high = 1.0 if x == n else float(special.betainccinv(x + 1, n - x, tail))
    return Interval(x / n, low, high, "clopper_pearson")


def clopper_pearson_lower(x: int, n: int, level: float = 0.95) -> Interval:
    """The one-sided exact lower bound; for x = n it is (1 - level)^(1/n). The upper limit is 1.

    >>> round(clopper_pearson_lower(12, 12).low, 4), round(0.05 ** (1 / 12), 4)
    (0.7791, 0.7791)
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "clopper_pearson_lower")
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, 1 - level))
    return Interval(x / n, low, 1.0, "clopper_pearson_lower")


def clopper_pearson_upper(x: int, n: int, level: float = 0.95) -> Interval:
    """The one-sided exact upper bound; for x = 0 it is 1 - (1 - level)^(1/n). The lower limit is 0.

    >>> round(clopper_pearson_upper(0, 12).high, 4), round(1 - 0.05 ** (1 / 12), 4)
    (0.2209, 0.2209)
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "clopper_pearson_upper")
    high = 1.0 if x == n else float(special.betainccinv(x + 1, n - x, 1 - level))
    return Interval(x / n, 0.0, high, "clopper_pearson_upper")


def wilson(x: int, n: int, level: float = 0.95) -> Interval:
    """Score limits without continuity correction (Wilson, JASA 1927;22:209-212).

    >>> found = wilson(3, 12)
    >>> print(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
    0.250 (0.089 to 0.532)
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "wilson")
    p, z = x / n, normal_quantile(level)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the formula is 0 or 1 exactly; in floating point it may miss by one unit.
    return Interval(p, 0.0 if x == 0 else centre - half, 1.0 if x == n else centre + half, "wilson")


def jeffreys(x: int, n: int, level: float = 0.95) -> Interval:
    """Equal-tailed limits of the posterior under Beta(1/2, 1/2), with 0 at x = 0 and 1 at x = n (§5.1).

    >>> found = jeffreys(0, 12)
    >>> print(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
    0.000 (0.000 to 0.185)
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "jeffreys")
    tail, a, b = (1 - level) / 2, x + 0.5, n - x + 0.5
    low = 0.0 if x == 0 else float(special.betaincinv(a, b, tail))
    high = 1.0 if x == n else float(special.betainccinv(a, b, tail))
    return Interval(x / n, low, high, "jeffreys")


def midp(x: int, n: int, level: float = 0.95) -> Interval:
    """Exact limits that count half of P(X = x) in each tail (Newcombe, Stat Med 1998;17:857-872, method 6).

    >>> found = midp(3, 12)
    >>> print(f"{found.low:.3f} to {found.high:.3f}, shorter than {clopper_pearson(3, 12).high:.3f}")
    0.068 to 0.541, shorter than 0.572
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "midp")
    tail = (1 - level) / 2
    return Interval(x / n, _midp_low(x, n, tail), 1 - _midp_low(n - x, n, tail), "midp")


def beta_binomial(x: int, n: int, prior: tuple[float, float] = (1, 1), level: float = 0.95) -> Interval:
    """Posterior mean and equal-tailed credible limits of a rate under a Beta prior.

    >>> found = beta_binomial(3, 12)
    >>> print(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
    0.286 (0.091 to 0.538)
    """
    if not _known(x, n, level):
        return Interval(None, None, None, "beta_binomial")
    a, b = prior[0] + x, prior[1] + n - x
    tail = (1 - level) / 2
    low, high = float(special.betaincinv(a, b, tail)), float(special.betainccinv(a, b, tail))
    return Interval(a / (a + b), low, high, "beta_binomial")


def prob_greater(x: int, n: int, threshold: float, prior: tuple[float, float] = (1, 1)) -> float | None:
    """Posterior probability that the rate exceeds `threshold`; None with n = 0, where it would be the prior alone.

    >>> round(prob_greater(2, 3, 0.3), 3)
    0.916
    >>> prob_greater(0, 0, 0.3) is None
    True
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"a threshold lies in [0, 1], not {threshold}")
    if not _known(x, n, 0.95):
        return None
    return float(special.betaincc(prior[0] + x, prior[1] + n - x, threshold))


# The intervals of a response rate by the name that results and parameter files use.
PROPORTION_INTERVALS: dict[str, Callable[[int, int, float], Interval]] = {
    "clopper_pearson": clopper_pearson,
    "wilson": wilson,
    "jeffreys": jeffreys,
    "midp": midp,
}


def normal_quantile(level: float) -> float:
    """z of a two-sided level: 1.959964 for 0.95.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(special.ndtri(0.5 + level / 2))


def _midp_low(x: int, n: int, tail: float) -> float:
    """Lower mid-P limit; the upper limit is its mirror image, 1 - low(n - x)."""
    if x == 0:
        return 0.0
    # Imported here: a quarter of a second, in every process that looks at an interval.
    from scipy.optimize import brentq

    return float(brentq(lambda p: _upper_midp(x, n, p) - tail, 0, 1, xtol=MIDP_TOLERANCE))


def _upper_midp(x: int, n: int, p: float) -> float:
    """P(X > x) + P(X = x) / 2, which is the mean of P(X > x) and P(X >= x)."""
    above = float(special.betainc(x + 1, n - x, p)) if x < n else 0.0
    return (above + float(special.betainc(x, n - x + 1, p))) / 2


def _known(x: int, n: int, level: float) -> bool:
    """False when n = 0; raises ValueError when x of n at this level means nothing."""
    if int(x) != x or int(n) != n or not 0 <= x <= n:
        raise ValueError(f"x of n are whole numbers with 0 <= x <= n, not {x} of {n}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    return n > 0


# ----------------------------------------------------------------------------------------------------


def poisson_exact_rate(events: int, time: float, level: float = 0.95) -> Interval:
    """Events per unit of time with exact limits (Garwood, Biometrika 1936;28:437-442); None without time at risk.

    low = chi2(a/2; 2k) / 2T and high = chi2(1 - a/2; 2k + 2) / 2T, written with the gamma distribution. Raises
    ValueError for negative events or time, or events without time.

    >>> found = poisson_exact_rate(2, 4.0)
    >>> print(f"{found.estimate:.2f} per year ({found.low:.2f} to {found.high:.2f})")
    0.50 per year (0.06 to 1.81)
    >>> poisson_exact_rate(0, 0).estimate is None
    True
    """
    if events < 0 or not math.isfinite(time) or time < 0 or (events and not time):
        raise ValueError(f"{events} events in a time at risk of {time} mean nothing")
    if not time:
        return Interval(None, None, None, "poisson_exact")
    tail = (1 - level) / 2
    low = float(special.gammaincinv(events, tail)) / time if events else 0.0
    high = float(special.gammainccinv(events + 1, tail)) / time
    return Interval(events / time, low, high, "poisson_exact")
