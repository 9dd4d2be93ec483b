"""`verify` names the file and the place that differ."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.datasets import read_dataset, write_dataset
from trialbook.runner.compare import compare_builds
from trialbook.runner.manifest import write_json


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        frame = pd.DataFrame(
            {"USUBJID": ["S1", "S2"], "ADT": pd.to_datetime(["2025-01-01", None]), "AVAL": [1.0, None]}
        )
        write_dataset(frame, folder / "data" / "x.parquet", ["USUBJID"])
        write_json(folder / "manifest.json", {"k": [1, {"deep": "v"}]})
        (folder / "index.html").write_text("one\ntwo\nthree\n")
        (folder / "q.xlsx").write_bytes(b"PK\x80\x81\x82")
        write_json(folder / "run.json", {"seconds": name})
    return tmp_path / "a", tmp_path / "b"


def test_equal_builds_have_no_difference_whatever_run_json_says(pair: tuple[Path, Path]) -> None:
    assert compare_builds(*pair) == []


def test_each_kind_of_file_names_its_place(pair: tuple[Path, Path]) -> None:
    a, b = pair
    (b / "index.html").write_text("one\ntwX\nthree\n")
    write_json(b / "manifest.json", {"k": [1, {"deep": "w"}]})
    frame = read_dataset(b / "data" / "x.parquet").assign(AVAL=[1.0, 2.0])
    write_dataset(frame, b / "data" / "x.parquet")
    (b / "q.xlsx").write_bytes(b"PK\x80\x81\x83")
    (b / "extra.txt").write_text("")
    assert compare_builds(a, b) == [
        "extra.txt: only in the rebuild",
        "data/x.parquet: row 2, column AVAL",
        "index.html: line 2, column 3",
        "manifest.json: key /k/1/deep",
        "q.xlsx: byte 4",
    ]


def test_dataset_keeps_its_types(pair: tuple[Path, Path]) -> None:
    frame = read_dataset(pair[0] / "data" / "x.parquet")
    assert frame.dtypes.astype(str).to_dict() == {"USUBJID": "str", "ADT": "datetime64[s]", "AVAL": "float64"}


def test_a_time_of_day_in_a_date_column_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ADT": pd.to_datetime(["2025-01-01T10:00"])})
    with pytest.raises(ValueError, match="time of day"):
        write_dataset(frame, tmp_path / "x.parquet")
