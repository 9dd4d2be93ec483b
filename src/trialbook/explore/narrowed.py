"""Tables and figures of the pages for some of the subjects: the cells of the published notebook, run again on fewer.

Nothing is written, nothing is reported, and every title says that this is not the published set. There is no second
recipe of any table: the cells are those of the build, and read the datasets of the build.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.errors import TrialbookError
from trialbook.display.blocks import Block, sentence
from trialbook.display.cell_outputs import progress
from trialbook.display.figures import CHART_MIME, Figure
from trialbook.display.other_tables import frame_block
from trialbook.display.payload import MIME
from trialbook.display.titled import unpublished_title
from trialbook.documents.shown import Output, numbered_outputs
from trialbook.interactive.step_by_hand import opening
from trialbook.protocol.decisions import Decision, decisions_before
from trialbook.protocol.load import make_trial, project_root
from trialbook.protocol.models import Trial
from trialbook.workbook.magics import plain_source
from trialbook.workbook.previous_cut import PreviousCut
from trialbook.workbook.step import Step

# Steps whose tables say nothing of some of the subjects, with the reason.
OF_ALL = {
    "01_cleaning": "it counts the records that were delivered, not subjects",
    "04_dlt": "the escalation rule counts every treated subject, and advice about some of them would mislead",
}


@dataclass(frozen=True)
class Remade:
    """What the cells of a notebook showed of some subjects; `ended`: why they did not come to their end."""

    outputs: tuple[Output, ...]
    ended: str = ""


class NarrowedStep(Step):
    """The step of a published notebook as it would be with some of the subjects only. Writes nothing."""

    def __init__(self, name: str, trial: Trial, build: Path, subjects: Sequence[str], said: str) -> None:
        super().__init__(name, trial, build, build, build.parent)
        self._chosen, self._said = list(subjects), said

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

    def write(self, name: str, frame: pd.DataFrame, keys: list[str]) -> None:
        """Nothing is written."""

    def close(self) -> Block:
        """Nothing is written: says so."""
        return sentence(self._said)


@lru_cache(maxsize=16)
def remade_outputs(build: Path, step: str, subjects: tuple[str, ...], said: str) -> Remade:
    """The tables and figures of a step of a published build, made again of some subjects (USUBJID).

    `said`: how many of whom, for the titles. Raises StopError where the parameter files of the cut cannot be read.
    """
    if step in OF_ALL:
        return Remade((), OF_ALL[step])
    if not subjects:
        return Remade((), "nobody is left")
    content = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["sources"]["cut"]
    given = {key: value for key, value in content.items() if value is not None}
    trial = make_trial(given, str(build / "manifest.json"), project_root())
    cells = json.loads((build / "notebooks" / f"{step}.ipynb").read_text(encoding="utf-8"))["cells"]
    shown: list[Mapping[str, Any]] = []
    ended = ""
    with opening(lambda name: NarrowedStep(name, trial, build, subjects, said)), progress() as tell:
        names: dict[str, Any] = {"__name__": "__main__"}
        try:
            for position, cell in enumerate(cells):
                if cell["cell_type"] == "code":
                    tell(f"{step} for {said}: cell {position + 1} of {len(cells)} ...")
                    value = _run("".join(cell["source"]), names, f"{step}, cell {position}")
                    shown += _bundles(value)
        except TrialbookError as error:
            ended = str(error)
        except Exception as error:
            ended = f"a cell of {step} stops for so few subjects ({type(error).__name__}: {error})"
    return Remade(tuple(numbered_outputs(step, shown)), ended)


def _run(source: str, names: dict[str, Any], place: str) -> Any:
    """What a cell shows: the value of its last line, as in a notebook."""
    tree = ast.parse(plain_source(source), place)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, place, "exec"), names)  # noqa: S102 - cells of a published build
        return None
    tree.body.pop()
    exec(compile(tree, place, "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), place, "eval"), names)  # noqa: S307


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
