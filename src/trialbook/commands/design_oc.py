"""The design-oc command: workers, and the file it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.dlt.advice import COMMITTEE
from trialbook.escalation_simulation.exact import MOST_EXACT, exact_characteristics
from trialbook.escalation_simulation.plan import Plan
from trialbook.escalation_simulation.plan import plans_of as plans_of
from trialbook.escalation_simulation.summary import Mapper, design_oc
from trialbook.escalation_simulation.summary import short_table as short_table

ASSUMED = "The true DLT rates are assumed, not estimated; a simulation informs a design, it advises no dose."


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


def closing_words() -> str:
    """What every output says."""
    return f"{ASSUMED} {COMMITTEE}"
