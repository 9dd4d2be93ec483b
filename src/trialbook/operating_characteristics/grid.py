"""A grid of plans in fixed blocks of trials, each with a seed of its own: any workers, the same digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialbook.errors import UsageError
from trialbook.operating_characteristics.plan import Plan
from trialbook.operating_characteristics.simulation import simulate
from trialbook.operating_characteristics.summary import characteristics
from trialbook.operating_characteristics.tally import Tally, tally

# Trials of one block. It belongs to the result: another size draws other numbers.
BLOCK = 10_000
Task = tuple[Plan, int, np.random.SeedSequence]
# `map`, or the `map` of a cluster that keeps the order: of a function over tasks.
Mapper = Callable[[Callable[[Task], Tally], Sequence[Task]], Iterable[Any]]


def design_oc(plans: Sequence[Plan], trials: int, seed: int, mapper: Mapper = map) -> pd.DataFrame:
    """Operating characteristics of each plan, in their order (`summary.COLUMNS`), from `trials` trials each.

    All plans see the same made-up patients. The result depends on seed and `trials` alone, not on how `mapper`
    spreads the blocks. Raises UsageError when there is nothing to simulate.
    """
    if trials < 1:
        raise UsageError("there must be at least one trial", column="trials", value=trials)
    seeds = np.random.SeedSequence(seed).spawn(-(-trials // BLOCK))
    sizes = [min(BLOCK, trials - BLOCK * k) for k in range(len(seeds))]
    tasks = [(plan, size, one) for plan in plans for size, one in zip(sizes, seeds, strict=True)]
    tallies = list(mapper(run_block, tasks))
    tables = []
    for k, plan in enumerate(plans):
        first, *others = tallies[k * len(seeds) : (k + 1) * len(seeds)]
        tables.append(characteristics(plan, sum(others, start=first)))
    return pd.concat(tables, ignore_index=True)


def run_block(task: Task) -> Tally:
    """One block of one plan: what a worker is given, and what it gives back."""
    plan, trials, seed = task
    return tally(plan, simulate(plan, trials, seed))
