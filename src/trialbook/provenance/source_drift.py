"""The sources of a build against those of today: inputs, parameters, notebooks, contracts, code and packages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialbook.diff.notebooks import cell_places
from trialbook.diff.snapshots import input_places
from trialbook.diff.words import first_and_more, then_and_now
from trialbook.protocol.models import Trial

# Sections that hold the sha256 of files by name, and what one of their files is called in a message.
FILES = {"parameters": "", "notebooks": "", "contracts": "contract ", "code": "code ", "lock": ""}
VALUES = {"cut": "cut file", "analysis": "analysis key", "protocol": "protocol file"}
SHORT = 12


def made_of_differences(
    then: Mapping[str, Any], now: Mapping[str, Any], standing: Path, trial: Trial, root: Path
) -> list[str]:
    """One line for each difference between the sources of the manifest in `standing` (the published build) and today's.

    An input value, a parameter and a place in a notebook are named with their old and new value, as far as the
    published build still holds the old one; else the file with both hashes.
    """
    lines: list[str] = []
    for section in sorted({*then, *now}):
        old, new = then.get(section), now.get(section)
        if old == new:
            continue
        if not all(side is None or _fits(section, side) for side in (old, new)):
            lines.append(f"{section}: {then_and_now(_plain(old), _plain(new))}")
        elif section == "inputs":
            lines += _input_lines(old or {}, new or {}, standing, trial)
        elif section in FILES:
            for name, line in _file_lines(old or {}, new or {}, FILES[section]):
                lines += [line, *first_and_more(_inside(section, name, standing, root))]
        elif section == "packages":
            lines += _package_lines(old or {}, new or {})
        elif section in VALUES:
            lines += [f"{VALUES[section]}, {place}" for place in value_places(old, new)]
        elif section == "previous_build":
            previous = trial.cut.previous_cut
            lines.append(f"the build of the previous cut {previous}: manifest.json {_hashes(old, new)}")
        else:
            lines.append(f"{section}: {then_and_now(old, new)}")
    return lines


def _fits(section: str, side: Any) -> bool:
    """Whether a section has the shape that this version writes; a manifest may have been changed to any other."""
    if section in FILES or section in ("inputs", "packages"):
        return isinstance(side, dict) and all(isinstance(value, str) for value in side.values())
    return section != "previous_build" or isinstance(side, str)


def _hashes(old: str | None, new: str | None) -> str:
    """Two hashes, short; one that is missing on either side in words."""
    if new is None or not _is_hash(new):
        return f"was there then (sha256 {str(old)[:SHORT]}), is missing now"
    if old is None or not _is_hash(old):
        return f"was not there then, is there now (sha256 {new[:SHORT]})"
    return f"sha256 {old[:SHORT]} then, {new[:SHORT]} now"


def _is_hash(text: str) -> bool:
    return len(text) == 64


def _file_lines(old: Mapping[str, str], new: Mapping[str, str], kind: str) -> Iterator[tuple[str, str]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, f"{kind}{name}: {_hashes(old.get(name), new.get(name))}"


def _input_lines(old: Mapping[str, str], new: Mapping[str, str], standing: Path, trial: Trial) -> list[str]:
    lines = []
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    inside = input_places({name: old[name] for name in changed if name in old and name in new}, standing, trial)
    for name in changed:
        lines.append(f"input {name}: {_hashes(old.get(name), new.get(name))}")
        lines += [f"{name}: {place}" for place in first_and_more(inside.get(name, []))]
    return lines


def _package_lines(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    lines = []
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            one, two = (versions.get(name, "not installed") for versions in (old, new))
            lines.append(f"package {name}: {one} then, {two} now")
    return lines


def _inside(section: str, name: str, standing: Path, root: Path) -> Iterator[str]:
    """Where a file differs, when the published build still holds what it was."""
    if section != "notebooks":
        return
    try:
        was, now = (json.loads((base / name).read_text(encoding="utf-8"))["cells"] for base in (standing, root))
    except (OSError, ValueError, KeyError, TypeError):
        return
    found = [f"{name}: {place}" for place in cell_places(_told(was), _told(now), then_and_now)]
    yield from found or [f"{name}: every cell is unchanged; metadata or layout differ"]


def _told(cells: list[Any]) -> list[Any]:
    """What a person wrote in the cells: without outputs, counts, and the cell in which papermill set the parameters."""
    mine = [cell for cell in cells if "injected-parameters" not in cell.get("metadata", {}).get("tags", [])]
    return [
        {
            "id": cell.get("id"),
            "cell_type": cell.get("cell_type"),
            "tags": cell.get("metadata", {}).get("tags", []),
            "source": "".join(cell.get("source", "")),
        }
        for cell in mine
    ]


def value_places(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Every parameter that differs, by its path; entries of a list that have ids are matched by id.

    >>> list(value_places({"levels": [{"id": "DL1", "n": 3}]}, {"levels": [{"id": "DL1", "n": 6}]}))
    ['levels DL1.n: 3 then, 6 now']
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from value_places(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
    elif _has_ids(old) and _has_ids(new):
        one, two = ({entry["id"]: entry for entry in entries} for entries in (old, new))
        for ident in sorted({*one, *two}):
            if ident not in two:
                yield f"{at} {ident}: was there then, is missing now"
            elif ident not in one:
                yield f"{at} {ident}: was not there then"
            else:
                yield from value_places(one[ident], two[ident], f"{at} {ident}")
        if one == two and old != new:
            yield f"{at}: {then_and_now(', '.join(one), ', '.join(two))}"
    elif type(old) is not type(new) or old != new:
        yield f"{at}: {then_and_now(_plain(old), _plain(new))}"


def _has_ids(entries: Any) -> bool:
    named = isinstance(entries, list) and all(isinstance(e, dict) and isinstance(e.get("id"), str) for e in entries)
    return bool(entries) and named


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else value
