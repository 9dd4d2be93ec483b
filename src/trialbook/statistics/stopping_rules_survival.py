"""Safety stopping boundaries for the time to an event, with exact operating characteristics of a Poisson process.

Follow-up is added up over subjects, each until the event or to the end of a window of `tau` days. A rule stops at the
k-th event when the follow-up at that event is at most the limit of k. Limits are calibrated as if events came as a
Poisson process in total follow-up: with tolerated probability p0 in the window, at the rate -log(1 - p0) / tau.

Definitions as in the R package stoppingrule 0.5.2: Martens et al. 2024, sequential monitoring of time-to-event safety
endpoints; Kulldorff et al., Sequential Analysis 2011;30:58-78 (MaxSPRT).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

# Root finding of the critical value: far below what a reader sees or a limit in days shows.
CRITICAL_TOLERANCE = 1e-13
# No calibration asks for more events than this.
MOST_EVENTS = 10_000

# ----------------------------------------------------------------------------------------------------
# The methods: up to how many expected events k seen ones are too many.


class SurvivalMethod(Protocol):
    """A family of limits with one critical value; a larger value stops less often."""

    name: ClassVar[str]
    # Where the critical value is sought: a range that is widened above where it ends in None.
    bracket: ClassVar[tuple[float, float | None]]

    def limit(self, events: int, critical_value: float, rate: float, horizon: float) -> float:
        """The most follow-up with which this many events stop; 0 or less where they never do.

        `rate` is the tolerated rate of events per unit of follow-up, `horizon` the follow-up planned.
        """
        ...


@dataclass(frozen=True)
class WangTsiatisSurvival:
    """Stops at d >= m + c m^delta M^(1/2 - delta): m events expected so far, M at the horizon."""

    delta: float
    name: ClassVar[str] = "Wang-Tsiatis"
    bracket: ClassVar[tuple[float, float | None]] = (1e-6, None)

    def __post_init__(self) -> None:
        if not 0 <= self.delta <= 0.5:
            raise ValueError(f"delta lies between 0 (O'Brien-Fleming) and 0.5 (Pocock), not {self.delta}")

    def limit(self, events: int, critical_value: float, rate: float, horizon: float) -> float:
        """Solves the equation for m, which it rises in."""
        spread = critical_value * (rate * horizon) ** (0.5 - self.delta)
        if self.delta == 0:
            return (events - spread) / rate
        if self.delta == 0.5:
            root = (math.sqrt(spread**2 + 4 * events) - spread) / 2
            return root**2 / rate
        from scipy.optimize import brentq

        def beyond(expected: float) -> float:
            return expected + spread * expected**self.delta - events

        return float(brentq(beyond, 0.0, events, xtol=CRITICAL_TOLERANCE)) / rate


@dataclass(frozen=True)
class PocockSurvival(WangTsiatisSurvival):
    """The score statistic (d - m) / sqrt(m) against one value throughout: delta = 1/2."""

    delta: float = 0.5
    name: ClassVar[str] = "Pocock"


@dataclass(frozen=True)
class OBrienFlemingSurvival(WangTsiatisSurvival):
    """One number of events above the expected ones throughout: delta = 0."""

    delta: float = 0.0
    name: ClassVar[str] = "O'Brien-Fleming"


@dataclass(frozen=True)
class GammaPoisson:
    """Stops when the rate exceeds the tolerated one with high posterior probability, under a Gamma prior.

    `shape` is in events and `exposure` in the unit of follow-up: the prior weighs like `shape` events in it.
    """

    shape: float
    exposure: float
    name: ClassVar[str] = "Gamma-Poisson"
    bracket: ClassVar[tuple[float, float | None]] = (1e-9, 1 - 1e-12)

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.exposure > 0):
            raise ValueError(f"a Gamma prior has a shape and an exposure above 0, not {self.shape}, {self.exposure}")

    def limit(self, events: int, critical_value: float, rate: float, horizon: float) -> float:
        """The follow-up with which the posterior probability falls to the critical value."""
        return float(special.gammainccinv(self.shape + events, critical_value)) / rate - self.exposure


@dataclass(frozen=True)
class SprtSurvival:
    """The sequential probability ratio test against the rate of a probability p1 in the window of tau days."""

    p1: float
    tau: float
    name: ClassVar[str] = "SPRT"
    bracket: ClassVar[tuple[float, float | None]] = (1e-6, None)

    def __post_init__(self) -> None:
        event_rate(self.p1, self.tau)

    def limit(self, events: int, critical_value: float, rate: float, horizon: float) -> float:
        """Where the log likelihood ratio d log(r1/r0) - (r1 - r0) t falls to the critical value."""
        alternative = event_rate(self.p1, self.tau)
        if not alternative > rate:
            raise ValueError(f"the alternative p1 = {self.p1} must exceed the tolerated probability")
        return (events * math.log(alternative / rate) - critical_value) / (alternative - rate)


@dataclass(frozen=True)
class MaxSprtSurvival:
    """The SPRT against the observed rate: d log(d/m) - (d - m) for d > m."""

    name: ClassVar[str] = "MaxSPRT"
    bracket: ClassVar[tuple[float, float | None]] = (1e-6, None)

    def limit(self, events: int, critical_value: float, rate: float, horizon: float) -> float:
        """With r = m/d below 1 the equation is r - log r = 1 + c/d, solved by the Lambert function."""
        ratio = -special.lambertw(-math.exp(-1 - critical_value / events)).real
        return float(ratio) * events / rate


# The methods by the names of the parameter file; each is made with its own numbers.
SURVIVAL_METHODS: dict[str, Callable[..., SurvivalMethod]] = {
    method.name: method
    for method in (
        PocockSurvival, OBrienFlemingSurvival, WangTsiatisSurvival, GammaPoisson, SprtSurvival, MaxSprtSurvival
    )
}  # fmt: skip

# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SurvivalStoppingRule:
    """Stop at event `first_event` + i when total follow-up is at most `limits[i]` days.

    Fewer events than `first_event` never stop. The last limit is the follow-up of all subjects to the end of their
    windows: with so many events a trial of `n_max` subjects always stops.
    """

    method: str
    n_max: int
    tau: float
    p0: float
    critical_value: float
    first_event: int
    limits: tuple[float, ...]

    def limit(self, events: int) -> float | None:
        """The most follow-up, in days, with which this many events stop; None where they never do.

        >>> SurvivalStoppingRule("Pocock", 2, 30.0, 0.2, 3.5, first_event=2, limits=(9.5, 60.0)).limit(2)
        9.5
        """
        if events < self.first_event:
            return None
        return self.limits[min(events - self.first_event, len(self.limits) - 1)]


def event_rate(p: float, tau: float) -> float:
    """The rate per day of an event that comes with probability p within tau days, at any time alike.

    >>> round(event_rate(0.30, tau=100), 6)
    0.003567
    """
    if not 0 < p < 1 or not tau > 0:
        raise ValueError(f"a probability between 0 and 1 and a window above 0 days make a rate, not {p} and {tau}")
    return -math.log1p(-p) / tau


def expected_follow_up(n: int, p: float, tau: float) -> float:
    """The follow-up in days that n subjects have on average, each until the event or for tau days.

    >>> round(expected_follow_up(12, 0.30, tau=100))
    1009
    """
    return n * p / event_rate(p, tau)


def calibrated_survival_rule(
    method: SurvivalMethod, n_max: int, tau: float, p0: float, alpha: float,
    information: Literal["expected", "maximum"] = "expected",
) -> SurvivalStoppingRule:  # fmt: skip
    """The rule that stops with probability `alpha` when an event comes with probability p0 within tau days.

    `information` is the follow-up over which it may stop: that which `n_max` subjects have on average under p0, or
    the most they can have. Raises ValueError for numbers that mean nothing.

    >>> rule = calibrated_survival_rule(PocockSurvival(), n_max=12, tau=100, p0=0.30, alpha=0.10)
    >>> rule.first_event, [round(limit, 1) for limit in rule.limits[:3]]
    (1, [20.2, 71.4, 144.7])
    """
    if not 0 < alpha < 1 or int(n_max) != n_max or n_max < 1:
        raise ValueError(f"alpha lies between 0 and 1 and n_max is 1 or more, not {alpha} and {n_max}")
    rate = event_rate(p0, tau)
    horizon = expected_follow_up(n_max, p0, tau) if information == "expected" else float(n_max * tau)

    def too_often(critical_value: float) -> float:
        first, limits = _limits(method, critical_value, rate, horizon, horizon)
        return _course(first, limits, rate)[0] - alpha

    critical = _root(too_often, *method.bracket)
    first, limits = _limits(method, critical, rate, horizon, float(n_max * tau))
    return SurvivalStoppingRule(method.name, n_max, tau, p0, critical, first, limits)


class SurvivalCharacteristics(NamedTuple):
    """What a rule does when the event comes with probability `p` within tau days.

    `stop_probability`: that the rule ever stops; `expected_events` and `expected_follow_up` (days) are those when it
    stops, or at the end.
    """

    p: float
    stop_probability: float
    expected_events: float
    expected_follow_up: float


def survival_characteristics(
    rule: SurvivalStoppingRule, p: float, information: Literal["expected", "maximum"] = "expected"
) -> SurvivalCharacteristics:  # fmt: skip
    """Exactly for a Poisson process, by dynamic programming over the events at each limit.

    The process ends at the follow-up that n_max subjects have on average under p, or at the most they can have.

    >>> rule = calibrated_survival_rule(PocockSurvival(), n_max=12, tau=100, p0=0.30, alpha=0.10)
    >>> found = survival_characteristics(rule, p=0.30)
    >>> round(found.stop_probability, 6), round(found.expected_events, 2)
    (0.1, 3.26)
    """
    rate = event_rate(p, rule.tau)
    most = float(rule.n_max * rule.tau)
    horizon = expected_follow_up(rule.n_max, p, rule.tau) if information == "expected" else most
    before = [limit for limit in rule.limits if limit < horizon]
    return SurvivalCharacteristics(p, *_course(rule.first_event, (*before, horizon), rate))


def _limits(
    method: SurvivalMethod, critical_value: float, rate: float, horizon: float, end: float
) -> tuple[int, tuple[float, ...]]:  # fmt: skip
    """The first number of events that can stop, and the limits from it on; the last one is `end`."""
    first, limits = 0, list[float]()
    for events in range(1, MOST_EVENTS):
        limit = method.limit(events, critical_value, rate, horizon)
        if limit <= 0:
            continue
        first = first or events
        limits.append(min(limit, end))
        if limit >= end:
            return first, tuple(limits)
    raise ValueError(f"no number of events below {MOST_EVENTS} stops by the end of the follow-up")


def _course(first: int, limits: tuple[float, ...], rate: float) -> tuple[float, float, float]:
    """The probability of stopping by the last limit, and the events and follow-up expected until then.

    Between two limits the number of events that stops is one and the same.
    """
    going_on: NDArray[np.float64] = np.array([1.0])
    events, exposure, begin = 0.0, 0.0, 0.0
    for stop_at, end in enumerate(limits, first):
        length = end - begin
        missing = stop_at - np.arange(len(going_on))
        stops = special.gammainc(missing, rate * length)
        # The time of the missing-th event, where it comes in the interval, is that of a Gamma distribution cut off.
        until = begin * stops + missing / rate * special.gammainc(missing + 1, rate * length)
        events += float(stop_at * (going_on @ stops))
        exposure += float(going_on @ until)
        counts = np.arange(stop_at)
        coming = np.exp(special.xlogy(counts, rate * length) - rate * length - special.gammaln(counts + 1))
        going_on = np.convolve(going_on, coming)[:stop_at]
        begin = end
    left = float(going_on.sum())
    events += float(going_on @ np.arange(len(going_on)))
    return 1 - left, events, exposure + begin * left


def _root(function: Callable[[float], float], low: float, high: float | None) -> float:
    # Imported here: a quarter of a second, in every process that looks at an interval.
    from scipy.optimize import brentq

    top = high if high is not None else 1.0
    while high is None and function(top) > 0:
        top *= 2
    if function(low) <= 0:
        raise ValueError("with these numbers the rule keeps to alpha whatever its critical value")
    if function(top) > 0:
        raise ValueError("with these numbers no critical value keeps to alpha")
    return float(brentq(function, low, top, xtol=CRITICAL_TOLERANCE))
