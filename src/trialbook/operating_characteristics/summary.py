"""Operating characteristics as a table: one row per measure and level, with the error of a simulation (§4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np
import pandas as pd

from trialbook.dlt.designs.design import CAP_REACHED, MTD_DECLARED
from trialbook.operating_characteristics.plan import Plan
from trialbook.operating_characteristics.tally import Tally
from trialbook.results.ard import TOTAL

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
