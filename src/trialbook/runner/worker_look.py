"""What a worker of a cluster sees of the code, the project and the builds, and whether it can build what is asked."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trialbook.runner.ingredients import installed
from trialbook.runner.manifest import code_files, locked_names
from trialbook.runner.marks import PACKAGE

# Below the folder of the builds: a folder for each command, in which workers show that they see it.
PROBES = ".probes"


@dataclass(frozen=True)
class Seen:
    """What one process sees of the code, of the project and of the folder of the builds."""

    host: str
    code: str
    python: str
    packages: Mapping[str, str]
    project: str
    probe: str


def look_around(root: str, out: str, token: str, mark: str = "") -> Seen:
    """Runs on every worker: what it sees; with `mark` it also leaves a file beside the probe file."""
    import platform

    place, project = Path(out) / PROBES / token, Path(root)
    probe = place / "probe"
    seen = hashlib.sha256(probe.read_bytes()).hexdigest() if probe.is_file() else ""
    if mark and seen:
        (place / mark).write_text("", encoding="utf-8")
    names = set(locked_names(project / "requirements.lock"))
    return Seen(
        host=socket.gethostname(),
        code=_digest(PACKAGE, [PACKAGE / name for name in code_files()]),
        python=platform.python_version(),
        packages={name: version for name, version in sorted(installed().items()) if name in names},
        project=_digest(project, sorted(p for part in ("notebooks", "data_contracts", "params")
                                        for p in (project / part).rglob("*") if p.is_file())),
        probe=seen,
    )  # fmt: skip


def _digest(base: Path, files: list[Path]) -> str:
    """One hash over names and contents of files; nothing where there are none."""
    lines = [f"{p.relative_to(base).as_posix()} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def misfit(here: Seen, there: object, left_its_mark: bool) -> str:
    """Why a worker cannot build what is asked for here; nothing when it can."""
    if not isinstance(there, Seen):
        kind = type(there).__name__ if there is not None else "no answer"
        return f"cannot run trialbook ({kind})"
    if not there.probe or there.probe != here.probe:
        return f"on {there.host} does not see the output folder"
    if not left_its_mark:
        return f"on {there.host} writes to another output folder than this one"
    if there.project != here.project:
        return f"on {there.host} does not see the same project folder"
    if there.python != here.python:
        return f"on {there.host} runs Python {there.python}, here it is {here.python}"
    for name in sorted({*here.packages, *there.packages}):
        one, two = here.packages.get(name, "not installed"), there.packages.get(name, "not installed")
        if one != two:
            return f"on {there.host} has {name} {two}, here it is {one}"
    return "" if there.code == here.code else f"on {there.host} runs other code of trialbook"
