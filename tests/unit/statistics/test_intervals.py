"""Intervals of a response rate reproduce the rulebook (§5.1), Newcombe 1998 and published trials."""

from __future__ import annotations

import pytest

from trialbook.statistics.intervals import (
    Interval,
    beta_binomial,
    clopper_pearson,
    clopper_pearson_lower,
    jeffreys,
    midp,
    prob_greater,
    wilson,
)

# n, x: Clopper-Pearson, Wilson, Jeffreys, mid-P in percent; mean and limits under Beta(1,1). Rulebook §5.1.
TRIAL_SIZES = """
3 0  0.0-70.8  0.0-56.1  0.0-53.6  0.0-63.2  20.0 0.6-60.2
3 1  0.8-90.6  6.1-79.2  3.9-82.3  1.7-86.8  40.0 6.8-80.6
3 2  9.4-99.2  20.8-93.9 17.7-96.1 13.2-98.3 60.0 19.4-93.2
3 3  29.2-100  43.9-100  46.4-100  36.8-100  80.0 39.8-99.4
6 0  0.0-45.9  0.0-39.0  0.0-33.0  0.0-39.3  12.5 0.4-41.0
6 1  0.4-64.1  3.0-56.4  1.9-55.8  0.8-59.1  25.0 3.7-57.9
6 2  4.3-77.7  9.7-70.0  7.7-71.4  6.0-73.8  37.5 9.9-71.0
6 3  11.8-88.2 18.8-81.2 16.7-83.3 14.7-85.3 50.0 18.4-81.6
6 4  22.3-95.7 30.0-90.3 28.6-92.3 26.2-94.0 62.5 29.0-90.1
6 5  35.9-99.6 43.6-97.0 44.2-98.1 40.9-99.2 75.0 42.1-96.3
6 6  54.1-100  61.0-100  67.0-100  60.7-100  87.5 59.0-99.6
12 0 0.0-26.5  0.0-24.2  0.0-18.5  0.0-22.1  7.1 0.2-24.7
12 1 0.2-38.5  1.5-35.4  0.9-32.8  0.4-34.7  14.3 1.9-36.0
12 2 2.1-48.4  4.7-44.8  3.6-43.6  2.9-45.1  21.4 5.0-45.4
12 3 5.5-57.2  8.9-53.2  7.6-52.9  6.8-54.1  28.6 9.1-53.8
12 4 9.9-65.1  13.8-60.9 12.5-61.2 11.6-62.3 35.7 13.9-61.4
12 5 15.2-72.3 19.3-68.0 18.0-68.8 17.2-69.8 42.9 19.2-68.4
12 6 21.1-78.9 25.4-74.6 24.3-75.7 23.4-76.6 50.0 25.1-74.9
12 7 27.7-84.8 32.0-80.7 31.2-82.0 30.2-82.8 57.1 31.6-80.8
12 8 34.9-90.1 39.1-86.2 38.8-87.5 37.7-88.4 64.3 38.6-86.1
12 9 42.8-94.5 46.8-91.1 47.1-92.4 45.9-93.2 71.4 46.2-90.9
12 10 51.6-97.9 55.2-95.3 56.4-96.4 54.9-97.1 78.6 54.6-95.0
12 11 61.5-99.8 64.6-98.5 67.2-99.1 65.3-99.6 85.7 64.0-98.1
12 12 73.5-100 75.8-100 81.5-100 77.9-100 92.9 75.3-99.8
"""
ROWS = [line.split() for line in TRIAL_SIZES.strip().splitlines()]


def percent(value: float | None) -> str:
    assert value is not None
    return "100" if value == 1 else f"{100 * value:.1f}"


def limits(interval: Interval) -> str:
    return f"{percent(interval.low)}-{percent(interval.high)}"


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]} of {row[0]}" for row in ROWS])
def test_intervals_of_the_trial_size_are_those_of_the_rulebook(row: list[str]) -> None:
    n, x, cp, score, jeff, mid, mean, credible = row
    ours = [limits(method(int(x), int(n))) for method in (clopper_pearson, wilson, jeffreys, midp)]
    posterior = beta_binomial(int(x), int(n))
    assert ours == [cp, score, jeff, mid]
    assert (percent(posterior.estimate), limits(posterior)) == (mean, credible)


