"""Tables and figures of the pages for some of the subjects: the cells of the published notebook, run again on fewer.

Nothing is written, nothing is reported, and every title says that this is not the published set. There is no second
recipe of any table: the cells are those of the build, as far as the table needs them, and read its datasets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.analyses.result import Result
from trialbook.core.errors import TrialbookError
from trialbook.display.blocks import Block, sentence
from trialbook.display.cell_outputs import progress
from trialbook.display.figures import CHART_MIME, Figure
from trialbook.display.other_tables import frame_block
from trialbook.display.payload import MIME
from trialbook.display.tables import Table
from trialbook.display.titled import unpublished_title
from trialbook.documents.shown import Output, numbered_cells, numbered_outputs
from trialbook.explore.cells import Cells, code_cells
from trialbook.interactive.step_by_hand import opening
from trialbook.protocol.decisions import Decision, decisions_before
from trialbook.protocol.load import make_trial, project_root
from trialbook.protocol.models import Trial
from trialbook.workbook.presentation import is_ard
from trialbook.workbook.previous_cut import PreviousCut
from trialbook.workbook.step import Step

# Steps whose tables say nothing of some of the subjects, with the reason.
OF_ALL = {
    "01_cleaning": "it counts the records that were delivered, not subjects",
    "04_dlt": "the escalation rule counts every treated subject, and advice about some of them would mislead",
}


class NarrowedStep(Step):
    """The step of a published notebook as it would be with some of the subjects only. Writes nothing."""

    def __init__(
        self, name: str, trial: Trial, build: Path, subjects: Sequence[str], said: str, report_above: Callable[[], None]
    ) -> None:  # fmt: skip
        super().__init__(name, trial, build, build, build.parent)
        self._chosen, self._said, self._report_above = list(subjects), said, report_above

    def read(self, name: str) -> pd.DataFrame:
        """One dataset of the build, of these subjects."""
        frame = super().read(name)
        if "USUBJID" in frame:
            frame = frame[frame["USUBJID"].isin(self._chosen)].reset_index(drop=True)
            self._whole.given[name] = frame.copy(deep=False)
        return frame

    def title(self, subject: str) -> str:
        """The title, which says whom it is about."""
        return unpublished_title(super().title(subject), self._said)

    @cached_property
    def previous(self) -> PreviousCut | None:
        """None: the results of the previous cut are about all its subjects."""
        return None

    @cached_property
    def decisions(self) -> list[Decision]:
        """The committee's decisions on earlier cuts, by date, as their file holds them now."""
        return decisions_before(self.trial)

    def table(self, what: pd.DataFrame, title: str = "", **look: Any) -> Table:
        """The table; one of results looks up what the cells above have reported, which are run for it."""
        if isinstance(what, Result) or is_ard(what):
            self._report_above()
        return super().table(what, title, **look)

    def write(self, name: str, frame: pd.DataFrame, keys: list[str]) -> None:
        """Nothing is written."""

    def close(self) -> Block:
        """Nothing is written: says so."""
        return sentence(self._said)


class RemadeStep:
    """The tables and figures of one step of a published build, made again of some subjects when they are asked for."""

    def __init__(self, build: Path, step: str, subjects: Sequence[str], said: str) -> None:
        content = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["sources"]["cut"]
        given = {key: value for key, value in content.items() if value is not None}
        self._trial = make_trial(given, str(build / "manifest.json"), project_root())
        self._build, self._step, self._subjects, self._said = build, step, subjects, said
        cells = json.loads((build / "notebooks" / f"{step}.ipynb").read_text(encoding="utf-8"))["cells"]
        self._cells = Cells(step, code_cells(cells))
        self._published = {one.id: (position, one) for position, one in numbered_cells(step, cells)}

    def output(self, number: str) -> Output | str:
        """One table or figure by its id; where there is none the reason, as the end of a sentence."""
        position, published = self._published[number]
        try:
            with opening(self._opened), progress() as tell:
                value = self._cells.shown(
                    position, lambda done, of: tell(f"{number} for {self._said}: cell {done + 1} of {of} ...")
                )
        except TrialbookError as error:
            return str(error)
        except Exception as error:
            return f"a cell of {self._step} stops for so few subjects ({type(error).__name__}: {error})"
        for found in numbered_outputs(self._step, _bundles(value)):
            if (found.spec is None) is (published.spec is None):
                return replace(found, id=number)
        return "the notebook shows nothing there for them"

    def _opened(self, name: str) -> NarrowedStep:
        return NarrowedStep(name, self._trial, self._build, self._subjects, self._said, self._cells.report_above)


def remade_output(build: Path, step: str, number: str, subjects: tuple[str, ...], said: str) -> Output | str:
    """A table or figure of a published build by its id, made again of some subjects (USUBJID); else why there is none.

    `said`: how many of whom, for the titles. What its cells made is kept for the next one of the same subjects. Raises
    StopError where the parameter files of the cut cannot be read.
    """
    if step in OF_ALL:
        return OF_ALL[step]
    if not subjects:
        return "nobody is left"
    # A cut that was built again while the notebook runs has another manifest.
    return _remade(build, (build / "manifest.json").stat().st_mtime_ns, step, subjects, said).output(number)


@lru_cache(maxsize=16)
def _remade(build: Path, changed: int, step: str, subjects: tuple[str, ...], said: str) -> RemadeStep:
    return RemadeStep(build, step, subjects, said)


def _bundles(value: Any) -> Iterator[Mapping[str, Any]]:
    """An output as the notebook would hold it, without HTML."""
    if isinstance(value, Figure):
        yield {MIME: value.heading.payload}
        bundle = value.chart_bundle()
        yield {CHART_MIME: bundle[CHART_MIME], MIME: bundle[MIME]}
        yield {MIME: value.folded.payload}
    elif isinstance(value, Block):
        yield {MIME: value.payload}
    elif isinstance(value, pd.DataFrame):
        yield {MIME: frame_block(value).payload}
