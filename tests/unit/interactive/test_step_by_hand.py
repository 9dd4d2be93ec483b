"""Differences of a run by hand from the published build are listed, also what it no longer writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trialbook.core.datasets import write_dataset
from trialbook.interactive.step_by_hand import own_differences
from trialbook.results.ard import ArdRow, ard_row

BOUNDS = ard_row("BOUNDS", "Total", "DLT", "n.low", 1)
RATE, COUNT = ard_row("ORR_D28", "Total", "RSP28", "p", 0.75), ard_row("ORR_D28", "Total", "RSP28", "N", 4)
PEOPLE = pd.DataFrame({"USUBJID": ["S-001", "S-002"], "AGE": [50.0, 61.0]})


def put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A build of two steps that both report bounds; the second leaves ADRS too."""
    folder = tmp_path / "published"
    steps = [
        {"step": "04_dlt", "written": {"queries": 0, "results (ARD rows)": 1}},
        {"step": "05_orr", "written": {"adrs": 2, "queries": 0, "results (ARD rows)": 2}},
    ]
    put(folder / "manifest.json", {"steps": steps})
    put(folder / "results" / "ard.json", [BOUNDS, RATE, COUNT])
    write_dataset(PEOPLE, folder / "data" / "adrs.parquet", ["USUBJID"])
    return folder


def run_by_hand(folder: Path, step: str, rows: list[ArdRow], people: pd.DataFrame | None = PEOPLE) -> Path:
    put(folder / ".steps" / step / "ard.json", rows)
    if people is not None:
        write_dataset(people, folder / "data" / "adrs.parquet", ["USUBJID"])
    return folder


def test_what_is_as_published_differs_in_nothing(published: Path, tmp_path: Path) -> None:
    assert own_differences(run_by_hand(tmp_path / "own", "05_orr", [COUNT, RATE]), published, "05_orr") == []
    assert own_differences(run_by_hand(tmp_path / "other", "04_dlt", [BOUNDS], None), published, "04_dlt") == []


def test_a_published_result_that_is_no_longer_reported_is_listed(published: Path, tmp_path: Path) -> None:
    """Those of the other step are not missed, although both have an analysis of the same name."""
    for rows in ([RATE], []):
        found = own_differences(run_by_hand(tmp_path / f"own{len(rows)}", "05_orr", rows), published, "05_orr")
        assert found is not None
        assert "result ORR_D28 Total RSP28 N: 4 published, is not reported here" in found
        assert not any("BOUNDS" in line for line in found)
        assert len(found) == 2 - len(rows)


def test_a_published_dataset_that_is_no_longer_left_is_listed(published: Path, tmp_path: Path) -> None:
    own = run_by_hand(tmp_path / "own", "05_orr", [RATE, COUNT], None)
    assert own_differences(own, published, "05_orr") == ["adrs: is published, was not written here"]


def test_other_and_new_results_are_listed(published: Path, tmp_path: Path) -> None:
    other = ard_row("ORR_D28", "Total", "RSP28", "p", 0.6)
    same_text = {**COUNT, "stat": 4.4}
    new = ard_row("ORR_D28", "DL1", "RSP28", "N", 2)
    own = run_by_hand(tmp_path / "own", "05_orr", [other, same_text, new])  # type: ignore[list-item]
    assert own_differences(own, published, "05_orr") == [
        "result ORR_D28 Total RSP28 p: 75.0% published, 60.0% here",
        "result ORR_D28 Total RSP28 N: 4 (4.0) published, 4 (4.4) here",
        "result ORR_D28 DL1 RSP28 N: 2, is not in the published build",
    ]


def test_a_notebook_of_ones_own_misses_nothing(published: Path, tmp_path: Path) -> None:
    assert own_differences(run_by_hand(tmp_path / "own", "desk", []), published, "desk") == []


def test_results_that_their_manifest_does_not_count_are_named(published: Path, tmp_path: Path) -> None:
    put(published / "results" / "ard.json", [BOUNDS, RATE])
    own = run_by_hand(tmp_path / "own", "05_orr", [RATE])
    assert own_differences(own, published, "05_orr") == [
        "the published results are not those that its manifest counts: run `trialbook verify`"
    ]


def test_without_a_build_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert own_differences(run_by_hand(tmp_path / "own", "05_orr", [RATE]), tmp_path / "nowhere", "05_orr") is None
