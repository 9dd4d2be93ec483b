"""The same records read the same from every format, as text, with the row where a person finds them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xlsxwriter

from support import raw_export as raw
from trialbook.core.errors import StopError
from trialbook.snapshot import describe_files, read_snapshot
from trialbook.snapshot.read import read_folder

NAMES = ["USUBJID", "AESEQ", "AETERM", "AESTDTC"]
RECORDS = [["iMSC-001", "1", "发热", "2025-01-12"], ["iMSC-002", "2", "NA", "2025-01"]]


def workbook(path: Path, sheets: dict[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> None:
    book = xlsxwriter.Workbook(path)
    iso = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, cells in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(cells):
            for c, cell in enumerate(row):
                if isinstance(cell, datetime.date):
                    sheet.write_datetime(r, c, cell, iso)
                else:
                    sheet.write(r, c, cell)
        if name in hidden:
            sheet.hide()
    book.close()


def write(folder: Path, suffix: str) -> None:
    path = folder / f"ae{suffix}"
    frame = pd.DataFrame(RECORDS, columns=NAMES)
    columns = [{"name": name, "dataType": "string"} for name in NAMES]
    if suffix in (".csv", ".tsv"):
        sign = "," if suffix == ".csv" else "\t"
        path.write_text("\n".join(sign.join(row) for row in [NAMES, *RECORDS]) + "\n", encoding="utf-8")
    elif suffix == ".xpt":
        pyreadstat.write_xport(frame, path, file_format_version=5, table_name="AE")
    elif suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(frame), path)
    elif suffix == ".xlsx":
        workbook(path, {"Sheet1": [NAMES, *RECORDS]})
    elif suffix == ".json":
        path.write_text(json.dumps({"name": "AE", "records": 2, "columns": columns, "rows": RECORDS}), encoding="utf-8")
    else:
        lines = [json.dumps({"name": "AE", "records": 2, "columns": columns}), *map(json.dumps, RECORDS)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xpt", ".parquet", ".xlsx", ".json", ".ndjson"])
def test_every_format_gives_the_same_text_and_rows(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix)
    table = read_folder(tmp_path).tables["AE"]
    assert list(table.frame.columns) == NAMES
    assert table.frame.to_numpy().tolist() == RECORDS
    assert list(table.frame.index) == [2, 3]
    assert table.frame.index.name == "ROW"
    assert table.bytes == (tmp_path / f"ae{suffix}").stat().st_size


def test_a_single_workbook_holds_a_sheet_per_domain_and_hidden_sheets_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    workbook(
        path, {"dm": [["USUBJID"], ["S1"]], "AE": [NAMES, *RECORDS], "CM": [["USUBJID"]], "Notes": [["x"]]}, ("CM",)
    )
    for place in (path, tmp_path):
        snapshot = read_folder(place)
        assert list(snapshot.tables) == ["DM", "AE"]
        assert snapshot.tables["AE"].sheet == "AE"
        assert snapshot.ignored == ("export.xlsx: hidden sheet CM", "export.xlsx: sheet Notes")


def test_a_workbook_cell_reads_as_a_person_sees_it(tmp_path: Path) -> None:
    cells = [[7.0, 0.1 + 0.2, datetime.datetime(2025, 1, 12), "007", ""]]
    workbook(tmp_path / "ae.xlsx", {"AE": [["A", "B", "C", "D", "E"], *cells]})
    frame = read_folder(tmp_path).tables["AE"].frame
    assert frame.iloc[0, :4].tolist() == ["7", "0.3", "2025-01-12", "007"]
    assert frame["E"].isna().all()


def test_a_file_of_words_keeps_what_a_lenient_reader_would_interpret(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("USUBJID,AETERM,AESEQ\n0012,NA,1E5\n001,None,\n", encoding="utf-8")
    frame = read_folder(tmp_path).tables["AE"].frame
    assert frame["USUBJID"].tolist() == ["0012", "001"]
    assert frame["AETERM"].tolist() == ["NA", "None"]
    assert frame["AESEQ"].tolist()[0] == "1E5"
    assert frame["AESEQ"].isna().tolist() == [False, True]


def test_a_quoted_line_break_does_not_shift_the_rows_that_follow(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text('USUBJID,AETERM\nS1,"two\nlines"\nS2,one\n\n', encoding="utf-8")
    assert list(read_folder(tmp_path).tables["AE"].frame.index) == [2, 4]


def test_a_label_row_above_or_below_the_names_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("受试者,术语\nUSUBJID,AETERM\nS1,a\n", encoding="utf-8")
    (tmp_path / "cm.csv").write_text("USUBJID,CMTRT\n受试者编号,药物\nS1,b\n", encoding="utf-8")
    tables = read_folder(tmp_path).tables
    assert (tables["AE"].header_row, tables["AE"].label_rows, list(tables["AE"].frame.index)) == (2, (1,), [3])
    assert (tables["CM"].header_row, tables["CM"].label_rows, list(tables["CM"].frame.index)) == (1, (2,), [3])


def test_files_that_are_no_domain_are_named_but_not_read(tmp_path: Path) -> None:
    raw.export(tmp_path / "s")
    for name in ("readme.txt", "~$dm.xlsx", "summary.csv"):
        (tmp_path / "s" / name).write_text("not a table")
    snapshot = read_snapshot(raw.trial_of(tmp_path / "s"))
    assert list(snapshot.tables) == ["DM", "EX", "AE"]
    assert snapshot.ignored == ("readme.txt", "summary.csv", "~$dm.xlsx")
    assert describe_files(snapshot)["rows"].tolist() == [1, 1, 1]


def test_a_domain_without_a_contract_is_named_and_not_read(tmp_path: Path) -> None:
    raw.export(tmp_path / "s", eg=[{"USUBJID": "iMSC-001", "EGDTC": "2025-01-09"}])
    snapshot = read_snapshot(raw.trial_of(tmp_path / "s"))
    assert list(snapshot.tables) == ["DM", "EX", "AE"]
    assert snapshot.ignored == ("eg.csv: the domain EG has no contract",)


def test_two_files_for_one_domain_stop(tmp_path: Path) -> None:
    raw.export(tmp_path / "s")
    (tmp_path / "s" / "AE.tsv").write_text("USUBJID\tAESEQ\n")
    with pytest.raises(StopError, match=r"ae\.csv.*AE is also in AE\.tsv|AE\.tsv.*AE is also in ae\.csv"):
        read_snapshot(raw.trial_of(tmp_path / "s"))


@pytest.mark.parametrize("code", ["dm", "ex", "ae"])
def test_a_missing_required_domain_stops_and_an_empty_folder_too(tmp_path: Path, code: str) -> None:
    folder = raw.export(tmp_path / "s")
    (folder / f"{code}.csv").unlink()
    with pytest.raises(StopError, match=rf"P34.*required domain {code.upper()} was not delivered"):
        read_snapshot(raw.trial_of(folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(StopError, match="no SDTM domain is here"):
        read_snapshot(raw.trial_of(tmp_path / "empty"))
