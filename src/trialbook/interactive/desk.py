"""One cut as a person works on it: the one source that a notebook run by hand reads, and where it writes.

`build/.interactive/<cut_id>/` is laid out like the scratch folder of a build. A step that was closed leaves a record
there: its sources, the files it wrote, and the files of earlier steps that it used. A later notebook reads
from there when every step before it has a record that still fits; else it reads the published build, all of it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trialbook.core.errors import StopError
from trialbook.core.files import keep_json, sha256
from trialbook.core.privacy import masked
from trialbook.diff.words import first_and_more
from trialbook.pipeline.dependencies import Ingredients, file_sha256
from trialbook.pipeline.manifest import sources
from trialbook.pipeline.superseded import read_manifest
from trialbook.protocol.models import Trial
from trialbook.provenance.source_drift import made_of_differences
from trialbook.workbook.import_closure import code_cells, notebook_imports, reachable_files
from trialbook.workbook.steps import Graph

FOLDER = ".interactive"
RECORD = "record.json"
# Sections of a manifest that say which data, which rules and which cut a build is of: a run never mixes two of these.
SAME_CUT = ("cut", "inputs", "parameters", "synthetic")
# Sections that may differ, and are then named: the numbers of the build may no longer be those of today's workbook.
MAY_BE_STALE = ("code", "contracts", "notebooks", "packages", "python", "previous_build")
MOST = 3


@dataclass
class Desk:
    """One cut as a person works on it: where a notebook reads and writes, and how that differs from the build."""

    trial: Trial
    root: Path
    builds: Path
    step: str
    _kept: set[str] = field(default_factory=set)

    @property
    def published(self) -> Path:
        """The folder of the published build."""
        return self.builds / self.trial.cut.cut_id

    @property
    def folder(self) -> Path:
        """The folder of the interactive runs of this cut."""
        return self.builds / FOLDER / self.trial.cut.cut_id

    @cached_property
    def before(self) -> list[str]:
        """The steps before this one; all steps for a notebook that is none of them."""
        return self.graph.before(self.step) if self.step in self.graph else self.graph.names

    @cached_property
    def graph(self) -> Graph:
        """The steps of the project."""
        return self._ingredients.graph

    @cached_property
    def _ingredients(self) -> Ingredients:
        return Ingredients(self.trial, self.root, self.builds, "")

    @cached_property
    def today(self) -> dict[str, Any]:
        """The sources that a build of today would have."""
        made_of = sources(self.trial, self.root, self.builds, self._ingredients)
        plain: dict[str, Any] = json.loads(json.dumps(made_of))
        return plain

    @cached_property
    def source(self) -> Path:
        """Where this notebook reads the outputs of earlier steps: one folder for all of them.

        Raises StopError where that would be the published build, and this was made for another snapshot, date,
        protocol, previous cut or override.
        """
        if self.before and not self._unusable:
            return self.folder
        if self._manifest is not None and self.before:
            other = self._differing(SAME_CUT)
            if other:
                raise StopError(
                    f"the published build of {self.trial.cut.cut_id} was made from something else than this notebook "
                    f"is run with: {'; '.join(first_and_more(other, MOST))}",
                    file=str(self.published),
                    next_step=f"run `trialbook build {self.trial.cut.cut_id}`, or run "
                    f"{' and '.join(self.before)} here first",
                )  # fmt: skip
        return self.published

    def said(self) -> tuple[str, bool]:
        """What the notebook reads, in words, and whether any of it is out of date."""
        cut = self.trial.cut
        begin = f"Data cut {cut.cut_id}, up to {cut.cut_date}, run by hand."
        end = f"Its outputs go to build/{FOLDER}/{cut.cut_id}/; the published build is not changed."
        if not self.before:
            return f"{begin} Reads the delivered files in {masked(cut.snapshot)}. {end}", False
        if self.source == self.folder:
            taken = [name for name in self.before if self._records[name]["taken"]]
            run = [name for name in self.before if name not in taken]
            parts = [f"Reads the outputs of {_and(run)} from the run by hand"] if run else []
            parts += [f"{'' if run else 'Reads '}{_and(taken)} as published"] if taken else []
            again = [name for name in run if self._was_edited(name)]
            stale = f" Changed since it was run: {_and(again)}; run it again." if again else ""
            back = f" Delete build/{FOLDER}/{cut.cut_id}/ to read the published build." if run else ""
            return f"{begin} {', and '.join(parts)}.{stale}{back} {end}", bool(again)
        own = [reason for name, reason in self._unusable.items() if (self.folder / ".steps" / name).is_dir()]
        aside = f" Not used, though run by hand: {'; '.join(own)}." if own else ""
        stale_lines = self._differing(MAY_BE_STALE) if self._manifest is not None else []
        stale = (
            f" Changed since that build: {'; '.join(first_and_more(stale_lines, MOST))}. Run `trialbook build "
            f"{cut.cut_id}` to bring it up to date." if stale_lines else ""
        )  # fmt: skip
        return f"{begin} Reads the published build.{stale}{aside} {end}", bool(stale_lines or own)

    def stop_if_rewritten(self, name: str) -> None:
        """Raises StopError where a file of the source is no longer the one that was chosen when the notebook began."""
        then = self._files_of_source.get(name)
        if then is not None and file_sha256(self.source / name) != then:
            raise StopError(
                "it was written again after this notebook had begun", file=name, next_step="run the notebook again"
            )

    def keep(self, staged: Path, executed: list[str]) -> None:
        """Puts the outputs of the step in their place, all of them, with their record; and beside them its inputs.

        Nothing of a step that did not reach its end gets here.
        """
        if self.step not in self.graph:
            _move_all(staged, self.folder)
            return
        if self.source == self.published:
            for name in self.before:
                if name in self._unusable:
                    self._take_over(name, staged.with_name(f"{staged.name}-taken"))
        own = self.folder / ".steps" / self.step
        (own / RECORD).unlink(missing_ok=True)
        # Closed a second time, a step still has its outputs of the first time.
        self._kept |= set(_move_all(staged, self.folder))
        hashes = [_cell_hash(source) for source in executed]
        keep_json(own / RECORD, self._record(self.step, self._kept, self._files_of_source, hashes, taken=False))

    @cached_property
    def _files_of_source(self) -> dict[str, str]:
        if self.source == self.folder:
            return {name: then for step in self.before for name, then in self._records[step]["files"].items()}
        outputs = self._published_files
        return {name: then for name, then in outputs.items() if self._left_before(name, self.before)}

    @cached_property
    def _published_files(self) -> dict[str, str]:
        outputs = (self._manifest or {}).get("outputs", {})
        return {name: str(entry["sha256"]) for name, entry in outputs.items()}

    @cached_property
    def _manifest(self) -> dict[str, Any] | None:
        """The manifest of the published build as it was when this notebook began; None where there is none."""
        return read_manifest(self.published)

    @cached_property
    def _records(self) -> dict[str, dict[str, Any]]:
        """The records of the steps before, as far as they can be read."""
        found: dict[str, dict[str, Any]] = {}
        for name in self.before:
            try:
                record = json.loads((self.folder / ".steps" / name / RECORD).read_text(encoding="utf-8"))
                if all(isinstance(record[part], dict) for part in ("made_of", "rests_on", "files")):
                    found[name] = record
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue
        return found

    @cached_property
    def _unusable(self) -> dict[str, str]:
        """The steps before whose interactive run cannot be read from, with the reason."""
        found: dict[str, str] = {}
        for name in self.before:
            reason = self._reason(name)
            if reason:
                found[name] = f"{name} ({reason})"
        return found

    def _reason(self, name: str) -> str | None:
        record = self._records.get(name)
        if record is None:
            return "it was not run to its end"
        now = {**self._made_of, "code": self._code(name)}
        if record["made_of"] != now:
            changed = made_of_differences(record["made_of"], now, self.folder, self.trial, self.root)
            return f"since then: {'; '.join(first_and_more(changed, 1))}"
        if any(file_sha256(self.folder / file) != then for file, then in record["files"].items()):
            return "a file that it wrote was changed"
        for file, then in record["rests_on"].items():
            if file_sha256(self.folder / file) != then:
                return f"{file}, which it read, was written again"
        return None

    @cached_property
    def _made_of(self) -> dict[str, Any]:
        """The sources of a run of today, as its record holds them: the cut, its inputs and the library."""
        return {name: self.today[name] for name in (*SAME_CUT, "packages", "python", "previous_build")}

    def _code(self, step: str) -> dict[str, str]:
        """The files of the library that the notebook of a step can reach, by their sha256."""
        content = (self.root / self.graph.step(step).file).read_bytes()
        reached = {f"trialbook/{name}" for name in reachable_files(notebook_imports(content))}
        return {name: found for name, found in self.today["code"].items() if name in reached}

    def _record(
        self, step: str, files: Iterable[str], rests_on: Mapping[str, str], executed: list[str], taken: bool
    ) -> dict[str, Any]:
        """What is kept of a step: `files` it wrote, the files it `rests_on`, and the hashes of the cells `executed`."""
        return {
            "made_of": {**self._made_of, "code": self._code(step)},
            "rests_on": dict(rests_on),
            "files": {name: file_sha256(self.folder / name) for name in sorted(files)},
            "executed": executed,
            "taken": taken,
        }

    def _take_over(self, step: str, staged: Path) -> None:
        """Copies the outputs of a step from the published build, so that one folder holds all that later steps read.

        By way of `staged`, a folder of this process alone, so that each file appears whole.
        """
        own = self.folder / ".steps" / step
        (own / RECORD).unlink(missing_ok=True)
        outputs = self._published_files
        files = [name for name in outputs if self.graph.step(step).left(name)]
        for name in files:
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.published / name, staged / name)
        _move_all(staged, self.folder)
        before = self.graph.before(step)
        rests_on = {name: then for name, then in outputs.items() if self._left_before(name, before)}
        keep_json(own / RECORD, self._record(step, files, rests_on, [], taken=True))

    def _was_edited(self, step: str) -> bool:
        """Whether the notebook of a step holds a cell that its interactive run did not execute."""
        ran = set(self._records[step].get("executed", []))
        try:
            cells = code_cells((self.root / self.graph.step(step).file).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return True
        return any(_cell_hash(source) not in ran for source in cells if source.strip())

    def _left_before(self, name: str, steps: Iterable[str]) -> bool:
        """Whether a file of a build was written by one of these steps."""
        return any(self.graph.step(step).left(name) for step in steps)

    def _differing(self, sections: Iterable[str]) -> list[str]:
        """The sources of the published build that differ from today's, in these sections."""
        then = (self._manifest or {}).get("sources", {})
        now = self.today
        pairs = {name: (then.get(name), now.get(name)) for name in sections}
        if "notebooks" in pairs:
            # Of the notebooks only those count whose datasets are read.
            ours = {self.graph.step(name).file for name in self.before}
            kept = [{k: v for k, v in (side or {}).items() if k in ours} for side in pairs["notebooks"]]
            pairs["notebooks"] = (kept[0], kept[1])
        if "cut" in pairs and isinstance(pairs["cut"][0], Mapping):
            pairs["cut"] = (self._placed(pairs["cut"][0]), self._placed(now["cut"]))
        old, new = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
        return made_of_differences(old, new, self.published, self.trial, self.root)

    def _placed(self, cut: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of a cut with its paths in one form, so that two ways to write a path are no difference."""
        whole = dict(cut)
        for key in ("snapshot", "protocol", "mapping", "approved_deletions", "decisions", "answers"):
            if isinstance(whole.get(key), str):
                place = (self.trial.root / whole[key]).resolve()
                inside = place.is_relative_to(self.trial.root)
                whole[key] = place.relative_to(self.trial.root).as_posix() if inside else str(place)
        return whole


def _cell_hash(source: str) -> str:
    return sha256(source.strip().encode())


def _move_all(staged: Path, target: Path) -> list[str]:
    """Moves every file of a folder, each appearing whole; returns their names."""
    names = sorted(path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file())
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / name, target / name)
    shutil.rmtree(staged, ignore_errors=True)
    return names


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
