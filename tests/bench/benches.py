"""The benchmarks of docs/performance.md: a registry, so that a new one is a function and a line in `BENCHES`."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.measured import Measured, measure
from bench.naive_chain import naive_chain
from bench.project_copy import LAST_CUT, ProjectCopy

TRIALBOOK = Path(sys.executable).with_name("trialbook")
LEAF = "06_os.ipynb"


@dataclass(frozen=True)
class Bench:
    """One line of the table: what is measured, how often, and the least ratio to the naive chain, if one is asked.

    `runs` yields once for each repeat.
    """

    name: str
    runs: Callable[[ProjectCopy, int], Iterator[Measured]]
    repeats: int = 3
    at_least: float | None = None


@dataclass(frozen=True)
class Line:
    """What was found for one benchmark: the median of its repeats."""

    bench: Bench
    found: Measured
    repeats: int


def run_bench(bench: Bench, project: ProjectCopy, repeats: int) -> Line:
    """Measures one benchmark; the median of the seconds, the highest of the peaks.

    Seconds count from runs whose memory was not watched, where there are any.
    """
    found = list(bench.runs(project, repeats))
    timed = [run for run in found if not run.watched] or found
    middle = statistics.median(run.seconds for run in timed)
    return Line(bench, Measured(middle, max(run.peak_mib for run in found)), len(timed))


def build(project: ProjectCopy, *, watched: bool = False) -> Measured:
    """`trialbook build` of the last demo cut."""
    return measure([TRIALBOOK, "build", LAST_CUT, "--out", project.out], project.env, project.root, watched=watched)


def _naive(project: ProjectCopy, repeats: int) -> Iterator[Measured]:
    # Watched while it is timed: one process at a time leaves the other core to the watch.
    for number in range(repeats):
        yield naive_chain(project, project.out.with_name(f"naive-{number}"), {})


def _cold(project: ProjectCopy, repeats: int) -> Iterator[Measured]:
    for watched in _one_more_watched(repeats):
        project.without_builds()
        yield build(project, watched=watched)


def _leaf_edited(project: ProjectCopy, repeats: int) -> Iterator[Measured]:
    build(project)
    for number, watched in enumerate(_one_more_watched(repeats)):
        project.edit(LEAF, f"edited {number}")
        yield build(project, watched=watched)


def _unchanged(project: ProjectCopy, repeats: int) -> Iterator[Measured]:
    build(project)
    for watched in _one_more_watched(repeats):
        yield build(project, watched=watched)


def _one_more_watched(repeats: int) -> list[bool]:
    """Runs to time, then one to watch the memory of."""
    return [False] * repeats + [True]


NAIVE = Bench("naive chain: papermill, a checkpoint script, nbconvert for each notebook", _naive, repeats=1)
BENCHES = (
    NAIVE,
    Bench("`trialbook build`, nothing there yet", _cold, at_least=12),
    Bench("after editing one notebook (06_os)", _leaf_edited, at_least=30),
    Bench("nothing changed", _unchanged, repeats=5, at_least=120),
)
