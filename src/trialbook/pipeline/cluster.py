"""Builds cuts on an existing Dask cluster: one cut per worker at a time, on folders that every worker sees."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from trialbook.core.errors import UsageError
from trialbook.core.file_marks import PACKAGE
from trialbook.pipeline.cut_queue import Job, Outcome, build_one
from trialbook.pipeline.dependencies import installed
from trialbook.pipeline.manifest import code_files, locked_names
from trialbook.pipeline.publish import LOCKS

# ----------------------------------------------------------------------------------------------------
# What a worker of a cluster sees of the code, the project and the builds, and whether it can build what is asked.


# Below the folder of the builds: a folder for each command, in which workers show that they see it.
PROBES = ".probes"


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
    """Runs on every worker: what it sees; with `mark` it also writes a file beside the probe file."""
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


# ----------------------------------------------------------------------------------------------------
# Outcomes of jobs on other machines, written to the folder that all of them see: none is lost with a connection.
#
# A scheduler may be silent, and a worker may be cut off from it while its build goes on. A file beside the builds says
# whether that build has ended, and the lock of its cut whether it still runs.


def build_and_leave(job: Job, place: Path) -> Outcome:
    """Builds one cut in this process, and writes the outcome to the file `place` too."""
    outcome = build_one(job)
    leave(outcome, place)
    return outcome


def leave(outcome: Outcome, place: Path) -> None:
    """Writes an outcome to a file, whole or not at all."""
    coming = place.with_name(f".{place.name}.coming")
    # Where it cannot be written, the outcome still goes back by way of the scheduler.
    with suppress(OSError):
        coming.write_text(json.dumps(asdict(outcome), ensure_ascii=False), encoding="utf-8")
        os.replace(coming, place)


def left_outcome(place: Path) -> Outcome | None:
    """The outcome in a file; None while there is none."""
    try:
        plain = json.loads(place.read_text(encoding="utf-8"))
        return Outcome(**{**plain, "details": tuple(plain["details"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_being_built(out: Path, cut_id: str) -> bool:
    """Whether a process, here or on another machine, holds the lock of this cut."""
    place = out / LOCKS / f"{cut_id}.lock"
    if not place.is_file():
        return False
    lock = FileLock(place, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        # It cannot be asked: nothing says that the build has ended.
        return True
    lock.release()
    return False


# ----------------------------------------------------------------------------------------------------

ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:[0-9]{1,5}")
POLL_SECONDS = 0.5
# A question to the scheduler that takes longer is asked again; that says nothing about its workers.
ANSWER_SECONDS = 10.0
# A worker is gone when the scheduler has not known of it for so long, and nobody holds the lock of its cut.
GONE_SECONDS = 5.0
# Silence of so many times the wait for a scheduler is taken for its end.
SILENCES = 10
# How often a job is handed out again of which a lost connection took every trace.
MOST_TRIES = 3
BUSY = 3
# What to do about a worker that does not say what it sees, and about one that sees something else.
END_IT = "end it, where it is stopped or its machine overloaded, or give --dask-wait more seconds"
MAKE_EQUAL = "give workers the same environment and folders"


class Refusal(NamedTuple):
    """Why a worker gets no job, and what to do about it."""

    reason: str
    next_step: str


# Errors of a future that say something of connections and workers, and nothing of the build.
LOST = (
    "KilledWorker", "NoValidWorkerError", "NoWorkerError", "CommClosedError", "CancelledError",
    "FutureCancelledError", "FuturesCancelledError", "FutureLostError",
)  # fmt: skip


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
class Handed:
    """A job in the hands of a worker; `gone_since`: since when the scheduler does not know of the worker any more."""

    job: Job
    worker: str
    futures: list[Any]
    places: list[Path]
    gone_since: float | None = None


@dataclass
class ClusterPool:
    """Hands each idle worker one job; a worker that ends takes no more than its own job with it.

    A job is given up only when its worker is known to be gone: the scheduler answers and does not know of it, no
    process holds the lock of the cut, and no outcome was written. A written outcome counts, however late it comes.
    """

    client: Any
    root: Path
    out: Path
    wait: float
    token: str
    trusted: set[str] = field(default_factory=set)
    refused: dict[str, Refusal] = field(default_factory=dict)
    waiting: deque[Job] = field(default_factory=deque)
    running: dict[str, Handed] = field(default_factory=dict)

    def check(self) -> None:
        """Looks at every worker there is; raises UsageError when there is none, or one does not fit."""
        try:
            self.client.wait_for_workers(1, timeout=self.wait)
        except TimeoutError:
            raise UsageError(
                f"the cluster has had no worker for {self.wait:g} s", next_step="start workers, then build again"
            ) from None
        began = time.monotonic()
        while (workers := self._workers()) is None:
            if time.monotonic() - began > self.wait:
                raise UsageError(f"the scheduler has not answered for {self.wait:g} s", next_step="look after it")
        self._look_at(workers)
        if self.refused:
            worker, refusal = sorted(self.refused.items())[0]
            raise UsageError(f"the worker {worker} {refusal.reason}", next_step=refusal.next_step)

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self.waiting.append(job)

    def next(self) -> Outcome:
        """Waits for the next outcome; one of a worker that has ended, or of a cluster that is gone, is a failure."""
        heard = time.monotonic()
        without_worker: float | None = None
        while True:
            workers = self._workers()
            silence = time.monotonic() - heard
            if workers is not None:
                heard = time.monotonic()
                self._look_at(workers - self.trusted - set(self.refused))
                self._hand_out(workers & self.trusted)
            outcome = self._ended() or self._given_up(workers, silence > SILENCES * self.wait)
            if outcome:
                return outcome
            if workers is None:
                if silence > SILENCES * self.wait and self.waiting:
                    reason = f"the scheduler has not answered for {SILENCES * self.wait:g} s"
                    return Outcome(self.waiting.popleft().cut_id, 1, reason=reason)
            elif workers & self.trusted:
                without_worker = None
            elif without_worker is None:
                without_worker = time.monotonic()
            elif time.monotonic() - without_worker > self.wait and self.waiting:
                return Outcome(self.waiting.popleft().cut_id, 1, reason="no worker of the cluster is left")
            time.sleep(POLL_SECONDS)

    def _workers(self) -> set[str] | None:
        """Addresses of the workers that the scheduler knows now; None when it does not answer.

        The question goes to the scheduler itself: what the client remembers is refreshed beside us, without workers.
        """
        try:
            identity = self.client.sync(
                self.client.scheduler.identity, n_workers=-1, callback_timeout=min(ANSWER_SECONDS, 10 * self.wait)
            )
            return set(identity["workers"])
        except (OSError, TimeoutError, ValueError, RuntimeError, KeyError, AttributeError):
            return None

    def _look_at(self, workers: set[str]) -> None:
        """Sorts new workers into those that fit and those that do not, with the reason."""
        if not workers:
            return
        here = look_around(str(self.root), str(self.out), self.token)
        for worker in sorted(workers):
            mark = hashlib.sha256(worker.encode()).hexdigest()[:16]
            words = (str(self.root), str(self.out), self.token, mark)
            try:
                answer = self._asked(worker, look_around, *words)
            except TimeoutError:
                # Silence of the scheduler says nothing of the worker: it is looked at again.
                if worker in (self._workers() or ()):
                    self.refused[worker] = Refusal(f"has not answered for {self.wait:g} s", END_IT)
                continue
            except OSError:
                continue  # it has just ended; if not, it is looked at again
            reason = misfit(here, answer, (self.out / PROBES / self.token / mark).is_file())
            if reason:
                self.refused[worker] = Refusal(reason, MAKE_EQUAL)
            else:
                self.trusted.add(worker)

    def _asked(self, worker: str, function: Any, *words: Any) -> Any:
        """What a function gives on a worker: `Client.run` with a limit, a TimeoutError after `wait` seconds."""
        answers = self.client.sync(
            self.client._run, function, *words, workers=[worker], on_error="return", callback_timeout=self.wait
        )
        return answers.get(worker)

    def start(self, job: Job, worker: str, place: Path) -> Any:
        """Has one worker, and no other, build a job and write its outcome to `place`; returns the future of it."""
        return self._submit(worker, build_and_leave, job, place)

    def _submit(self, worker: str, function: Any, *words: Any) -> Any:
        return self.client.submit(function, *words, workers=[worker], allow_other_workers=False, pure=False, retries=0)

    def _hand_out(self, workers: set[str]) -> None:
        for worker in sorted(workers - set(self.running)):
            if self.waiting:
                job = self.waiting.popleft()
                self.running[worker] = Handed(job, worker, [], [])
                self._hand_over(self.running[worker])

    def _hand_over(self, handed: Handed) -> None:
        """Gives a job to its worker, again where it had it before."""
        handed.gone_since = None
        handed.places.append(self.out / PROBES / self.token / f"{handed.job.cut_id}.{len(handed.places)}.outcome")
        handed.futures.append(self.start(handed.job, handed.worker, handed.places[-1]))

    def _ended(self) -> Outcome | None:
        """The outcome of a job that has ended, from the common folder or by way of the scheduler."""
        for worker, handed in sorted(self.running.items()):
            outcome = self._arrived(handed)
            if outcome:
                del self.running[worker]
                return outcome
        return None

    def _arrived(self, handed: Handed) -> Outcome | None:
        found = [outcome for place in handed.places if (outcome := left_outcome(place))]
        found += [outcome for future in handed.futures if (outcome := _came_back(future, handed, self.wait))]
        real = [outcome for outcome in found if outcome.exit_status != BUSY]
        if real or not found:
            return real[0] if real else None
        # Handed out twice, the second finds the first at work: that is not an outcome of the job.
        again = len(handed.places) > 1 and is_being_built(self.out, handed.job.cut_id)
        return None if again else found[0]

    def _given_up(self, workers: set[str] | None, scheduler_is_gone: bool) -> Outcome | None:
        """The outcome of a job whose worker is gone: it is not tried on another one, which it might kill as well."""
        if workers is None and not scheduler_is_gone:
            return None
        for worker, handed in sorted(self.running.items()):
            is_there = worker in (workers or ())
            if is_there and handed.futures[-1].status not in ("cancelled", "lost", "error"):
                handed.gone_since = None
                continue
            now = time.monotonic()
            if handed.gone_since is None:
                handed.gone_since = now
            if now - handed.gone_since < GONE_SECONDS or is_being_built(self.out, handed.job.cut_id):
                continue
            # It may have ended between the look for its outcome and the look at its lock.
            outcome = self._arrived(handed)
            if outcome is None and is_there and len(handed.places) < MOST_TRIES:
                self._hand_over(handed)
                continue
            del self.running[worker]
            reason = f"the worker {worker} ended while it built this cut: killed, or out of memory"
            if is_there or workers is None:
                reason = f"the connection to the worker {worker} was lost, and no build of this cut is running"
            return outcome or Outcome(handed.job.cut_id, 1, reason=reason)
        return None


def _came_back(future: Any, handed: Handed, wait: float) -> Outcome | None:
    """The outcome that a future holds; None while it holds none, or where only the way to it was lost."""
    status = future.status
    try:
        if status == "finished":
            found = future.result(timeout=wait)
            if isinstance(found, Outcome):
                return found
            kind = f"it answered with {type(found).__name__}"
            return Outcome(handed.job.cut_id, 1, reason=f"the worker {handed.worker} could not build it ({kind})")
        if status == "error":
            error = future.exception(timeout=wait)
            kind = type(error).__name__
            if kind in LOST:
                return None
            return Outcome(handed.job.cut_id, 1, reason=f"the worker {handed.worker} could not build it ({kind})")
    except (OSError, TimeoutError, RuntimeError):
        return None
    except Exception as error:
        # The result is gone with its worker; the outcome written beside the builds still counts.
        if type(error).__name__ not in LOST:
            raise
    return None
