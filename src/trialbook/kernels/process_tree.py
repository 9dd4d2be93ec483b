"""Finds and ends the processes that a kernel started, also those that left its session."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ROUNDS, PAUSE_SECONDS = 50, 0.01


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends, so that none is lost from sight."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Has the system kill this process when `parent`, which must be its parent, ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def descendants(roots: Iterable[int]) -> set[int]:
    """Every living process below `roots`, without `roots` themselves."""
    roots = set(roots)
    return {process.pid for root in roots for process in _below(root)} - roots


def strays(kernels: set[int]) -> set[int]:
    """Children of this process that are not kernels it forked: orphans that it adopted, with all that is below them."""
    adopted = {process.pid for process in _below(os.getpid(), recursive=False)} - kernels
    return adopted | descendants(adopted)


def end_all(pids: Iterable[int]) -> None:
    """Kills processes at once and reaps those that are children of this one; a process that is gone is no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def end_marked(marker: str) -> None:
    """Kills every process of this user that was started with the environment variable `marker` (NAME=value).

    There is no other way to find the processes of a build whose runner and kernel server were both killed.
    """
    import psutil

    name, _, value = marker.partition("=")
    for _ in range(ROUNDS):
        others = psutil.process_iter(["pid", "environ"])
        found = [p.pid for p in others if p.pid != os.getpid() and (p.info["environ"] or {}).get(name) == value]
        if not found:
            return
        end_all(found)
        time.sleep(PAUSE_SECONDS)


def _below(pid: int, *, recursive: bool = True) -> list[Any]:
    """The living processes below one; those that have ended and wait to be taken in are not among them."""
    # Here: a build that has nothing to do looks for no processes.
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return [p for p in psutil.Process(pid).children(recursive=recursive) if _lives(p)]
    return []


def _lives(process: Any) -> bool:
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
