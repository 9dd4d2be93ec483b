"""Cumulative incidence of competing events by Aalen-Johansen, never by 1 - KM (domain document §2.8)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from trialbook.statistics.event_table import event_table
from trialbook.statistics.kaplan_meier import EXACT_UP_TO, Number


@dataclass(frozen=True)
class CumulativeIncidence:
    """Per distinct time: free of any event, and the share with each cause by then; they sum to 1."""

    times: tuple[float, ...]
    event_free: tuple[Number, ...]
    incidence: dict[int, tuple[Number, ...]]

    def at(self, cause: int, time: float) -> float:
        """Share with this cause by `time` (right-continuous), 0 before the first time."""
        k = bisect_right(self.times, time) - 1
        return float(self.incidence[cause][k]) if k >= 0 else 0.0


def aalen_johansen(times: Sequence[float], causes: Sequence[int], of: Sequence[int] = (1, 2)) -> CumulativeIncidence:
    """Cumulative incidence of each cause in `of`; `causes` is 0 for a censored time.

    Raises ValueError for a cause that is not in `of`, since it would be an event that nobody counts.
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
    return CumulativeIncidence(table.times, tuple(event_free), {k: tuple(v) for k, v in incidence.items()})
