"""The inputs of a task: their values, and what happens when a file changes while it is used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.paths import ROOT
from trialbook.core.errors import StopError
from trialbook.pipeline.dependencies import ABSENT, Ingredients
from trialbook.protocol.load import load_trial


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("notebooks", "params", "data_contracts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "data" / "demo" / "2025-03-31", tmp_path / "data" / "demo" / "2025-03-31")
    return tmp_path


def ingredients(project: Path) -> Ingredients:
    trial = load_trial(project / "params" / "cuts" / "2025-03-31.yaml", project)
    return Ingredients(trial, project, project / "build", "live")


def test_values_are_hashes_versions_or_the_value_itself(project: Path) -> None:
    now = ingredients(project)
    assert now.value("cut.cut_date") == '"2025-03-31"'
    assert now.value("analysis.os_days") == "[28, 100, 180]"
    assert now.value("protocol.study.planned_n") == "12"
    assert len(now.value("input dm.csv")) == len(now.value("notebook 06_os.ipynb")) == 64
    assert now.value("package pandas").startswith("3.")
    assert now.value("previous/ ") == ABSENT


@pytest.mark.parametrize(
    "name", ["input none.csv", "notebook none.ipynb", "package none", "file none", "analysis.none", "data none", "lock"]
)
def test_what_is_not_there_is_absent_and_no_error(project: Path, name: str) -> None:
    assert ABSENT in ingredients(project).value(name)


def test_a_file_that_changes_while_it_is_used_stops_the_build(project: Path) -> None:
    now = ingredients(project)
    names = ["notebook 06_os.ipynb", "input dm.csv"]
    now.values(names)
    now.stop_if_anything_changed()
    with (project / "notebooks" / "06_os.ipynb").open("a", encoding="utf-8") as notebook:
        notebook.write("\n")
    with pytest.raises(StopError, match=r"06_os\.ipynb: it changed while the build was using it"):
        now.stop_if_anything_changed()
    assert now.value("notebook 06_os.ipynb") == now.values(names)["notebook 06_os.ipynb"]


def test_a_file_that_is_only_touched_does_not_stop_the_build(project: Path) -> None:
    now = ingredients(project)
    now.values(["notebook 06_os.ipynb", "input dm.csv"])
    os.utime(project / "notebooks" / "06_os.ipynb", (0, 0))
    now.stop_if_anything_changed()


def test_a_file_more_or_less_in_the_snapshot_stops_the_build(project: Path) -> None:
    now = ingredients(project)
    assert now.inputs
    (project / "data" / "demo" / "2025-03-31" / "xx.csv").write_text("A\n")
    with pytest.raises(StopError, match="it changed while the build was using it"):
        now.stop_if_anything_changed()


def test_a_protocol_that_changed_after_it_was_parsed_stops_the_build(project: Path) -> None:
    now = ingredients(project)
    with (project / "params" / "protocol.yaml").open("a", encoding="utf-8") as protocol:
        protocol.write("\n")
    with pytest.raises(StopError, match=r"protocol\.yaml: it changed while the build was using it"):
        now.value("file params/protocol.yaml")


def test_a_new_contract_or_a_new_file_of_the_snapshot_is_seen(project: Path) -> None:
    before = ingredients(project).values(["contracts raw", "inputs"])
    shutil.copy(project / "data_contracts" / "raw" / "dm.yaml", project / "data_contracts" / "raw" / "xx.yaml")
    (project / "data" / "demo" / "2025-03-31" / "xx.csv").write_text("A\n")
    after = ingredients(project).values(["contracts raw", "inputs"])
    assert before["contracts raw"] != after["contracts raw"]
    assert before["inputs"] != after["inputs"]
