"""Scratch folder, lock and publication: a build appears in place whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.core.environment_variables import KERNELS
from trialbook.core.errors import BusyError, StopError, UsageError
from trialbook.core.files import naming
from trialbook.kernels import process_tree
from trialbook.pipeline.superseded import SUPERSEDED, stop_if_linked

SCRATCH = ".scratch"
LOCKS = ".locks"
STOPPED = ".stopped"
CACHE = ".cache"
KEPT = f"{CACHE}/steps"
VERIFY = ".verify"
CHECK = ".check"
PRIVATE = (SCRATCH, LOCKS, STOPPED, CACHE, VERIFY, SUPERSEDED)
LOCK_SECONDS = 0.25
# The path of a unix socket has 107 bytes; the longest of a build is this folder and /contracts/calls.
LONGEST_PLACE = 107 - len("/contracts/calls")
AT_FDCWD = -100
RENAME_EXCHANGE = 2
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def one_builder(out: Path, cut_id: str) -> Iterator[int]:
    """Holds the lock of one cut and sweeps the remains of killed builds of this cut, and of others that nobody builds.

    While it is held, files that are made are for their owner alone; gives the umask of before, for what is published.
    Raises BusyError when another build of the cut is running, UsageError when the folder cannot be written or one of
    the runner's folders is a link, and StopError for everything that the system refuses while the lock is held: a full
    disk above all.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        stop_if_linked(out, *PRIVATE, *(f"{name}/{cut_id}" for name in (SCRATCH, STOPPED, KEPT)), KEPT)
        mask = os.umask(0o077)
    except OSError as error:
        raise _unusable(error, out) from None
    try:
        yield from _locked(out, cut_id, mask)
    finally:
        os.umask(mask)


def _locked(out: Path, cut_id: str, mask: int) -> Iterator[int]:
    try:
        _make_private(out)
        # A build that sweeps the remains of this one holds the lock for a moment.
        lock = FileLock(out / LOCKS / f"{cut_id}.lock", timeout=LOCK_SECONDS)
        lock.acquire(poll_interval=LOCK_SECONDS / 5)
    except Timeout:
        raise BusyError(
            f"another build of the cut {cut_id} is running", next_step="wait until it has ended, then build again"
        ) from None
    except OSError as error:
        raise _unusable(error, out) from None
    try:
        _sweep(out, cut_id)
        _sweep_others(out, cut_id)
        yield mask
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
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    try:
        shutil.rmtree(place)
    except OSError as error:
        raise StopError(
            f"the new build is in place, but this folder could not be removed ({error.strerror})", file=str(place),
            next_step="remove it: it may hold records of subjects; the next build tries again too",
        ) from error  # fmt: skip


def stop_for(error: OSError, out: Path) -> StopError:
    """The error for a system that refuses to read or write."""
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

    Its name follows from the cut, so that the next build finds and removes the remains of a killed one.
    """
    place = _kernel_place(out, cut_id)
    length = len(os.fsencode(place))
    if length > LONGEST_PLACE:
        raise UsageError(
            f"the path of the folder for temporary files is too long for the sockets of kernels: {length} bytes with "
            f"the name of its own, at most {LONGEST_PLACE}", file=str(place.parent),
            next_step="set TMPDIR to a shorter path, for example /tmp",
        )  # fmt: skip
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        # Somebody else made it first: a name that nobody can know instead.
        place = Path(tempfile.mkdtemp(prefix="tb-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def check_place(out: Path) -> Path:
    """Where `check` derives the datasets of cuts that are built in `out`: among the temporary files, and removed."""
    name = hashlib.sha256(os.fsencode(out / CHECK)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tb-{name}"


def _kernel_place(out: Path, cut_id: str) -> Path:
    name = hashlib.sha256(os.fsencode(out / cut_id)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tb-{name}"


def _unusable(error: OSError, out: Path) -> StopError | UsageError:
    """The error for an output folder that cannot be prepared."""
    if error.errno in FULL:
        return stop_for(error, out)
    reason = error.strerror or type(error).__name__
    return UsageError(f"the output folder cannot be written ({reason})", file=str(error.filename or out))


def _make_private(out: Path) -> None:
    """The runner's own folders are for their owner alone, also those that an earlier version made for all to read."""
    (out / LOCKS).mkdir(exist_ok=True)
    for name in PRIVATE:
        place = out / name
        if place.is_dir() and stat.S_IMODE(place.stat().st_mode) != 0o700:
            os.chmod(place, 0o700)


def _sweep(out: Path, cut_id: str) -> None:
    """Removes the remains of a killed build of a cut; only for the holder of its lock."""
    shutil.rmtree(out / SCRATCH / cut_id, ignore_errors=True)
    for half in (out / KEPT / cut_id).glob(".*"):
        shutil.rmtree(half, ignore_errors=True)
    _sweep_kernels(_kernel_place(out, cut_id))


def _sweep_others(out: Path, cut_id: str) -> None:
    """The same for other cuts, and for verifications, whose lock nobody holds."""
    for folder in (out, out / VERIFY, check_place(out)):
        for path in sorted((folder / LOCKS).glob("*.lock")):
            other = path.name.removesuffix(".lock")
            left = [folder / SCRATCH / other, _kernel_place(folder, other)]
            if folder != out:
                left += [folder / other, _kernel_place(folder / other, other)]
            if folder.is_symlink() or (folder, other) == (out, cut_id) or not any(place.exists() for place in left):
                continue
            with suppress(Timeout, OSError), FileLock(path, timeout=0):
                _sweep(folder, other)
                if folder != out:
                    _sweep(folder / other, other)
                    shutil.rmtree(folder / other, ignore_errors=True)


def _sweep_kernels(place: Path) -> None:
    """Ends the kernels of a killed build and removes their folder, if it is a folder of this user."""
    if not place.is_dir() or place.is_symlink():
        return
    if not hasattr(os, "geteuid") or place.stat().st_uid == os.geteuid():
        process_tree.end_marked(f"{KERNELS}={place / 'server'}")
        shutil.rmtree(place, ignore_errors=True)


def publish(scratch: Path, final: Path, mask: int = 0o077) -> None:
    """Puts a finished build in place: everything is on the disk before one rename makes it visible.

    Who may read it follows from `mask`, as for any file that a person makes. Raises OSError with the earlier build
    still in place; when only the very last step fails, making the rename itself durable, the new build is in place
    already, and a StopError says so.
    """
    _open_to(scratch, mask)
    _sync(scratch)
    if final.exists():
        _exchange(scratch, final)
    else:
        os.rename(scratch, final)
    try:
        _sync_folder(final.parent)
    except OSError as error:
        raise StopError(
            f"the new build is in place, but the system did not confirm that it is on the disk ({error.strerror})",
            file=str(final), next_step="check the disk, then build again",
        ) from error  # fmt: skip


def _open_to(folder: Path, mask: int) -> None:
    """Gives files and folders the permissions that they would have had under this umask."""
    for place, _, files in os.walk(folder):
        os.chmod(place, 0o777 & ~mask)
        for name in files:
            os.chmod(os.path.join(place, name), 0o666 & ~mask)


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with naming(path), path.open("rb") as handle:
                os.fsync(handle.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with naming(folder):
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
    """Puts back a build that was moved away when a replacement was cut short between its two renames."""
    aside = final.with_name(f".{final.name}.replaced")
    if aside.exists():
        if final.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, final)
