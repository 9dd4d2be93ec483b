"""Cuts on a cluster of two worker processes: the same bytes as here, one failed cut stops no other, nobody hangs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from support.demo_workbook import Workbook
from trialbook.commands import build
from trialbook.core.errors import UsageError
from trialbook.diff.builds import compare_builds
from trialbook.pipeline import cut_queue
from trialbook.pipeline.cluster import PROBES, ClusterPool, cluster_pool, look_around, probe_folder
from trialbook.pipeline.cut_queue import Job, Outcome, build_many
from trialbook.pipeline.publish import KEPT
from trialbook.protocol.load import load_trial

pytestmark = pytest.mark.build
FIRST, SECOND = "2025-03-31", "2025-06-30"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two worker processes with one thread each, on the loopback interface only, without a dashboard."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1",
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as started:  # fmt: skip
        yield started


def test_cuts_on_a_cluster_are_those_built_here_and_one_that_stops_stops_no_other(
    cluster: Any, demo: Path, root: Path, workbook: Workbook, tmp_path: Path
) -> None:
    (workbook.snapshot / "dm.csv").unlink()
    named = [root / "params" / "cuts" / f"{cut}.yaml" for cut in (SECOND, FIRST)]
    trials = [load_trial(file, root) for file in (*named, workbook.cut_file())]
    console = Console(record=True, width=200)
    out = tmp_path / "on the cluster"
    # The first cut is built already, and waits for nothing; of the second a worker runs the last notebook, and all
    # else is kept from here. Whole builds in other surroundings: test_same_bytes, failures/test_sterile_builds.
    shutil.copytree(demo / FIRST, out / FIRST)
    shutil.copytree(demo / KEPT / SECOND, out / KEPT / SECOND, ignore=shutil.ignore_patterns("06_os*", "signals*"))
    options = build.Options(out, dask=cluster.scheduler_address)
    assert build.build_cuts(trials, root, options, console) == 1
    for cut in (FIRST, SECOND):
        assert compare_builds(demo / cut, out / cut) == []
    reused = set(json.loads((out / SECOND / "run.json").read_text(encoding="utf-8"))["reused"])
    assert len(reused) > 10
    assert not any(piece.startswith(("06_os", "signals")) for piece in reused)
    text = console.export_text()
    assert text.index(str(out / FIRST)) < text.index(str(out / SECOND)), "a cut comes after its previous one"
    assert "case stopped: " in text
    assert "DM" in text
    assert not (out / "case").exists()
    assert not any((out / PROBES).iterdir())


def test_a_grid_sets_the_headline_results_of_its_cases_side_by_side(
    demo: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = tmp_path / "grid.yaml"
    grid.write_text(
        "grid_id: sens\ncuts: ['2025-09-30']\noverrides: {response_rules: [CIBMTR, CN]}\n", encoding="utf-8"
    )

    def stands_already(job: Job) -> Outcome:
        if job.trial.analysis.response_rules == "CN":
            return Outcome(job.cut_id, 3, reason="another build of the cut is running")
        return Outcome(job.cut_id, 0, str(demo / "2025-09-30" / "index.html"))

    monkeypatch.setattr(cut_queue, "build_one", stands_already)
    console = Console(record=True, width=250)
    assert build.build_grid(grid, root, build.Options(tmp_path / "out"), console) == 3
    table = pd.read_csv(tmp_path / "out" / "sens.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    golden = pd.read_csv(root / "tests" / "golden" / "2025-09-30.csv", dtype="str", keep_default_na=False)
    wanted = golden[golden["group1_level"].eq("Total") & golden["context"].eq("clopper_pearson")]
    for column, analysis, stat in (
        ("orr_n", "ORR_D28", "n"),
        ("orr_rate", "ORR_D28", "estimate"),
        ("dlt", "DLT_RATE", "n"),
    ):
        known = wanted[wanted["analysis_id"].eq(analysis) & wanted["stat_name"].eq(stat)]["stat_text"].tolist()
        assert table[column].tolist() == [*known, ""], column
    assert table["status"].tolist() == ["built", "not built"]
    assert table["os_100"].iloc[0]
    assert table["advice"].iloc[0]
    assert table["build"].tolist() == [f"2025-09-30--response_rules-{rules}" for rules in ("CIBMTR", "CN")]
    assert "another build of the cut is running" in console.export_text()


def end_at_once() -> None:
    """Takes the place of a build that runs out of memory: the process is gone, no exception, no answer."""
    os._exit(9)


def outcome_of(cut_id: str) -> Outcome:
    """Takes the place of a build that works."""
    return Outcome(cut_id, 0, "index.html")


class Acting(ClusterPool):
    """A pool that plays what the name of a cut says, in the place of builds."""

    def start(self, job: Job, worker: str, place: Path) -> Any:
        acts = {"dies": (end_at_once,), "odd": (int, "x")}
        function, *words = acts.get(job.cut_id, (outcome_of, job.cut_id))
        return self._submit(worker, function, *words)


@contextmanager
def acting(cluster: Any, root: Path, out: Path, wait: float = 30) -> Iterator[Acting]:
    from distributed import Client

    with Client(cluster.scheduler_address, set_as_default=False) as client, probe_folder(out) as token:
        pool = Acting(client, root, out, wait, token)
        pool.check()
        yield pool


@pytest.fixture
def job(root: Path, tmp_path: Path) -> Callable[[str], Job]:
    def made(cut_id: str) -> Job:
        trial = load_trial(root / "params" / "cuts" / f"{FIRST}.yaml", root)
        cut = trial.cut.model_copy(update={"cut_id": cut_id})
        return Job(trial.model_copy(update={"cut": cut}), root, tmp_path)

    return made


def test_a_worker_that_dies_fails_its_own_cut_only_and_the_next_worker_is_used(
    cluster: Any, root: Path, job: Callable[[str], Job], tmp_path: Path
) -> None:
    with acting(cluster, root, tmp_path) as pool:
        outcomes = build_many([job(name) for name in ("dies", "a", "b", "odd", "c")], pool, lambda _: None)
        workers = set(cluster.scheduler_info["workers"])
    reasons = {outcome.cut_id: outcome.reason for outcome in outcomes}
    assert [outcome.built for outcome in outcomes] == [False, True, True, False, True]
    assert reasons["dies"].endswith("ended while it built this cut: killed, or out of memory")
    assert reasons["odd"].endswith("could not build it (ValueError)")
    assert workers


def test_a_worker_that_does_not_see_the_output_folder_is_refused(cluster: Any, root: Path, tmp_path: Path) -> None:
    from distributed import Client

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        pool = ClusterPool(client, root, tmp_path, 30, "a-token-without-a-probe-file")
        with pytest.raises(UsageError, match="does not see the output folder"):
            pool.check()


def test_what_a_worker_sees_is_what_is_seen_here(cluster: Any, root: Path, tmp_path: Path) -> None:
    with cluster_pool(cluster.scheduler_address, root, tmp_path, 30) as pool:
        assert isinstance(pool, ClusterPool)
        assert len(pool.trusted) == len(cluster.workers)
        here = look_around(str(root), str(tmp_path), pool.token)
        assert len(here.packages) > 100
        assert here.probe
    assert list((tmp_path / PROBES).iterdir()) == []


@pytest.mark.soak
def test_a_cluster_that_loses_its_workers_hangs_nobody(
    cluster: Any, root: Path, job: Callable[[str], Job], tmp_path: Path
) -> None:
    with acting(cluster, root, tmp_path, wait=2) as pool:
        cluster.scale(0)
        while pool._workers():
            time.sleep(0.1)
        outcomes = build_many([job("a"), job("b")], pool, lambda _: None)
    assert [outcome.reason for outcome in outcomes] == ["no worker of the cluster is left"] * 2
    with (
        pytest.raises(UsageError, match="the cluster has had no worker for 1 s"),
        cluster_pool(cluster.scheduler_address, root, tmp_path, 1),
    ):
        pass
