"""Notebooks that a person runs, in JupyterLab, under papermill or nbval: they read one source, write beside the build.

See `trialbook.runner.desk` for which source that is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.display import notice
from trialbook.display.blocks import Block
from trialbook.display.kernel import running_shell
from trialbook.display.links import in_notebook, way_from_open_notebook, without_profiles
from trialbook.environment_variables import BUILD
from trialbook.protocol.load import make_trial, project_root
from trialbook.protocol.models import Trial
from trialbook.runner.desk import Desk
from trialbook.runner.differing import first_and_more
from trialbook.runner.own_differences import own_differences
from trialbook.runner.parameters import cut_parameters, stop_if_unknown
from trialbook.runner.step import Step
from trialbook.runner.text_storage import choose_text_storage

# Differences from the published build that a notebook lists at its end.
SHOWN = 12


class StepByHand(Step):
    """The step of a notebook that a person runs, in JupyterLab, under papermill or nbval."""

    def __init__(self, name: str, trial: Trial, desk: Desk) -> None:
        self._desk = desk
        self._staged = desk.folder / f".running-{name}-{os.getpid()}"
        shutil.rmtree(self._staged, ignore_errors=True)
        super().__init__(name, trial, desk.source, self._staged, desk.builds)

    def _linked(self, html: str) -> str:
        build = self._desk.published
        if not (build / "profiles").is_dir():
            return without_profiles(html)
        return in_notebook(html, self.cut.cut_id, way_from_open_notebook(build))

    def read(self, name: str) -> pd.DataFrame:
        """One dataset of the source that this notebook began with; raises StopError where it was written again."""
        self._desk.stop_if_rewritten(f"data/{name}.parquet")
        return super().read(name)

    def close(self) -> Block:
        """Leaves the results for later notebooks of this cut, and shows what differs from the published build."""
        receipt = super().close()
        differing = own_differences(self._staged, self._desk.published, self.name)
        self._desk.keep(self._staged, _executed())
        if differing is None:
            said = notice("This cut has no published build to compare with.")
        elif not differing:
            said = notice("Nothing that this notebook left differs from the published build.")
        else:
            said = notice(
                f"{len(differing)} place{'s' if len(differing) > 1 else ''} differ{'' if len(differing) > 1 else 's'} "
                f"from the published build: {'; '.join(first_and_more(differing, SHOWN))}.",
                "warning",
            )
        return Block(receipt.html + said.html, f"{receipt.text}\n{said.text}")


def open_by_hand(name: str, given: Mapping[str, Any]) -> StepByHand:
    """The step of a notebook that no build runs, from its parameters; shows what it reads.

    Raises UsageError for a wrong parameter or for two cuts in one run, StopError where the build that it would read was
    made from something else.
    """
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


def _show(block: Block) -> None:
    if "IPython.core.getipython" in sys.modules:
        from IPython.display import display

        display(block)  # type: ignore[no-untyped-call]
