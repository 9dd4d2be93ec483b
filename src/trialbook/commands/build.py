"""What `trialbook build` does: cuts or the cases of a grid, here or on a cluster, reported one by one and in sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trialbook.pipeline.cut_queue import Job, Outcome, Pool, build_many, limits_here, local_pool, worst
from trialbook.protocol.models import Trial

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("dlt", "dlt_evaluable", "orr_n", "orr_N", "orr_rate", "orr_low", "orr_high")


@dataclass(frozen=True)
class Options:
    """How the builds are made, and where: on a cluster when `dask` is its scheduler's address."""

    out: Path
    jobs: int = 2
    charts: Literal["live", "static"] = "live"
    force: bool = False
    dask: str | None = None
    dask_wait: float = 30
    supersede: bool = False

    def job(self, trial: Trial, root: Path) -> Job:
        """The job that builds a trial in this way."""
        # A worker may run in another folder: every path is absolute.
        return Job(
            trial, root.resolve(), self.out.resolve(), self.jobs, self.charts, self.force, self.supersede, limits_here()
        )  # fmt: skip


def build_cuts(trials: Sequence[Trial], root: Path, options: Options, console: Console) -> int:
    """Builds cuts, says where each first page is or why there is none, and returns the worst exit status."""
    outcomes = _build([options.job(trial, root) for trial in trials], root, options, _teller(console))
    if len(outcomes) > 1:
        console.print(_summary(outcomes))
    return worst(outcomes)


def build_grid(file: Path, root: Path, options: Options, console: Console) -> int:
    """Builds every case of a grid and writes their headline results to `<out>/<grid_id>.csv`; the worst exit status."""
    from trialbook.commands.parameter_grid import grid_table, grid_trials, read_grid, write_grid_table

    grid = read_grid(file)
    trials = grid_trials(grid, str(file), root)
    outcomes = _build([options.job(trial, root) for _, trial in trials], root, options, _teller(console))
    table = grid_table(trials, outcomes)
    options.out.mkdir(parents=True, exist_ok=True)
    path = write_grid_table(table, options.out.resolve(), grid.grid_id)
    console.print(_shown(table))
    console.print(f"headline results of every case: {path}", markup=False)
    return worst(outcomes)


def _build(jobs: list[Job], root: Path, options: Options, tell: Callable[[Outcome], None]) -> list[Outcome]:
    with _pool(root, options) as pool:
        return build_many(jobs, pool, tell)


def _pool(root: Path, options: Options) -> AbstractContextManager[Pool]:
    if options.dask is None:
        return local_pool()
    from trialbook.pipeline.cluster import cluster_pool

    return cluster_pool(options.dask, root.resolve(), options.out.resolve(), options.dask_wait)


def _teller(console: Console) -> Callable[[Outcome], None]:
    def tell(outcome: Outcome) -> None:
        said = outcome.index if outcome.built else f"{outcome.cut_id} stopped: {outcome.reason}"
        console.print(said, markup=False)
        for line in outcome.details:
            console.print(f"{outcome.cut_id}: {line}", markup=False)
        if outcome.chinese:
            console.print(outcome.chinese, markup=False)

    return tell


def _summary(outcomes: Sequence[Outcome]) -> Table:
    """Which cuts were built and which were not, and why."""
    table = Table("cut", "status", "seconds", "reason", box=None, title="Summary", title_justify="left")
    for outcome in outcomes:
        status = "[green]built[/green]" if outcome.built else "[red]not built[/red]"
        table.add_row(outcome.cut_id, status, f"{outcome.seconds:.1f}", escape(outcome.reason))
    return table


def _shown(frame: pd.DataFrame) -> Table:
    """The headline results on a terminal, close together; the file has each number in a column of its own."""
    table = Table("build", "DLT", "ORR", "rate", box=None, title="Results by case", title_justify="left")
    days = [name for name in frame.columns if name.startswith("os_") and name != "os_median"]
    for column in table.columns:
        column.overflow = "fold"
    for name in days:
        table.add_column(f"OS {name.removeprefix('os_')}")
    for row in frame.reindex(columns=[*frame.columns, *(n for n in NUMBERS if n not in frame)], fill_value="").to_dict(
        "records"
    ):
        if row["status"] != "built":
            table.add_row(escape(row["build"]), f"[red]{escape(row['status'])}[/red]")
            continue
        rate = f"{row['orr_rate']} ({row['orr_low']} to {row['orr_high']})" if row["orr_rate"] else ""
        counts = [_of(row["dlt"], row["dlt_evaluable"]), _of(row["orr_n"], row["orr_N"])]
        table.add_row(escape(row["build"]), *counts, rate, *(row[name] for name in days))
    return table


def _of(n: str, total: str) -> str:
    return f"{n}/{total}" if n else ""
