"""The cache of finished tasks: the output of a notebook, a contract check or a page, kept under its inputs.

A piece is used again only when every ingredient has its value of then and every kept file its sha256 of then; what
does not fit is never repaired, it is rebuilt. The cache lies beside the builds and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from trialbook.core.files import naming

INGREDIENTS = "ingredients.json"
FILES = "files"
# The last few variants of a piece: going back to an earlier parameter finds its results again.
KEPT = 4


@dataclass(frozen=True)
class Kept:
    """One cached task: its place, its inputs, and the sha256 of each of its files."""

    place: Path
    made_of: Mapping[str, str]
    files: Mapping[str, str]
    noted: bool = True

    def restore(self, target: Path) -> None:
        """Puts copies of its files into a build, and notes that it was used.

        Each file appears whole: a notebook that starts meanwhile would take one that grows for one that is changed.
        One that changed since it was found is found by the seal of the build, which has its sha256 of then.
        """
        if self.noted:
            os.utime(self.place)
        for name in self.files:
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            coming = path.with_name(f".{path.name}.coming")
            with naming(path):
                shutil.copyfile(self.place / FILES / name, coming)
            os.replace(coming, path)


class Store:
    """The kept pieces of one cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, piece: str, value: Callable[[str], str], needed: Collection[str] = ()) -> Kept | None:
        """The cached task with the same inputs as now, whose files are whole; else None.

        `needed` are ingredients that every such piece has: one that does not name them was not written by a build.
        """
        for kept in self._variants(piece):
            if not set(needed) <= set(kept.made_of):
                continue
            if all(value(name) == then for name, then in kept.made_of.items()) and _fits(kept) and _whole(kept):
                return kept
        return None

    def latest(self, piece: str) -> Kept | None:
        """The variant that was made or used last, to say what has changed since."""
        return next(iter(self._variants(piece)), None)

    def keep(self, piece: str, made_of: Mapping[str, str], build: Path, names: list[str]) -> Mapping[str, str]:
        """Keeps copies of files of a build as one piece; returns their sha256. All of it appears, or nothing."""
        text = json.dumps(made_of, ensure_ascii=False, indent=1, sort_keys=True)
        place = self._folder / piece / hashlib.sha256(text.encode("utf-8")).hexdigest()[:20]
        fresh = self._folder / f".{uuid.uuid4().hex}"
        hashes = {}
        for name in sorted(names):
            content = (build / name).read_bytes()
            hashes[name] = hashlib.sha256(content).hexdigest()
            (fresh / FILES / name).parent.mkdir(parents=True, exist_ok=True)
            with naming(fresh / FILES / name):
                (fresh / FILES / name).write_bytes(content)
        whole = {"made_of": dict(made_of), "files": hashes}
        with naming(fresh / INGREDIENTS):
            (fresh / INGREDIENTS).write_text(json.dumps(whole, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(fresh, place)
        for old in self._variants(piece)[KEPT:]:
            shutil.rmtree(old.place, ignore_errors=True)
        return hashes

    def sweep(self) -> None:
        """Removes what a killed build wrote in part; only the holder of the cut's lock may call this."""
        for left in self._folder.glob(".*"):
            shutil.rmtree(left, ignore_errors=True)

    def _variants(self, piece: str) -> list[Kept]:
        """What is kept of a piece, the last used first; what cannot be read is left out."""
        found = []
        for place in (self._folder / piece).glob("*"):
            try:
                whole = json.loads((place / INGREDIENTS).read_text(encoding="utf-8"))
                kept = Kept(place, dict(whole["made_of"]), dict(whole["files"]))
                if _of_this_user(place) and kept.made_of and kept.files:
                    found.append((place.stat().st_mtime_ns, place.name, kept))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
        return [kept for _, _, kept in sorted(found, key=lambda entry: entry[:2], reverse=True)]


class Borrowed(Store):
    """The kept pieces of one cut for somebody who only looks: nothing is kept, noted or removed."""

    def find(self, piece: str, value: Callable[[str], str], needed: Collection[str] = ()) -> Kept | None:
        """As `Store.find`; that it was used is not noted."""
        found = super().find(piece, value, needed)
        return None if found is None else replace(found, noted=False)

    def keep(self, piece: str, made_of: Mapping[str, str], build: Path, names: list[str]) -> Mapping[str, str]:
        """Keeps nothing; returns the sha256 of each file."""
        return {name: hashlib.sha256((build / name).read_bytes()).hexdigest() for name in sorted(names)}

    def sweep(self) -> None:
        """Removes nothing."""


def _of_this_user(place: Path) -> bool:
    """Whether a kept piece is a folder of this user that nobody else may write to."""
    if place.is_symlink():
        return False
    if not hasattr(os, "geteuid"):
        return True
    found = place.stat()
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o022


def _fits(kept: Kept) -> bool:
    """Whether a kept piece has the shape that this version writes, names no place outside of a build, and holds its
    files and no other.
    """
    for name in kept.files:
        parts = PurePosixPath(name).parts
        if not parts or name != "/".join(parts) or {"..", "."} & set(parts) or parts[0] == "/" or "\\" in name:
            return False
    base = str(kept.place / FILES)
    found: set[str] = set()
    if os.path.islink(base):
        return False
    for place, folders, files in os.walk(base):
        if any(os.path.islink(os.path.join(place, name)) for name in (*folders, *files)):
            return False
        found |= {os.path.relpath(os.path.join(place, name), base) for name in files}
    return {name.replace(os.sep, "/") for name in found} == set(kept.files)


def _whole(kept: Kept) -> bool:
    try:
        return all(
            hashlib.sha256((kept.place / FILES / name).read_bytes()).hexdigest() == then
            for name, then in kept.files.items()
        )
    except OSError:
        return False
