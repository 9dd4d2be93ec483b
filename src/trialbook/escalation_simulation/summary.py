"""Operating characteristics of plans as a table: one row per measure and level, with its simulation error (§4.4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.dlt.designs.design import CAP_REACHED, MTD_DECLARED
from trialbook.escalation_simulation.plan import Plan
from trialbook.escalation_simulation.simulation import Tally, simulate, tally
from trialbook.results.ard import TOTAL

# ----------------------------------------------------------------------------------------------------

COLUMNS = ["rule", "scenario", "cap", "measure", "level", "estimate", "mc_error"]
OUTCOME, SELECTED, UNDECIDED, UNSAFE_SELECTED = "outcome", "selected", "undecided", "selected_above_target"
TREATED, DLTS, LEFT, UNSAFE = "treated", "dlts", "not_evaluable", "treated_above_target"
DAYS = "days"
Row = tuple[str, str, float, float | None]


def characteristics(plan: Plan, sums: Tally) -> pd.DataFrame:
    """The table of a simulated plan, `COLUMNS`; mc_error is the standard error of the simulation.

    | measure               | level                  | estimate                                                     |
    |-----------------------|------------------------|--------------------------------------------------------------|
    | outcome               | code of A-78           | probability that a trial ends so                             |
    | selected              | dose level             | probability that it is declared the MTD                      |
    | selected_above_target | Total                  | that the MTD declared has a true rate above the target       |
    | undecided             | Total                  | that the cap stops the trial before a decision               |
    | treated, dlts, not_evaluable | dose level, Total | subjects per trial, on average                              |
    | treated_above_target  | Total                  | subjects per trial treated above the target rate             |
    | days                  | mean, p10, median, p90 | from the first infusion to the decision                      |
    """
    n = sums.trials
    chances = {code: count / n for code, count in zip(plan.codes, sums.endings.tolist(), strict=True)}
    rows: list[Row] = [
        (measure, level, p, sqrt(p * (1 - p) / n)) for measure, level, p in probability_rows(plan, chances)
    ]
    rows += list(_mean_rows(plan, sums))
    rows += list(_day_rows(sums))
    return frame(plan, rows)


def probability_rows(plan: Plan, chances: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    """(measure, level, probability) from the probability of each ending."""
    for code in plan.codes:
        if chances.get(code, 0.0) > 0:
            yield OUTCOME, code, chances[code]
    declared = {name: chances.get(f"{MTD_DECLARED}({name})", 0.0) for name in plan.ids}
    for name, p in declared.items():
        yield SELECTED, name, p
    above = [name for name, rate in zip(plan.ids, plan.rates, strict=True) if rate > plan.target]
    yield UNSAFE_SELECTED, TOTAL, sum(declared[name] for name in above)
    yield UNDECIDED, TOTAL, sum(p for code, p in chances.items() if code.startswith(CAP_REACHED))


def frame(plan: Plan, rows: Sequence[Row]) -> pd.DataFrame:
    """Rows of one plan as a table."""
    full = [(plan.rule_name, plan.scenario, plan.cap.limit, *row) for row in rows]
    types = {"rule": "str", "scenario": "str", "measure": "str", "level": "str", "estimate": "float64"}
    return pd.DataFrame(full, columns=COLUMNS).astype({**types, "mc_error": "float64"})


def _mean_rows(plan: Plan, sums: Tally) -> Iterator[Row]:
    levels = [*plan.ids, TOTAL]
    named = [(measure, level) for measure in (TREATED, DLTS, LEFT) for level in levels]
    named.append((UNSAFE, TOTAL))
    totals = np.concatenate([sums.treated, sums.dlts, sums.left, sums.unsafe]).tolist()
    for (measure, level), total, square in zip(named, totals, sums.squares.tolist(), strict=True):
        mean = total / sums.trials
        variance = max(square / sums.trials - mean**2, 0.0)
        yield measure, level, mean, sqrt(variance / sums.trials)


def _day_rows(sums: Tally) -> Iterator[Row]:
    day = np.arange(len(sums.days))
    mean = float((day * sums.days).sum() / sums.trials)
    variance = float(((day - mean) ** 2 * sums.days).sum() / sums.trials)
    yield DAYS, "mean", mean, sqrt(variance / sums.trials)
    reached = np.cumsum(sums.days)
    for name, share in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
        yield DAYS, name, float(np.searchsorted(reached, share * sums.trials)), None


def short_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per plan: probability that each level is declared the MTD, and what a reader asks next."""
    wanted = {
        (UNDECIDED, TOTAL): "undecided at the cap", (OUTCOME, "NO_DOSE"): "no dose",
        (TREATED, TOTAL): "treated", (DLTS, TOTAL): "DLTs",
        (UNSAFE, TOTAL): "above target", (DAYS, "mean"): "days",
    }  # fmt: skip
    rows = []
    for (rule, scenario), part in table.groupby(["rule", "scenario"], sort=False):
        found = {
            (m, level): value for m, level, value in part[["measure", "level", "estimate"]].itertuples(index=False)
        }
        row = {"rule": rule, "true rates": scenario}
        row |= {f"MTD {level}": f"{v:.3f}" for (measure, level), v in found.items() if measure == SELECTED}
        row |= {name: f"{found.get(key, 0.0):.3f}" for key, name in wanted.items() if key[0] != DAYS}
        row["days"] = f"{found[DAYS, 'mean']:.0f}" if (DAYS, "mean") in found else "-"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


# ----------------------------------------------------------------------------------------------------
# A grid of plans in fixed blocks of trials, each with a seed of its own: any workers, the same digits.


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
