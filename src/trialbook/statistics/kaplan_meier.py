"""The Kaplan-Meier estimate, exact for small samples, with Greenwood limits and R's rule for quantiles (§5.2).

Kaplan and Meier, JASA 1958;53:457-481. With twelve subjects S(t) is often exactly 1/2, where a rounding error of one
unit moves the median to another death. So S(t) is a `Fraction` up to `EXACT_UP_TO` subjects; beyond that, floats with
R's tolerance.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, inf, log, sqrt
from typing import Literal

import numpy as np

from trialbook.statistics.intervals import Interval, normal_quantile

# ----------------------------------------------------------------------------------------------------
# Distinct times of a right-censored sample with the numbers at risk, with an event and censored.


# Times closer than this, absolutely or relative to their mean, are one time (R's timefix: 0.1 + 0.2 and 0.3).
TIME_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True)
class EventTable:
    """One entry per distinct time, in order. An event comes before a censoring at the same time (§5.2)."""

    times: tuple[float, ...]
    n_risk: tuple[int, ...]
    n_event: tuple[dict[int, int], ...]
    n_censor: tuple[int, ...]

    @property
    def n(self) -> int:
        """Subjects in the sample.

        >>> event_table([5, 8], [1, 0]).n, event_table([], []).n
        (2, 0)
        """
        return self.n_risk[0] if self.times else 0


def event_table(times: Sequence[float], causes: Sequence[int]) -> EventTable:
    """The table of a sample: `causes` is 0 for a censored time, else the number of the cause of the event.

    Raises ValueError for a missing or negative time, or a missing cause.

    >>> table = event_table([5, 8, 8, 12], [1, 1, 0, 0])
    >>> table.times, table.n_risk, table.n_event
    ((5.0, 8.0, 12.0), (4, 3, 1), ({1: 1}, {1: 1}, {}))
    """
    time, cause = np.asarray(times, dtype=float), np.asarray(causes, dtype=float)
    if time.shape != cause.shape or time.ndim != 1:
        raise ValueError("times and causes are two lists of one length")
    if not np.all(np.isfinite(time)) or np.any(time < 0):
        raise ValueError("a survival time is a number of 0 or more")
    if not np.all(np.isin(cause, np.arange(0, 100))):
        raise ValueError("a cause is 0 (censored) or the number of an event")
    order = np.argsort(time, kind="stable")
    distinct, index = np.unique(_merge_near(time[order]), return_inverse=True)
    status = cause[order].astype(int)
    leaving = np.bincount(index, minlength=len(distinct))
    at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]]) if len(time) else leaving
    kinds = [int(k) for k in np.unique(status) if k]
    counts = {k: np.bincount(index[status == k], minlength=len(distinct)) for k in kinds}
    return EventTable(
        times=tuple(float(t) for t in distinct),
        n_risk=tuple(int(n) for n in at_risk),
        n_event=tuple({k: int(counts[k][i]) for k in kinds if counts[k][i]} for i in range(len(distinct))),
        n_censor=tuple(int(n) for n in np.bincount(index[status == 0], minlength=len(distinct))),
    )


def _merge_near(time: np.ndarray) -> np.ndarray:
    """Sorted times, each run of nearly equal ones replaced by its first."""
    if not len(time):
        return time
    gap = np.diff(time, prepend=time[0] - 1)
    mean = float(np.mean(np.abs(time))) or 1.0
    starts = np.where((gap > TIME_TOLERANCE) & (gap / mean > TIME_TOLERANCE), np.arange(len(time)), 0)
    starts[0] = 0
    return time[np.maximum.accumulate(starts)]


# ----------------------------------------------------------------------------------------------------

Transform = Literal["log-log", "log", "plain", "logit"]
Number = Fraction | float
# The digits of a fraction grow with each distinct event time; at this size the curve still takes milliseconds.
EXACT_UP_TO = 500


@dataclass(frozen=True)
class SurvivalAt:
    """S(t) with its limits; `n_risk` are at risk just before t, `n_event` had the event up to and including t."""

    time: float
    survival: Interval
    n_risk: int
    n_event: int


@dataclass(frozen=True)
class KaplanMeier:
    """The curve: one entry per distinct time (events and censorings), S right-continuous with S = 1 before the first.

    `greenwood` is sum d / (n (n - d)) up to each time, infinite once S is 0: the squared standard error of log S.
    """

    times: tuple[float, ...]
    n_risk: tuple[int, ...]
    n_event: tuple[int, ...]
    n_censor: tuple[int, ...]
    survival: tuple[Number, ...]
    greenwood: tuple[float, ...]

    @property
    def n(self) -> int:
        """Subjects in the sample."""
        return self.n_risk[0] if self.times else 0

    @property
    def last_time(self) -> float | None:
        """The longest time in the sample, event or censored.

        >>> kaplan_meier([5, 40], [1, 0]).last_time
        40.0
        """
        return self.times[-1] if self.times else None

    def reaches(self, time: float) -> bool:
        """Whether S(time) may be reported: somebody was followed to it, or every subject had the event (A-81).

        S = 0 alone is not enough: the last subject at risk may have had the event after others were censored, of whom
        nothing is known at `time`.

        >>> kaplan_meier([5, 40], [1, 0]).reaches(100)
        False
        >>> kaplan_meier([5, 40], [1, 1]).reaches(100)
        True
        """
        return bool(self.times) and (self.times[-1] >= time or sum(self.n_event) == self.n)

    def fully_followed_to(self, time: float) -> bool:
        """Whether no subject was censored before `time`, so that S(time) is a plain share of subjects.

        >>> curve = kaplan_meier([5, 40, 60], [1, 0, 0])
        >>> curve.fully_followed_to(30), curve.fully_followed_to(50)
        (True, False)
        """
        return not any(c for t, c in zip(self.times, self.n_censor, strict=True) if t < time)

    def at(self, time: float, transform: Transform = "log-log", level: float = 0.95) -> SurvivalAt:
        """S(time), carried forward beyond the last time; whether that may be reported says `reaches`.

        >>> found = kaplan_meier([5, 8, 20, 30], [1, 0, 1, 0]).at(28)
        >>> print(f"{found.survival.estimate:.3f} ({found.survival.low:.3f} to {found.survival.high:.3f})")
        0.375 (0.011 to 0.808)
        >>> found.n_risk, found.n_event
        (1, 2)
        """
        k = bisect_right(self.times, time) - 1
        first_after = bisect_left(self.times, time)
        at_risk = self.n_risk[first_after] if first_after < len(self.times) else 0
        if not self.times:
            return SurvivalAt(time, Interval(None, None, None, transform), 0, 0)
        survival, greenwood = (float(self.survival[k]), self.greenwood[k]) if k >= 0 else (1.0, 0.0)
        low, high = limits(survival, greenwood, transform, level)
        return SurvivalAt(time, Interval(survival, low, high, transform), at_risk, sum(self.n_event[: k + 1]))

    def band(self, transform: Transform = "log-log", level: float = 0.95) -> list[tuple[float | None, float | None]]:
        """The limits of S at each time, None where they are not defined.

        >>> [low is None for low, _ in kaplan_meier([5, 8], [0, 1]).band()]
        [True, True]
        """
        pairs = zip(self.survival, self.greenwood, strict=True)
        return [limits(float(s), g, transform, level) for s, g in pairs]

    def quantile(self, p: float, transform: Transform = "log-log", level: float = 0.95) -> Interval:
        """The time by which a share `p` had the event, by R's rule, with Brookmeyer-Crowley limits from the band.

        When the curve is flat exactly at 1 - p, the middle of that piece; a flat piece at the end of the curve reaches
        to the last time. None where the curve, or its band, never gets there (Brookmeyer and Crowley, Biometrics
        1982;38:29-41).

        >>> kaplan_meier([5, 8, 20, 30], [1, 1, 1, 1]).quantile(0.25).estimate
        6.5
        >>> kaplan_meier([5, 40, 60], [1, 0, 0]).quantile(0.75).estimate is None
        True
        """
        band = self.band(transform, level)
        low = _crossing([None if b[0] is None else 1 - b[0] for b in band], self.times, p, TIME_TOLERANCE)
        high = _crossing([None if b[1] is None else 1 - b[1] for b in band], self.times, p, TIME_TOLERANCE)
        exact = self.n <= EXACT_UP_TO
        # A share as it is written: 0.3 means 3/10, not the nearest binary number.
        share, tolerance = (Fraction(str(p)), Fraction(0)) if exact else (p, TIME_TOLERANCE)
        return Interval(_crossing([1 - s for s in self.survival], self.times, share, tolerance), low, high, transform)

    @property
    def ends_at_half(self) -> bool:
        """Whether the curve comes down to exactly 0.5 and stays there to the last time: no time is below it.

        >>> kaplan_meier([5, 8, 20, 30], [1, 1, 0, 0]).ends_at_half, kaplan_meier([5, 8], [1, 1]).ends_at_half
        (True, False)
        """
        return bool(self.survival) and abs(float(self.survival[-1]) - 0.5) <= TIME_TOLERANCE

    def median(self, transform: Transform = "log-log", level: float = 0.95) -> Interval:
        """The median time; see `quantile`.

        >>> kaplan_meier([5, 8, 20, 30], [1, 1, 1, 1]).median().estimate
        14.0
        """
        return self.quantile(0.5, transform, level)


def kaplan_meier(times: Sequence[float], events: Sequence[int]) -> KaplanMeier:
    """The curve of a sample: `events` is 1 for an event, 0 for a censored time; a time of 0 is allowed (A-02).

    Raises ValueError for a negative or missing time, or an event that is neither 0 nor 1.

    >>> curve = kaplan_meier([5, 8, 8, 12], [1, 1, 0, 0])
    >>> [(time, str(share)) for time, share in zip(curve.times, curve.survival, strict=True)]
    [(5.0, '3/4'), (8.0, '1/2'), (12.0, '1/2')]
    """
    table = event_table(times, events)
    if any(set(deaths) - {1} for deaths in table.n_event):
        raise ValueError("an event is 1 or 0")
    return _curve(table)


def reverse_kaplan_meier(times: Sequence[float], events: Sequence[int]) -> KaplanMeier:
    """The curve of follow-up: being censored is the event, and the event censors (Schemper and Smith, 1996).

    >>> reverse_kaplan_meier([10, 20, 30], [1, 0, 0]).median().estimate
    25.0
    """
    return kaplan_meier(times, [1 - e for e in events])


def limits(
    survival: float, greenwood: float, transform: Transform = "log-log", level: float = 0.95
) -> tuple[float | None, float | None]:
    """Limits of S from the standard error of log S on a transformed scale, None where that is not defined.

    At S = 0 no transform gives limits; at S = 1 log-log and logit give none (A-80), plain and log give 1 and 1.

    >>> limits(1.0, 0.0), limits(1.0, 0.0, "plain")
    ((None, None), (1.0, 1.0))
    >>> low, high = limits(0.5, 0.25)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.058 to 0.845
    """
    if survival == 0 or (survival == 1 and transform in ("log-log", "logit")):
        return None, None
    half = normal_quantile(level) * sqrt(greenwood)
    if transform == "plain":
        return max(0.0, survival * (1 - half)), min(1.0, survival * (1 + half))
    if transform == "log":
        return survival * exp(-half), min(1.0, survival * exp(half))
    if transform == "log-log":
        width = half / abs(log(survival))
        return survival ** exp(width), survival ** exp(-width)
    if transform == "logit":
        centre, width = log(survival / (1 - survival)), half / (1 - survival)
        return 1 / (1 + exp(-(centre - width))), 1 / (1 + exp(-(centre + width)))
    raise ValueError(f"unknown transform {transform}")


def _crossing(reached: Sequence[Number | None], times: Sequence[float], p: Number, tolerance: Number) -> float | None:
    """When `reached` (the share with an event by each time, None = unknown) comes to p.

    The middle between the first point with at least p and the first with more; where the last point has just p, the
    second is the last time. Points are taken by their height, which matters only for a band that is not monotone.
    """
    if not times:
        return None
    first: dict[Number | None, float] = {}
    for share, time in zip([0, *reached], [0.0, *times], strict=True):
        first.setdefault(share, time)
    heights = sorted(share for share in first if share is not None)
    start = next((first[h] for h in heights if p - h <= tolerance), None)
    beyond = next((first[h] for h in heights if h - p > tolerance), None)
    last = next(reversed(first))
    if last is not None and -tolerance <= p - last <= tolerance:
        beyond = times[-1]
    return None if start is None or beyond is None else (start + beyond) / 2


def _curve(table: EventTable) -> KaplanMeier:
    """The product-limit estimate and Greenwood's sum over a table of times."""
    survival: Number = Fraction(1) if table.n <= EXACT_UP_TO else 1.0
    greenwood = 0.0
    levels: list[Number] = []
    sums: list[float] = []
    deaths = [d.get(1, 0) for d in table.n_event]
    for n, d in zip(table.n_risk, deaths, strict=True):
        if d:
            survival = survival * (Fraction(n - d, n) if isinstance(survival, Fraction) else (n - d) / n)
            greenwood += d / (n * (n - d)) if n > d else inf
        levels.append(survival)
        sums.append(greenwood)
    return KaplanMeier(table.times, table.n_risk, tuple(deaths), table.n_censor, tuple(levels), tuple(sums))
