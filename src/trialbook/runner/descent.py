"""Finds and ends the processes that a kernel started, also those that left its session. Linux; elsewhere finds none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

# In the environment of the server, of its kernels and of all that these start: whose they are.
MARKER = "TRIALBOOK_KERNELS"
PROC = Path("/proc")
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
    """Every process below `roots`, without `roots` themselves."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    left = [child for root in roots for child in children.get(root, [])]
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, [])
    return found


def strays(kernels: set[int]) -> set[int]:
    """Children of this process that are no kernel it forked: orphans that it adopted, with all that is below them."""
    adopted = {pid for pid, parent in _parents().items() if parent == os.getpid() and pid not in kernels}
    return adopted | descendants(adopted)


def end_all(pids: Iterable[int]) -> None:
    """Kills processes at once and takes in those that are children of this one; a process that is gone is no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def end_marked(marker: str) -> None:
    """Kills every process of this user that was started with the environment variable `marker` (NAME=value).

    What is left of a build whose runner and kernel server were both killed is found in no other way.
    """
    for _ in range(ROUNDS):
        found = [pid for pid in _parents() if pid != os.getpid() and _has(pid, marker)]
        if not found:
            return
        end_all(found)
        time.sleep(PAUSE_SECONDS)


def _has(pid: int, marker: str) -> bool:
    try:
        return os.fsencode(marker) in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _parents() -> dict[int, int]:
    """The parent of every living process; empty where the system has no /proc."""
    found = {}
    for name in os.listdir(PROC) if sys.platform == "linux" else []:
        if name.isdigit():
            with contextlib.suppress(OSError):
                # The name of a program stands in parentheses and may hold anything, parentheses included.
                state, parent = (PROC / name / "stat").read_bytes().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    found[int(name)] = int(parent)
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
