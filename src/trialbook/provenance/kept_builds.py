"""Whether the superseded builds of a cut that are kept (`.superseded`) are still as they were when they were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trialbook.pipeline.manifest import MANIFEST
from trialbook.pipeline.manifest_check import standing_differences
from trialbook.pipeline.superseded import SHORT, SUPERSEDED, named_seal, read_manifest, superseded_place, touched_before


def kept_differences(out: Path, cut_id: str, supersedes: Any) -> list[str]:
    """One line for everything in the kept builds of a cut that was changed since; `supersedes`: a seal, or None.

    Each is held against its own manifest, which must carry the seal that its folder is named by. What a person had
    changed before the build was kept is no change. One that the published manifest names (`supersedes`) must be there.
    """
    folder = out / SUPERSEDED / cut_id
    places = sorted(path for path in folder.glob("[!.]*") if path.is_dir()) if folder.is_dir() else []
    lines = [f"{_named(out, place)}, {line}" for place in places for line in _differences(place, cut_id)]
    if isinstance(supersedes, str):
        place = superseded_place(out, cut_id, supersedes)
        if place not in places:
            lines.append(f"{_named(out, place)}: is missing")
    return lines


def _differences(place: Path, cut_id: str) -> list[str]:
    if place.is_symlink():
        return ["the folder: is a link"]
    if not (place / MANIFEST).is_file():
        return [f"{MANIFEST}: is missing"]
    before = touched_before(place)
    found = [line for line in standing_differences(place, cut_id) if line not in before]
    seal = named_seal(read_manifest(place) or {})[:SHORT]
    if place.name.partition("-")[0] != seal:
        found.append(f"{MANIFEST}: is of the build {seal}: another one was put here")
    return found


def _named(out: Path, place: Path) -> str:
    return place.relative_to(out).as_posix()
