"""The house keeps its own rules: packages, lock, notebooks, tracked files, size of modules."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from trialbook.display import theme
from trialbook.kernels.strip_outputs import FOLDED
from trialbook.profiles.profile import DATASETS
from trialbook.workbook.step_metadata import ENTRY, read_graph
from trialbook.workbook.steps import PROFILED

# Where a package has another name on conda-forge, or is taken from PyPI in environment.yml.
CONDA_NAMES = {"python-duckdb": "duckdb", "jupyter_client": "jupyter-client"}


def requirement_names(lines: list[str]) -> set[str]:
    return {re.split(r"[<>=! ]", line)[0].lower() for line in lines}


def test_environment_and_pyproject_name_the_same_packages(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = requirement_names(project["dependencies"] + project["optional-dependencies"]["test"])
    entries = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = requirement_names([entry for entry in entries if isinstance(entry, str)]) - {"python", "pip"}
    pip = requirement_names([e for entry in entries if isinstance(entry, dict) for e in entry["pip"] if e != "-e ."])
    assert {CONDA_NAMES.get(name, name) for name in conda} | pip == wanted


def test_versions_in_environment_and_pyproject_agree(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["test"]
    entries = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    listed = [e for e in entries if isinstance(e, str)] + [p for e in entries if isinstance(e, dict) for p in e["pip"]]
    floors = {CONDA_NAMES.get(n, n): v for n, v in (re.split(r"\s*>=", e) for e in listed if ">=" in e)}
    for line in lines:
        name, floor = line.split(">=")
        assert floors[name] == floor, name


def test_every_dependency_states_its_reason(root: Path) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^    "[a-z0-9-]+>=.*$', text, flags=re.MULTILINE)
    assert len(listed) > 20
    assert [line for line in listed if "#" not in line] == []


def test_lock_is_pinned_by_hash_and_names_no_index(root: Path) -> None:
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==[^\\\n]+\\\n    --hash=sha256:[0-9a-f]{64}", text, flags=re.MULTILINE)
    names = re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE)
    assert pins == names
    assert len(names) > 100
    assert not re.search(r"https?://|--index-url|--find-links|file:", text)


def test_lock_holds_every_direct_dependency(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = requirement_names(project["dependencies"] + project["optional-dependencies"]["test"])
    locked = set(re.findall(r"^([a-z0-9-]+)==", (root / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    assert wanted <= locked


def notebooks(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("*.ipynb"))


def steps(root: Path) -> list[Path]:
    """The notebooks that a build runs; others may be anything that a person tries."""
    return [root / spec.file for spec in read_graph(root).steps]


def test_the_story_has_its_six_chapters_and_each_notebook_says_where_it_belongs(root: Path) -> None:
    names = ["01_cleaning", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os"]
    assert read_graph(root).names[:6] == names
    # The profile pages are made of datasets of the steps; the list is kept twice, since importing it would take long.
    assert set(PROFILED) == set(DATASETS)


def test_notebooks_hold_no_outputs(root: Path) -> None:
    for path in notebooks(root):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert set(notebook["metadata"]) - {ENTRY} == {"kernelspec", "language_info"}, path.name
        for cell in notebook["cells"]:
            folded = cell["cell_type"] == "code" and set(cell["metadata"].get("tags", [])) & set(FOLDED)
            own = {"jupyter": {"source_hidden": True}} if folded else {}
            assert {key: value for key, value in cell["metadata"].items() if key != "tags"} == own, path.name
            if cell["cell_type"] == "code":
                assert cell["outputs"] == [], path.name
                assert cell["execution_count"] is None, path.name


def test_notebooks_declare_the_keys_of_a_cut_file(root: Path) -> None:
    from trialbook.protocol.models import Cut

    for path in steps(root):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = ["".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", [])]
        assert len(tagged) == 1, path.name
        names = [node.targets[0].id for node in ast.parse(tagged[0]).body]  # type: ignore[attr-defined]
        assert names == list(Cut.model_fields), path.name


BANNED = {"eval", "exec", "open", "exit", "quit", "__import__", "input", "print"}


def test_only_the_opening_of_the_step_reads_the_parameters(root: Path) -> None:
    """By hand all but `cut_id` are None, and mean what the cut file says: a cell that shows one would show "None"."""
    from trialbook.protocol.models import Cut

    names = set(Cut.model_fields)
    for path in steps(root):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or "open_step(" in source:
                continue
            loaded = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
            assert [n.id for n in loaded if n.id in names] == [], f"{path.name} {cell['id']}: read it from `step`"


def test_cells_of_the_steps_end_no_run_and_hide_nothing(root: Path) -> None:
    for path in steps(root):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in BANNED, f"{path.name}: {node.func.id}"


def test_clean_filter_removes_what_a_run_left() -> None:
    from trialbook.kernels.strip_outputs import stripped

    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"execution": {}},
        "source": ["1"],
        "outputs": [1],
        "execution_count": 3,
    }
    injected = {**cell, "metadata": {"tags": ["injected-parameters"]}}
    own = {"title": "A step", "needs": []}
    metadata = {"papermill": {}, ENTRY: own}
    notebook = {"cells": [cell, injected], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    assert stripped(notebook)["cells"] == [{**cell, "metadata": {}, "outputs": [], "execution_count": None}]
    # The tag says whether code is folded, not what was folded or opened by hand.
    opened = {**cell, "metadata": {"tags": ["look"], "jupyter": {"source_hidden": False}}}
    closed = {**cell, "metadata": {"jupyter": {"source_hidden": True}}}
    kept = [one["metadata"] for one in stripped({**notebook, "cells": [opened, closed]})["cells"]]
    assert kept == [{"tags": ["look"], "jupyter": {"source_hidden": True}}, {}]
    assert "papermill" not in notebook["metadata"]
    assert notebook["metadata"][ENTRY] == own


def tracked(root: Path, *patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a git clone")
    return listed.stdout.split()


def test_build_is_tracked_only_by_its_readme(root: Path) -> None:
    assert tracked(root, "build") == ["build/.gitignore", "build/README.md"]


def test_modules_are_short_and_say_what_they_are_for(root: Path) -> None:
    for path in sorted((root / "src").rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 500, path.name
        assert lines, path.name
        assert lines[0].startswith('"""'), path.name


