"""Brent's method finds the zero that SciPy's does, to the last bit."""

import math

import pytest
from scipy.optimize import brentq

from trialbook.statistics.intervals import MIDP_TOLERANCE, _upper_midp
from trialbook.statistics.roots import root_between


@pytest.mark.parametrize("n", [*range(1, 41), 100, 1200])
def test_every_midp_limit_is_that_of_scipy(n):
    for x in range(1, n + 1, 1 + n // 50):
        for tail in (0.025, 0.05):

            def beyond(p, x=x, tail=tail):
                return _upper_midp(x, n, p) - tail

            assert root_between(beyond, 0.0, 1.0, MIDP_TOLERANCE) == brentq(beyond, 0, 1, xtol=MIDP_TOLERANCE)


@pytest.mark.parametrize("tolerance", [1e-14, 1e-8, 1e-3])
@pytest.mark.parametrize(
    ("function", "low", "high"),
    [(math.cos, 0.0, 3.0), (lambda x: x**3 - 2 * x - 5, 2.0, 3.0), (lambda x: math.exp(x) - 5, -3.0, 4.0),
     (lambda x: x, 0.0, 1.0), (lambda x: x - 1, 0.0, 1.0)],
)  # fmt: skip
def test_other_functions_too(function, low, high, tolerance):
    assert root_between(function, low, high, tolerance) == brentq(function, low, high, xtol=tolerance)


def test_no_zero_between_is_refused():
    with pytest.raises(ValueError, match="same sign"):
        root_between(math.exp, 0.0, 1.0, 1e-8)


def test_a_search_that_does_not_end_is_refused():
    with pytest.raises(ArithmeticError, match="100 steps"):
        root_between(lambda x: (x - 0.3) ** 5, 0.0, 1.0, 1e-14)
