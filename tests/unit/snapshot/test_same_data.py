"""The demo snapshot written in every format and encoding cleans to the same data, byte for byte."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from support import raw_export as raw
from support import snapshot_writers as writers
from trialbook.cleaning import clean_snapshot
from trialbook.core.datasets import write_dataset
from trialbook.snapshot import read_snapshot, transfer_manifest
from trialbook.snapshot.read import read_folder

DEMO = raw.PROTOCOL.parents[1] / "data" / "demo" / "2025-06-30"
# Notes of the file itself, which say how it was encoded; every other change must be the same whatever the format.
ABOUT_THE_FILE = ["P01-ENCODING"]
Write = Callable[[Path, writers.Frames], None]
WRITERS: dict[str, Write] = {
    **{suffix: (lambda f, d, s=suffix: writers.write_as(f, d, s)) for suffix in writers.FORMATS},
    **{
        f"csv {name}": (lambda f, d, e=name: writers.write_delimited(f, d, ",", e))
        for name in ("utf-8-sig", "utf-16-le", "utf-16-be", "gb18030")
    },
    **{f"tsv {name}": (lambda f, d, e=name: writers.write_delimited(f, d, "\t", e)) for name in ("utf-16", "gb18030")},
    "csv with every field quoted": lambda f, d: writers.write_delimited(f, d, ",", quoting=csv.QUOTE_ALL),
    "json utf-16": lambda f, d: writers.write_json(f, d, encoding="utf-16"),
    "ndjson gb18030": lambda f, d: writers.write_json(f, d, lines=True, encoding="gb18030"),
    "one workbook": lambda f, d: writers.write_workbook(f / "export.xlsx", d),
    "domains in upper case, names in lower case": lambda f, d: writers.write_delimited(
        f, {code: frame.rename(columns=str.lower) for code, frame in d.items()}, ","
    ),
}


@pytest.fixture(scope="module")
def demo() -> dict[str, pd.DataFrame]:
    """The demo domains, with a Chinese text among them that no encoding may change."""
    frames = {
        path.stem.upper(): pd.read_csv(path, dtype="str", keep_default_na=False) for path in sorted(DEMO.glob("*.csv"))
    }
    ae = frames["AE"]
    frames["AE"] = ae.assign(AETERM=ae["AETERM"].where(ae["AEDECOD"] != "Headache", "头痛，μ≥２级；“轻度”"))
    return frames


def cleaned(folder: Path, out: Path) -> tuple[dict[str, bytes], pd.DataFrame]:
    """Every clean domain as the bytes of its parquet file, and the change log without the names of files."""
    trial = raw.trial_of(folder)
    result = clean_snapshot(read_snapshot(trial), trial)
    content = {}
    for code in sorted(result.domains):
        write_dataset(result.domains[code], out / f"{code}.parquet")
        content[code] = (out / f"{code}.parquet").read_bytes()
    changes = result.changes[~result.changes["rule"].isin(ABOUT_THE_FILE)]
    return content, changes[["row", "column", "raw", "new", "rule"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def expected(
    demo: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], pd.DataFrame]:
    place = tmp_path_factory.mktemp("plain")
    writers.write_delimited(place / "s", demo, ",")
    return cleaned(place / "s", place)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_demo_snapshot_cleans_to_the_same_bytes(
    kind: str, demo: dict[str, pd.DataFrame], expected: tuple[dict[str, bytes], pd.DataFrame], tmp_path: Path
) -> None:
    WRITERS[kind](tmp_path / "s", demo)
    content, changes = cleaned(tmp_path / "s", tmp_path)
    assert list(content) == list(expected[0])
    assert [code for code in content if content[code] != expected[0][code]] == []
    pd.testing.assert_frame_equal(changes, expected[1])


@pytest.mark.parametrize("kind", ["csv", "tsv", "xpt", "parquet", "xlsx", "json", "ndjson", "one workbook"])
def test_the_transfer_manifest_of_every_format_holds_what_was_received(
    kind: str, demo: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    WRITERS[kind](folder, {code: demo[code] for code in ("DM", "EX", "AE")})
    manifest = transfer_manifest(folder)
    assert sum(entry["rows"] for entry in manifest.values()) == sum(len(demo[c]) for c in ("DM", "EX", "AE"))
    assert {name: entry["bytes"] for name, entry in manifest.items()} == {
        path.name: path.stat().st_size for path in folder.iterdir()
    }
    assert list(read_snapshot(raw.trial_of(folder, transfer=manifest)).tables) == ["DM", "EX", "AE"]


# Every day: `unit/cleaning/test_many_rows.py` reads 40,000 rows of CSV.
@pytest.mark.soak
def test_200_000_laboratory_rows_of_sas_or_a_workbook_take_less_than_three_times_those_of_csv(tmp_path: Path) -> None:
    """Seconds of processor, the copies of this process included, so that a busy machine changes little."""
    tests = ("ALT", "AST", "BILI", "CREAT", "HGB", "PLAT", "NEUT", "K")
    results = {"LBSEQ": str, "LBTESTCD": lambda k: tests[k % 8], "LBORRES": lambda k: str(5 + k * 7919 % 4000 / 10)}
    lb = pd.DataFrame({
        name: [results[name](k) if name in results else value for k in range(200_000)] for name, value in raw.LB.items()
    })  # fmt: skip
    seconds = {}
    for kind in ("csv", "xpt", "xlsx"):
        writers.write_as(tmp_path / kind, writers.frames() | {"LB": lb}, kind)
        before = sum(os.times()[:4])
        assert read_folder(tmp_path / kind).tables["LB"].rows == len(lb)
        seconds[kind] = sum(os.times()[:4]) - before
    assert max(seconds["xpt"], seconds["xlsx"]) < 3 * seconds["csv"], seconds
