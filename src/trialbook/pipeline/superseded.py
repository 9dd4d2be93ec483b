"""What is in the place of a new build, whether it is of another delivery, and where a replaced build is kept."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialbook.core.errors import UsageError
from trialbook.pipeline.dependencies import file_sha256

# ----------------------------------------------------------------------------------------------------
# What is found where a build is to be published: nothing, an earlier build, or what must never be replaced.


MANIFEST = "manifest.json"


def published_manifest(final: Path) -> dict[str, Any] | None:
    """The manifest of the build in this folder; None where there is none.

    Raises UsageError for a file, a link, or a folder that holds no manifest of a build of this cut: it may be anybody's
    work, and is never replaced.
    """
    try:
        mode = final.lstat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(mode):
        raise _foreign(final, f"{'a symbolic link' if stat.S_ISLNK(mode) else 'a file'} that no build wrote is here")
    plain = read_manifest(final)
    if plain is None or plain.get("cut_id") != final.name or not isinstance(plain.get("outputs"), dict):
        raise _foreign(final, f"this folder holds no manifest of a build of the cut {final.name}")
    return plain


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder as plain values; None where there is none that can be read."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        return None
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def stop_if_linked(out: Path, *names: str) -> None:
    """Raises UsageError when one of the runner's own folders is a symbolic link: what it clears away lies elsewhere."""
    for name in names:
        if (out / name).is_symlink():
            raise UsageError(
                "this folder of the builds is a symbolic link, and would be cleared where it leads",
                file=str(out / name), next_step="remove the link",
            )  # fmt: skip


def _foreign(final: Path, what: str) -> UsageError:
    return UsageError(
        f"{what}; it is not replaced", file=str(final),
        next_step="move it away, or choose another --out or another cut id",
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------

SUPERSEDED = ".superseded"
SHORT = 16


def other_cut(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Why the published build is of another delivery or cut than the one to be built; empty when it is not.

    `then` and `now` are the sources of both. Code, notebooks, contracts and parameters may change under a cut id; the
    files that came in, the cut-off date, the protocol file and the study may not.

    >>> then = {"inputs": {"dm.csv": "1", "ae.csv": "1"}, "cut": {"cut_date": "2025-06-30"}}
    >>> now = {"inputs": {"dm.csv": "2"}, "cut": {"cut_date": "2025-06-30"}}
    >>> other_cut(then, now)
    ['ae.csv: is gone', 'dm.csv: changed']
    """
    lines = []
    old, new = section_of(then, "inputs"), section_of(now, "inputs")
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            lines.append(f"{name}: {'was added' if name not in old else 'is gone' if name not in new else 'changed'}")
    for what, *keys in (
        ("cut-off date", "cut", "cut_date"), ("protocol file", "cut", "protocol"), ("study", "protocol", "study", "id"),
    ):  # fmt: skip
        before, after = value_at(then, *keys), value_at(now, *keys)
        if before != after:
            lines.append(f"{what}: {before} then, {after} now")
    return lines


def told(lines: list[str], kept: Path | None, touched: list[str]) -> Iterator[str]:
    """What is said of a build that has replaced another: what moved, where the earlier one is kept, and why.

    `touched`: files in its folder that were changed after it was built.
    """
    yield "this build replaced an earlier one of the cut; headline numbers that moved: " + ("none" if not lines else "")
    yield from (f"  {line}" for line in lines)
    if touched:
        yield "files in its folder were added or changed after it was built:"
        yield from (f"  {line}" for line in touched)
    if kept:
        yield f"the earlier build is kept in {SUPERSEDED}/{kept.parent.name}/{kept.name}"


def named_seal(standing: Mapping[str, Any]) -> str:
    """The seal that the manifest of a build names, as the name of a folder; `unsealed` where it names none."""
    seal = standing.get("seal")
    return seal if isinstance(seal, str) and seal.isalnum() else "unsealed"


def keep_superseded(out: Path, final: Path, seal: str, touched: list[str] | None = None) -> Path:
    """Keeps the build in `final` whole under `.superseded/<cut_id>/<seal>`; all of it appears there, or nothing.

    `touched`, the files in it that were changed after it was built, is noted beside it: they are no later change of it.
    Where that name holds something else, since somebody has changed one of the two, `<seal>-2` and so on.
    """
    first = superseded_place(out, final.name, seal)
    kept, number = first, 1
    while kept.is_dir() and _content(kept) != _content(final):
        number += 1
        kept = first.with_name(f"{first.name}-{number}")
    if kept.is_dir():
        return kept
    (out / SUPERSEDED).mkdir(mode=0o700, exist_ok=True)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    coming = kept.with_name(f".{kept.name}.coming")
    shutil.rmtree(coming, ignore_errors=True)
    shutil.copytree(final, coming, symlinks=True, copy_function=_linked)
    if touched:
        touched_place(kept).write_text(json.dumps(touched, ensure_ascii=False), encoding="utf-8")
    os.rename(coming, kept)
    return kept


def touched_place(kept: Path) -> Path:
    """Where it is noted which files of a build had been changed when it was kept."""
    return kept.with_name(f"{kept.name}.touched.json")


def touched_before(kept: Path) -> set[str]:
    """The files of a build that had been changed when it was kept, one line each."""
    try:
        lines = json.loads(touched_place(kept).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return set()
    return {line for line in lines if isinstance(line, str)} if isinstance(lines, list) else set()


def superseded_place(out: Path, cut_id: str, seal: str) -> Path:
    """Where the superseded build with this seal is kept."""
    return out / SUPERSEDED / cut_id / seal[:SHORT]


def _content(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder, by its path there; of a link, where it leads."""
    return {
        path.relative_to(folder).as_posix(): f"link {os.readlink(path)}" if path.is_symlink()
        else file_sha256(path)
        for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }  # fmt: skip


def _linked(source: str, target: str) -> None:
    """The same file under a second name where the system can, else a copy: a published file is never written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target, follow_symlinks=False)


def section_of(plain: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section of a manifest; empty where it has none of that shape."""
    found = plain.get(name)
    return found if isinstance(found, dict) else {}


def value_at(plain: Any, *keys: str) -> Any:
    """The value at a place of a manifest, which may be of any shape; None where it is not there.

    >>> value_at({"cut": {"cut_date": "2025-06-30"}}, "cut", "cut_date"), value_at({"cut": []}, "cut", "cut_date")
    ('2025-06-30', None)
    """
    for key in keys:
        plain = plain.get(key) if isinstance(plain, Mapping) else None
    return plain
