"""Marks of files: whether one was written, replaced or touched between two looks, without reading it again.

A mark holds the inode and the time of its last change, which, unlike the time of last modification, no program can set
back: a file that was changed and put back has another mark.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from trialbook.core.errors import StopError

PACKAGE = Path(__file__).resolve().parents[1]
Mark = tuple[int, ...]
GONE: Mark = ()


def mark_of(path: Path | str) -> Mark:
    """The mark of a file, links followed; GONE where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return GONE
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def link_mark(path: Path | str) -> Mark:
    """The mark of a plain file itself; GONE for a link, a folder, a pipe, and where there is nothing."""
    try:
        found = os.lstat(path)
    except OSError:
        return GONE
    if not stat.S_ISREG(found.st_mode):
        return GONE
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def library_marks() -> dict[str, Mark]:
    """The mark of every file of the library, by its path in it."""
    return {path.relative_to(PACKAGE).as_posix(): mark_of(path) for path in library_files()}


def library_files() -> Iterator[Path]:
    """Every file of the library itself, without what Python keeps of it."""
    for place, folders, files in os.walk(PACKAGE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(place) / name for name in sorted(files))


def first_changed(before: Mapping[str, Mark], now: Mapping[str, Mark]) -> str | None:
    """The first file whose mark differs, that is new, or that is gone."""
    return next((name for name in sorted({*before, *now}) if before.get(name) != now.get(name)), None)


def digest(marks: Mapping[str, Mark]) -> str:
    """Short text that is the same while no mark differs, for another process to compare."""
    return hashlib.sha256(repr(sorted(marks.items())).encode()).hexdigest()


def stop_if_library_changed() -> None:
    """Raises StopError when a file of the library was written or touched since this process imported it."""
    changed = first_changed(AT_START, library_marks())
    if changed is not None:
        raise library_changed(changed)


def library_changed(name: str) -> StopError:
    """The error for a library in memory that may differ from the one on the disk."""
    return StopError(
        "this file of the library changed after the command had started", file=f"trialbook/{name}",
        next_step="build again when it no longer changes",
    )  # fmt: skip


# When this module was imported: right after the start of a command, before it hashes its own code.
AT_START = library_marks()
