"""Checks a published build against its own manifest: every file, and whether the files agree with each other."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trialbook.core.datasets import read_dataset
from trialbook.core.files import json_text, sha256
from trialbook.diff.file_places import line_place, rewritten
from trialbook.diff.words import first_and_more, shown
from trialbook.pipeline.manifest import MANIFEST, NOT_LISTED, SCHEMA, fingerprint, seal_of
from trialbook.pipeline.ro_crate import CRATE, ro_crate
from trialbook.results.ard import COLUMNS

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Listed(BaseModel):
    """What a manifest says of one output."""

    model_config = ConfigDict(extra="forbid", strict=True)
    sha256: Hash
    bytes: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """The shape of a manifest; what is in its sources is compared elsewhere."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: Annotated[int, Field(alias="schema")]
    study: str
    cut_id: str
    cut_date: str
    fingerprint: Hash
    seal: Hash
    sources: dict[str, Any]
    steps: list[dict[str, Any]]
    outputs: dict[str, Listed]
    supersedes: Hash | None = None


def standing_differences(folder: Path, cut_id: str | None = None) -> list[str]:
    """One line for everything that was changed since the build; empty when nothing was.

    Needs nothing but the folder, which has the name of its cut, or holds the build of `cut_id`. `run.json`, permissions
    and times of files may be anything.
    """
    content = (folder / MANIFEST).read_bytes()
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        return [f"{MANIFEST}: cannot be read as JSON ({type(error).__name__})"]
    if isinstance(plain, dict) and plain.get("schema") != SCHEMA:
        older = f"{MANIFEST}: has the schema {shown(plain.get('schema'))}, this version of trialbook writes {SCHEMA}"
        return [f"{older}: verify with the version that built it, or build it again"]
    try:
        manifest = Manifest.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return [f"{MANIFEST}: /{'/'.join(map(str, first['loc']))}: {first['msg']}"]
    lines = list(_own_places(content, plain, manifest, cut_id or folder.name))
    hashes = _hashes(folder, list(manifest.outputs))
    lines += _file_places(folder, manifest.outputs, hashes)
    sound = {name for name, listed in manifest.outputs.items() if hashes.get(name) == listed.sha256}
    return [*lines, *_meaning_places(folder, plain, manifest, sound)]


def _own_places(content: bytes, plain: Mapping[str, Any], manifest: Manifest, name: str) -> Iterator[str]:
    """Whether a manifest is as it was written, and says one thing about study and cut throughout."""
    written = json_text(plain)
    if content != written.encode():
        text = content.decode("utf-8", errors="replace")
        how = rewritten(content, written.encode()) or f"its text is not as it was written, {line_place(text, written)}"
        yield f"{MANIFEST}: {how}"
    if seal_of(written) != manifest.seal:
        yield f"{MANIFEST}: does not carry its own seal: something in it was changed after the build"
    twice = {
        "cut_id": _at(manifest.sources, "cut", "cut_id"),
        "cut_date": _at(manifest.sources, "cut", "cut_date"),
        "study": _at(manifest.sources, "protocol", "study", "registry_id"),
    }
    for key, inside in twice.items():
        if plain[key] != inside:
            yield f"{MANIFEST}: /{key} is {shown(plain[key])}, in its sources it is {shown(inside)}"
    if manifest.cut_id != name:
        yield f"{MANIFEST}: is of the cut {shown(manifest.cut_id)}, the folder is named {name}"


def _at(plain: Any, *keys: str) -> Any:
    """The value at a place of a manifest, which may be of any shape; None where it is not there."""
    for key in keys:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain


def _hashes(folder: Path, names: list[str]) -> dict[str, str]:
    """The sha256 of these files and of every other plain file, each read once; links are not followed."""
    found = {p.relative_to(folder).as_posix(): p for p in _entries(folder) if stat.S_ISREG(p.lstat().st_mode)}
    return {name: _sha256(path) for name, path in found.items() if name in names or name not in NOT_LISTED}


