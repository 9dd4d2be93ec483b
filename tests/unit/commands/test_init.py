"""`trialbook init`: a folder appears whole, holds what a trial needs, and nothing of a person or of another trial."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from trialbook.commands import init
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.load import load_protocol, project_root
from trialbook_demo.phase1 import example_files


def test_the_folder_is_a_project_with_every_step_contract_and_parameter_file(root: Path, tmp_path: Path) -> None:
    lines = init.lay_out(tmp_path / "new" / "trial")
    place = tmp_path / "new" / "trial"
    assert lines[0] == str(place)
    assert project_root(place) == place
    for part in ("notebooks/*.ipynb", "data_contracts/*/*.yaml", "params/protocol.yaml", "params/drugs.yaml"):
        there, here = ({p.relative_to(base).as_posix() for p in base.glob(part)} for base in (root, place))
        assert there == here != set()
    # Deliveries, cuts and records of the people of this clone stay here.
    assert list((place / "params" / "cuts").iterdir()) == list((place / "data").iterdir()) == []
    assert load_protocol(place / "params" / "protocol.yaml") == load_protocol(root / "params" / "protocol.yaml")


@pytest.mark.parametrize("there", ["file", "folder"])
def test_nothing_is_written_over(tmp_path: Path, there: str) -> None:
    place = tmp_path / "trial"
    if there == "file":
        place.write_text("mine", encoding="utf-8")
    else:
        place.mkdir()
        (place / ".hidden").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="name a new"):
        init.lay_out(place)
    assert [p.name for p in tmp_path.rglob("*") if p != place] == ([".hidden"] if there == "folder" else [])


def test_an_empty_folder_is_filled_and_a_fault_leaves_it_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    place = tmp_path / "trial"
    place.mkdir()
    monkeypatch.setattr(init, "NAMES", {"not there": "x"})
    with pytest.raises(FileNotFoundError):
        init.lay_out(place)
    assert list(place.iterdir()) == []
    assert list(tmp_path.iterdir()) == [place]
    monkeypatch.undo()
    init.lay_out(place)
    assert (place / "README.md").is_file()


def test_an_installation_without_the_files_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "PACKAGE", tmp_path / "site" / "trialbook")
    with pytest.raises(StopError, match="install trialbook from its wheel"):
        init.lay_out(tmp_path / "trial")
    assert not (tmp_path / "trial").exists()


def test_outputs_of_a_notebook_that_somebody_ran_are_not_laid_out(tmp_path: Path) -> None:
    source = tmp_path / "site" / init.CARRIED
    (source / "notebooks").mkdir(parents=True)
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": ["patient zero"],
            "execution_count": 3}  # fmt: skip
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (source / "notebooks" / "01_cleaning.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    laid = dict(init._files(source))
    assert b"patient zero" not in laid["notebooks/01_cleaning.ipynb"]


def git(place: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(place), *words], capture_output=True, text=True, check=True).stdout


def test_git_sees_no_delivery_no_build_and_no_output_of_a_notebook(tmp_path: Path) -> None:
    place = tmp_path / "trial"
    lines = init.lay_out(place)
    assert "a git repository was made; nothing is committed yet; outputs of notebooks are kept out of it" in lines
    for name in ("data/a/dm.csv", "build/a/index.html", "export.xlsx", "documents/report.pdf", "params/extra/lb.xpt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("patient zero", encoding="utf-8")
    notebook = place / "notebooks" / "01_cleaning.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    code = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "patient zero"}]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    git(place, "add", "-A")
    staged = git(place, "ls-files").split()
    assert "params/protocol.yaml" in staged
    assert [name for name in staged if "patient zero" in git(place, "show", f":{name}")] == []
    # A folder in a repository joins it, and takes over the filter that is set there.
    inner = init.lay_out(place / "inner")
    assert any("is part of the git repository" in line and "left as it is" in line for line in inner)
    assert not (place / "inner" / ".git").exists()


def test_without_git_the_folder_is_complete_and_says_that_nothing_is_tracked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init.shutil, "which", lambda _: None)
    lines = init.lay_out(tmp_path / "trial")
    assert any("under no version control" in line for line in lines)
    assert (tmp_path / "trial" / ".gitignore").is_file()


def test_the_example_is_another_trial_with_its_own_notebook_and_declared_as_made_up(root: Path, tmp_path: Path) -> None:
    place = tmp_path / "trial"
    init.lay_out(place, example_files(root))
    protocol = load_protocol(place / "params" / "protocol.yaml")
    assert protocol.study.endpoints == ["TEAE", "DLT"]
    assert (place / "notebooks" / "07_response.ipynb").is_file()
    assert json.loads((place / "data" / "published" / "manifest.json").read_text(encoding="utf-8"))["synthetic"] is True
