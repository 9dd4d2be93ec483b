"""Two versions of a build: the file and the place that differ are named in the terms of the file's kind."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.datasets import read_dataset, write_dataset
from trialbook.core.files import write_json
from trialbook.diff.builds import compare_builds
from trialbook.diff.file_places import cell_name, frame_places, places
from trialbook.diff.words import CHUNK, against_rebuild, first_and_more, first_difference
from trialbook.queries.files import write_sheets

PAGE = "<html><body><h1>Response</h1><p>intro</p><h2>Rates</h2><p>5 of 11</p><p>end</p></body></html>\n"
CELLS = [
    {"cell_type": "markdown", "id": "cell-01", "metadata": {}, "source": "# Response\ntext"},
    {
        "cell_type": "code", "id": "cell-02", "metadata": {}, "source": ["a = 1\n", "b = 2"], "execution_count": 1,
        "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": "<p>5 of 11</p>"}}],
    },
]  # fmt: skip


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
        write_json(folder / "n.ipynb", {"cells": CELLS, "metadata": {}, "nbformat": 4})
        (folder / "index.html").write_text(PAGE)
        (folder / "list.csv").write_text('id,text\n1,"two\nlines"\n2,x\n')
        write_sheets({"Queries": pd.DataFrame({"id": ["1"], "text": ["x"]})}, folder / "q.xlsx", "2025-01-01")
        (folder / "raw.bin").write_bytes(b"\x00\xff\x80\x81\x82")
        write_json(folder / "run.json", {"seconds": name})
    return tmp_path / "a", tmp_path / "b"


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_equal_builds_have_no_difference_whatever_run_json_says(pair: tuple[Path, Path]) -> None:
    assert compare_builds(*pair) == []


def test_only_the_run_json_of_the_build_itself_may_differ(pair: tuple[Path, Path]) -> None:
    (pair[0] / "data" / "run.json").write_text("{}")
    assert compare_builds(*pair) == ["data/run.json: only in the published build"]


def test_each_kind_of_file_names_its_place(pair: tuple[Path, Path]) -> None:
    a, b = pair
    changed(b / "index.html", "5 of 11", "6 of 11")
    changed(b / "n.ipynb", "5 of 11", "6 of 11")
    changed(b / "list.csv", "2,x", "2,y")
    write_json(b / "manifest.json", {"k": [1, {"deep": "w"}]})
    frame = read_dataset(b / "data" / "x.parquet").assign(AVAL=[1.0, 2.0])
    write_dataset(frame, b / "data" / "x.parquet")
    write_sheets({"Queries": pd.DataFrame({"id": ["1"], "text": ["y"]})}, b / "q.xlsx", "2025-01-01")
    (b / "raw.bin").write_bytes(b"\x00\xff\x80\x81\x83")
    (b / "extra.txt").write_text("")
    assert compare_builds(a, b) == [
        "data/x.parquet: USUBJID S2, column AVAL: blank published, 2.0 rebuilt",
        "extra.txt: only in the rebuild",
        "index.html: under the heading 'Rates', text: 5 of 11 published, 6 of 11 rebuilt",
        "list.csv: line 4, column text: x published, y rebuilt",
        'manifest.json: /k/1/deep: "v" published, "w" rebuilt',
        "n.ipynb: cell 2 (under 'Response'), output 1, text/html: text: 5 of 11 published, 6 of 11 rebuilt",
        "q.xlsx: sheet Queries, cell B2: x published, y rebuilt",
        "raw.bin: cannot be read as bin (UnicodeDecodeError); byte 4 is the first that differs",
    ]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("a = 1", "a = 3", "cell 2 (under 'Response'), source line 1: a = 1 published, a = 3 rebuilt"),
        ("text", "prose", "cell 1 (under 'Response'), source line 2: text published, prose rebuilt"),
        ('"id": "cell-02"', '"id": "cell-03"', "cell 2 (under 'Response'), id: cell-02 published, cell-03 rebuilt"),
        ('"nbformat": 4', '"nbformat": 5', "its nbformat: 4 published, 5 rebuilt"),
    ],
)
def test_a_notebook_differs_in_a_cell(pair: tuple[Path, Path], old: str, new: str, place: str) -> None:
    changed(pair[1] / "n.ipynb", old, new)
    assert places(pair[0] / "n.ipynb", pair[1] / "n.ipynb") == [place]


@pytest.mark.parametrize(
    ("name", "how", "word"),
    [
        ("list.csv", lambda b: b.replace(b"\n", b"\r\n"), "the line endings"),
        ("index.html", lambda b: b.replace(b"\n", b"\r\n"), "the line endings"),
        ("list.csv", lambda b: b"\xef\xbb\xbf" + b, "byte order mark"),
        ("index.html", lambda b: b + b" \n", "white space at the end"),
        ("manifest.json", lambda b: json.dumps(json.loads(b)).encode(), "the bytes do not: byte 1"),
        ("data/x.parquet", lambda b: b[:-9], "cannot be read as parquet"),
        ("q.xlsx", lambda b: b[:50], "cannot be read as xlsx"),
    ],
)  # fmt: skip
def test_the_same_content_in_other_bytes_is_a_difference(pair: tuple[Path, Path], name: str, how, word: str) -> None:
    path = pair[1] / name
    path.write_bytes(how(path.read_bytes()))
    (line,) = compare_builds(*pair)
    assert line.startswith(f"{name}: ")
    assert word in line


def test_many_places_are_counted_and_not_listed(pair: tuple[Path, Path]) -> None:
    write_json(pair[0] / "manifest.json", list(range(20)))
    write_json(pair[1] / "manifest.json", list(range(1, 21)))
    lines = compare_builds(*pair)
    assert len(lines) == 6
    assert lines[0] == "manifest.json: /0: 0 published, 1 rebuilt"
    assert lines[-1] == "manifest.json: and 15 more"
    assert first_and_more(["one", "two"], 2) == ["one", "two"]


def test_a_page_with_a_paragraph_more_names_where_it_begins(pair: tuple[Path, Path]) -> None:
    changed(pair[1] / "index.html", "<p>end</p>", "<p>new</p><p>end</p>")
    first, second = compare_builds(*pair)
    assert first == "index.html: under the heading 'Rates', text: end published, new rebuilt"
    assert second == "index.html: 5 pieces of text and attributes published, 6 rebuilt"


def test_records_are_told_apart_by_key_and_an_order_is_a_difference() -> None:
    old = pd.DataFrame({"USUBJID": ["S1", "S1", "S2"], "AESEQ": [1, 2, 1], "AETERM": ["a", "b", "c"]})
    assert list(frame_places(old, old.iloc[[0, 2]])) == [
        "USUBJID S1, AESEQ 2: this record is only in the published build",
    ]
    assert list(frame_places(old, old.iloc[[1, 0, 2]])) == ["the records are in another order"]
    assert list(frame_places(old.drop(columns="AETERM"), old)) == ["column AETERM: only in the rebuild"]
    same_key = old.assign(AESEQ=1)
    assert list(frame_places(same_key, same_key.assign(AETERM=["a", "x", "c"]))) == [
        "row 2, column AETERM: b published, x rebuilt"
    ]


def test_long_values_are_cut_to_where_they_differ() -> None:
    shown = against_rebuild("x" * 200 + "a", "x" * 200 + "b")
    assert shown == f"…{'x' * 20}a published, …{'x' * 20}b rebuilt"
    assert against_rebuild("a\x00\n", None) == "a\\u0000\\u000a published, blank rebuilt"


@pytest.mark.parametrize("at", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_the_first_difference_is_found_wherever_it_is(at: int) -> None:
    one = bytes(3 * CHUNK)
    assert first_difference(one, one[:at] + b"x" + one[at + 1 :]) == at
    assert first_difference(one, one[:at]) == at
    assert first_difference(one, one) == len(one)


def test_cells_are_named_as_a_spreadsheet_names_them() -> None:
    assert [cell_name(1, 1), cell_name(3, 28), cell_name(9, 703)] == ["A1", "AB3", "AAA9"]


def test_dataset_keeps_its_types(pair: tuple[Path, Path]) -> None:
    frame = read_dataset(pair[0] / "data" / "x.parquet")
    assert frame.dtypes.astype(str).to_dict() == {"USUBJID": "str", "ADT": "datetime64[s]", "AVAL": "float64"}


def test_a_time_of_day_in_a_date_column_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ADT": pd.to_datetime(["2025-01-01T10:00"])})
    with pytest.raises(ValueError, match="time of day"):
        write_dataset(frame, tmp_path / "x.parquet")
