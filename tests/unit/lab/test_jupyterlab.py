"""JupyterLab on this machine: its settings, how it is started, what it saves, what it exports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import altair as alt
import nbformat
import pandas as pd
import pytest
from nbconvert import HTMLExporter
from traitlets.config import Config

from trialbook.display import figure, table
from trialbook.kernels.strip_outputs import stripped
from trialbook.lab.saving import refresh_index
from trialbook.lab.settings import EXPORT, POLICY, SETTINGS, write_settings

CELL = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["x = 1\n", "x"], "outputs": [], "execution_count": 1}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def saved(folder: Path, source: list[str], shown: str = "") -> Path:
    """A notebook as JupyterLab saves it after a run."""
    output = {"output_type": "stream", "name": "stdout", "text": [shown]}
    cell = {**CELL, "source": source, "outputs": [output] if shown else [], "metadata": {"trusted": True}}
    about = {"kernelspec": {"name": "python3", "display_name": "Other"}, "language_info": {"version": "3.11.7"}}
    place = folder / "notebooks" / "05_orr.ipynb"
    content = {"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    place.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return place


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one notebook, as git keeps it."""
    (tmp_path / "notebooks").mkdir()
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("notebooks/*.ipynb filter=notebook-without-outputs\n")
    clean = f"{sys.executable} -m trialbook.kernels.strip_outputs"
    for key, value in (("filter.notebook-without-outputs.clean", clean), ("user.name", "A"), ("user.email", "a@a.a")):
        git(tmp_path, "config", key, value)
    saved(tmp_path, CELL["source"])
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "a notebook")
    return tmp_path


def test_after_a_run_that_changed_only_outputs_git_sees_no_change(clone: Path) -> None:
    place = saved(clone, CELL["source"], "12 subjects")
    assert git(clone, "status", "--short") == " M notebooks/05_orr.ipynb", "what the hook is for"
    assert refresh_index(place)
    assert git(clone, "status", "--short") == ""
    assert git(clone, "diff") == ""
    assert "12 subjects" in place.read_text(encoding="utf-8"), "the outputs stay on the disk"
    assert "12 subjects" not in git(clone, "show", "HEAD:notebooks/05_orr.ipynb")


def test_a_notebook_with_marks_of_a_merge_says_what_to_do() -> None:
    words = [sys.executable, "-m", "trialbook.kernels.strip_outputs"]
    done = subprocess.run(words, input="{\n<<<<<<< HEAD\n", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "marks of a merge. Next: settle these" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_command_of_git_at_work_only_delays_it(clone: Path) -> None:
    """Git has one writer of its index: a prompt or an extension that asks for the status may be that one."""
    place = saved(clone, CELL["source"], "12 subjects")
    lock = clone / ".git" / "index.lock"
    lock.touch()
    ended = threading.Timer(1.5, lock.unlink)
    ended.start()
    assert refresh_index(place)
    ended.join()
    assert git(clone, "status", "--short") == ""


def test_an_edited_cell_stays_a_change_that_nobody_has_staged(clone: Path) -> None:
    place = saved(clone, ["x = 2\n", "x"], "12 subjects")
    assert not refresh_index(place)
    assert git(clone, "status", "--short") == " M notebooks/05_orr.ipynb"
    assert git(clone, "diff", "--cached") == ""
    assert "12 subjects" not in git(clone, "diff")


def test_an_edit_that_a_person_has_staged_stays_staged(clone: Path) -> None:
    saved(clone, ["x = 2\n", "x"])
    git(clone, "add", "-A")
    assert refresh_index(saved(clone, ["x = 2\n", "x"], "12 subjects"))
    assert git(clone, "status", "--short") == "M  notebooks/05_orr.ipynb"


def test_what_git_does_not_know_and_where_there_is_no_git_nothing_is_done(clone: Path, tmp_path_factory) -> None:
    other = clone / "notebooks" / "scratch.ipynb"
    other.write_text("{}")
    assert not refresh_index(other)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.ipynb"
    elsewhere.write_text("{}")
    assert not refresh_index(elsewhere)


def test_one_cell_has_one_form_in_git_however_a_program_writes_it() -> None:
    ways = ["x = 1\nx", ["x = 1\n", "x"], ["x = 1\nx"]]
    made = [
        stripped({"cells": [{**CELL, "source": way}], "metadata": {"kernelspec": {"name": str(k)}}, "nbformat": 4})
        for k, way in enumerate(ways)
    ]
    assert made[0] == made[1] == made[2]


def test_settings_are_written_once_and_say_that_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    write_settings(tmp_path)
    written = {name: (tmp_path / name).stat().st_mtime_ns for name in SETTINGS}
    write_settings(tmp_path)
    assert written == {name: (tmp_path / name).stat().st_mtime_ns for name in SETTINGS}
    sources = [word for part in POLICY.split("; ") for word in part.split(" ")[1:]]
    assert set(sources) <= {"'self'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert POLICY.startswith("default-src 'self';")


def test_settings_are_those_of_an_environment_never_of_the_machine() -> None:
    code = (
        "import runpy, sys; sys.base_prefix = sys.prefix; runpy.run_module('trialbook.lab.settings', None, '__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not a virtual environment" in done.stderr


@pytest.mark.parametrize(("user", "allowed"), [("0", True), ("1000", False)])
def test_make_lab_opens_the_project_passes_options_on_and_runs_in_a_container(
    root: Path, tmp_path: Path, user: str, allowed: bool
) -> None:
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    told = subprocess.run(
        ["make", "-n", "-o", ".venv/.made-from-the-lock", "lab", "ARGS=--port 9999 --no-browser"],
        cwd=root, capture_output=True, text=True, check=True, env=path,
    ).stdout  # fmt: skip
    assert f"--ServerApp.root_dir={root}" in told
    assert "/lab/tree/notebooks" in told
    assert "--port 9999 --no-browser" in told
    assert ("--allow-root" in told) == allowed


def exported(notebook: nbformat.NotebookNode) -> str:
    made = HTMLExporter(config=Config(EXPORT)).from_notebook_node(notebook)[0]
    return str(made)


def test_charts_and_tables_survive_the_export_as_html_the_same_every_time() -> None:
    data = pd.DataFrame({"day": [0, 28], "grade": [3, 0]})
    chart = figure(alt.Chart(data).mark_point().encode(x="day:Q", y="grade:Q"), data, "Grade by day")
    bundles = [chart.chart_bundle(), table(data, "Grades")._repr_mimebundle_()]
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("show()", outputs=outputs, id="a")])
    first, second = exported(notebook.copy()), exported(notebook.copy())
    assert first == second
    assert len(re.findall(r'<img alt="Chart: Grade by day" src="data:image/svg\+xml;base64,[^"]{999,}"', first)) == 1
    assert first.count("Chart: Grade by day") == 1, "no words in the place of the chart"
    assert ">Grades</span>" in first
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?:', first) == []
