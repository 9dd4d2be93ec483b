"""A notebook that is dropped into `notebooks/` becomes a step of the build by what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from support.running_builds import Running, notebook_of
from support.small_project import OPEN, PARAMETERS, SmallProject
from trialbook.workbook.step_metadata import ENTRY

pytestmark = pytest.mark.build
NAME = "07_biomarkers"
SAYS = {"title": "Biomarkers", "needs": ["03_safety"], "datasets": ["adbm"], "compared": ["adsl"]}
LEAVE = """
import pandas
step.read("adae")
subjects = step.read("adsl")["USUBJID"]
frame = pandas.DataFrame({"USUBJID": [*subjects, *subjects], "PARAMCD": ["ST2", "REG3A"], "AVAL": [1.5, 2.5]})
step.write("adbm", frame.astype({"USUBJID": "str", "PARAMCD": "str"}), ["USUBJID", "PARAMCD"])
"""


@pytest.fixture
def small(root: Path, tmp_path: Path, finished: SmallProject) -> SmallProject:
    project = SmallProject(tmp_path / "project", root)
    project.take_pieces(finished)
    return project


def drop_in(small: SmallProject, says: dict[str, Any] | None, *cells: str) -> None:
    notebook = notebook_of(OPEN.format(name=NAME), *cells, "step.close()")
    notebook.cells[0].source = PARAMETERS
    if says is not None:
        notebook.metadata[ENTRY] = says
    nbformat.write(notebook, small.folder / "notebooks" / f"{NAME}.ipynb")


def command(small: SmallProject, *words: object) -> Running:
    log = small.log.with_suffix(f".{len(list(small.folder.glob('said*')))}")
    running = Running(log, *words, TRIALBOOK_ROOT=str(small.folder))
    running.end(180)
    return running


def test_a_seventh_notebook_is_built_checked_and_shown_without_any_edit_of_the_library(small: SmallProject) -> None:
    contract = small.folder / "data_contracts" / "analysis" / "adbm.yaml"
    # Without metadata it is no step, and the build says so.
    drop_in(small, None, LEAVE)
    first = small.build()
    assert first.process.returncode == 0, first.said
    assert f"notebooks/{NAME}.ipynb is not a step and was not run" in first.said
    assert not (small.out / "case" / f"{NAME}.html").exists()

    # With it, it is one; a dataset that nothing would check stops the build.
    drop_in(small, SAYS, LEAVE)
    stopped = small.build()
    assert stopped.process.returncode == 1, stopped.said
    assert f"notebooks/{NAME}.ipynb: the dataset adbm has no contract" in stopped.said
    assert "Next: run `trialbook draft-contract adbm`" in stopped.said
    assert not (small.out / "case" / f"{NAME}.html").exists(), "the last complete build is as it was"

    drafted = command(small, "draft-contract", "adbm", "--out", small.out)
    assert drafted.process.returncode == 0, drafted.said
    assert str(contract) in drafted.said
    text = contract.read_text(encoding="utf-8")
    assert "one row per USUBJID and PARAMCD" in text
    again = command(small, "draft-contract", "adbm", "--out", small.out)
    assert again.process.returncode == 2
    assert "has a contract already" in again.said
    assert contract.read_text(encoding="utf-8") == text

    built = small.build()
    assert built.process.returncode == 0, built.said
    build = small.out / "case"
    verdict = json.loads((build / "contracts" / "analysis.adbm.json").read_text(encoding="utf-8"))
    assert verdict["failures"] == []
    assert "adbm.key" in json.dumps(verdict)
    index = (build / "index.html").read_text(encoding="utf-8")
    assert f'href="{NAME}.html"' in index
    assert "Biomarkers" in (build / f"{NAME}.html").read_text(encoding="utf-8")
    assert 'id="analysis-adbm"' in (build / "data_dictionary.html").read_text(encoding="utf-8")
    manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
    assert {f"notebooks/{NAME}.ipynb", "data/adbm.parquet", f"{NAME}.html"} <= set(manifest["outputs"])
    assert manifest["steps"][-1]["needs"] == ["03_safety"]
    executed = json.loads((build / "notebooks" / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    assert executed["metadata"][ENTRY] == SAYS
    proved = command(small, "verify", "case", "--quick", "--out", small.out)
    assert proved.process.returncode == 0, proved.said
    kept = command(small, "status", "case", "--out", small.out, "--charts", "static")
    assert "nothing has changed" in kept.said

    # What is compared is a matter of the contracts of this step, and of no other notebook than its own.
    drop_in(small, {**SAYS, "compared": []}, LEAVE)
    changed = command(small, "status", "case", "--out", small.out, "--charts", "static")
    anew = {line.split()[-1] for line in changed.said.splitlines() if line.startswith("would be made")}
    assert anew >= {NAME, f"{NAME}.contracts"}, changed.said
    assert not {name for name in anew if name[:2] in {"01", "02", "03", "04", "05", "06"}}, changed.said


def test_a_need_that_is_not_named_stops_the_build_although_the_data_may_be_there(small: SmallProject) -> None:
    drop_in(small, {**SAYS, "needs": ["02_eligibility"], "datasets": []}, "step.read('adsl')", "step.read('adae')")
    running = small.build()
    assert running.process.returncode == 1, running.said
    assert "to the needs in" in running.said
    assert not (small.out / "case").exists()


def test_wrong_metadata_are_wrong_usage_and_nothing_is_built(small: SmallProject) -> None:
    drop_in(small, {**SAYS, "needs": ["03_safty"]}, LEAVE)
    running = small.build()
    assert running.process.returncode == 2, running.said
    assert f"notebooks/{NAME}.ipynb, key metadata.trialbook.needs, value '03_safty'" in running.said
    assert "Next: name one of 01_cleaning" in running.said