def _file_places(folder: Path, outputs: Mapping[str, Listed], known: Mapping[str, str]) -> list[str]:
    """Missing, extra, altered, renamed and swapped files; whatever is not a plain file or a folder that is needed."""
    lines, present = [], []
    needed = {parent.as_posix() for name in outputs for parent in Path(name).parents}
    for path in _entries(folder):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            lines.append(f"{name}: is a symbolic link, the build wrote a {'folder' if name in needed else 'file'}")
        elif stat.S_ISDIR(mode):
            if name not in needed:
                lines.append(f"{name}: this folder was not written by the build")
        elif not stat.S_ISREG(mode):
            lines.append(f"{name}: is not a plain file")
        elif name not in NOT_LISTED:
            present.append(name)
    hashes = {name: known[name] for name in present}
    listed = {entry.sha256: name for name, entry in sorted(outputs.items(), reverse=True)}
    gone = sorted(name for name in outputs if name not in hashes and not (folder / name).is_symlink())
    for name in sorted({*outputs, *present}):
        if name in gone:
            now = next((other for other in sorted(hashes) if other not in outputs
                        and hashes[other] == outputs[name].sha256), None)  # fmt: skip
            lines.append(f"{name}: is missing" + (f"; {now} holds what it held: it was renamed" if now else ""))
        elif name in hashes and name not in outputs:
            lines.append(f"{name}: was not written by the build")
        elif name in hashes and hashes[name] != outputs[name].sha256:
            lines.append(f"{name}: {_change(folder / name, hashes[name], outputs[name], listed)}")
    return lines


def _entries(folder: Path) -> Iterator[Path]:
    """Everything below a folder, links not followed, in the order of names."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted([*folders, *files]))


def _sha256(path: Path) -> str:
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        return f"unreadable ({type(error).__name__})"


def _change(path: Path, found: str, entry: Listed, listed: Mapping[str, str]) -> str:
    """How a file was changed whose content is not what the build wrote."""
    if found.startswith("unreadable"):
        return f"is {found}"
    if found in listed:
        return f"holds the content of {listed[found]}"
    size = path.stat().st_size
    if size != entry.bytes:
        how = "was cut short" if size < entry.bytes else "has grown"
        return f"{how}: the build wrote {entry.bytes} bytes, the file has {size}"
    return f"was altered: the build wrote sha256 {entry.sha256[:12]}, the file has {found[:12]}"


def _meaning_places(folder: Path, plain: Mapping[str, Any], manifest: Manifest, sound: set[str]) -> Iterator[str]:
    """Whether the files listed agree with each other: what a rewritten manifest cannot hide."""
    if "results/ard.parquet" in sound:
        mark = fingerprint(manifest.sources, folder / "results" / "ard.parquet")
        if mark != manifest.fingerprint:
            yield f"{MANIFEST}: /fingerprint is not that of its sources and results/ard.parquet"
        if "results/ard.json" in sound:
            yield from _result_places(folder)
    for name in sorted(name for name in sound if name.endswith(".html")):
        if manifest.fingerprint not in (folder / name).read_text(encoding="utf-8", errors="replace"):
            yield f"{name}: does not show the fingerprint of this build: it is a page of another one"
    yield from _row_places(folder, manifest.steps, sound)
    if CRATE in sound:
        if (folder / CRATE).read_bytes() != _crate_of(plain):
            yield f"{CRATE}: does not say what {MANIFEST} says"
    elif CRATE not in manifest.outputs:
        yield f"{MANIFEST}: does not list {CRATE}"


def _crate_of(plain: Mapping[str, Any]) -> bytes:
    """The provenance that belongs to a manifest; none for one that is not of the right shape."""
    rest = {name: entry for name, entry in plain["outputs"].items() if name != CRATE}
    try:
        return json_text(ro_crate({**plain, "outputs": rest})).encode()
    except (KeyError, TypeError, AttributeError, ValueError):
        return b""


def _result_places(folder: Path) -> Iterator[str]:
    """Results that differ between `ard.json` and `ard.parquet`."""
    frame = read_dataset(folder / "results" / "ard.parquet")
    rows = json.loads((folder / "results" / "ard.json").read_text(encoding="utf-8"))
    if len(rows) != len(frame):
        yield f"results/ard.json: has {len(rows)} rows, results/ard.parquet {len(frame)}"
    differing = []
    for key in COLUMNS:
        column = frame[key].astype("object").where(frame[key].notna(), None).tolist()
        other = [row.get(key) for row in rows]
        if other != column:
            pairs = enumerate(zip(other, column, strict=False))
            differing += [(number, key, one, two) for number, (one, two) in pairs if one != two]
    yield from first_and_more(
        f"results/ard.json: /{number}/{key} is {shown(one)}, in results/ard.parquet it is {shown(two)}"
        for number, key, one, two in sorted(differing, key=lambda place: place[:2])
    )


def _row_places(folder: Path, steps: list[dict[str, Any]], sound: set[str]) -> Iterator[str]:
    """Datasets with another number of records than the receipt of their step says."""
    for step in steps:
        written = step.get("written")
        for name, rows in sorted(written.items()) if isinstance(written, dict) else ():
            file = f"data/{name}.parquet"
            if file in sound:
                try:
                    found = pq.read_metadata(folder / file).num_rows
                except (OSError, pa.ArrowException):
                    yield f"{file}: cannot be read as parquet"
                    continue
                if found != rows:
                    yield f"{file}: has {found} records, its step wrote {rows}"
