"""A cluster whose scheduler is stopped for a while, and one on a machine that is busy: every built cut is reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.paths import ROOT, TESTS
from trialbook.core.errors import UsageError
from trialbook.pipeline import cluster as module
from trialbook.pipeline.cluster import ClusterPool, leave, probe_folder
from trialbook.pipeline.cut_queue import Job, Outcome, build_many
from trialbook.protocol.load import load_trial

pytestmark = pytest.mark.build
BUSY = "while True: sum(range(10_000))"
WORKERS = 2


def stands_in_for_a_build(job: Job, place: Path) -> Outcome:
    """Some work of some seconds, which writes its outcome as a build does."""
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        sum(range(10_000))
        time.sleep(0.05)
    outcome = Outcome(job.cut_id, 0, "index.html")
    leave(outcome, place)
    return outcome


class Acting(ClusterPool):
    """A pool whose jobs take a few seconds each."""

    def start(self, job: Job, worker: str, place: Path) -> Any:
        return self._submit(worker, stands_in_for_a_build, job, place)


@dataclass
class Cluster:
    """The processes of a cluster on the loopback interface."""

    address: str
    scheduler: subprocess.Popen[bytes]

    def silent(self, seconds: float) -> None:
        """Stops the scheduler for a while, and lets it go on."""
        self.scheduler.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.scheduler.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers, each a process of its own."""
    folder = tmp_path_factory.mktemp("cluster")
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}"}
    env |= {"DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    log = (folder / "log").open("wb")

    def start(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
        return subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)

    file = folder / "scheduler.json"
    scheduler = start(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
    )
    workers = [
        start("worker", "--scheduler-file", str(file), "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard",
              "--local-directory", str(folder / f"w{k}"))
        for k in range(WORKERS)
    ]  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not file.is_file() and time.monotonic() < until:
            time.sleep(0.1)
        yield Cluster(json.loads(file.read_text())["address"], scheduler)
    finally:
        scheduler.send_signal(signal.SIGCONT)
        for process in (*workers, scheduler):
            process.terminate()
        for process in (*workers, scheduler):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        log.close()


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Processes that leave nothing of the machine to others."""
    with ExitStack() as stack:
        for _ in range(processes):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(process.kill)
        yield


@contextmanager
def acting(address: str, root: Path, out: Path) -> Iterator[Acting]:
    import dask.config
    from distributed import Client

    # What the client remembers of the workers is emptied beside us, all the time.
    with (
        dask.config.set({"distributed.client.scheduler-info-interval": "2ms"}),
        Client(address, set_as_default=False) as client,
        probe_folder(out) as token,
    ):
        client.wait_for_workers(WORKERS, timeout=60)
        pool = Acting(client, root, out, 30, token)
        pool.check()
        yield pool


@pytest.fixture(autouse=True)
def asked_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler is asked two hundred times a second, so that one wrong answer would be heard, and acted upon."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(module, "GONE_SECONDS", 0.0)


@pytest.fixture
def job(root: Path, tmp_path: Path) -> Callable[[str], Job]:
    trial = load_trial(root / "params" / "cuts" / "2025-03-31.yaml", root)

    def made(cut_id: str) -> Job:
        cut = trial.cut.model_copy(update={"cut_id": cut_id})
        return Job(trial.model_copy(update={"cut": cut}), root, tmp_path)

    return made


def one_round(cluster: Cluster, root: Path, out: Path, jobs: list[Job], silence: float) -> None:
    """Every job is built, although the scheduler is silent for longer than anybody waits for an answer."""
    with acting(cluster.address, root, out) as pool:
        stopper = threading.Timer(1.0, cluster.silent, [silence])
        stopper.start()
        outcomes = build_many(jobs, pool, lambda _: None)
        stopper.join()
    assert [(outcome.cut_id, outcome.reason) for outcome in outcomes if not outcome.built] == []
    assert len(outcomes) == len(jobs)


@pytest.mark.soak
def test_a_scheduler_that_is_stopped_and_goes_on_loses_no_cut(
    cluster: Cluster, root: Path, job: Callable[[str], Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)
    one_round(cluster, root, tmp_path, [job(f"c{k}") for k in range(4)], silence=7)


@pytest.mark.soak
def test_a_machine_with_eight_busy_processes_loses_no_cut(
    cluster: Cluster, root: Path, job: Callable[[str], Job], tmp_path: Path
) -> None:
    with busy(8):
        one_round(cluster, root, tmp_path, [job(f"c{k}") for k in range(4)], silence=2)


def looks_for_long(root: str, out: str, token: str, mark: str = "") -> None:
    """A look around that a worker (which is given a `mark`) does not end in time."""
    if mark:
        time.sleep(3)


def test_a_worker_that_does_not_answer_is_named_and_not_waited_for(
    cluster: Cluster, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    monkeypatch.setattr(module, "look_around", looks_for_long)
    with Client(cluster.address, set_as_default=False) as client, probe_folder(tmp_path) as token:
        client.wait_for_workers(WORKERS, timeout=60)
        pool = ClusterPool(client, root, tmp_path, 1, token)
        with pytest.raises(UsageError, match=r"the worker tcp://\S+ has not answered for 1 s\. Next: "):
            pool.check()


@pytest.mark.soak
@pytest.mark.parametrize("number", range(20))
def test_twenty_rounds_under_load_lose_no_cut(
    cluster: Cluster, root: Path, job: Callable[[str], Job], tmp_path: Path, number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2 + 0.2 * (number % 5))
    with busy(8):
        one_round(cluster, root, tmp_path, [job(f"c{k}") for k in range(6)], silence=1 + number % 7)
