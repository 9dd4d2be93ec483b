"""The design-oc command: plans from words, workers, the file it writes and the short table it prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.dlt.advice import COMMITTEE
from trialbook.dlt.designs.design import Cap
from trialbook.dlt.designs.registry import NO_RULE
from trialbook.escalation_simulation import summary
from trialbook.escalation_simulation.exact import MOST_EXACT, exact_characteristics
from trialbook.escalation_simulation.plan import Plan, make_plan
from trialbook.escalation_simulation.summary import Mapper, design_oc
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import TOTAL

ASSUMED = "The true DLT rates are assumed, not estimated; a simulation informs a design, it advises no dose."


def plans_of(
    analysis: Analysis, rules: Sequence[str], rates: Sequence[str], skeleton: str | None = None, **how: object
) -> list[Plan]:
    """One plan per rule and set of rates (`0.05,0.15,0.30`); the protocol's where none is given.

    `how` sets fields of `Plan`; a cap is a number of subjects. Raises UsageError where they cannot be read.
    """
    names = list(rules) or [analysis.escalation_rule]
    if names == [NO_RULE]:
        raise UsageError("the protocol has no escalation rule", column="rule", next_step="name one with --rule")
    if skeleton is not None:
        analysis = analysis.model_copy(update={"crm_skeleton": list(numbers(skeleton, "skeleton"))})
    if how.get("cap") is not None:
        analysis = analysis.model_copy(update={"n_cap": how["cap"]})
    scenarios = [numbers(text, "rates") for text in rates] or [tuple(v) for v in analysis.oc_scenarios.values()]
    given = {key: value for key, value in how.items() if key != "cap" and value is not None}
    cap = Cap(analysis.n_cap, analysis.cap_counts)
    return [make_plan(name, one, analysis, cap=cap, **given) for one in scenarios for name in names]


def numbers(text: str, what: str) -> tuple[float, ...]:
    """The numbers of `0.05,0.15,0.30`. Raises UsageError.

    >>> numbers("0.05, 0.15", "rates")
    (0.05, 0.15)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            "these are not numbers divided by commas", column=what, value=text, next_step="write 0.05,0.15,0.30"
        ) from None


def run_plans(plans: Sequence[Plan], trials: int, seed: int, jobs: int = 1) -> pd.DataFrame:
    """Simulates the plans, on `jobs` processes; their number changes no digit."""
    if jobs == 1:
        return design_oc(plans, trials, seed)
    with ProcessPoolExecutor(jobs) as pool:
        mapper: Mapper = pool.map
        return design_oc(plans, trials, seed, mapper)


def run_on_cluster(
    plans: Sequence[Plan], trials: int, seed: int, address: str, root: Path, wait: float
) -> pd.DataFrame:
    """The same on the workers of a Dask scheduler, those that run this very code; the same digits as here.

    Raises UsageError where scheduler or workers cannot be used (`cluster.cluster_pool`).
    """
    from trialbook.pipeline.cluster import cluster_pool

    with cluster_pool(address, root, root / "build", wait) as pool:

        def mapper(work: Callable[..., object], tasks: Sequence[object]) -> list[object]:
            futures = pool.client.map(work, tasks, workers=sorted(pool.trusted), pure=False)
            return list(pool.client.gather(futures))

        return design_oc(plans, trials, seed, mapper)


def run_exactly(plans: Sequence[Plan]) -> pd.DataFrame:
    """The same table by enumeration, cohorts treated whole. Raises UsageError where there are too many states."""
    for plan in plans:
        if plan.cap.limit > MOST_EXACT:
            raise UsageError(
                "there are too many states to enumerate", column="cap", value=plan.cap.limit,
                next_step=f"choose a cap of at most {MOST_EXACT}, or leave out --exact",
            )  # fmt: skip
    return pd.concat([exact_characteristics(plan) for plan in plans], ignore_index=True)


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Writes the whole table as CSV."""
    out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(out, index=False, lineterminator="\n", float_format="%.6f")


def short_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per plan: probability that each level is declared the MTD, and what a reader asks next."""
    wanted = {
        (summary.UNDECIDED, TOTAL): "undecided at the cap", (summary.OUTCOME, "NO_DOSE"): "no dose",
        (summary.TREATED, TOTAL): "treated", (summary.DLTS, TOTAL): "DLTs",
        (summary.UNSAFE, TOTAL): "above target", (summary.DAYS, "mean"): "days",
    }  # fmt: skip
    rows = []
    for (rule, scenario), part in table.groupby(["rule", "scenario"], sort=False):
        found = {
            (m, level): value for m, level, value in part[["measure", "level", "estimate"]].itertuples(index=False)
        }
        row = {"rule": rule, "true rates": scenario}
        row |= {f"MTD {level}": f"{v:.3f}" for (measure, level), v in found.items() if measure == summary.SELECTED}
        row |= {name: f"{found.get(key, 0.0):.3f}" for key, name in wanted.items() if key[0] != summary.DAYS}
        row["days"] = f"{found[summary.DAYS, 'mean']:.0f}" if (summary.DAYS, "mean") in found else "-"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def closing_words() -> str:
    """What every output says."""
    return f"{ASSUMED} {COMMITTEE}"
