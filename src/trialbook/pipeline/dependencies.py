"""The inputs of each task of a build, by name and value: a task runs again only when one of these has changed.

notebook 05_orr.ipynb        a notebook, by sha256
step 05_orr, step results    what a notebook says of itself in its metadata; which counts are compared with datasets
code safety/adae.py          a file of the library, by sha256
package pandas, lock, python, environment OPENBLAS_CORETYPE     the surroundings
cut.cut_date                 a key of the cut file (all of it is written into every notebook)
analysis.os_days             an analysis key in force; protocol.criteria, protocol.study.endpoints: protocol keys
input dm.csv, inputs         a file of the snapshot, and which files there are
file params/x.csv            another file that the cut names
contract clean/ae.yaml, contracts clean
data data/adsl.parquet, data data/clean/    the output of an earlier task, and which files there are
decisions                    the committee's decisions on earlier cuts
answers                      what people have answered to questions on this cut and on earlier ones
previous adsl, previous/     a file of the build of the previous cut, and whether there is one
"""

from __future__ import annotations

import json
import os
import platform
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from trialbook.core.errors import StopError, UsageError
from trialbook.core.file_marks import PACKAGE, Mark, mark_of
from trialbook.core.files import place_of, sha256
from trialbook.core.privacy import masked
from trialbook.protocol.decisions import decisions_before
from trialbook.protocol.models import Trial
from trialbook.queries.answers import answers_until
from trialbook.queries.marks import marks_until
from trialbook.workbook.step_metadata import graph_of, notebook_files
from trialbook.workbook.steps import Graph

ABSENT = "absent"
SHOWN = 60
SHA256 = 64


