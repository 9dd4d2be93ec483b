"""What a piece of a build is made of, by name and value: a piece is made again only when one of these has changed.

notebook 05_orr.ipynb        a notebook, by sha256
code safety/adae.py          a file of the library, by sha256
package pandas, lock, python the environment
cut.cut_date                 a key of the cut file (all of it is written into every notebook)
analysis.os_days             an analysis key in force; protocol.criteria, protocol.study.endpoints: protocol keys
input dm.csv, inputs         a file of the snapshot, and which files there are
file params/x.csv            another file that the cut names
contract clean/ae.yaml, contracts clean
data data/adsl.parquet, data data/clean/    what an earlier piece left, and which files there are
previous adsl, previous/     a file of the build of the previous cut, and whether there is one
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from trialbook.errors import StopError, UsageError
from trialbook.privacy import masked
from trialbook.protocol.models import Trial
from trialbook.runner.reach import PACKAGE

ABSENT = "absent"
SHOWN = 60


class Ingredients:
    """Current values of ingredients. A file is hashed once; `left` holds what the pieces of this build left so far."""

    def __init__(self, trial: Trial, root: Path, builds: Path, charts: str) -> None:
        self._trial, self._root, self._builds, self._charts = trial, root, builds, charts
        self._hashed: dict[Path, str] = {}
        self.left: dict[str, str] = {}

    def values(self, names: Iterable[str]) -> dict[str, str]:
        """The value of each name, sorted by name."""
        return {name: self.value(name) for name in sorted(set(names))}

    def value(self, name: str) -> str:
        """The value of one ingredient, as short text: a sha256, a version, or the value itself as JSON."""
        kind, _, rest = name.partition(" ")
        if kind in self._of_kind:
            return self._of_kind[kind](rest)
        return _short(_at(self._parameters, name))

    @cached_property
    def _of_kind(self) -> Mapping[str, Callable[[str], str]]:
        return {
            "notebook": lambda name: self.file(self._root / "notebooks" / name),
            "code": lambda name: self.file(PACKAGE / name),
            "package": lambda name: self.installed.get(name, ABSENT),
            "python": lambda _: platform.python_version(),
            "lock": lambda _: self.file(self._root / "requirements.lock"),
            "charts": lambda _: self._charts,
            "input": lambda name: self.inputs.get(name, ABSENT),
            "inputs": lambda _: _short(sorted(self.inputs)),
            "file": lambda name: self.file(self._trial.root / name),
            "contract": lambda name: self.file(self._root / "data_contracts" / name),
            "contracts": lambda kind: _short(self.contracts(kind)),
            "data": self._data,
            "previous": self._previous,
            "previous/": lambda _: "built" if self._previous("manifest.json") != ABSENT else ABSENT,
        }

    def file(self, path: Path) -> str:
        """The sha256 of a file, hashed once per build; of a folder, that it is one."""
        if path not in self._hashed:
            self._hashed[path] = file_sha256(path)
        return self._hashed[path]

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        parts = {"cut": self._trial.cut, "analysis": self._trial.analysis, "protocol": self._trial.protocol}
        return {name: model.model_dump(mode="json") for name, model in parts.items()}

    @cached_property
    def installed(self) -> dict[str, str]:
        """Versions of the installed packages."""
        return installed()

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The sha256 of every regular file of the snapshot by its name; folders in it are not looked into.

        Names are masked like text of the data. Raises UsageError for two files whose masked names are one.
        """
        place = self._trial.path(self._trial.cut.snapshot)
        files = [place] if place.is_file() else sorted(p for p in place.iterdir() if p.is_file())
        found: dict[str, str] = {}
        for path in files:
            name = masked(path.name)
            if name in found:
                raise UsageError(
                    "two files have this name once what identifies a person is withheld", file=name,
                    next_step="give the files names without personal data",
                )  # fmt: skip
            found[name] = self.file(path)
        return found

    def contracts(self, kind: str) -> list[str]:
        """Names of the contract files of one kind, as ingredients name them."""
        base = self._root / "data_contracts"
        return sorted(p.relative_to(base).as_posix() for p in (base / kind).glob("*.yaml"))

    def _data(self, name: str) -> str:
        if name.endswith("/"):
            return _short(sorted(left for left in self.left if left.startswith(name)))
        return self.left.get(name, ABSENT)

    def _previous(self, name: str) -> str:
        cut = self._trial.cut.previous_cut
        return self.file(self._builds / cut / name) if cut else ABSENT

    def stop_if_changed(self, names: Iterable[str]) -> None:
        """Raises StopError when a file behind one of these names is no longer what it was when it was first hashed.

        To be asked right after a file has been used: what is changed later does no harm.
        """
        before = self.values(names)
        hashed, self._hashed = self._hashed, {}
        changed = [name for name, then in before.items() if self.value(name) != then]
        self._hashed = hashed
        if changed:
            raise StopError(
                "it changed while the build was using it", file=changed[0],
                next_step="build again when it no longer changes",
            )  # fmt: skip


def installed() -> dict[str, str]:
    """Versions of the installed packages by normalised name."""
    return {
        str(entry.metadata["Name"]).lower().replace("_", "-").replace(".", "-"): entry.version
        for entry in metadata.distributions()
        if entry.metadata["Name"]
    }


def file_sha256(path: Path) -> str:
    """The sha256 of a file; in words, that it is a folder, or absent."""
    if path.is_dir():
        return "a folder"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ABSENT


def _at(plain: Any, key: str) -> Any:
    """The value at a dotted key; what is no longer there is absent."""
    for part in key.split("."):
        if not isinstance(plain, dict) or part not in plain:
            return ABSENT
        plain = plain[part]
    return plain


def _short(value: Any) -> str:
    """A value as JSON text, or its hash where it is long."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= SHOWN else hashlib.sha256(text.encode("utf-8")).hexdigest()


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """In words, which ingredients differ; a value that is not a hash is shown."""
    lines = []
    for name in sorted({*before, *now}):
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if old != new:
            shown = len(old) <= SHOWN and len(new) <= SHOWN
            lines.append(f"{name}: {old} -> {new}" if shown else f"{name} changed")
    return lines
