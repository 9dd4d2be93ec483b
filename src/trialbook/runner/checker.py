"""Checks contracts in a process of their own, forked from the preloaded one.

Great Expectations takes long to import and to run; in the runner's own process it would hold up every notebook, since
Python runs one thread at a time.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import Contract
from trialbook.contracts.verdicts import Verdict
from trialbook.datasets import read_dataset
from trialbook.errors import StopError
from trialbook.fast_imports import import_when_used
from trialbook.protocol.models import Trial
from trialbook.runner.preloaded import KernelServer, ServerEnded
from trialbook.runner.surroundings import sterile_environment
from trialbook.runner.text_storage import choose_text_storage
from trialbook.snapshot import read_snapshot

GREAT_EXPECTATIONS = "great_expectations.expectations"
POLL_SECONDS = 0.2
BEHIND_NOTEBOOKS = 5


@dataclass(frozen=True)
class Look:
    """What to check: the snapshot as it was delivered (`kind` raw), or datasets that a step has left.

    `paths`: the datasets by name, also those that rules may refer to; `checked`: those to be checked; `inputs`: the
    sha256 of every delivered file, as the runner has seen it.
    """

    trial: Trial
    contracts: Mapping[str, Contract]
    kind: str
    paths: Mapping[str, Path] = field(default_factory=dict)
    checked: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The verdict of each dataset, and the delivered file of each raw dataset."""

    verdicts: list[Verdict]
    files: dict[str, str] = field(default_factory=dict)


def check(look: Look) -> Found:
    """Checks in this process. Raises StopError when a delivered file is no longer what the runner has seen."""
    import_great_expectations()
    choose_text_storage(look.trial)
    gate = Gate(look.contracts, list(look.trial.protocol.study.endpoints))
    if look.kind != "raw":
        frames = {name: read_dataset(path) for name, path in look.paths.items()}
        return Found(gate.check(look.kind, frames, look.checked))
    tables = read_snapshot(look.trial).tables
    for table in tables.values():
        if look.inputs.get(table.file, table.sha256) != table.sha256:
            raise StopError(
                "the file changed while the build was reading it", file=table.file,
                next_step="wait until the transfer is complete, then build again",
            )  # fmt: skip
    files = {f"raw/{code.lower()}": table.file for code, table in tables.items()}
    return Found(gate.check("raw", {code.lower(): table.frame for code, table in tables.items()}), files)


def import_great_expectations() -> None:
    """The slowest import of a build: a fifth faster while nothing looks for garbage among its many small objects, and
    a third without `scipy.stats`, of which two expectations on distributions make use.
    """
    if GREAT_EXPECTATIONS in sys.modules:
        return
    import_when_used("scipy.stats")
    gc.disable()
    try:
        importlib.import_module(GREAT_EXPECTATIONS)
    finally:
        # What is there now stays for good.
        gc.freeze()
        gc.enable()


class Checker:
    """The checking process of one build, started with the first check; one check at a time."""

    def __init__(self, server: KernelServer, home: Path) -> None:
        self._server, self._home, self._lock = server, home, threading.Lock()
        self._connection: Connection | None = None

    def check(self, look: Look) -> Found:
        """Has a check done; raises what it raised, and StopError when the process has ended meanwhile."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._started()
                self._connection.send(look)
                answer = self._connection.recv()
            except (EOFError, OSError, ServerEnded):
                raise StopError(
                    "the process that checks contracts was ended from outside, or there was no memory left for it",
                    next_step="build again",
                ) from None  # fmt: skip
        if isinstance(answer, Exception):
            raise answer
        found: Found = answer
        return found

    def close(self) -> None:
        """Ends the process, and gives back its memory; the next check starts another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _started(self) -> Connection:
        """Forks the process and waits until it has called back."""
        self._home.mkdir(parents=True, exist_ok=True)
        place = self._home / "checks"
        place.unlink(missing_ok=True)
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(str(place))
            listening.listen(1)
            listening.settimeout(POLL_SECONDS)
            surroundings = sterile_environment(self._home, {})
            process = self._server.start([str(place)], surroundings, str(self._home), what="checker")
            while True:
                try:
                    connected, _ = listening.accept()
                except TimeoutError:
                    if process.poll() is not None:
                        raise EOFError from None
                else:
                    connected.settimeout(None)
                    return Connection(connected.detach())


def serve(place: str) -> None:
    """The forked process: imports, then answers one look after the other until the runner hangs up."""
    # Notebooks wait for each other, and nothing waits for a check but the end of the build.
    os.nice(BEHIND_NOTEBOOKS)
    calling = socket.socket(socket.AF_UNIX)
    calling.connect(place)
    connection = Connection(calling.detach())
    import_great_expectations()
    while True:
        try:
            look = connection.recv()
        except EOFError:
            return
        try:
            connection.send(check(look))
        except Exception as error:
            connection.send(error)