class Ingredients:
    """Current values of inputs. A file is hashed once; `left` holds the outputs of the tasks of this build so far.

    `known` are files that the caller has read and hashed already (place to sha256): they are not read again.
    """

    def __init__(
        self, trial: Trial, root: Path, builds: Path, charts: str, known: Mapping[str, str] | None = None
    ) -> None:
        self._known = known or {}
        self._known_names = {Path(place).name for place in self._known}
        self._trial, self._root, self._builds, self._charts = trial, root, builds, charts
        self._hashed: dict[Path, str] = {}
        self._marks: dict[Path, Mark] = {}
        self._contents: dict[str, bytes] = {}
        self._places: dict[Path, str] = {}
        # Names of the files that the trial was parsed from; asking for the place of every file would take long.
        self._parsed = {Path(place).name for place in trial.read}
        self.left: dict[str, str] = {}
        self._lock = threading.Lock()

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
            "notebook": lambda name: sha256(self.notebook(name)) if self.notebook(name) else ABSENT,
            "step": lambda name: _short(self.graph.said_of(name)),
            "code": lambda name: self.file(PACKAGE / name),
            "package": lambda name: self.installed.get(name, ABSENT),
            "python": lambda _: platform.python_version(),
            "lock": lambda _: self.file(self._root / "requirements.lock"),
            "charts": lambda _: self._charts,
            "environment": lambda name: os.environ.get(name, ABSENT),
            "input": lambda name: self.inputs.get(name, ABSENT),
            "inputs": lambda _: _short(sorted(self.inputs)),
            "file": lambda name: self.file(self._trial.root / name),
            "contract": lambda name: self.file(self._root / "data_contracts" / name),
            "contracts": lambda kind: _short(self.contracts(kind)),
            "data": self._data,
            "decisions": lambda _: _short(self.decisions),
            "answers": lambda _: _short(self.answers),
            "previous": self._previous,
            "previous/": lambda _: "built" if self._previous("manifest.json") != ABSENT else ABSENT,
        }

    def file(self, path: Path) -> str:
        """The sha256 of a file, hashed once per build; of a folder, that it is one."""
        if path not in self._hashed:
            # The mark first: what is written from now on has another.
            self._marks[path] = mark_of(path)
            known = self._known.get(place_of(path)) if path.name in self._known_names else None
            found = known or file_sha256(path)
            if path.name in self._parsed and self._trial.read.get(place_of(path), found) != found:
                raise changed(str(path))
            self._hashed[path] = found
        return self._hashed[path]

    def notebook(self, name: str) -> bytes:
        """The bytes of a notebook, read once: these are hashed, vetted and run. Empty where there is none."""
        if name not in self._contents:
            path = self._root / "notebooks" / name
            self._marks[path] = mark_of(path)
            try:
                self._contents[name] = path.read_bytes()
            except OSError:
                self._contents[name] = b""
            self._hashed[path] = sha256(self._contents[name]) if self._contents[name] else ABSENT
        return self._contents[name]

    @cached_property
    def graph(self) -> Graph:
        """The steps of the project, from the bytes of the notebooks that are hashed, vetted and run."""
        found = graph_of({name: self.notebook(name) for name in notebook_files(self._root)})
        own = {spec.notebook for spec in found.steps}
        for name in sorted(set(self._contents) - own):
            # What is not run may change while a build runs.
            path = self._root / "notebooks" / name
            del self._contents[name], self._marks[path], self._hashed[path]
        return found

    def recorded(self, scratch: Path) -> dict[str, str]:
        """What the processes of a build may read, by place: inputs, parameters, contracts, the files of the previous
        build as its manifest lists them, and the outputs of earlier tasks in `scratch`.
        """
        with self._lock:
            known = {self._place(path): found for path, found in list(self._hashed.items()) if len(found) == SHA256}
            # Nothing in the scratch folder is a link, or the build stops.
            inside = self._place(scratch)
            left = {f"{inside}/{name}": found for name, found in list(self.left.items())}
            return {**self._of_previous, **known, **left}

    def _place(self, path: Path) -> str:
        if path not in self._places:
            self._places[path] = place_of(path)
        return self._places[path]

    @cached_property
    def _of_previous(self) -> dict[str, str]:
        """The files of the previous build, by place, with the sha256 that its manifest lists."""
        cut = self._trial.cut.previous_cut
        if not cut or self._previous("manifest.json") == ABSENT:
            return {}
        folder = self._builds / cut
        content = (folder / "manifest.json").read_bytes()
        if sha256(content) != self._previous("manifest.json"):
            raise changed(str(folder / "manifest.json"))
        try:
            listed = {name: str(entry["sha256"]) for name, entry in json.loads(content)["outputs"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageError(
                "the manifest of the previous build cannot be read", file=str(folder / "manifest.json"),
                next_step=f"build {cut} again",
            ) from None  # fmt: skip
        inside = place_of(folder)
        return {f"{inside}/{name}": found for name, found in listed.items()}

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        parts = {"cut": self._trial.cut, "analysis": self._trial.analysis, "protocol": self._trial.protocol}
        return {name: model.model_dump(mode="json") for name, model in parts.items()}

    @cached_property
    def decisions(self) -> list[dict[str, Any]]:
        """The committee's decisions on earlier cuts; later ones, and the rest of their file, are no input."""
        return [entry.model_dump(mode="json") for entry in decisions_before(self._trial)]

    @cached_property
    def answers(self) -> list[dict[str, str]]:
        """What people have answered on this cut and on earlier ones; answers on later cuts are no input."""
        return [asdict(entry) for entry in answers_until(self._trial)]

    @cached_property
    def reviewed(self) -> list[dict[str, str]]:
        """The records that people have marked as reviewed at this cut and at earlier ones."""
        return [asdict(entry) for entry in marks_until(self._trial)]

    @cached_property
    def installed(self) -> dict[str, str]:
        """Versions of the installed packages."""
        return installed()

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The sha256 of every regular file of the snapshot by its name; folders in it are not looked into.

        Names are masked like text of the data. Raises UsageError for two files whose masked names are one, StopError
        for a link that leads out of the snapshot.
        """
        files = self._input_files()
        folder = files[0].parent.resolve() if files else Path()
        found: dict[str, str] = {}
        for path in files:
            name = masked(path.name)
            if path.is_symlink() and not path.resolve().is_relative_to(folder):
                raise StopError(
                    "is a symbolic link that leads out of the snapshot: the delivery would not hold what was used",
                    file=name, next_step="copy the file into the snapshot",
                )  # fmt: skip
            if name in found:
                raise UsageError(
                    "two files have this name once what identifies a person is withheld", file=name,
                    next_step="give the files names without personal data",
                )  # fmt: skip
            found[name] = self.file(path)
        return found

    def _input_files(self) -> list[Path]:
        place = self._trial.path(self._trial.cut.snapshot)
        return [place] if place.is_file() else sorted(p for p in place.iterdir() if p.is_file())

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

    def stop_if_anything_changed(self) -> None:
        """Raises StopError when any file that this build has hashed was written, touched or removed since.

        To be asked after each notebook, to stop early, and before publication. A file that was only touched is read
        again; a module of the library, which was imported some time between, must not have been touched at all.
        """
        for path, before in sorted(self._marks.items()):
            if mark_of(path) != before and (path.is_relative_to(PACKAGE) or file_sha256(path) != self._hashed[path]):
                raise changed(str(path))
        if sorted(self.inputs) != sorted(masked(path.name) for path in self._input_files()):
            raise changed(str(self._trial.path(self._trial.cut.snapshot)))


def changed(file: str) -> StopError:
    """The error for an input that has changed since the build hashed it."""
    return StopError(
        "it changed while the build was using it", file=file, next_step="build again when it no longer changes"
    )


def installed() -> dict[str, str]:
    """Versions of the installed packages by normalised name."""
    found: dict[str, str] = {}
    for entry in metadata.distributions():
        name, version = _named(entry)
        if name:
            found.setdefault(name.lower().replace("_", "-").replace(".", "-"), version)
    return found


def _named(entry: metadata.Distribution) -> tuple[str, str]:
    """Name and version of a package, from the head of its metadata: reading all of it takes a quarter of a second."""
    head = (entry.read_text("METADATA") or "").partition("\n\n")[0]
    told = dict(line.split(": ", 1) for line in head.splitlines() if line.startswith(("Name: ", "Version: ")))
    if len(told) == 2:
        return told["Name"].strip(), told["Version"].strip()
    return str(entry.metadata["Name"] or ""), str(entry.version)


def file_sha256(path: Path) -> str:
    """The sha256 of a file; in words, that it is a folder, or absent."""
    if path.is_dir():
        return "a folder"
    try:
        return sha256(path.read_bytes())
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
    return text if len(text) <= SHOWN else sha256(text.encode("utf-8"))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """In words, which ingredients differ; a value that is not a hash is shown.

    >>> differences({"dm.csv": "a", "python": "3.11"}, {"python": "3.12"})
    ['dm.csv: a -> absent', 'python: 3.11 -> 3.12']
    """
    lines = []
    for name in sorted({*before, *now}):
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if old != new:
            shown = len(old) <= SHOWN and len(new) <= SHOWN
            lines.append(f"{name}: {old} -> {new}" if shown else f"{name} changed")
    return lines
