"""Exports that are not SDTM go through the command line to whole builds whose data are those of their SDTM twins."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from support import frozen_hashes as frozen
from support.running_builds import trialbook
from trialbook.core.datasets import read_dataset

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "build"
    done = trialbook(root, "build", root / "params" / "site-export" / "cut.yaml", "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "2025-06-30-site-export"


def test_every_dataset_is_that_of_the_twin_byte_for_byte(built: Path, demo: Path) -> None:
    twin = demo / "2025-06-30" / "data"
    made = {path.relative_to(built / "data"): path.read_bytes() for path in (built / "data").rglob("*.parquet")}
    assert len([path for path in made if path.parent.name == "clean"]) == 23
    assert sorted(made) == sorted(path.relative_to(twin) for path in twin.rglob("*.parquet"))
    assert [path for path in made if made[path] != (twin / path).read_bytes()] == []


def test_datasets_tables_and_drawings_are_the_recorded_ones(built: Path) -> None:
    assert frozen.content(built) == frozen.recorded("2025-06-30-site-export")


def test_the_change_log_of_the_build_names_the_cells_of_the_export(built: Path) -> None:
    with (built / "changelog.csv").open(encoding="utf-8-sig", newline="") as file:
        log = list(csv.DictReader(file))
    mapped = [row for row in log if row["rule"] == "P34-MAPPED-CODE"]
    assert len(mapped) > 3000
    assert {"file": "edc_subjects_20250630.csv", "row": "3", "column": "性别 → SEX", "raw": "男", "new": "M"} in [
        {key: row[key] for key in ("file", "row", "column", "raw", "new")} for row in mapped
    ]


def test_the_manifest_names_the_mapping_file_and_every_file_of_the_export(built: Path, root: Path) -> None:
    sources = json.loads((built / "manifest.json").read_text(encoding="utf-8"))["sources"]
    assert "params/mapping.yaml" in json.dumps(sources)
    for path in (root / "data" / "site-export" / "2025-06-30").glob("edc_*"):
        assert path.name in json.dumps(sources["inputs"])


# Every day: the site export above, and `unit/demo/test_edc_exports.py` to the clean data.
@pytest.mark.soak
def test_the_builds_of_the_example_exports_are_those_of_their_twin(root: Path, tmp_path: Path) -> None:
    """Every dataset and every result, but the number of values that were fixed: a mapping fixes many."""
    names = ("sdtm", "redcap", "rave", "openclinica", "chinese")
    cuts = [root / "params" / "examples" / "cuts" / f"{name}.yaml" for name in names]
    done = trialbook(root, "build", *cuts, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    twin, *exports = (tmp_path / f"example-{name}" for name in names)
    expected = results(twin)
    assert len(expected) > 5000
    for export in exports:
        made = {path.relative_to(export): path.read_bytes() for path in (export / "data").rglob("*.parquet")}
        assert made == {path.relative_to(twin): path.read_bytes() for path in (twin / "data").rglob("*.parquet")}
        assert results(export).equals(expected), export.name


def results(build: Path) -> pd.DataFrame:
    found = read_dataset(build / "results" / "ard.parquet")
    return found[~(found["analysis_id"].eq("CLEANING") & found["variable"].eq("CHANGES"))]


def test_check_says_what_came_in(root: Path) -> None:
    """What was translated: the change log above."""
    done = trialbook(root, "check", root / "params" / "site-export" / "cut.yaml", "--raw")
    assert done.returncode == 0, done.stderr
    assert "gb18030, comma" in done.stdout
    assert "lab_results_20250630.xlsx, sheet 检验结果" in done.stdout
    assert "P34-MAPPED-CODE" in done.stdout
