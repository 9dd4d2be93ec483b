"""Notebooks that a person runs, in JupyterLab, under papermill or nbval: they read one source, write beside the build.

See `trialbook.interactive.desk` for which source that is.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.environment_variables import BUILD
from trialbook.diff.file_places import places
from trialbook.diff.words import first_and_more
from trialbook.display import notice
from trialbook.display.blocks import Block, several
from trialbook.display.cell_outputs import running_shell
from trialbook.display.links import in_notebook, way_from_open_notebook, without_profiles
from trialbook.display.saving import Origin, Savable, save_with
from trialbook.interactive.desk import Desk
from trialbook.interactive.parameters import cut_parameters, stop_if_unknown
from trialbook.pipeline.superseded import read_manifest
from trialbook.protocol.decisions import Decision, decisions_before
from trialbook.protocol.load import make_trial, project_root
from trialbook.protocol.models import Trial
from trialbook.protocol.synthetic import is_synthetic
from trialbook.results.ard import KEYS
from trialbook.workbook.step import RESULTS, Shown, Step
from trialbook.workbook.string_storage import choose_text_storage

# ----------------------------------------------------------------------------------------------------
# Differences of a notebook run by hand from the published build of its cut, in words.


# Places of one dataset that are named.
OF_A_FILE = 2
# How a difference is put for a rebuild (`places`), and for a person who compares a run of their own with the build.
WORDS = (
    ("this record is only in the published build", "this record is published, not here"),
    ("this record is only in the rebuild", "this record is here, not published"),
    ("only in the published build", "is published, not here"),
    ("only in the rebuild", "is here, not published"),
    (" rebuilt", " here"),
)


def own_differences(staged: Path, published: Path, step: str) -> list[str] | None:
    """The outputs of the step that differ from the published build, a line each; None where no build is published.

    Its datasets by record and column, its results by their key; then what the build holds of this step and the run by
    hand did not leave.
    """
    manifest = read_manifest(published)
    if manifest is None:
        return None
    lines: list[str] = []
    for path in sorted((staged / "data").rglob("*.parquet")):
        name = path.relative_to(staged).as_posix()
        old = published / name
        if not old.is_file():
            lines.append(f"{name}: is not in the published build")
        elif old.read_bytes() != path.read_bytes():
            lines += [f"{path.stem}: {place}" for place in _worded(places(old, path, OF_A_FILE))]
    for name in _written(manifest, step):
        file = f"data/{name}.parquet"
        if (published / file).is_file() and not (staged / file).is_file():
            lines.append(f"{name.rpartition('/')[2]}: is published, was not written here")
    own, all_published = staged / ".steps" / step / "ard.json", published / "results" / "ard.json"
    return lines + (_result_lines(own, all_published, manifest, step) if own.is_file() else [])


def _result_lines(own: Path, published: Path, manifest: Mapping[str, Any], step: str) -> list[str]:
    now = {_key(row): row for row in json.loads(own.read_text(encoding="utf-8"))}
    rows = json.loads(published.read_text(encoding="utf-8")) if published.is_file() else []
    then = {_key(row): row for row in rows}
    lines = []
    for key, row in now.items():
        if key not in then:
            lines.append(f"result {_label(row)}: {row['stat_text']}, is not in the published build")
        elif then[key]["stat_text"] != row["stat_text"]:
            lines.append(f"result {_label(row)}: {then[key]['stat_text']} published, {row['stat_text']} here")
        elif then[key]["stat"] != row["stat"]:
            # Alike as rounded for a table.
            old, new = (f"{one['stat_text']} ({one['stat']})" for one in (then[key], row))
            lines.append(f"result {_label(row)}: {old} published, {new} here")
    counts = {name: _written(manifest, name).get(RESULTS, 0) for name in _steps(manifest)}
    if sum(counts.values()) != len(rows):
        return [*lines, "the published results are not those that its manifest counts: run `trialbook verify`"]
    # The results of a build are those of its steps, one step after the other: two may report the same analysis.
    names = list(counts)
    first = sum(counts[name] for name in names[: names.index(step)]) if step in counts else 0
    missed = [row for row in rows[first : first + counts.get(step, 0)] if _key(row) not in now]
    return lines + [f"result {_label(row)}: {row['stat_text']} published, is not reported here" for row in missed]


def _steps(manifest: Mapping[str, Any]) -> list[str]:
    """The steps of a build, in their order."""
    return [str(entry["step"]) for entry in manifest.get("steps", [])]


def _written(manifest: Mapping[str, Any], step: str) -> dict[str, int]:
    """The outputs of a step of a build, by name, with the number of rows."""
    return next((dict(entry["written"]) for entry in manifest.get("steps", []) if entry["step"] == step), {})


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in KEYS)


def _label(row: Mapping[str, Any]) -> str:
    return " ".join(part for part in _key(row) if part)


def _worded(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        for old, new in WORDS:
            line = line.replace(old, new)
        yield line


# ----------------------------------------------------------------------------------------------------

# Differences from the published build that a notebook lists at its end.
SHOWN = 12


class StepByHand(Step):
    """The step of a notebook that a person runs, in JupyterLab, under papermill or nbval."""

    def __init__(self, name: str, trial: Trial, desk: Desk) -> None:
        self._desk = desk
        self._staged = desk.folder / f".running-{name}-{os.getpid()}"
        shutil.rmtree(self._staged, ignore_errors=True)
        super().__init__(name, trial, desk.source, self._staged, desk.builds)
        save_with(_save)

    @cached_property
    def _origin(self) -> Origin:
        return Origin(self.protocol.study.id, str(self.cut.cut_date), is_synthetic(self.trial))

    def _marked(self, shown: Shown) -> Shown:
        if isinstance(shown, Savable):
            shown.origin = self._origin
        return shown

    def _linked(self, html: str) -> str:
        build = self._desk.published
        if not (build / "profiles").is_dir():
            return without_profiles(html)
        return in_notebook(html, self.cut.cut_id, way_from_open_notebook(build))

    def read(self, name: str) -> pd.DataFrame:
        """One dataset of the source that this notebook began with; raises StopError where it was written again."""
        self._desk.stop_if_rewritten(f"data/{name}.parquet")
        return super().read(name)

    @cached_property
    def decisions(self) -> list[Decision]:
        """The committee's decisions on earlier cuts, by date, as their file holds them now."""
        return decisions_before(self.trial)

    def _is_left(self, name: str) -> bool:
        # The published build also holds the outputs of later steps.
        file = f"data/{name}.parquet"
        return super()._is_left(name) and any(self._desk.graph.step(step).left(file) for step in self._desk.before)

    def close(self) -> Block:
        """Writes the results for later notebooks of this cut, and shows what differs from the published build."""
        receipt = super().close()
        differing = own_differences(self._staged, self._desk.published, self.name)
        self._desk.keep(self._staged, _executed())
        if differing is None:
            said = notice("This cut has no published build to compare with.")
        elif not differing:
            said = notice("Nothing that this notebook wrote differs from the published build.")
        else:
            said = notice(
                f"{len(differing)} place{'s' if len(differing) > 1 else ''} differ{'' if len(differing) > 1 else 's'} "
                f"from the published build: {'; '.join(first_and_more(differing, SHOWN))}.",
                "warning",
            )
        return several([receipt, said])


