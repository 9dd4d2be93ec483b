"""Stopping rules against an enumeration of every possible trial, and against the published example."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb, exp, inf, lgamma, log, prod

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from trialbook.statistics.stopping_rules import (
    METHODS,
    BetaBinomial,
    ChenChaloner,
    Geller,
    MaxSprt,
    Method,
    OBrienFleming,
    Pocock,
    Sprt,
    WangTsiatis,
    calibrated_rule,
    operating_characteristics,
    rule_with_critical_value,
)
from trialbook.statistics.stopping_rules_survival import (
    SURVIVAL_METHODS,
    GammaPoisson,
    MaxSprtSurvival,
    OBrienFlemingSurvival,
    PocockSurvival,
    SprtSurvival,
    SurvivalMethod,
    WangTsiatisSurvival,
    calibrated_survival_rule,
    event_rate,
    expected_follow_up,
    survival_characteristics,
)

# ----------------------------------------------------------------------------------------------------
# Enumeration: all 2^n courses of a trial, each with its largest statistic, written from the papers' formulas.

N = 9


def posterior(limit: float, x: int, n: int, a: int, b: int) -> float:
    """Pr(p > limit) with whole a and b: at most a + x - 1 successes in a + b + n - 1 trials."""
    trials = a + b + n - 1
    return sum(comb(trials, k) * limit**k * (1 - limit) ** (trials - k) for k in range(a + x))


def tail(x: int, n: int, p: float) -> float:
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x, n + 1))


def chen_chaloner(x: int, n: int) -> float:
    return posterior(0.15, x, n, 1, 4) if posterior(0.30, x, n, 1, 4) > 0.60 else 0.0


def max_sprt(x: int, n: int, p0: float) -> float:
    if x <= n * p0:
        return 0.0
    return x * log(x / n / p0) + ((n - x) * log((1 - x / n) / (1 - p0)) if x < n else 0.0)


EVERY = range(1, N + 1)
DESIGNS = {
    "O'Brien-Fleming": (OBrienFleming(), 0.25, 0.10, EVERY, lambda x, n: x - n * 0.25),
    "Chen-Chaloner": (ChenChaloner((1, 4), 0.30, 0.60), 0.15, 0.05, EVERY, chen_chaloner),
    "SPRT": (Sprt(0.5), 0.20, 0.05, EVERY, lambda x, n: x * log(0.5 / 0.2) + (n - x) * log(0.5 / 0.8)),
    "MaxSPRT": (MaxSprt(), 0.10, 0.05, EVERY, lambda x, n: max_sprt(x, n, 0.10)),
    "Geller": (Geller(5), 0.20, 0.08, EVERY, lambda x, n: posterior(0.2, x, n, 1, 4)),
    "Wang-Tsiatis, three looks": (
        WangTsiatis(0.4), 0.30, 0.10, (3, 6, 9), lambda x, n: (x - n * 0.3) / n**0.5 * (n / N) ** 0.1
    ),
    "Pocock, even looks": (
        Pocock(), 0.10, 0.20, (2, 4, 6, 8), lambda x, n: -tail(x, n, 0.1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("design", DESIGNS)
def test_boundary_is_that_of_all_courses_of_a_trial(design: str) -> None:
    """The smallest value of the statistic that is exceeded, somewhere on its course, by alpha of all trials at most."""
    method, p0, alpha, looks, statistic = DESIGNS[design]
    values = {(x, n): round(statistic(x, n), 11) for n in looks for x in range(n + 1)}
    largest: dict[float, float] = {}
    for course in itertools.product((0, 1), repeat=N):
        seen = list(itertools.accumulate(course))
        top = max(values[seen[n - 1], n] for n in looks)
        largest[top] = largest.get(top, 0.0) + prod(p0 if event else 1 - p0 for event in course)
    critical = min(
        value
        for value in {*values.values()}
        if sum(p for top, p in largest.items() if top > value) <= alpha
    )  # fmt: skip
    expected = [next((x for x in range(n + 1) if n in looks and values[x, n] > critical), n + 1) for n in EVERY]
    rule = calibrated_rule(method, N, p0, alpha, looks)
    assert list(rule.boundary) == expected
    assert any(rule.can_stop(n) for n in looks)
    assert operating_characteristics(rule, p0).stop_probability == pytest.approx(
        sum(p for top, p in largest.items() if top > critical), abs=1e-12
    )


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("p", [0.0, 0.35, 1.0])
def test_operating_characteristics_are_those_of_all_courses(design: str, p: float) -> None:
    method, p0, alpha, looks, _ = DESIGNS[design]
    rule = calibrated_rule(method, N, p0, alpha, looks)
    stopped = events = evaluated = 0.0
    for course in itertools.product((0, 1), repeat=N):
        chance = prod(p if event else 1 - p for event in course)
        end = next((n for n in EVERY if sum(course[:n]) >= rule.boundary[n - 1]), None)
        stopped += chance * (end is not None)
        evaluated += chance * (end or N)
        events += chance * sum(course[: end or N])
    assert operating_characteristics(rule, p) == pytest.approx((p, stopped, events, evaluated), abs=1e-12)


def test_published_example_of_a_pocock_rule_for_fifty() -> None:
    """README of stoppingrule: 50 patients, 20% tolerated, 10% chance to stop. Its expected events are left out: an
    early version printed more of them than subjects times their rate, which later versions (see the oracle) do not.
    """
    rule = calibrated_rule(Pocock(), 50, 0.20, 0.10)
    ranges = "3-4 5-6 7-9 10-12 13-16 17-19 20-23 24-26 27-30 31-34 35-38 39-41 42-45 46-49 50-50"
    for events, printed in enumerate(ranges.split(), 3):
        first, last = (int(n) for n in printed.split("-"))
        assert {rule.stop_at(n) for n in range(first, last + 1)} == {events}
    assert [rule.can_stop(n) for n in (1, 2, 3)] == [False, False, True]
    published = {
        0.20: (0.09977254, 46.72419), 0.25: (0.27689051, 41.93172), 0.30: (0.53974016, 34.66321),
        0.35: (0.78266569, 26.59365), 0.40: (0.92684148, 19.62976),
    }  # fmt: skip
    for p, expected in published.items():
        found = operating_characteristics(rule, p)
        assert (found.stop_probability, found.expected_n) == pytest.approx(expected, abs=5e-6)


def test_values_that_differ_by_rounding_alone_are_one_value() -> None:
    """2 - 0.1 * 2 and 3 - 0.1 * 12 are both 1.8, but not in floating point: both stop, or neither does."""
    rule = calibrated_rule(OBrienFleming(), 12, 0.1, 0.10)
    excess = [[Fraction(x) - n * Fraction(1, 10) for x in range(n + 1)] for n in range(1, 13)]
    least = min(row[b] for row, b in zip(excess, rule.boundary, strict=True) if b < len(row))
    expected = [next((x for x, value in enumerate(row) if value >= least), len(row)) for row in excess]
    assert list(rule.boundary) == expected


@pytest.mark.parametrize(
    ("method", "n_max", "p0", "alpha", "looks"),
    [(Pocock(), 0, 0.2, 0.1, None), (Pocock(), 12, 0.0, 0.1, None), (Pocock(), 12, 0.2, 1.0, None),
     (Pocock(), 12, 0.2, 0.1, [0, 3]), (Pocock(), 12, 0.2, 0.1, []), (Sprt(0.2), 12, 0.2, 0.1, None)],
)  # fmt: skip
def test_numbers_that_mean_nothing_are_refused(
    method: Method, n_max: int, p0: float, alpha: float, looks: list[int] | None
) -> None:
    with pytest.raises(ValueError):
        calibrated_rule(method, n_max, p0, alpha, looks)


def test_each_method_is_made_by_its_name() -> None:
    """The names and numbers as a parameter file gives them make rules that stop, and keep to alpha."""
    numbers = {
        "beta-binomial": {"prior": (0.6, 2.4)}, "Geller": {"weight": 3}, "Pocock": {}, "O'Brien-Fleming": {},
        "Wang-Tsiatis": {"delta": 0.25}, "Chen-Chaloner": {"prior": (0.6, 2.4), "p1": 0.4, "nu": 0.5},
        "SPRT": {"p1": 0.4}, "MaxSPRT": {},
    }  # fmt: skip
    assert set(METHODS) == set(numbers)
    rules = {name: calibrated_rule(METHODS[name](**given), 12, 0.2, 0.1) for name, given in numbers.items()}
    for name, rule in rules.items():
        assert rule.method == name
        assert 0.04 < operating_characteristics(rule, 0.2).stop_probability <= 0.1, name
    assert rules["Geller"].boundary == rules["beta-binomial"].boundary
    assert set(SURVIVAL_METHODS) == set(SURVIVAL_DESIGNS)


def test_priors_and_counts_that_mean_nothing_are_refused() -> None:
    rule = rule_with_critical_value(Pocock(), 6, 0.2, 0.9)
    for refused in (
        lambda: BetaBinomial((0, 1)), lambda: ChenChaloner((1, 1), 0.3, 1.0), lambda: Geller(0),
        lambda: WangTsiatis(0.6), lambda: WangTsiatisSurvival(-0.1),
        lambda: rule.stop_at(0), lambda: rule.stop_at(7), lambda: operating_characteristics(rule, 1.1),
        lambda: GammaPoisson(0, 1), lambda: event_rate(1.0, 30),
        lambda: calibrated_survival_rule(SprtSurvival(0.2, 30), 12, 30, 0.3, 0.1),
        lambda: calibrated_survival_rule(PocockSurvival(), 12, 30, 0.3, 0.0),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            refused()


# ----------------------------------------------------------------------------------------------------
# Time to event: the probability that no limit is met, from the order statistics of uniform times.


def never_stops(first: int, limits: list[float], horizon: float, rate: float) -> float:
    """By the number m of events in the whole follow-up: each event k has to come after its limit.

    Given m, the times are ordered uniform ones; their probability is an iterated integral of polynomials.
    """
    shares = [0.0] * (first - 1) + [min(limit / horizon, 1.0) for limit in limits]
    total, x = 0.0, Polynomial([0.0, 1.0])
    inner = Polynomial([1.0])
    for m in range(len(shares) + 1):
        mean = rate * horizon
        total += exp(-mean + m * log(mean)) * max(inner(1.0), 0.0)
        if m < len(shares):
            integral = inner.integ()
            inner = integral - integral(shares[m]) + 0 * x
    return total


SURVIVAL_DESIGNS = {
    "Pocock": PocockSurvival(), "O'Brien-Fleming": OBrienFlemingSurvival(), "Wang-Tsiatis": WangTsiatisSurvival(0.25),
    "Gamma-Poisson": GammaPoisson(1.0, 280.0), "SPRT": SprtSurvival(0.5, 100), "MaxSPRT": MaxSprtSurvival(),
}  # fmt: skip


@pytest.mark.parametrize("design", SURVIVAL_DESIGNS)
@pytest.mark.parametrize("information", ["expected", "maximum"])
def test_follow_up_rules_stop_with_probability_alpha(design: str, information: str) -> None:
    rule = calibrated_survival_rule(SURVIVAL_DESIGNS[design], 12, 100, 0.30, 0.10, information)  # type: ignore[arg-type]
    for p, expected in ((0.30, 0.10), (0.50, None)):
        rate = event_rate(p, 100)
        horizon = expected_follow_up(12, p, 100) if information == "expected" else 1200.0
        limits = [limit for limit in rule.limits if limit < horizon] + [horizon]
        stopping = 1 - never_stops(rule.first_event, limits, horizon, rate)
        found = survival_characteristics(rule, p, information)  # type: ignore[arg-type]
        assert found.stop_probability == pytest.approx(stopping, abs=1e-9)
        if expected is not None:
            assert found.stop_probability == pytest.approx(expected, abs=1e-9)
        # Events less rate times follow-up is a martingale: its mean at the end is what it was at the start.
        assert found.expected_events == pytest.approx(rate * found.expected_follow_up, rel=1e-9)


def gamma_above(rate: float, shape: int, exposure: float) -> float:
    """Pr(Gamma(shape, exposure) > rate) for a whole shape: fewer than `shape` Poisson events."""
    mean = rate * exposure
    return sum(exp(-mean + k * log(mean) - lgamma(k + 1)) for k in range(shape))


STATISTICS = {
    "Pocock": lambda d, t, r, m: (d - r * t) / (r * t) ** 0.5,
    "O'Brien-Fleming": lambda d, t, r, m: (d - r * t) / m**0.5,
    "Wang-Tsiatis": lambda d, t, r, m: (d - r * t) / ((r * t) ** 0.25 * m**0.25),
    "Gamma-Poisson": lambda d, t, r, m: gamma_above(r, 1 + d, 280.0 + t),
    "SPRT": lambda d, t, r, m: d * log(log(0.5) / log(0.7)) - (-log(0.5) / 100 - r) * t,
    "MaxSPRT": lambda d, t, r, m: d * log(d / (r * t)) - (d - r * t),
}


@pytest.mark.parametrize("design", SURVIVAL_DESIGNS)
def test_the_statistic_at_each_limit_is_the_critical_value(design: str) -> None:
    method: SurvivalMethod = SURVIVAL_DESIGNS[design]
    rule = calibrated_survival_rule(method, 12, 100, 0.30, 0.10)
    rate = event_rate(0.30, 100)
    expected_events = rate * expected_follow_up(12, 0.30, 100)
    limits = np.array(rule.limits[:-1])
    assert len(limits) >= 4
    assert (np.diff([*limits, 1200]) > 0).all()
    for events, limit in enumerate(limits, rule.first_event):
        value = STATISTICS[design](events, limit, rate, expected_events)
        assert value == pytest.approx(rule.critical_value, abs=1e-8), events
    assert rule.limit(rule.first_event - 1) is None
    assert (rule.limit(99), rule.limit(rule.first_event)) == (1200, rule.limits[0])
    assert max(rule.limits) < inf
