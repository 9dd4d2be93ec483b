"""Breaks builds on purpose: notebooks with one bad cell, command lines to kill, and what must be left after it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil

from trialbook.kernels.environment import Limits
from trialbook.kernels.fork_client import KernelServer
from trialbook.kernels.run_notebook import NotebookRun, run_notebook

PROGRAM = [sys.executable, "-c", "from trialbook.cli import main; main()"]
RECEIPT = """
import json, os
from pathlib import Path
own = Path(os.environ["TRIALBOOK_WORKSPACE"]) / ".steps" / "99_test"
own.mkdir(parents=True, exist_ok=True)
(own / "receipt.json").write_text(json.dumps({"nonce": os.environ["TRIALBOOK_NONCE"], "written": {}}))
"""


def notebook_of(*cells: str, tags: list[str] | None = None) -> nbformat.NotebookNode:
    """A notebook with a parameters cell and these cells; all but the last carry the tags."""
    new = nbformat.v4
    parameters = new.new_code_cell("cut_id = 'x'", metadata={"tags": ["parameters"]})
    *middle, last = cells
    return new.new_notebook(
        cells=[
            parameters,
            *[new.new_code_cell(text, metadata={"tags": tags or []}) for text in middle],
            new.new_code_cell(last),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def run_cells(
    folder: Path, *cells: str, receipt: str = RECEIPT, tags: list[str] | None = None,
    server: KernelServer | None = None, limits: Limits | None = None,
) -> NotebookRun:  # fmt: skip
    """Runs these cells as the notebook of a step, with a last cell that writes a receipt."""
    source = folder / "99_test.ipynb"
    nbformat.write(notebook_of(*cells, receipt, tags=tags), source)
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    return run_notebook(source, {"cut_id": "c1"}, workspace, folder, folder, folder / "k", server, limits)


def content(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a folder, by path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def processes_of(place: Path | str) -> list[str]:
    """Living processes whose command line or environment names this place, the test's own process left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(str(place) in word for word in words):
            found.append(f"{process.pid} {' '.join(words[:4])}")
    return found


def wait_until(true: Any, seconds: float = 15) -> bool:
    """Whether something becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def trialbook(root: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in the project's root."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)], cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


class Running:
    """A command line that runs in a session of its own, to be watched and killed."""

    def __init__(self, log: Path, *words: object, cwd: Path | None = None, **environment: str) -> None:
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*PROGRAM, *map(str, words)], stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=cwd, env={**os.environ, **environment}, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """All that it has written."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, *words: str, seconds: float = 120) -> None:
        """Waits until it has written a line with all of these words."""
        found = wait_until(lambda: self._has(words) or self.process.poll() is not None, seconds)
        assert found, self.said
        assert self._has(words), self.said

    def _has(self, words: tuple[str, ...]) -> bool:
        return any(all(word in line for word in words) for line in self.said.splitlines())

    def below(self) -> list[psutil.Process]:
        """The processes that it started, at any depth."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def signal(self, number: int) -> None:
        """Sends a signal to the runner alone."""
        self.process.send_signal(number)

    def end(self, seconds: float = 180) -> int:
        """Waits for its end and returns its exit status."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends it in any case."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
