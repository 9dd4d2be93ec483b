"""TITE-BOIN (Yuan et al. 2018; §4.9): BOIN that reads pending subjects by their follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trialbook.dlt.designs.boin import boundaries
from trialbook.dlt.designs.cohorts import CohortRule, at
from trialbook.dlt.designs.design import History, Pending, Reads

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
        """
        up, down = boundaries(self.target)
        pending = len(weights)
        n = completed + pending
        if x / n >= down:
            return "D"
        if 2 * pending > n:
            return SUSPEND
        p = (x + self.target / 2) / (completed + 1)
        rate = (x + p / (1 - p) * (pending - sum(weights))) / n
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
