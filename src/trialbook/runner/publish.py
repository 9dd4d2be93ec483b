"""Scratch folder, lock and publication: a build appears in place whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.errors import BusyError, StopError, UsageError
from trialbook.runner import descent

SCRATCH = ".scratch"
LOCKS = ".locks"
STOPPED = ".stopped"
CACHE = ".cache"
AT_FDCWD = -100
RENAME_EXCHANGE = 2
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def one_builder(out: Path, cut_id: str) -> Iterator[None]:
    """Holds the lock of one cut and sweeps what a killed build of it left.

    Raises BusyError at once when another build of it is running, UsageError when the folder cannot be written, and
    StopError for everything that the system refuses while the lock is held: a full disk above all.
    """
    try:
        (out / LOCKS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCKS / f"{cut_id}.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another build of the cut {cut_id} is running", next_step="wait until it has ended, then build again"
        ) from None
    except OSError as error:
        if error.errno in FULL:
            raise stop_for(error, out) from None
        reason = error.strerror or type(error).__name__
        raise UsageError(f"the output folder cannot be written ({reason})", file=str(error.filename or out)) from None
    try:
        shutil.rmtree(out / SCRATCH / cut_id, ignore_errors=True)
        _sweep_kernels(_kernel_place(out, cut_id))
        yield
    except OSError as error:
        raise stop_for(error, out) from error
    finally:
        lock.release()


@contextmanager
def scratch_folder(out: Path, cut_id: str) -> Iterator[Path]:
    """An empty folder on the file system of `out`, removed at the end; only for the holder of the cut's lock."""
    place = out / SCRATCH / cut_id
    try:
        place.mkdir(parents=True)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def stop_for(error: OSError, out: Path) -> StopError:
    """What the user is told when the system refuses to read or write."""
    file = str(error.filename or out)
    if error.errno in FULL:
        return StopError(
            "the disk is full; nothing was published, the last complete build is as it was", file=file,
            next_step="make room, then build again",
        )  # fmt: skip
    return StopError(f"cannot be read or written ({error.strerror or type(error).__name__})", file=file)


@contextmanager
def kernel_folder(out: Path, cut_id: str) -> Iterator[Path]:
    """A folder with a short path, which unix sockets need, for the kernels of one build; removed at the end.

    Its name follows from the cut, so that the next build finds and removes what a killed one left.
    """
    place = _kernel_place(out, cut_id)
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        # Somebody else made it first: a name that nobody can know instead.
        place = Path(tempfile.mkdtemp(prefix="tb-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _kernel_place(out: Path, cut_id: str) -> Path:
    name = hashlib.sha256(os.fsencode(out / cut_id)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tb-{name}"


def _sweep_kernels(place: Path) -> None:
    """Ends the kernels of a killed build and removes their folder, if it is a folder of this user."""
    if not place.is_dir() or place.is_symlink():
        return
    if not hasattr(os, "geteuid") or place.stat().st_uid == os.geteuid():
        descent.end_marked(f"{descent.MARKER}={place / 'server'}")
        shutil.rmtree(place, ignore_errors=True)


def publish(scratch: Path, final: Path) -> None:
    """Puts a finished build in place: everything is on the disk before one rename makes it visible.

    Raises OSError with the earlier build still in place; only when the very last step fails, making the rename itself
    durable, the new build is in place already.
    """
    _sync(scratch)
    if final.exists():
        _exchange(scratch, final)
    else:
        os.rename(scratch, final)
    _sync_folder(final.parent)


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
    if _swapped(new, old):
        return
    aside = old.with_name(f".{old.name}.replaced")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(old, aside)
    try:
        os.rename(new, old)
    except OSError:
        os.rename(aside, old)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _swapped(new: Path, old: Path) -> bool:
    """Whether the system has swapped them; False when it cannot, and nothing has happened."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if swap is None:
        return False
    if swap(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(old))


def restore_replaced(final: Path) -> None:
    """Puts back a build that was moved aside when a replacement was cut short between its two renames."""
    aside = final.with_name(f".{final.name}.replaced")
    if aside.exists():
        if final.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, final)
