"""The i3+3 design (Liu, Wang and Ji 2020; §4.6)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from trialbook.dlt.designs.cohorts import IntervalRule


@dataclass(frozen=True)
class I3Plus3(IntervalRule):
    """i3+3: the observed rate against the equivalence interval, and what one DLT fewer would say.

    The equivalence interval is [target - margin, target + margin_above]; without `margin_above` both are `margin`.
    """

    margin: float = 0.05
    margin_above: float | None = None
    name: ClassVar[str] = "i3+3"

    def letter(self, x: int, n: int) -> str:
        """E below the interval, S inside; above it S when (x - 1)/n would be below it, else D."""
        # Exact, because 0.30 - 0.05 is not 0.25 in floating point and 1/4 stands on the boundary.
        target, margin = Fraction(str(self.target)), Fraction(str(self.margin))
        above = margin if self.margin_above is None else Fraction(str(self.margin_above))
        rate = Fraction(x, n)
        if rate < target - margin:
            return "E"
        if rate <= target + above:
            return "S"
        return "S" if Fraction(x - 1, n) < target - margin else "D"
