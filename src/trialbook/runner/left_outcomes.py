"""Outcomes of jobs on other machines, left in the folder that all of them see: none is lost with a connection.

A scheduler may be silent, and a worker may be cut off from it while its build goes on. Whether that build has ended is
told by a file beside the builds, and whether it still runs by the lock of its cut.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.runner.many import Job, Outcome, build_one
from trialbook.runner.publish import LOCKS


def build_and_leave(job: Job, place: Path) -> Outcome:
    """Builds one cut in this process, and leaves what became of it in the file `place` too."""
    outcome = build_one(job)
    leave(outcome, place)
    return outcome


def leave(outcome: Outcome, place: Path) -> None:
    """Leaves an outcome in a file, whole or not at all."""
    coming = place.with_name(f".{place.name}.coming")
    # Where it cannot be written, the outcome still goes back by way of the scheduler.
    with suppress(OSError):
        coming.write_text(json.dumps(asdict(outcome), ensure_ascii=False), encoding="utf-8")
        os.replace(coming, place)


def left_outcome(place: Path) -> Outcome | None:
    """The outcome that was left in a file; None while there is none."""
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