# Hexadecimal colours (never a character reference such as &#123;), colour functions, and colours by name where a style,
# a drawing or a chart takes one.
COLOUR = re.compile(
    r"(?<!&)#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})(?![\w-])|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\(\s*[\d.]"
    r"|\b(?:color|colour|fill|stroke|background|border(?:-\w+)?)[\"']?\s*[=:]\s*[\"']?"
    r"(?:white|black|gr[ae]y|red|green|blue|orange|yellow|purple|navy|teal|maroon|silver|gold|brown|pink)\b",
    re.IGNORECASE,
)


def test_colours_are_spelled_out_in_the_theme_alone(root: Path) -> None:
    home = root / "src" / "trialbook" / "display" / "theme.py"
    shown = [p for p in (root / "src").rglob("*") if p.suffix in (".py", ".css", ".html", ".js", ".svg") and p != home]
    found = [
        f"{path.relative_to(root)}: {match[0]}"
        for path in sorted(shown)
        for match in COLOUR.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert len(COLOUR.findall(home.read_text(encoding="utf-8"))) > 30


def test_every_custom_property_of_a_style_is_one_of_the_theme(root: Path) -> None:
    named = {*theme.BLOCK_COLOURS, *theme.PAGE_COLOURS}
    templates = root / "src" / "trialbook" / "display" / "templates"
    used = {name: set(re.findall(r"var\(--([\w-]+)", (templates / name).read_text(encoding="utf-8")))
            for name in ("blocks.css", "page.css")}  # fmt: skip
    # Not colours: the typeface, the width of a chart, the height of the navigation; and what JupyterLab defines.
    others = {"tb-font", "w", "nav", "jp-layout-color0", "jp-content-link-color"}
    assert set.union(*used.values()) - others == named
    # In JupyterLab there is no page around a block: there it has its own colours, or falls back on them.
    assert used["blocks.css"] - others - set(theme.BLOCK_COLOURS) == {"paper", "accent"}
