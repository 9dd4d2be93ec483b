"""Lays out a working folder for a trial: notebooks, parameters and contracts of the installed package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from trialbook.core.errors import StopError, TrialbookError, UsageError
from trialbook.core.file_marks import PACKAGE
from trialbook.core.files import naming
from trialbook.kernels.strip_outputs import clean_bytes
from trialbook.protocol.load import load_protocol
from trialbook.protocol.models import Protocol, Trial
from trialbook.protocol.untouched import untouched

# Where the wheel has the files of a project, beside the package; a clone has them at its top.
CARRIED = "trialbook_project"
# What a folder gets of them. Cut files are left out: those of a clone are its own.
PARTS = ("notebooks/*.ipynb", "data_contracts/**/*.yaml", "params/protocol.yaml", "params/drugs.yaml",
         "params/examples/**/*", "requirements.lock")  # fmt: skip
# Files that only a working folder has, and their names in it.
OWN = Path(__file__).parent / "working_folder"
NAMES = {
    "README.md": "README.md", "Makefile": "Makefile", "gitignore": ".gitignore", "gitattributes": ".gitattributes",
    "cut-template.yaml": "params/cut-template.yaml",
}  # fmt: skip
EMPTY = ("params/cuts", "data", "build")
FILTER = "filter.notebook-without-outputs.clean"


def carried_project() -> Path:
    """The folder with the notebooks, parameters and contracts of this installation; raises StopError."""
    for folder in (PACKAGE.parent / CARRIED, PACKAGE.parents[1]):
        if (folder / "notebooks").is_dir() and (folder / "params" / "protocol.yaml").is_file():
            return folder
    raise StopError(
        "this installation of trialbook does not carry the files of a project", file=str(PACKAGE.parent / CARRIED),
        next_step="install trialbook from its wheel, or work in a clone",
    )  # fmt: skip


@cache
def _read_template(path: Path) -> Protocol:
    """The protocol that `init` begins with, read once for all cuts of a command."""
    return load_protocol(path)


def values_left(trial: Trial) -> list[str]:
    """A warning that names what a trial of one's own still has of the trial that `init` begins with; else nothing."""
    try:
        template = carried_project() / "params" / "protocol.yaml"
        own = trial.path(trial.cut.protocol)
        if own.read_bytes() == template.read_bytes():
            return []
        carried = _read_template(template)
    except (TrialbookError, OSError):
        # Nothing is known of the template then: no reason not to build.
        return []
    left = untouched(trial.protocol, carried)
    if not left:
        return []
    return [
        f"warning: {trial.cut.protocol} still says of this trial what {carried.study.registry_id} has there: "
        f"{', '.join(left)}. Next: write what holds for {trial.protocol.study.id}."
    ]


def lay_out(folder: Path, example: Mapping[str, bytes] = MappingProxyType({})) -> list[str]:
    """Fills a new or empty folder; returns what a person should know, as lines.

    `example` are files by their paths in the folder: they are added, or take the place of the usual ones.

    The folder appears whole or not at all, and no file is ever written over: raises UsageError for a folder that
    holds something, or a place that is no folder.
    """
    place = folder.resolve()
    if place.exists() and not place.is_dir():
        raise UsageError("this is a file, not a folder", file=str(place), next_step="name a new folder")
    if place.is_dir() and any(place.iterdir()):
        raise UsageError(
            "the folder is not empty, and nothing in it is written over", file=str(place),
            next_step="name a new or an empty folder",
        )  # fmt: skip
    source = carried_project()
    with naming(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            for name, content in {**dict(_files(source)), **example}.items():
                target = scratch / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            for name in EMPTY:
                (scratch / name).mkdir(parents=True, exist_ok=True)
            # A folder made for one process alone may be read by nobody else; this one is like any other.
            scratch.chmod(0o777 & ~_mask())
            os.replace(scratch, place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return [str(place), *_version_control(place), f"next: read {place.name}/README.md, and describe the trial in "
            f"{place.name}/params/protocol.yaml; then `trialbook new-cut` inside the folder"]  # fmt: skip


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a new folder, by its path in it; notebooks without what a run left in them."""
    for pattern in PARTS:
        for path in sorted(source.glob(pattern)):
            if not path.is_file() or any(part.startswith((".", "__")) for part in path.relative_to(source).parts):
                continue
            content = path.read_bytes()
            name = path.relative_to(source).as_posix()
            yield name, _clean(content, path) if path.suffix == ".ipynb" else content
    for name, target in NAMES.items():
        yield target, (OWN / name).read_bytes()


def _clean(content: bytes, path: Path) -> bytes:
    try:
        return clean_bytes(content)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError):
        raise StopError("this notebook cannot be read", file=str(path), next_step="install trialbook again") from None


def _mask() -> int:
    """The permissions that this process takes from new files; asking for them sets them, so they are put back."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _version_control(place: Path) -> list[str]:
    """Makes the folder a git repository, or sets up the filter of the one around it; says what was done, or why not."""
    if shutil.which("git") is None:
        return ["git was not found: the folder is under no version control; `make git` sets it up later"]
    around = _git(place, "rev-parse", "--show-toplevel")
    if around is None:
        if _git(place, "init", "-q") is None:
            return ["git could not make a repository here; `make git` says why"]
        said = "a git repository was made; nothing is committed yet"
    else:
        said = f"the folder is part of the git repository {around}"
    if _git(place, "config", "--get", FILTER):
        return [f"{said}; its filter for the outputs of notebooks was left as it is"]
    if _git(place, "config", FILTER, f'"{sys.executable}" -m trialbook.kernels.strip_outputs') is None:
        return [f"{said}, but the filter for the outputs of notebooks could not be set: `make git` says why"]
    return [f"{said}; outputs of notebooks are kept out of it"]


def _git(place: Path, *words: str) -> str | None:
    """What git answers in this folder; None where it refuses."""
    done = subprocess.run(["git", "-C", str(place), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