# Newcombe, Stat Med 1998;17:857-872, Table I.
@pytest.mark.parametrize(
    ("x", "n", "cp", "score", "mid"),
    [
        (81, 263, (0.2527, 0.3676), (0.2553, 0.3662), (0.2544, 0.3658)),
        (15, 148, (0.0578, 0.1617), (0.0624, 0.1605), (0.0601, 0.1581)),
        (0, 20, (0, 0.1684), (0, 0.1611), (0, 0.1391)),
        (1, 29, (0.0009, 0.1776), (0.0061, 0.1718), (0.0017, 0.1585)),
    ],
)
def test_newcombe_1998(x: int, n: int, cp: tuple, score: tuple, mid: tuple) -> None:  # type: ignore[type-arg]
    for method, printed in ((clopper_pearson, cp), (wilson, score), (midp, mid)):
        interval = method(x, n)
        assert (interval.low, interval.high) == pytest.approx(printed, abs=5.1e-5)


@pytest.mark.parametrize(
    ("method", "x", "n", "low", "high", "tolerance"),
    [
        (wilson, 4, 19, 0.0850767663, 0.4333428, 1e-7),
        (jeffreys, 4, 19, 0.0755318529, 0.4262059, 1e-7),
        (clopper_pearson, 4, 19, 0.0605245377, 0.4556531, 1e-7),
        (midp, 4, 19, 0.0707064177, 0.4331720, 5e-7),  # the published figure is itself iterated
        (jeffreys, 42, 50, 0.7206737, 0.9213325, 1e-7),
        (jeffreys, 22, 80, 0.1863875, 0.3795587, 1e-7),
    ],
)
def test_published_digits(method, x: int, n: int, low: float, high: float, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    interval = method(x, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=tolerance)


# Rulebook §7: counts and the interval that was printed.
@pytest.mark.parametrize(
    ("x", "n", "printed"),
    [(38, 54, "56.4-82.0"), (16, 54, "18.0-43.6"), (22, 54, "27.6-55.0"), (96, 154, "54.2-70.0"),
     (61, 155, "31.6-47.5"), (9, 15, "32.3-83.7"), (10, 12, "51.6-97.9")],
)  # fmt: skip
def test_clopper_pearson_reproduces_published_trials(x: int, n: int, printed: str) -> None:
    assert limits(clopper_pearson(x, n)) == printed


def test_wilson_does_not_reproduce_the_fda_interval() -> None:
    assert limits(wilson(38, 54)) == "57.2-80.9"


# Rulebook §4.11.
@pytest.mark.parametrize(
    ("x", "n", "probability"),
    [(0, 3, 0.240), (1, 3, 0.652), (2, 3, 0.916), (3, 3, 0.992), (0, 6, 0.082), (1, 6, 0.329), (2, 6, 0.647),
     (3, 6, 0.874)],
)  # fmt: skip
def test_posterior_probability_of_too_much_toxicity(x: int, n: int, probability: float) -> None:
    assert prob_greater(x, n, 0.30) == pytest.approx(probability, abs=5e-4)


def test_the_one_sided_bound_of_nobody_dead() -> None:
    assert clopper_pearson_lower(12, 12).low == pytest.approx(0.05 ** (1 / 12))


@pytest.mark.parametrize("method", [clopper_pearson, clopper_pearson_lower, wilson, jeffreys, midp, beta_binomial])
def test_with_nobody_nothing_is_estimated(method) -> None:  # type: ignore[no-untyped-def]
    assert method(0, 0) == Interval(None, None, None, method.__name__)


def test_with_nobody_no_probability_is_given() -> None:
    assert prob_greater(0, 0, 0.3) is None


@pytest.mark.parametrize("method", [clopper_pearson, wilson, jeffreys, midp])
@pytest.mark.parametrize("n", [1, 3, 7, 12])
def test_intervals_hold_the_estimate_and_mirror(method, n: int) -> None:  # type: ignore[no-untyped-def]
    for x in range(n + 1):
        here, there = method(x, n), method(n - x, n)
        assert 0 <= here.low <= here.estimate <= here.high <= 1
        assert (here.low, here.high) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-12)
        wider = method(x, n, 0.99)
        assert wider.low <= here.low
        assert wider.high >= here.high


@pytest.mark.parametrize(("x", "n", "level"), [(4, 3, 0.95), (-1, 3, 0.95), (1, 3, 1.0), (0.5, 3, 0.95)])
def test_what_means_nothing_is_refused(x: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"x of n|level"):
        clopper_pearson(x, n, level)