# Opens a step in the place of the one that the cells of a notebook ask for, as long as they are run by `opening`.
_INSTEAD: ContextVar[Callable[[str], Step] | None] = ContextVar("instead", default=None)


@contextmanager
def opening(instead: Callable[[str], Step]) -> Iterator[None]:
    """Within it `trialbook.open_step` gives what `instead` makes of the name of the step."""
    token = _INSTEAD.set(instead)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def open_by_hand(name: str, given: Mapping[str, Any]) -> Step:
    """The step of a notebook that no build runs, from its parameters; shows what it reads.

    Raises UsageError for a wrong parameter or for two cuts in one run, StopError where the build that it would read was
    made from something else.
    """
    instead = _INSTEAD.get()
    if instead is not None:
        return instead(name)
    stop_if_unknown(_executed())
    root = project_root()
    content, file = cut_parameters(given, root)
    trial = make_trial(content, file, root)
    choose_text_storage(trial)
    builds = Path(os.environ.get(BUILD) or root / "build")
    desk = Desk(trial, root, builds, name)
    step = StepByHand(name, trial, desk)
    text, is_old = desk.said()
    _show(notice(text, "warning" if is_old else "info"))
    return step


def _executed() -> list[str]:
    """The source of every cell that this kernel has executed, oldest first; none outside of IPython."""
    shell = running_shell()
    return list(shell.history_manager.input_hist_raw) if shell is not None else []


def _save(what: Savable, path: Path) -> Path:
    # Libraries that write documents take long to import, and few notebooks save anything.
    from trialbook.documents.saved import save

    return save(what, path)


def _show(block: Block) -> None:
    if "IPython.core.getipython" in sys.modules:
        from IPython.display import display

        display(block)  # type: ignore[no-untyped-call]
