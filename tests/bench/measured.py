"""Runs a command and measures it: seconds, and the peak memory of all its processes together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

BETWEEN_SAMPLES = 0.25


@dataclass(frozen=True)
class Measured:
    """How long something took, and the most memory that its processes held at one time.

    `watched`: whether its memory was watched meanwhile; if not, the peak is 0.
    """

    seconds: float
    peak_mib: float
    watched: bool = True

    def __add__(self, other: Measured) -> Measured:
        """One after the other: seconds add up, the peak is the higher one."""
        return Measured(
            self.seconds + other.seconds, max(self.peak_mib, other.peak_mib), self.watched and other.watched
        )  # fmt: skip


NOTHING = Measured(0.0, 0.0)


class CommandError(RuntimeError):
    """A command of a benchmark failed: what it measured is worth nothing."""


def measure(
    command: Sequence[str | Path], env: Mapping[str, str], folder: Path, *, watched: bool = True
) -> Measured:  # fmt: skip
    """Runs a command to its end; raises CommandError with the end of its output when it fails.

    When it is `watched`, memory is sampled four times a second over the process and all its descendants. Pages that
    processes share (a forked kernel shares most of its parent's) count once, where the system tells (Linux). Asking
    for that takes a core a good part of the time, which slows what would use it: seconds come from runs without it.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command], env={**os.environ, **env}, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    peaks: list[float] = [0.0]
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, peaks, ended), daemon=True)
    if watched:
        sampler.start()
    output, _ = process.communicate()
    seconds = time.monotonic() - began
    ended.set()
    if watched:
        sampler.join()
    if process.returncode:
        raise CommandError(f"{' '.join(map(str, command))}: status {process.returncode}\n{output[-2000:]}")
    return Measured(seconds, peaks[0], watched)


def _sample(pid: int, peaks: list[float], ended: threading.Event) -> None:
    while not ended.wait(BETWEEN_SAMPLES):
        try:
            root = psutil.Process(pid)
            held = sum(_held(process) for process in (root, *root.children(recursive=True)))
        except psutil.NoSuchProcess:
            return
        peaks[0] = max(peaks[0], held / 2**20)


def _held(process: psutil.Process) -> int:
    """Bytes of one process; a process that has ended meanwhile holds none."""
    try:
        full = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(full, "pss", 0) or full.rss)
