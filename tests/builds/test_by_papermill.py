"""papermill on every notebook of every demo cut, with `-p cut_id` and with `-f`: the published numbers, all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures import DEMO_CUTS
from support.notebooks_by_hand import copied_project
from support.published_build import outputs_otherwise, results_otherwise, unreported
from trialbook.workbook.step_metadata import read_graph

# Every day test_by_hand runs the cells of the same notebooks with the same parameters, without a kernel for each.
pytestmark = [pytest.mark.build, pytest.mark.soak]
WAYS = {"-p": ("-p", "cut_id", "{cut}"), "-f": ("-f", "params/cuts/{cut}.yaml")}
MOST_TRIVIAL = 100


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cut", DEMO_CUTS)
def test_papermill_shows_what_is_published(cut: str, way: str, demo: Path, root: Path, tmp_path: Path) -> None:
    project = copied_project(tmp_path, root, demo, *DEMO_CUTS)
    steps = read_graph(project).names
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRIALBOOK_")}
    for step in steps:
        name, made = f"notebooks/{step}.ipynb", tmp_path / f"{step}.out.ipynb"
        words = [word.format(cut=cut) for word in WAYS[way]]
        command = [sys.executable, "-m", "papermill", name, str(made), "--no-progress-bar", *words]
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        differing, numbers = outputs_otherwise(made, project / "build" / cut / name)
        assert differing == []
        assert numbers > MOST_TRIVIAL
        assert results_otherwise(project, cut, step) == []
    assert unreported(project, cut, steps) == []
