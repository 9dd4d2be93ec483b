"""Cumulative incidence of competing events by Aalen-Johansen, never by 1 - KM (rulebook §2.8)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt

import numpy as np

from trialbook.statistics.intervals import Interval, normal_quantile
from trialbook.statistics.kaplan_meier import EXACT_UP_TO, Number, event_table

LOG_LOG = "log-log"


@dataclass(frozen=True)
class CumulativeIncidence:
    """Per distinct time: free of any event, and the share with each cause by then; they sum to 1.

    `n` subjects in the sample, `n_risk` of them at risk just before each time, `n_event` by cause at it.
    """

    times: tuple[float, ...]
    event_free: tuple[Number, ...]
    incidence: dict[int, tuple[Number, ...]]
    n_risk: tuple[int, ...] = ()
    n_event: tuple[dict[int, int], ...] = ()

    @property
    def n(self) -> int:
        """Subjects in the sample."""
        return self.n_risk[0] if self.n_risk else 0

    def reaches(self, time: float) -> bool:
        """Whether the share at `time` may be reported: somebody was followed to it, or each had an event (A-81).

        >>> aalen_johansen([5, 40], [1, 0]).reaches(100), aalen_johansen([5, 40], [1, 2]).reaches(100)
        (False, True)
        """
        had_event = sum(sum(events.values()) for events in self.n_event)
        return bool(self.times) and (self.times[-1] >= time or had_event == self.n)

    def at(self, cause: int, time: float) -> float:
        """Share with this cause by `time` (right-continuous), 0 before the first time.

        >>> aalen_johansen([5, 8, 12, 20], [1, 2, 1, 0]).at(1, 15)
        0.5
        """
        k = bisect_right(self.times, time) - 1
        return float(self.incidence[cause][k]) if k >= 0 else 0.0

    def variance(self, cause: int, time: float) -> float:
        """Variance of the share at `time`, as R's `cmprsk::cuminc` gives it (counting processes: Aalen, Ann Stat
        1978;6:534-545).

        An event of any cause at s moves the share F(t) by what the hazard at s weighs in it: S(s-) times
        1 - (F(t) - F(s)) / S(s) for an event of the cause itself, times (F(t) - F(s)) / S(s) for another one. The
        hazard of d events among n has the variance d (n - d) / (n^2 (n - 1)); a single event d = 1 has 1 / n^2.

        >>> round(aalen_johansen([5, 8, 12, 20], [1, 2, 1, 0]).variance(1, 15), 4)
        0.1059
        """
        k = bisect_right(self.times, time)
        if not k:
            return 0.0
        at_risk = np.array(self.n_risk[:k], dtype=float)
        own = np.array([events.get(cause, 0) for events in self.n_event[:k]], dtype=float)
        other = np.array([sum(events.values()) for events in self.n_event[:k]], dtype=float) - own
        free = np.array([float(s) for s in self.event_free[:k]])
        before = np.concatenate([[1.0], free[:-1]])
        still_to_come = float(self.incidence[cause][k - 1]) - np.array([float(f) for f in self.incidence[cause][:k]])
        # Once nobody is free of an event, nothing is still to come.
        weight = np.divide(still_to_come, free, out=np.zeros(k), where=free > 0)
        spread = _hazard_variance(own, at_risk) * (1 - weight) ** 2 + _hazard_variance(other, at_risk) * weight**2
        return float(np.sum(before**2 * spread))

    def interval(self, cause: int, time: float, level: float = 0.95) -> Interval:
        """The share at `time` with limits F^exp(+/- z se / (F ln F)): log-log on F (Kalbfleisch and Prentice), so that
        they stay between 0 and 1; None for a share of 0 or 1, which have no such limits, and without a sample.

        >>> found = aalen_johansen([5, 8, 12, 20], [1, 2, 1, 0]).interval(1, 15)
        >>> print(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
        0.500 (0.013 to 0.896)
        """
        if not self.times:
            return Interval(None, None, None, LOG_LOG)
        share = self.at(cause, time)
        if not 0 < share < 1:
            return Interval(share, None, None, LOG_LOG)
        half = normal_quantile(level) * sqrt(self.variance(cause, time)) / (share * abs(log(share)))
        return Interval(share, share ** exp(half), share ** exp(-half), LOG_LOG)


def _hazard_variance(events: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """d (n - d) / (n^2 (n - 1)), which for d = 1 is 1 / n^2 with one at risk too."""
    tied = 1 - np.divide(events - 1, at_risk - 1, out=np.zeros(len(events)), where=events > 1)
    found: np.ndarray = events * tied / at_risk**2
    return found


def aalen_johansen(times: Sequence[float], causes: Sequence[int], of: Sequence[int] = (1, 2)) -> CumulativeIncidence:
    """Cumulative incidence of each cause in `of`; `causes` is 0 for a censored time.

    Raises ValueError for a cause that is not in `of`, since it would be an event that nobody counts.

    >>> found = aalen_johansen([5, 8, 12], [1, 2, 0])
    >>> [str(share) for share in found.incidence[1]], [str(share) for share in found.incidence[2]]
    (['1/3', '1/3', '1/3'], ['0', '1/3', '1/3'])
    """
    table = event_table(times, causes)
    unknown = sorted({k for events in table.n_event for k in events} - set(of))
    if unknown:
        raise ValueError(f"cause {unknown[0]} is not one of {list(of)}")
    exact = table.n <= EXACT_UP_TO
    free: Number = Fraction(1) if exact else 1.0
    share: dict[int, Number] = dict.fromkeys(of, 0 * free)
    event_free: list[Number] = []
    incidence: dict[int, list[Number]] = {k: [] for k in of}
    for n, events in zip(table.n_risk, table.n_event, strict=True):
        for k in of:
            share[k] = share[k] + free * (Fraction(events.get(k, 0), n) if exact else events.get(k, 0) / n)
            incidence[k].append(share[k])
        left = n - sum(events.values())
        free = free * (Fraction(left, n) if exact else left / n)
        event_free.append(free)
    shares = {k: tuple(v) for k, v in incidence.items()}
    return CumulativeIncidence(table.times, tuple(event_free), shares, table.n_risk, table.n_event)
