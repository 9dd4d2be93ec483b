"""Safety stopping boundaries for an event that each subject has or has not, with exact operating characteristics.

A rule looks at the subjects evaluated so far, n, and at how many of them had the event, x. It stops when the statistic
of its method, taken at x and n, exceeds one critical value. That value is the smallest one with which the probability
of ever stopping is at most `alpha` when the true probability of the event is `p0`.

Definitions as in the R package stoppingrule 0.5.2: Ivanova, Qaqish and Schell, Biometrics 2005;61:540-545 (Pocock);
Wang and Tsiatis, Biometrics 1987;43:193-199; O'Brien and Fleming, Biometrics 1979;35:549-556; Geller et al. 2003, in
Advances in Clinical Trial Biostatistics (beta-binomial); Chen and Chaloner, Stat Med 2006;25:2956-2966; Goldman,
Control Clin Trials 1987;8:327-337 (truncated SPRT); Kulldorff et al., Sequential Analysis 2011;30:58-78 (MaxSPRT).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
# Two values of a statistic that differ by less are one value: they differ by rounding error alone.
SAME_VALUE = 1e-12

# ----------------------------------------------------------------------------------------------------
# The statistics: each rises with the events x among n evaluated subjects.


class Method(Protocol):
    """How far x events of n speak against the tolerated probability."""

    name: ClassVar[str]

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """The statistic at each pair of x and n, for a rule that looks at `n_max` subjects at most."""
        ...


@dataclass(frozen=True)
class BetaBinomial:
    """Posterior probability that the event is more frequent than p0, under a Beta(a, b) prior."""

    prior: tuple[float, float]
    name: ClassVar[str] = "beta-binomial"

    def __post_init__(self) -> None:
        _check_prior(self.prior)

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """Pr(p > p0 | a + x, b + n - x)."""
        return _posterior_above(p0, x, n, self.prior)


@dataclass(frozen=True)
class Geller:
    """Beta-binomial with the prior that has mean p0 and weighs as much as `weight` subjects (Geller et al. 2003).

    >>> calibrated_rule(Geller(weight=3), n_max=12, p0=0.20, alpha=0.10).boundary
    (2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6)
    """

    weight: float
    name: ClassVar[str] = "Geller"

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"a prior weighs more than 0 subjects, not {self.weight}")

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """Pr(p > p0 | weight p0 + x, weight (1 - p0) + n - x)."""
        return _posterior_above(p0, x, n, (self.weight * p0, self.weight * (1 - p0)))


@dataclass(frozen=True)
class Pocock:
    """One nominal significance level at every look, that of the exact binomial test of p <= p0."""

    name: ClassVar[str] = "Pocock"

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """1 - P(X >= x | n, p0): one minus the one-sided exact p-value."""
        at_least_one = np.maximum(x, 1)
        return np.where(x > 0, special.betaincc(at_least_one, n - at_least_one + 1, p0), 0.0)


@dataclass(frozen=True)
class WangTsiatis:
    """The score statistic, weighted by (n / n_max)^(1/2 - delta): 1/2 is flat, 0 hardly stops early."""

    delta: float
    name: ClassVar[str] = "Wang-Tsiatis"

    def __post_init__(self) -> None:
        if not 0 <= self.delta <= 0.5:
            raise ValueError(f"delta lies between 0 (O'Brien-Fleming) and 0.5 (Pocock), not {self.delta}")

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """(x - n p0) / sqrt(n p0 (1 - p0)) (n / n_max)^(1/2 - delta)."""
        return (x - n * p0) / np.sqrt(n * p0 * (1 - p0)) * (n / n_max) ** (0.5 - self.delta)


@dataclass(frozen=True)
class OBrienFleming(WangTsiatis):
    """The Wang-Tsiatis rule with delta = 0: one number of events above the expected ones at every look."""

    delta: float = 0.0
    name: ClassVar[str] = "O'Brien-Fleming"


@dataclass(frozen=True)
class ChenChaloner:
    """Beta-binomial with a second condition: the event is also likely to be more frequent than p1 > p0.

    It stops only where Pr(p > p1) exceeds `nu`, the certainty about p1 that is required.
    """

    prior: tuple[float, float]
    p1: float
    nu: float
    name: ClassVar[str] = "Chen-Chaloner"

    def __post_init__(self) -> None:
        _check_prior(self.prior)
        _check_probability("p1", self.p1)
        _check_probability("nu", self.nu)

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """Pr(p > p0 | data) where Pr(p > p1 | data) > nu, else 0."""
        likely = _posterior_above(self.p1, x, n, self.prior) > self.nu
        return np.where(likely, _posterior_above(p0, x, n, self.prior), 0.0)


@dataclass(frozen=True)
class Sprt:
    """The sequential probability ratio test of p0 against p1, cut off at n_max (Goldman 1987)."""

    p1: float
    name: ClassVar[str] = "SPRT"

    def __post_init__(self) -> None:
        _check_probability("p1", self.p1)

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """The logarithm of the likelihood ratio of p1 to p0."""
        if not self.p1 > p0:
            raise ValueError(f"the alternative p1 = {self.p1} must exceed p0 = {p0}")
        return x * np.log(self.p1 / p0) + (n - x) * np.log((1 - self.p1) / (1 - p0))


@dataclass(frozen=True)
class MaxSprt:
    """The SPRT against the observed rate as the alternative (Kulldorff et al. 2011)."""

    name: ClassVar[str] = "MaxSPRT"

    def statistic(self, x: Floats, n: Floats, n_max: int, p0: float) -> Floats:
        """The logarithm of the likelihood ratio of x/n to p0; 0 where x/n does not exceed p0."""
        ratio = special.xlogy(x, x / (n * p0)) + special.xlogy(n - x, (n - x) / (n * (1 - p0)))
        return np.where(x > n * p0, ratio, 0.0)


# The methods by the names of the parameter file; each is made with its own numbers (`BetaBinomial(prior=(0.6, 2.4))`).
METHODS: dict[str, Callable[..., Method]] = {
    method.name: method
    for method in (BetaBinomial, Geller, Pocock, OBrienFleming, WangTsiatis, ChenChaloner, Sprt, MaxSprt)
}


def _posterior_above(limit: float, x: Floats, n: Floats, prior: tuple[float, float]) -> Floats:
    return special.betaincc(prior[0] + x, prior[1] + n - x, limit)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoppingRule:
    """The boundary of a rule. `boundary[n - 1]` events, or more, among n evaluated subjects stop.

    Where the rule does not look after n subjects, or where so many events cannot occur, the boundary is n + 1. The
    statistic at the boundary exceeds `critical_value`, on the scale of the statistic of the method.
    """

    method: str
    p0: float
    critical_value: float
    boundary: tuple[int, ...]

    @property
    def n_max(self) -> int:
        """The most subjects that the rule looks at.

        >>> StoppingRule("Pocock", 0.2, 0.9, (2, 2, 3)).n_max
        3
        """
        return len(self.boundary)

    def stop_at(self, n: int) -> int:
        """The fewest events among n evaluated subjects that stop; n + 1 where none do. Raises outside 1 to n_max.

        >>> StoppingRule("Pocock", 0.2, 0.9, (2, 2, 3)).stop_at(2)
        2
        """
        if not 1 <= n <= self.n_max:
            raise ValueError(f"the rule is made for 1 to {self.n_max} evaluated subjects, not {n}")
        return self.boundary[n - 1]

    def can_stop(self, n: int) -> bool:
        """Whether any number of events among n evaluated subjects stops.

        >>> StoppingRule("Pocock", 0.2, 0.9, (2, 2, 3)).can_stop(1)
        False
        """
        return self.stop_at(n) <= n


def calibrated_rule(
    method: Method, n_max: int, p0: float, alpha: float, looks: Sequence[int] | None = None
) -> StoppingRule:  # fmt: skip
    """The rule that stops with probability `alpha` at most when the true probability of the event is p0.

    Of all critical values that keep to `alpha` it is the smallest, so that the rule stops as early as it may. `looks`
    are the numbers of evaluated subjects at which the rule is applied (default: after each of the `n_max` subjects).
    Raises ValueError for sizes and probabilities that mean nothing.

    >>> calibrated_rule(Pocock(), n_max=12, p0=0.20, alpha=0.10).boundary
    (2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6)
    """
    _check_probability("alpha", alpha)
    tables = _statistics(method, n_max, p0, looks)
    values = np.unique(np.concatenate(list(tables.values())))
    # The largest of values that are one but for rounding: a statistic must exceed them all.
    apart = np.append(np.diff(values) > SAME_VALUE * np.maximum(1, np.abs(values[1:])), True)
    candidates = values[apart]
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if stop_probability(_boundary(tables, n_max, float(candidates[middle])), p0) <= alpha:
            high = middle
        else:
            low = middle + 1
    critical = float(candidates[high])
    return StoppingRule(method.name, p0, critical, _boundary(tables, n_max, critical))


def rule_with_critical_value(
    method: Method, n_max: int, p0: float, critical_value: float, looks: Sequence[int] | None = None
) -> StoppingRule:
    """The rule that stops when the statistic exceeds a critical value given by the protocol.

    >>> rule_with_critical_value(BetaBinomial((0.6, 2.4)), n_max=6, p0=0.2, critical_value=0.95).boundary
    (2, 3, 3, 3, 4, 4)
    """
    tables = _statistics(method, n_max, p0, looks)
    return StoppingRule(method.name, p0, critical_value, _boundary(tables, n_max, critical_value))


class OperatingCharacteristics(NamedTuple):
    """What a rule does when `p` is the true probability of the event.

    `stop_probability`: that the rule ever stops; `expected_n` and `expected_events`: subjects evaluated, and events
    among them, when the rule stops or after n_max subjects.
    """

    p: float
    stop_probability: float
    expected_events: float
    expected_n: float


def operating_characteristics(rule: StoppingRule, p: float) -> OperatingCharacteristics:
    """Exactly, by dynamic programming over the number of events after each subject. Raises for p outside [0, 1].

    >>> found = operating_characteristics(calibrated_rule(Pocock(), n_max=12, p0=0.20, alpha=0.10), p=0.40)
    >>> round(found.stop_probability, 4), round(found.expected_n, 2)
    (0.5301, 8.82)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a probability lies in [0, 1], not {p}")
    expected_n, going_on = 0.0, np.array([1.0])
    for stop_at in rule.boundary:
        expected_n += float(going_on.sum())
        going_on = _one_more_subject(going_on, p)[:stop_at]
    # Every subject evaluated has the event with probability p, whatever was seen before (Wald's identity).
    return OperatingCharacteristics(p, 1 - float(going_on.sum()), p * expected_n, expected_n)


