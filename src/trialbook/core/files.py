"""Input files, read only as the build has recorded them, and JSON files, written in one layout."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from trialbook.core.errors import StopError

# ----------------------------------------------------------------------------------------------------
# Reading the input files of a build: only while they hold the bytes that the build has recorded of them.
#
# A build hashes its inputs once, at its start. Code that reads one of them later, in any process, reads the bytes
# once
# and compares them here: what is recorded is what was used, also when a file is changed and put back meanwhile.


# What this process reads for good (a kernel), by absolute path without links. Empty outside of a build: nothing is
# compared.
_for_good: dict[str, str] = {}
# What a block of code reads, in a process that does more than one thing.
_meanwhile: ContextVar[Mapping[str, str] | None] = ContextVar("recorded", default=None)
Result = TypeVar("Result")


def place_of(path: Path) -> str:
    """The name under which a file is recorded: its absolute path, links followed."""
    return os.path.realpath(path)


def record(hashes: Mapping[str, str]) -> None:
    """From now on this process reads these files (place to sha256) only while they hold what was recorded."""
    _for_good.clear()
    _for_good.update(hashes)


@contextmanager
def only_recorded(hashes: Mapping[str, str]) -> Iterator[None]:
    """`record` for as long as a block of code runs, and for its thread alone."""
    token = _meanwhile.set(hashes)
    try:
        yield
    finally:
        _meanwhile.reset(token)


def done_with(hashes: Mapping[str, str], function: Callable[..., Result], *arguments: object) -> Result:
    """What a function makes of its arguments, reading only what is recorded."""
    with only_recorded(hashes):
        return function(*arguments)


def _recorded() -> Mapping[str, str]:
    found = _meanwhile.get()
    return _for_good if found is None else found


def records() -> bool:
    """Whether this is part of a build, which has recorded what may be read."""
    return bool(_recorded())


def is_recorded(path: Path) -> bool:
    """Whether a build has recorded what this file holds."""
    recorded = _recorded()
    return bool(recorded) and place_of(path) in recorded


def read_input(path: Path, name: str | None = None) -> bytes:
    """The bytes of a file, read once; raises StopError when they are not those that the build has recorded.

    `name` is what the message calls the file.
    """
    content = path.read_bytes()
    stop_if_other(path, content, name)
    return content


def sha256(content: bytes) -> str:
    """The sha256 of bytes, in hex.

    >>> sha256(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def stop_if_other(path: Path, content: bytes, name: str | None = None) -> None:
    """Raises StopError when this content of a file is not the one that the build has recorded."""
    recorded = _recorded()
    expected = recorded.get(place_of(path)) if recorded else None
    if expected is not None and sha256(content) != expected:
        raise StopError(
            "the file changed while the build was reading it", file=name or str(path),
            next_step="build again when the file no longer changes",
        )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Writing files: an error of the system names the file that was being written.


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Gives an OSError of the block the name of the file: a disk that is full says only that it is."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


# ----------------------------------------------------------------------------------------------------


def json_text(content: Any) -> str:
    r"""JSON with sorted keys, one value per line, one line feed at the end; not-a-number is refused.

    >>> json_text({"b": 1, "a": "皮疹"})
    '{\n "a": "皮疹",\n "b": 1\n}\n'
    """
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def rows_text(rows: Sequence[Any]) -> str:
    r"""A JSON list with a row per line: long tables, which `json_text` would take a hundred times as long for.

    >>> rows_text([{"n": 3}, {"n": 4}])
    '[\n{"n": 3},\n{"n": 4}\n]\n'
    """
    lines = ",\n".join(_compact(row) for row in rows)
    return f"[\n{lines}\n]\n" if rows else "[]\n"


def write_json(path: Path, content: Any) -> None:
    """Writes `json_text` as UTF-8."""
    _write(path, json_text(content))


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Writes `rows_text` as UTF-8."""
    _write(path, rows_text(rows))


def keep_json(path: Path, content: Any) -> None:
    """Writes what only the runner reads again, in one line."""
    _write(path, _compact(content) + "\n")


def is_inside(place: Path, *folders: Path) -> bool:
    """Whether a file or folder is one of these folders, or inside of one."""
    return any(place.resolve().is_relative_to(folder.resolve()) for folder in folders)


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file in one step: another command reads the old content or the new one, never a part."""
    with staged({path: content}) as appear:
        appear()


@contextmanager
def staged(files: Mapping[Path, str | bytes]) -> Iterator[Callable[[], None]]:
    """Writes files under other names, then gives the function that makes each appear in one step, in their order.

    Nothing is left of a file that has not appeared. An OSError names the file.
    """
    halves = {path.resolve(): path.resolve().with_name(f".{path.name}.{os.getpid()}") for path in files}

    def appear() -> None:
        for path, half in halves.items():
            with naming(path):
                os.replace(half, path)

    try:
        for (path, half), content in zip(halves.items(), files.values(), strict=True):
            with naming(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                half.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
                if path.exists():
                    shutil.copymode(path, half)
        yield appear
    finally:
        for half in halves.values():
            with suppress(OSError):
                half.unlink(missing_ok=True)


# Made once: a long table has many rows.
_compact = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False).encode


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        path.write_text(text, encoding="utf-8", newline="\n")
