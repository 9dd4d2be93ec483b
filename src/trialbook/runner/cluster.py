"""Builds cuts on an existing Dask cluster: one cut per worker at a time, on folders that every worker sees."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialbook.errors import UsageError
from trialbook.runner.ingredients import installed
from trialbook.runner.manifest import code_files, locked_names
from trialbook.runner.many import Job, Outcome, build_one
from trialbook.runner.reach import PACKAGE

ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:[0-9]{1,5}")
PROBES = ".probes"
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Seen:
    """What one process sees of the code, of the project and of the folder of the builds."""

    host: str
    code: str
    python: str
    packages: Mapping[str, str]
    project: str
    probe: str


def look_around(root: str, out: str, token: str, mark: str = "") -> Seen:
    """Runs on every worker: what it sees; with `mark` it also leaves a file beside the probe file."""
    import platform

    place, project = Path(out) / PROBES / token, Path(root)
    probe = place / "probe"
    seen = hashlib.sha256(probe.read_bytes()).hexdigest() if probe.is_file() else ""
    if mark and seen:
        (place / mark).write_text("", encoding="utf-8")
    names = set(locked_names(project / "requirements.lock"))
    return Seen(
        host=socket.gethostname(),
        code=_digest(PACKAGE, [PACKAGE / name for name in code_files()]),
        python=platform.python_version(),
        packages={name: version for name, version in sorted(installed().items()) if name in names},
        project=_digest(project, sorted(p for part in ("notebooks", "data_contracts", "params")
                                        for p in (project / part).rglob("*") if p.is_file())),
        probe=seen,
    )  # fmt: skip


def _digest(base: Path, files: list[Path]) -> str:
    """One hash over names and contents of files; nothing where there are none."""
    lines = [f"{p.relative_to(base).as_posix()} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


@contextmanager
def cluster_pool(address: str, root: Path, out: Path, wait: float) -> Iterator[ClusterPool]:
    """A pool on the cluster of the scheduler at `address`.

    Raises UsageError when the package distributed is not installed, when scheduler or a worker cannot be reached within
    `wait` seconds, and when a worker does not see the same folders or runs other code or package versions.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError(
            "building on a cluster needs the package distributed", next_step="pip install 'trialbook[cluster]'"
        ) from None
    if not ADDRESS.fullmatch(address):
        raise UsageError(
            "is not the address of a scheduler", column="--dask", value=address, next_step="write tcp://host:port"
        )
    try:
        client: Any = Client(address, timeout=wait, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"the scheduler cannot be reached within {wait:g} s ({type(error).__name__})", value=address,
            next_step="start it, or correct the address",
        ) from None  # fmt: skip
    with client, probe_folder(out) as token:
        pool = ClusterPool(client, root, out, wait, token)
        pool.check()
        yield pool


