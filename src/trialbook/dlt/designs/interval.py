"""Interval designs: BOIN, mTPI-2, keyboard, i3+3 and TITE-BOIN (rulebook §4.5 to §4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import log
from typing import ClassVar

from scipy import special

from trialbook.dlt.designs.cohorts import CohortRule, IntervalRule, at
from trialbook.dlt.designs.design import History, Pending, Reads
from trialbook.statistics import added

# ----------------------------------------------------------------------------------------------------
# BOIN, the Bayesian optimal interval design (Liu and Yuan 2015; boundaries as in CRAN BOIN 2.7.2; §4.5).


@lru_cache(maxsize=64)
def boundaries(target: float) -> tuple[float, float]:
    """lambda_e and lambda_d: escalate at or below the first, de-escalate at or above the second.

    p1 = 0.6 target is the highest rate that is too low, p2 = 1.4 target the lowest that is too high.

    >>> [round(end, 3) for end in boundaries(0.3)]
    [0.236, 0.359]
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
        """E when x/n <= lambda_e, D when x/n >= lambda_d, else S.

        >>> rule = Boin(0.3)
        >>> rule.letter(0, 3), rule.letter(1, 3), rule.letter(2, 3)
        ('E', 'S', 'D')
        """
        up, down = boundaries(self.target)
        return "E" if x / n <= up else "D" if x / n >= down else "S"


# ----------------------------------------------------------------------------------------------------
# mTPI-2 (Guo et al. 2017; §4.7): the interval of the DLT rate with the largest posterior unit mass.


# Interval ends that differ by less than this are the same point.
SAME = 1e-9


@lru_cache(maxsize=64)
def intervals(low: float, high: float) -> tuple[tuple[float, float], ...]:
    """Intervals of the width of the equivalence interval [low, high], laid out from it to 0 and to 1.

    The last one on either side is shorter where the width does not fit.

    >>> [(round(low, 2), round(high, 2)) for low, high in intervals(0.3, 0.5)]
    [(0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0)]
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
    """The interval with the largest posterior mass per width under Beta(1 + x, 1 + n - x); the upper of two.

    >>> [round(end, 2) for end in strongest(1, 3, intervals(0.25, 0.35))]
    [0.25, 0.35]
    """

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
        """E, S or D by the strongest interval.

        >>> rule = Mtpi2(0.3)
        >>> rule.letter(0, 3), rule.letter(1, 3), rule.letter(3, 3)
        ('E', 'S', 'D')
        """
        above = self.margin if self.margin_above is None else self.margin_above
        lowest, highest = self.target - self.margin, self.target + above
        low, high = strongest(x, n, intervals(lowest, highest))
        if high <= lowest + SAME:
            return "E"
        return "D" if low >= highest - SAME else "S"


# ----------------------------------------------------------------------------------------------------
# The keyboard design (Yan et al. 2017; keys as in the R package Keyboard; §4.7).


@dataclass(frozen=True)
class Keyboard(Mtpi2):
    """Keyboard: the strongest key against the target key [target - margin, target + margin_above].

    Keys of its width are laid to 0 and to 1; an end key that is cut short competes with its mass per unit of width.
    That makes the keys the intervals of mTPI-2. The printed table excludes from one subject on.
    """

    name: ClassVar[str] = "keyboard"
    smallest: ClassVar[int] = 1


# ----------------------------------------------------------------------------------------------------
# The i3+3 design (Liu, Wang and Ji 2020; §4.6).


@dataclass(frozen=True)
class I3Plus3(IntervalRule):
    """i3+3: the observed rate against the equivalence interval, and what one DLT fewer would say.

    The equivalence interval is [target - margin, target + margin_above]; without `margin_above` both are `margin`.
    """

    margin: float = 0.05
    margin_above: float | None = None
    name: ClassVar[str] = "i3+3"

    def letter(self, x: int, n: int) -> str:
        """E below the interval, S inside; above it S when (x - 1)/n would be below it, else D.

        >>> rule = I3Plus3(0.3)
        >>> rule.letter(0, 3), rule.letter(1, 3), rule.letter(1, 4), rule.letter(2, 3)
        ('E', 'S', 'S', 'D')
        """
        # Exact, because 0.30 - 0.05 is not 0.25 in floating point and 1/4 lies on the boundary.
        target, margin = Fraction(str(self.target)), Fraction(str(self.margin))
        above = margin if self.margin_above is None else Fraction(str(self.margin_above))
        rate = Fraction(x, n)
        if rate < target - margin:
            return "E"
        if rate <= target + above:
            return "S"
        return "S" if Fraction(x - 1, n) < target - margin else "D"


# ----------------------------------------------------------------------------------------------------

SUSPEND = "SUSPEND"


@dataclass(frozen=True)
class TiteBoin(CohortRule):
    """TITE-BOIN: as BOIN, with the DLTs that pending subjects may still have predicted from their follow-up.

    A full cohort is decided on with subjects pending; an open place is filled first.
    """

    bound_mtd: bool = False
    name: ClassVar[str] = "TITE-BOIN"
    reads_pending: ClassVar[bool] = True

    @property
    def reads(self) -> Reads:
        """The follow-up of the pending subjects of the current level, as one sum."""
        return Reads(follow_up="sum")

    @property
    def mtd_below(self) -> float:
        """lambda_d with `bound_mtd`, else no bound."""
        return boundaries(self.target)[1] if self.bound_mtd else 1.0

    def letter(self, x: int, completed: int, weights: Sequence[float]) -> str:
        """E, S, D or SUSPEND for x DLTs, `completed` subjects and the followed shares of the pending ones.

        In order: x/n >= lambda_d: D; more than half pending: SUSPEND; then the predicted rate against lambda_e (when
        x/n < target) or lambda_d (when x/n >= target).

        >>> rule = TiteBoin(0.3)
        >>> rule.letter(0, 2, [0.9]), rule.letter(0, 1, [0.1, 0.1])
        ('E', 'SUSPEND')
        """
        up, down = boundaries(self.target)
        pending = len(weights)
        n = completed + pending
        if x / n >= down:
            return "D"
        if 2 * pending > n:
            return SUSPEND
        p = (x + self.target / 2) / (completed + 1)
        rate = (x + p / (1 - p) * (pending - added(weights))) / n
        if x / n < self.target:
            return "E" if rate <= up else "S"
        return "D" if rate >= down else "S"

    def next_level(self, history: History, pending: tuple[Pending, ...], level: int, excluded_from: int) -> int | None:
        """One level up or down by the letter; None = suspend accrual."""
        here = at(pending, level)
        letter = self.letter(history.dlts(level), history.n(level), [p.weight for p in here])
        if letter == SUSPEND:
            return None
        return min(max(level + {"E": 1, "S": 0, "D": -1}[letter], 0), excluded_from - 1)
