"""The results of a cut under other analysis keys: the cells of its notebooks that report numbers, run in this process.

No page, table, figure or contract is made: what no number rests on is left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from trialbook.display.cell_outputs import progress
from trialbook.explore.cells import Cells, code_cells
from trialbook.explore.published import Published
from trialbook.explore.rederive import with_other_keys
from trialbook.interactive.step_by_hand import opening
from trialbook.protocol.load import project_root
from trialbook.protocol.models import Trial
from trialbook.results.ard import ArdRow, to_ard
from trialbook.workbook.step import Step
from trialbook.workbook.step_metadata import read_graph
from trialbook.workbook.steps import DECISIONS


class _OtherStep(Step):
    """A step that reads and writes a folder of its own, and keeps what it reported."""

    @property
    def reported(self) -> list[ArdRow]:
        """What it has reported so far."""
        return self._rows


def results_of(build: Path, keys: Mapping[str, Any]) -> pd.DataFrame:
    """Every number (ARD) of a published build under other analysis keys; kept for the next time it is asked for.

    Raises what reading the build, or a cell, raises.
    """
    # A cut that was built again while the notebook runs has another manifest.
    return _results(build, (build / "manifest.json").stat().st_mtime_ns, json.dumps(dict(keys), sort_keys=True))


@lru_cache(maxsize=4)
def _results(build: Path, changed: int, keys: str) -> pd.DataFrame:
    return results_under(with_other_keys(Published(build.name, build.parent).trial, json.loads(keys)), build)


def results_under(trial: Trial, build: Path) -> pd.DataFrame:
    """Every number (ARD) that a build of this trial would report, as one of the published cut under other keys.

    `build`: the folder of the published one, whose decisions are read. Raises what a cell raises.
    """
    rows: list[ArdRow] = []
    with TemporaryDirectory() as folder, progress() as tell:
        made = Path(folder)
        if (build / DECISIONS).is_file():
            shutil.copy2(build / DECISIONS, made / DECISIONS)
        for name in read_graph(project_root()).names:
            rows += reported(name, trial, made, made, build.parent, tell)
    return to_ard(rows)


def reported(
    name: str, trial: Trial, source: Path, target: Path, builds: Path, tell: Callable[[str], None]
) -> list[ArdRow]:  # fmt: skip
    """The numbers that a step reports, from the datasets in `source`; it leaves its own in `target`.

    `builds`: where a previous cut is found; `tell` hears how far it is.
    """
    notebook = project_root() / "notebooks" / f"{name}.ipynb"
    cells = Cells(name, code_cells(json.loads(notebook.read_text(encoding="utf-8"))["cells"]))
    opened: list[_OtherStep] = []

    def instead(asked: str) -> Step:
        opened.append(_OtherStep(asked, trial, source, target, builds))
        return opened[-1]

    with opening(instead):
        wanted = cells.reporting()
        for done, position in enumerate(wanted, 1):
            tell(f"{name} under other keys: cell {done} of {len(wanted)} ...")
            cells.shown(position)
    return [row for step in opened for row in step.reported]