@contextmanager
def probe_folder(out: Path) -> Iterator[str]:
    """A folder below `out` with a file of random content, by which a worker shows that it sees the same folder."""
    import shutil

    token = secrets.token_hex(8)
    place = out / PROBES / token
    try:
        place.mkdir(parents=True)
        (place / "probe").write_bytes(secrets.token_bytes(32))
        yield token
    except PermissionError as error:
        raise UsageError("the output folder cannot be written", file=str(error.filename or out)) from None
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass
class ClusterPool:
    """Hands each idle worker one job; a worker that ends takes no more than its own job with it."""

    client: Any
    root: Path
    out: Path
    wait: float
    token: str
    trusted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: deque[Job] = field(default_factory=deque)
    running: dict[str, tuple[Job, Any]] = field(default_factory=dict)

    def check(self) -> None:
        """Looks at every worker there is; raises UsageError when there is none, or one does not fit."""
        try:
            self.client.wait_for_workers(1, timeout=self.wait)
        except TimeoutError:
            raise UsageError(
                f"the cluster has had no worker for {self.wait:g} s", next_step="start workers, then build again"
            ) from None
        self._look_at(self._workers())
        if self.refused:
            worker, reason = sorted(self.refused.items())[0]
            raise UsageError(f"the worker {worker} {reason}", next_step="give workers the same environment and folders")

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self.waiting.append(job)

    def next(self) -> Outcome:
        """Waits for the next outcome; one of a worker that has ended, or of a cluster that is gone, is a failure."""
        lost_since: float | None = None
        while True:
            workers = self._workers()
            self._look_at(workers - self.trusted - set(self.refused))
            self._hand_out(workers & self.trusted)
            outcome = self._finished() or self._orphan(workers)
            if outcome:
                return outcome
            if workers & self.trusted:
                lost_since = None
            elif lost_since is None:
                lost_since = time.monotonic()
            elif time.monotonic() - lost_since > self.wait:
                return Outcome(self.waiting.popleft().cut_id, 1, reason="no worker of the cluster is left")
            time.sleep(POLL_SECONDS)

    def _workers(self) -> set[str]:
        """Addresses of the workers that the scheduler knows now; none when it does not answer."""
        try:
            return set(self.client.scheduler_info(n_workers=-1).get("workers", {}))
        except (OSError, TimeoutError, ValueError, RuntimeError):
            return set()

    def _look_at(self, workers: set[str]) -> None:
        """Sorts new workers into those that fit and those that do not, with the reason."""
        if not workers:
            return
        here = look_around(str(self.root), str(self.out), self.token)
        for worker in sorted(workers):
            mark = hashlib.sha256(worker.encode()).hexdigest()[:16]
            words = (str(self.root), str(self.out), self.token, mark)
            try:
                answer = self.client.run(look_around, *words, workers=[worker], on_error="return").get(worker)
            except (OSError, TimeoutError):
                continue  # it has just ended; if not, it is looked at again
            reason = misfit(here, answer, (self.out / PROBES / self.token / mark).is_file())
            if reason:
                self.refused[worker] = reason
            else:
                self.trusted.add(worker)

    def start(self, job: Job, worker: str) -> Any:
        """Has one worker, and no other, build a job; returns the future of its outcome."""
        return self.client.submit(build_one, job, workers=[worker], allow_other_workers=False, pure=False, retries=0)

    def _hand_out(self, workers: set[str]) -> None:
        for worker in sorted(workers - set(self.running)):
            if self.waiting:
                job = self.waiting.popleft()
                self.running[worker] = (job, self.start(job, worker))

    def _finished(self) -> Outcome | None:
        for worker, (job, future) in sorted(self.running.items()):
            if future.done():
                del self.running[worker]
                if future.status == "finished":
                    return future.result()
                kind = type(future.exception()).__name__ if future.status == "error" else future.status
                return Outcome(job.cut_id, 1, reason=f"the worker {worker} could not build it ({kind})")
        return None

    def _orphan(self, workers: set[str]) -> Outcome | None:
        """The outcome of a job whose worker is gone: it is not tried on another one, which it might kill as well."""
        for worker, (job, future) in sorted(self.running.items()):
            if worker not in workers:
                del self.running[worker]
                future.cancel()
                reason = f"the worker {worker} ended while it built this cut: killed, or out of memory"
                return Outcome(job.cut_id, 1, reason=reason)
        return None


def misfit(here: Seen, there: object, left_its_mark: bool) -> str:
    """Why a worker cannot build what is asked for here; nothing when it can."""
    if not isinstance(there, Seen):
        kind = type(there).__name__ if there is not None else "no answer"
        return f"cannot run trialbook ({kind})"
    if not there.probe or there.probe != here.probe:
        return f"on {there.host} does not see the output folder"
    if not left_its_mark:
        return f"on {there.host} writes to another output folder than this one"
    if there.project != here.project:
        return f"on {there.host} does not see the same project folder"
    if there.python != here.python:
        return f"on {there.host} runs Python {there.python}, here it is {here.python}"
    for name in sorted({*here.packages, *there.packages}):
        one, two = here.packages.get(name, "not installed"), there.packages.get(name, "not installed")
        if one != two:
            return f"on {there.host} has {name} {two}, here it is {one}"
    return "" if there.code == here.code else f"on {there.host} runs other code of trialbook"
