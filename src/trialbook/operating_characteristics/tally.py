"""Sums over simulated trials: whole numbers only, so that neither order nor the number of parts changes a digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialbook.operating_characteristics.lookup import Ints
from trialbook.operating_characteristics.plan import Plan
from trialbook.operating_characteristics.simulation import Trials


@dataclass(frozen=True)
class Tally:
    """Sums over trials; `squares` are those of the numbers of subjects, for the error of a simulation.

    The last place of an array by level is the total; `unsafe` counts subjects treated above the target rate; `days`
    is how many trials took 0, 1, 2, ... days.
    """

    trials: int
    endings: Ints
    treated: Ints
    dlts: Ints
    left: Ints
    unsafe: Ints
    squares: Ints
    days: Ints

    def __add__(self, other: Tally) -> Tally:
        """The tally of both."""
        longest = max(len(self.days), len(other.days))
        days = np.zeros(longest, dtype=np.int64)
        days[: len(self.days)] += self.days
        days[: len(other.days)] += other.days
        return Tally(
            self.trials + other.trials, self.endings + other.endings, self.treated + other.treated,
            self.dlts + other.dlts, self.left + other.left, self.unsafe + other.unsafe, self.squares + other.squares,
            days,
        )  # fmt: skip


def tally(plan: Plan, trials: Trials) -> Tally:
    """The sums over simulated trials."""
    above = np.array([rate > plan.target for rate in plan.rates])
    unsafe = trials.treated[above].sum(axis=0)
    counted = [_with_total(counts) for counts in (trials.treated, trials.dlts, trials.left)]
    return Tally(
        trials=len(trials.ending),
        endings=np.bincount(trials.ending, minlength=len(plan.codes)).astype(np.int64),
        treated=counted[0].sum(axis=1), dlts=counted[1].sum(axis=1), left=counted[2].sum(axis=1),
        unsafe=unsafe.sum(keepdims=True),
        squares=np.concatenate([*((c**2).sum(axis=1) for c in counted), (unsafe**2).sum(keepdims=True)]),
        days=np.bincount(trials.days).astype(np.int64),
    )  # fmt: skip


def _with_total(counts: Ints) -> Ints:
    return np.vstack([counts, counts.sum(axis=0)])
