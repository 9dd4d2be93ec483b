"""The manifest of a build: its inputs and its outputs, by sha256; the same on every rebuild."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialbook.core.file_marks import PACKAGE, library_files
from trialbook.core.files import json_text, naming, sha256, write_json
from trialbook.pipeline.dependencies import ABSENT, Ingredients
from trialbook.pipeline.ro_crate import CRATE, ro_crate
from trialbook.protocol.load import drug_file
from trialbook.protocol.models import Trial
from trialbook.protocol.synthetic import is_synthetic

SCHEMA = 2
# As `trialbook.contracts.odcs.KINDS`, which is not imported here: looking whether anything changed must be quick.
KINDS = ("raw", "clean", "analysis", "results")
MANIFEST = "manifest.json"
NOT_LISTED = (MANIFEST, "run.json")
# Its line in a manifest; what is nested lies further in.
SEAL_LINE = re.compile(r'^ "seal": .*\n', re.MULTILINE)


def code_files() -> list[str]:
    """Every file of the library itself, relative to it."""
    return sorted(path.relative_to(PACKAGE).as_posix() for path in library_files())


def locked_names(lock: Path) -> list[str]:
    """Normalised names of the packages that the lock names."""
    if not lock.is_file():
        return []
    return sorted(
        {line.split("==")[0].strip() for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line}
    )


def sources(trial: Trial, root: Path, builds: Path, ingredients: Ingredients) -> dict[str, Any]:
    """What a build depends on: inputs, parameters, code, notebooks, contracts, lock and package versions (as
    installed, not as locked), and the previous build.
    """
    others = trial.cut.external.named().values() if trial.cut.external else ()
    named = [
        trial.cut.protocol, trial.cut.mapping, trial.cut.approved_deletions, *(one.file for one in others)
    ]  # fmt: skip
    files = {name: ingredients.value(f"file {name}") for name in named if name}
    drugs = trial.protocol.drug_dictionary
    if drugs is not None:
        files[drugs] = ingredients.file(drug_file(trial.path(trial.cut.protocol), drugs))
    notebooks = [spec.notebook for spec in ingredients.graph.steps]
    contracts = [name for kind in KINDS for name in ingredients.contracts(kind)]
    previous = trial.cut.previous_cut
    before = ingredients.value("previous manifest.json") if previous else ABSENT
    return {
        "inputs": ingredients.inputs,
        "cut": trial.cut.model_dump(mode="json"),
        "analysis": trial.analysis.model_dump(mode="json"),
        "protocol": trial.protocol.model_dump(mode="json"),
        "parameters": dict(sorted(files.items())),
        "notebooks": {f"notebooks/{name}": ingredients.value(f"notebook {name}") for name in notebooks},
        "contracts": {f"data_contracts/{name}": ingredients.value(f"contract {name}") for name in contracts},
        "code": {f"trialbook/{name}": ingredients.value(f"code {name}") for name in code_files()},
        "lock": {"requirements.lock": ingredients.value("lock")},
        "packages": {
            name: ingredients.installed[name]
            for name in locked_names(root / "requirements.lock")
            if name in ingredients.installed
        },
        "python": ingredients.value("python"),
        "charts": ingredients.value("charts"),
        "decisions": ingredients.decisions,
        "answers": ingredients.answers,
        "reviewed": ingredients.reviewed,
        "synthetic": is_synthetic(trial),
        "previous_build": before if before != ABSENT else None,
    }


def is_current(folder: Path, made_of: Mapping[str, Any]) -> bool:
    """Whether a build has exactly these sources and is still, file by file, what its manifest says."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        outputs = manifest["outputs"]
        if manifest["schema"] != SCHEMA or manifest["sources"] != json.loads(json.dumps(made_of)):
            return False
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        return found == {*outputs, *NOT_LISTED} and all(
            sha256((folder / name).read_bytes()) == entry["sha256"] for name, entry in outputs.items()
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def fingerprint(made_of: Mapping[str, Any], results: Path) -> str:
    """The build fingerprint that pages show: a hash over all sources and the result table, before any page exists."""
    text = json.dumps(made_of, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode() + results.read_bytes())


def seal(manifest: Mapping[str, Any]) -> str:
    """The sha256 over all of a manifest but its seal: a manifest that was changed by hand no longer carries its own."""
    return seal_of(json_text({**manifest, "seal": ""}))


def seal_of(text: str) -> str:
    """The seal of the text of a manifest, without the line that holds it: laying the text out again takes long."""
    return sha256(SEAL_LINE.sub("", text, count=1).encode())


def write_manifest(
    folder: Path, trial: Trial, made_of: Mapping[str, Any], mark: str, steps: list[dict[str, Any]],
    supersedes: str | None = None,
) -> None:  # fmt: skip
    """Writes the RO-Crate metadata, then `manifest.json`, the last file of a build: without it a folder is not a build.

    The manifest lists the crate by its sha256 and the crate names the manifest without one, since two files cannot hold
    each other's hash; so `trialbook verify` finds a changed crate as it finds any other changed file. `supersedes` is
    the seal of an earlier build of the cut, made from another delivery.
    """
    outputs = {name: _listed(folder / name) for name in output_files(folder) if name != CRATE}
    manifest = {
        "schema": SCHEMA,
        "study": trial.protocol.study.registry_id,
        "cut_id": trial.cut.cut_id,
        "cut_date": trial.cut.cut_date,
        "fingerprint": mark,
        "sources": made_of,
        "steps": steps,
        "outputs": outputs,
        **({"supersedes": supersedes} if supersedes else {}),
    }
    write_json(folder / CRATE, ro_crate(manifest))
    outputs[CRATE] = _listed(folder / CRATE)
    text = json_text({**manifest, "seal": ""})
    sealed = SEAL_LINE.sub(lambda _: f' "seal": "{seal_of(text)}",\n', text, count=1)
    with naming(folder / MANIFEST):
        (folder / MANIFEST).write_text(sealed, encoding="utf-8", newline="\n")


def output_files(folder: Path) -> list[str]:
    """The files of a build that its manifest lists, by their paths in it: all but the manifest and `run.json`."""
    files = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    return sorted(name for name in files if name not in NOT_LISTED)


def _listed(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": sha256(content), "bytes": len(content)}