def stop_probability(boundary: Sequence[int], p: float) -> float:
    """The probability that a boundary is ever reached when the true probability of the event is p.

    >>> round(stop_probability((2, 2, 3), p=0.5), 3)
    0.25
    """
    going_on = np.array([1.0])
    for stop_at in boundary:
        going_on = _one_more_subject(going_on, p)[:stop_at]
    return 1 - float(going_on.sum())


def _one_more_subject(events: Floats, p: float) -> Floats:
    """The distribution of the number of events after one more subject."""
    after = np.zeros(len(events) + 1)
    after[:-1] = events * (1 - p)
    after[1:] += events * p
    return after


def _statistics(method: Method, n_max: int, p0: float, looks: Sequence[int] | None) -> dict[int, Floats]:
    """By number of evaluated subjects at a look: the statistic at 0 to n events."""
    _check_probability("p0", p0)
    if int(n_max) != n_max or n_max < 1:
        raise ValueError(f"a rule looks at one subject or more, not {n_max}")
    chosen = sorted(set(range(1, n_max + 1) if looks is None else looks))
    if not chosen or chosen[0] < 1 or chosen[-1] > n_max:
        raise ValueError(f"looks lie between 1 and {n_max} evaluated subjects, not {list(looks or [])}")
    counts = {n: np.arange(n + 1, dtype=np.float64) for n in chosen}
    return {n: method.statistic(x, np.full(n + 1, float(n)), n_max, p0) for n, x in counts.items()}


def _boundary(tables: dict[int, Floats], n_max: int, critical_value: float) -> tuple[int, ...]:
    return tuple(
        int((tables[n] <= critical_value).sum()) if n in tables else n + 1 for n in range(1, n_max + 1)
    )  # fmt: skip


def _check_probability(what: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{what} lies between 0 and 1, not {value}")


def _check_prior(prior: tuple[float, float]) -> None:
    if not (prior[0] > 0 and prior[1] > 0):
        raise ValueError(f"the parameters of a Beta prior exceed 0, not {prior}")
