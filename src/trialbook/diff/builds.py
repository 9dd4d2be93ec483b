"""Compares two builds file by file and names the places that differ: for `verify`."""

from __future__ import annotations

from pathlib import Path

from trialbook.diff.file_places import places
from trialbook.diff.words import MOST

VARIES = "run.json"


def compare_builds(standing: Path, rebuilt: Path, most: int = MOST) -> list[str]:
    """The places that differ between two build folders, apart from `run.json`; empty when every byte agrees.

    Files in order of name, at most `most` places of each, then how many more.
    """
    left, right = _files(standing), _files(rebuilt)
    lines = []
    for name in sorted(left | right):
        if name not in right:
            lines.append(f"{name}: only in the published build")
        elif name not in left:
            lines.append(f"{name}: only in the rebuild")
        else:
            lines += [f"{name}: {place}" for place in places(standing / name, rebuilt / name, most)]
    return lines


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {VARIES}
