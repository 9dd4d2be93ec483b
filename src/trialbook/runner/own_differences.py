"""What a notebook run by hand leaves otherwise than the published build of its cut, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trialbook.results.ard import KEYS
from trialbook.runner.places import places
from trialbook.runner.target import read_manifest

# Places of one dataset that are named.
OF_A_FILE = 2
# How a difference is put for a rebuild (`places`), and for a person who compares a run of their own with the build.
WORDS = (
    ("this record stands and was not rebuilt", "this record is published, not here"),
    ("this record was rebuilt and does not stand", "this record is here, not published"),
    ("stands, was not rebuilt", "is published, not here"),
    ("was rebuilt, does not stand", "is here, not published"),
    (" stands, ", " published, "),
    (" was rebuilt", " here"),
)


def own_differences(staged: Path, published: Path, step: str) -> list[str] | None:
    """What the step left that the published build holds otherwise, a line each; None where no build is published.

    Its datasets by record and column, its results by their key.
    """
    manifest = read_manifest(published)
    if manifest is None:
        return None
    lines: list[str] = []
    for path in sorted((staged / "data").rglob("*.parquet")):
        name = path.relative_to(staged).as_posix()
        old = published / name
        if not old.is_file():
            lines.append(f"{name}: is not in the published build")
        elif old.read_bytes() != path.read_bytes():
            lines += [f"{path.stem}: {place}" for place in _worded(places(old, path, OF_A_FILE))]
    lines += _result_lines(staged / ".steps" / step / "ard.json", published / "results" / "ard.json")
    return lines


def _result_lines(own: Path, published: Path) -> list[str]:
    if not own.is_file() or not published.is_file():
        return []
    now = {_key(row): row for row in json.loads(own.read_text(encoding="utf-8"))}
    then = {_key(row): row for row in json.loads(published.read_text(encoding="utf-8"))}
    lines = []
    for key, row in now.items():
        if key not in then:
            lines.append(f"result {_label(row)}: {row['stat_text']}, is not in the published build")
        elif then[key]["stat_text"] != row["stat_text"]:
            lines.append(f"result {_label(row)}: {then[key]['stat_text']} published, {row['stat_text']} here")
    return lines


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in KEYS)


def _label(row: Mapping[str, Any]) -> str:
    return " ".join(part for part in _key(row) if part)


def _worded(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        for old, new in WORDS:
            line = line.replace(old, new)
        yield line
