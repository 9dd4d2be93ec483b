"""Distinct times of a right-censored sample with the numbers at risk, with an event and censored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
        """Subjects in the sample."""
        return self.n_risk[0] if self.times else 0


def event_table(times: Sequence[float], causes: Sequence[int]) -> EventTable:
    """The table of a sample: `causes` is 0 for a censored time, else the number of the cause of the event.

    Raises ValueError for a missing or negative time, or a missing cause.
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
