"""A file that a lenient reader would shift, shorten or garble stops, and the message names file and row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from support import raw_export as raw
from trialbook.core.errors import StopError, UsageError
from trialbook.snapshot import read_approved_deletions, read_snapshot, transfer_manifest
from trialbook.snapshot.read import read_folder

HEAD = b"USUBJID,AETERM,AESEQ\n"
BROKEN = {
    "every row has one field more than the header, which is not blank": (
        HEAD + b"S1,a,1,x\n",
        "row 2",
        "4 fields, the header 3",
    ),
    "row numbers and a blank end, or neither": (HEAD + b"1,S1,a,\n2,S2,b,\n", "row 2", "4 fields, the header 3"),
    "the last row is cut": (HEAD + b"S1,a,1\nS2,b\n", "row 3", "2 fields, the header 3"),
    "one row is long": (HEAD + b"S1,a,1\nS2,b,2,x\n", "row 3", "4 fields"),
    "the delimiter is a semicolon, and no name is known": (b"ID;AETERM\nS1;a\n", "row 1", "delimiter is a semicolon"),
    "two columns have one name": (b"USUBJID,AETERM,aeterm\nS1,a,b\n", "column AETERM", "two columns"),
    "a column has no name": (b"USUBJID,,AESEQ\nS1,a,1\n", "row 1", "column 2 has no name"),
    "a NUL byte": (HEAD + b"S1,a\x00,1\n", "row 2", "NUL"),
    "a quote is not closed": (HEAD + b'S1,"a,1\nS2,b,2\n', "row 2", "quoting"),
    "text after a quoted field": (HEAD + b'S1,"a"b,1\n', "row 2", "quoting"),
    "an empty file": (b"", "ae.csv", "no header"),
    "the replacement character": (HEAD + "S1,a\ufffd,1\n".encode(), "row 2", "U+FFFD"),
    "bytes of no known encoding": (HEAD + b"S1,a,1\nS2,\xff\xff,2\n", "row 3", "neither UTF-8 nor GB18030"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_csv_stops_and_names_the_place(tmp_path: Path, case: str) -> None:
    content, place, problem = BROKEN[case]
    (tmp_path / "ae.csv").write_bytes(content)
    with pytest.raises(StopError) as stopped:
        read_folder(tmp_path)
    message = str(stopped.value)
    assert "ae.csv" in message
    assert place in message
    assert problem in message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_chinese_text_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ae.csv").write_bytes("USUBJID,AETERM\nS1,发热，伴寒战\n".encode(encoding))
    table = read_folder(tmp_path).tables["AE"]
    assert table.frame["AETERM"].tolist() == ["发热，伴寒战"]
    assert table.encoding == encoding


def test_a_transport_file_that_lost_its_end_stops(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": [f"S{k:03d}" for k in range(40)], "AETERM": ["term"] * 40})
    pyreadstat.write_xport(frame, tmp_path / "ae.xpt", file_format_version=5, table_name="AE")
    content = (tmp_path / "ae.xpt").read_bytes()
    (tmp_path / "ae.xpt").write_bytes(content[: len(content) - 31])
    with pytest.raises(StopError, match="80-byte records"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["ae.xlsx", "ae.parquet", "ae.json", "ae.ndjson", "ae.xpt", "ae.sas7bdat"])
def test_a_file_that_is_not_what_its_name_says_stops(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"USUBJID,AETERM\nS1,a\n" * 40)
    with pytest.raises(StopError, match=name):
        read_folder(tmp_path)


def test_dataset_json_that_lost_records_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.json").write_text('{"records": 3, "columns": [{"name": "USUBJID"}], "rows": [["S1"], ["S2"]]}')
    with pytest.raises(StopError, match="says 3 records and holds 2"):
        read_folder(tmp_path)


def test_the_transfer_manifest_accepts_what_was_received_and_nothing_else(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lb=raw.rows(raw.LB))
    manifest = transfer_manifest(folder)
    assert manifest["lb.csv"]["rows"] == 1
    assert set(manifest) == {"dm.csv", "ex.csv", "ae.csv", "lb.csv"}
    assert list(read_snapshot(raw.trial_of(folder, transfer=manifest)).tables) == ["DM", "EX", "AE", "LB"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "sha256"),
        ({"bytes": 1}, "1 bytes were received"),
        ({"rows": 7}, "7 records were received, the file has 1"),
    ],
)
def test_a_file_that_differs_from_the_transfer_stops_and_is_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = raw.export(tmp_path / "s")
    manifest = transfer_manifest(folder)
    manifest["ex.csv"] |= change
    with pytest.raises(StopError, match=rf"ex\.csv.*{message}"):
        read_snapshot(raw.trial_of(folder, transfer=manifest))


def test_a_file_more_or_less_than_received_stops(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    manifest = transfer_manifest(folder)
    raw.write_csv(folder / "lb.csv", raw.rows(raw.LB))
    with pytest.raises(StopError, match=r"lb\.csv.*not in the transfer manifest"):
        read_snapshot(raw.trial_of(folder, transfer=manifest))
    (folder / "lb.csv").unlink()
    manifest["cm.csv"] = {"sha256": "0" * 64, "bytes": 10}
    with pytest.raises(StopError, match=r"cm\.csv.*not here"):
        read_snapshot(raw.trial_of(folder, transfer=manifest))


def test_every_cut_of_a_file_is_caught_by_the_transfer_manifest(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {}, {"AESEQ": "2"}, {"AESEQ": "3"}))
    manifest, whole = transfer_manifest(folder), (folder / "ae.csv").read_bytes()
    for size in range(0, len(whole), 29):
        (folder / "ae.csv").write_bytes(whole[:size])
        with pytest.raises(StopError, match=r"ae\.csv"):
            read_snapshot(raw.trial_of(folder, transfer=manifest))


def test_approved_deletions_need_their_four_columns_and_a_reason(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    assert read_approved_deletions(raw.trial_of(folder)).empty
    good = raw.write_csv(tmp_path / "good.csv", [dict(domain="CM", subject="S1", record="CMSEQ=1", reason="twice")])
    read = read_approved_deletions(raw.trial_of(folder, approved_deletions=str(good)))
    assert read.to_dict("records") == [{"domain": "CM", "subject": "S1", "record": "CMSEQ=1", "reason": "twice"}]
    for bad in (
        [dict(domain="CM", subject="S1", record="CMSEQ=1")],
        [dict(domain="CM", subject="S1", record="", reason=" ")],
    ):
        path = raw.write_csv(tmp_path / "bad.csv", bad)
        with pytest.raises(UsageError, match=r"bad\.csv"):
            read_approved_deletions(raw.trial_of(folder, approved_deletions=str(path)))
