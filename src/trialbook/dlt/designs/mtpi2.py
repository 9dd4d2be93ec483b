"""mTPI-2 (Guo et al. 2017; §4.7): the interval of the DLT rate with the largest posterior unit mass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from scipy import special

from trialbook.dlt.designs.cohorts import IntervalRule

# Interval ends that differ by less than this are the same point.
SAME = 1e-9


@lru_cache(maxsize=64)
def intervals(low: float, high: float) -> tuple[tuple[float, float], ...]:
    """Intervals of the width of the equivalence interval [low, high], laid out from it to 0 and to 1.

    The last one on either side is shorter where the width does not fit.
    """
    width = high - low
    laid = [(low, high)]
    while laid[0][0] > SAME:
        laid.insert(0, (max(laid[0][0] - width, 0.0), laid[0][0]))
    while laid[-1][1] < 1 - SAME:
        laid.append((laid[-1][1], min(laid[-1][1] + width, 1.0)))
    return tuple(laid)


@lru_cache(maxsize=4096)
def strongest(x: int, n: int, ends: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    """The interval with the largest posterior mass per width under Beta(1 + x, 1 + n - x); the upper of two."""

    def unit_mass(interval: tuple[float, float]) -> float:
        low, high = interval
        mass = special.betainc(1 + x, 1 + n - x, high) - special.betainc(1 + x, 1 + n - x, low)
        return float(mass) / (high - low)

    return max(reversed(ends), key=unit_mass)


@dataclass(frozen=True)
class Mtpi2(IntervalRule):
    """mTPI-2: E when the strongest interval lies below the equivalence interval, D above it, S on it.

    The equivalence interval is [target - margin, target + margin_above]; without `margin_above` both are `margin`.
    """

    margin: float = 0.05
    margin_above: float | None = None
    name: ClassVar[str] = "mTPI-2"
    smallest: ClassVar[int] = 2

    def letter(self, x: int, n: int) -> str:
        """E, S or D by the strongest interval."""
        above = self.margin if self.margin_above is None else self.margin_above
        lowest, highest = self.target - self.margin, self.target + above
        low, high = strongest(x, n, intervals(lowest, highest))
        if high <= lowest + SAME:
            return "E"
        return "D" if low >= highest - SAME else "S"
