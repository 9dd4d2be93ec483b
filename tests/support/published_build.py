"""What a notebook run by hand reports and shows, compared with the published build of its cut value by value."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat

from trialbook.display.figures import CHART_MIME
from trialbook.results.ard import KEYS

# The cells whose outputs tell where the notebook reads and what it left: they say who ran it, and report nothing.
OWN_WORDS = "nbval-ignore-output"
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def results_of_hand(project: Path, cut: str, step: str) -> list[dict[str, Any]]:
    """The results that a run by hand of this step wrote."""
    path = project / "build" / ".interactive" / cut / ".steps" / step / "ard.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def published_results(project: Path, cut: str) -> list[dict[str, Any]]:
    """All reported numbers of the published build."""
    rows: list[dict[str, Any]] = json.loads((project / "build" / cut / "results" / "ard.json").read_text("utf-8"))
    return rows


def results_otherwise(project: Path, cut: str, step: str) -> list[str]:
    """The numbers that the run by hand of a step reported and the build did not report, or reported otherwise."""
    published = {_key(row): row for row in published_results(project, cut)}
    own = results_of_hand(project, cut, step)
    assert own, f"{step} reports something"
    return [f"{published.get(_key(row))} published, {row} by hand" for row in own if published.get(_key(row)) != row]


def unreported(project: Path, cut: str, steps: list[str]) -> list[str]:
    """The published numbers that none of these steps has reported when run by hand."""
    own = {_key(row) for step in steps for row in results_of_hand(project, cut, step)}
    return [" ".join(_key(row)) for row in published_results(project, cut) if _key(row) not in own]


def outputs_otherwise(executed: Path, published: Path) -> tuple[list[str], int]:
    """The cells whose outputs differ (every table, text and chart in full), and how many numbers were compared."""
    own, old = _outputs(executed), _outputs(published)
    differing = [cell for cell in sorted({*own, *old}) if own.get(cell) != old.get(cell)]
    return differing, sum(len(NUMBER.findall(json.dumps(shown))) for shown in old.values())


def _outputs(notebook: Path) -> dict[str, list[Any]]:
    """What each cell shows, by its id: tables, texts, and charts with all their data.

    Without the count of executions, which says how often a person has run it, and without the picture of a chart that
    JupyterLab adds as its window has drawn it.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    return {
        cell.id: [(output.output_type, _shown(output)) for output in cell.outputs]
        for cell in cells
        if cell.cell_type == "code" and cell.outputs and OWN_WORDS not in cell.metadata.get("tags", [])
    }


def _shown(output: Any) -> Any:
    if "data" not in output:
        return output.get("text")
    drawn = {"image/png"} if CHART_MIME in output.data else set()
    return {kind: content for kind, content in output.data.items() if kind not in drawn}


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in KEYS)
