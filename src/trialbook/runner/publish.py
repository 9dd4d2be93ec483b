"""Scratch folder, lock and publication: a build appears in place whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.errors import BusyError, StopError, UsageError

SCRATCH = ".scratch"
LOCKS = ".locks"
STOPPED = ".stopped"
CACHE = ".cache"
AT_FDCWD = -100
RENAME_EXCHANGE = 2


@contextmanager
def one_builder(out: Path, cut_id: str) -> Iterator[None]:
    """Holds the lock of one cut; raises BusyError at once when another build of it is running."""
    try:
        (out / LOCKS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCKS / f"{cut_id}.lock", timeout=0)
        with lock:
            yield
    except Timeout:
        raise BusyError(
            f"another build of the cut {cut_id} is running", next_step="wait until it has ended, then build again"
        ) from None
    except PermissionError as error:
        raise UsageError("the output folder cannot be written", file=str(error.filename or out)) from None


@contextmanager
def scratch_folder(out: Path, cut_id: str) -> Iterator[Path]:
    """An empty folder on the file system of `out`; leftovers of killed builds of this cut are swept first.

    Only the holder of the cut's lock may call this, so that a leftover is never a running build.
    """
    place = out / SCRATCH / cut_id
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def publish(scratch: Path, final: Path) -> None:
    """Puts a finished build in place: everything is on the disk before one rename makes it visible."""
    try:
        _sync(scratch)
        if final.exists():
            _exchange(scratch, final)
        else:
            os.rename(scratch, final)
        _sync_folder(final.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StopError("the disk is full; nothing was published", file=str(final.parent)) from None
        raise


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(new: Path, old: Path) -> None:
    """Swaps two folders in one step where the system can (Linux); else by two renames with the old one kept."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        swap = getattr(libc, "renameat2", None)
        if swap and swap(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) == 0:
            return
    aside = old.with_name(f".{old.name}.replaced")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(old, aside)
    os.rename(new, old)
    shutil.rmtree(aside, ignore_errors=True)


def restore_replaced(final: Path) -> None:
    """Puts back a build that was moved aside when a replacement was cut short between its two renames."""
    aside = final.with_name(f".{final.name}.replaced")
    if aside.exists():
        if final.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, final)
