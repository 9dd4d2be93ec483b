"""BOIN, the Bayesian optimal interval design (Liu and Yuan 2015; boundaries as in CRAN BOIN 2.7.2; §4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import ClassVar

from trialbook.dlt.designs.cohorts import IntervalRule


@lru_cache(maxsize=64)
def boundaries(target: float) -> tuple[float, float]:
    """lambda_e and lambda_d: escalate at or below the first, de-escalate at or above the second.

    p1 = 0.6 target is the highest rate that is too low, p2 = 1.4 target the lowest that is too high.
    """
    t, low, high = target, 0.6 * target, 1.4 * target
    up = log((1 - low) / (1 - t)) / log(t * (1 - low) / (low * (1 - t)))
    down = log((1 - t) / (1 - high)) / log(high * (1 - t) / (t * (1 - high)))
    return up, down


@dataclass(frozen=True)
class Boin(IntervalRule):
    """BOIN: compares the observed rate at the current level with two boundaries.

    `bound_mtd`: a level is declared the MTD only when its isotonic rate is below lambda_d.
    """

    bound_mtd: bool = False
    name: ClassVar[str] = "BOIN"

    @property
    def mtd_below(self) -> float:
        """lambda_d with `bound_mtd`, else no bound."""
        return boundaries(self.target)[1] if self.bound_mtd else 1.0

    def letter(self, x: int, n: int) -> str:
        """E when x/n <= lambda_e, D when x/n >= lambda_d, else S."""
        up, down = boundaries(self.target)
        return "E" if x / n <= up else "D" if x / n >= down else "S"
