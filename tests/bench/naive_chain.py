"""The chain that a user would write without this workbook's runner: one command after the other.

For each notebook: papermill on the command line, a script with Great Expectations checkpoints over what the notebook
left, nbconvert on the command line. The notebooks, their parameters and the rules of the contracts are the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measured import Measured, measure
from bench.project_copy import LAST_CUT, ProjectCopy
from trialbook.workbook.step_metadata import read_graph

BIN = Path(sys.executable).parent
CONTRACTS = Path(__file__).with_name("naive_contracts.py")


def naive_chain(project: ProjectCopy, folder: Path, told: dict[str, float]) -> Measured:
    """Runs the chain over the last demo cut, leaving everything in `folder`; `told` collects seconds by tool."""
    # The notebooks write their datasets where the next one reads them.
    env = {**project.env, "TRIALBOOK_WORKSPACE": str(folder)}
    cut_file = project.root / "params" / "cuts" / f"{LAST_CUT}.yaml"
    data = folder / "data"
    folder.mkdir(parents=True)

    def run(tool: str, *command: str | Path) -> Measured:
        found = measure(command, env, folder)
        told[tool] = told.get(tool, 0.0) + found.seconds
        return found

    total = run("contracts", sys.executable, CONTRACTS, "raw", project.root / "data" / "demo" / LAST_CUT)
    for spec in read_graph(project.root).steps:
        executed = folder / spec.notebook
        total += run(
            "papermill", BIN / "papermill", project.root / "notebooks" / spec.notebook, executed, "-f", cut_file
        )
        if spec.datasets:
            total += run("contracts", sys.executable, CONTRACTS, "analysis", data, *spec.datasets)
        else:
            total += run("contracts", sys.executable, CONTRACTS, "clean", data / "clean")
        total += run("nbconvert", BIN / "jupyter", "nbconvert", "--to", "html", executed)
    return total
