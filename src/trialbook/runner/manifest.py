"""The manifest of a build: what it was made of and what it left, by sha256; the same on every rebuild."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from trialbook.protocol.models import Trial
from trialbook.runner.graph import STEPS

SCHEMA = 1
NOT_LISTED = ("manifest.json", "run.json")


def sha256(content: bytes) -> str:
    """The sha256 of bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def file_hashes(paths: Iterable[Path], base: Path) -> dict[str, str]:
    """The sha256 of each file by its path below `base`; a file outside is named by its name alone."""
    named = {(p.relative_to(base).as_posix() if p.is_relative_to(base) else p.name): p for p in paths}
    return {name: sha256(named[name].read_bytes()) for name in sorted(named)}


def code_files() -> list[Path]:
    """Every file of the library itself."""
    package = Path(__file__).resolve().parents[1]
    return sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def package_versions(lock: Path) -> dict[str, str]:
    """Installed versions of the packages that the lock names, as installed (not as locked)."""
    names = [line.split("==")[0].strip() for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
    versions = {}
    for name in sorted(set(names)):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def sources(trial: Trial, root: Path, snapshot: Mapping[str, str]) -> dict[str, Any]:
    """What a build depends on: inputs, parameters, code, notebooks, contracts, lock and package versions.

    `snapshot` holds the sha256 of each delivered file as it was read.
    """
    parameters = [trial.path(trial.cut.protocol)]
    parameters += [trial.path(p) for p in (trial.cut.mapping, trial.cut.approved_deletions) if p]
    package = Path(__file__).resolve().parents[1]
    lock = root / "requirements.lock"
    return {
        "inputs": dict(sorted(snapshot.items())),
        "cut": trial.cut.model_dump(mode="json"),
        "analysis": trial.analysis.model_dump(mode="json"),
        "parameters": file_hashes(parameters, trial.root),
        "notebooks": file_hashes([root / "notebooks" / spec.notebook for spec in STEPS], root),
        "contracts": file_hashes((root / "data_contracts").rglob("*.yaml"), root),
        "code": file_hashes(code_files(), package.parent),
        "lock": file_hashes([lock], root),
        "packages": package_versions(lock),
    }


def fingerprint(made_of: Mapping[str, Any], results: Path) -> str:
    """The build fingerprint that pages show: a hash over all sources and the result table, before any page exists."""
    text = json.dumps(made_of, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode() + results.read_bytes())


def write_manifest(
    folder: Path, trial: Trial, made_of: Mapping[str, Any], mark: str, steps: list[dict[str, Any]]
) -> None:
    """Writes `manifest.json`, the last file of a build: without it a folder is no build."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in NOT_LISTED]
    manifest = {
        "schema": SCHEMA,
        "study": trial.protocol.study.registry_id,
        "cut_id": trial.cut.cut_id,
        "cut_date": trial.cut.cut_date,
        "fingerprint": mark,
        "sources": made_of,
        "steps": steps,
        "outputs": {
            path.relative_to(folder).as_posix(): {"sha256": sha256(path.read_bytes()), "bytes": path.stat().st_size}
            for path in files
        },
    }
    write_json(folder / "manifest.json", manifest)


def write_json(path: Path, content: Any) -> None:
    """JSON with sorted keys, UTF-8, one line feed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
