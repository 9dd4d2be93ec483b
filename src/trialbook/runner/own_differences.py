"""What a notebook run by hand leaves otherwise than the published build of its cut, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trialbook.results.ard import KEYS
from trialbook.runner.places import places
from trialbook.runner.step import RESULTS
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

    Its datasets by record and column, its results by their key; then what the build holds of this step and the run by
    hand did not leave.
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
    for name in _written(manifest, step):
        file = f"data/{name}.parquet"
        if (published / file).is_file() and not (staged / file).is_file():
            lines.append(f"{name.rpartition('/')[2]}: is published, was not left here")
    own, all_published = staged / ".steps" / step / "ard.json", published / "results" / "ard.json"
    return lines + (_result_lines(own, all_published, manifest, step) if own.is_file() else [])


def _result_lines(own: Path, published: Path, manifest: Mapping[str, Any], step: str) -> list[str]:
    now = {_key(row): row for row in json.loads(own.read_text(encoding="utf-8"))}
    rows = json.loads(published.read_text(encoding="utf-8")) if published.is_file() else []
    then = {_key(row): row for row in rows}
    lines = []
    for key, row in now.items():
        if key not in then:
            lines.append(f"result {_label(row)}: {row['stat_text']}, is not in the published build")
        elif then[key]["stat_text"] != row["stat_text"]:
            lines.append(f"result {_label(row)}: {then[key]['stat_text']} published, {row['stat_text']} here")
        elif then[key]["stat"] != row["stat"]:
            # Alike as rounded for a table.
            old, new = (f"{one['stat_text']} ({one['stat']})" for one in (then[key], row))
            lines.append(f"result {_label(row)}: {old} published, {new} here")
    counts = {name: _written(manifest, name).get(RESULTS, 0) for name in _steps(manifest)}
    if sum(counts.values()) != len(rows):
        return [*lines, "the published results are not those that its manifest counts: run `trialbook verify`"]
    # The results of a build are those of its steps, one step after the other: two may report the same analysis.
    names = list(counts)
    first = sum(counts[name] for name in names[: names.index(step)]) if step in counts else 0
    missed = [row for row in rows[first : first + counts.get(step, 0)] if _key(row) not in now]
    return lines + [f"result {_label(row)}: {row['stat_text']} published, is not reported here" for row in missed]


def _steps(manifest: Mapping[str, Any]) -> list[str]:
    """The steps of a build, in their order."""
    return [str(entry["step"]) for entry in manifest.get("steps", [])]


def _written(manifest: Mapping[str, Any], step: str) -> dict[str, int]:
    """What a step of a build left, by name, with the number of rows."""
    return next((dict(entry["written"]) for entry in manifest.get("steps", []) if entry["step"] == step), {})


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in KEYS)


def _label(row: Mapping[str, Any]) -> str:
    return " ".join(part for part in _key(row) if part)


def _worded(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        for old, new in WORDS:
            line = line.replace(old, new)
        yield line
