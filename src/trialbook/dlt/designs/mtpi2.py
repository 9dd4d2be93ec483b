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
def intervals(target: float, margin: float, whole_only: bool) -> tuple[tuple[float, float], ...]:
    """Intervals of the width of the equivalence interval, laid out from it to 0 and to 1.

    The last ones on either side are shorter; `whole_only` leaves these out.
    """
    width = 2 * margin
    laid = [(target - margin, target + margin)]
    while laid[0][0] > SAME:
        laid.insert(0, (max(laid[0][0] - width, 0.0), laid[0][0]))
    while laid[-1][1] < 1 - SAME:
        laid.append((laid[-1][1], min(laid[-1][1] + width, 1.0)))
    return tuple(ends for ends in laid if not whole_only or ends[1] - ends[0] > width - SAME)


@lru_cache(maxsize=4096)
def strongest(x: int, n: int, ends: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    """The interval with the largest posterior mass per unit of width under Beta(1 + x, 1 + n - x)."""

    def unit_mass(interval: tuple[float, float]) -> float:
        low, high = interval
        mass = special.betainc(1 + x, 1 + n - x, high) - special.betainc(1 + x, 1 + n - x, low)
        return float(mass) / (high - low)

    return max(ends, key=unit_mass)


@dataclass(frozen=True)
class Mtpi2(IntervalRule):
    """mTPI-2: E when the strongest interval lies below the equivalence interval, D above it, S on it."""

    margin: float = 0.05
    name: ClassVar[str] = "mTPI-2"
    smallest: ClassVar[int] = 2
    whole_only: ClassVar[bool] = False

    def letter(self, x: int, n: int) -> str:
        """E, S or D by the strongest interval."""
        low, high = strongest(x, n, intervals(self.target, self.margin, self.whole_only))
        if high <= self.target - self.margin + SAME:
            return "E"
        return "D" if low >= self.target + self.margin - SAME else "S"
