"""A delivery as programs write it: title rows, a line `sep=`, other delimiters, row numbers; read, and said."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from support import raw_export as raw
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.read import read_folder
from trialbook.snapshot.tables import RawTable

ROWS = [["USUBJID", "LBSEQ", "LBTESTCD", "LBORRES"], ["S1", "1", "ALT", "8,5"], ["S2", "2", "AST", "20"]]


def text(rows: list[list[str]], sign: str) -> str:
    return "".join(sign.join(row) + "\r\n" for row in rows)


# The content of the file, its name, and what is said of its layout.
READ = {
    "a line sep=": (("sep=;\r\n" + text(ROWS, ";")).encode(), "lb.csv", ["the line sep=;"]),
    "a quoted line sep=": (('"sep=;"\n' + text(ROWS, ";")).encode(), "lb.csv", ["the line sep=;"]),
    "sep= of a tab": (("sep=\t\n" + text(ROWS, "\t")).encode(), "lb.csv", ["the line sep=\t"]),
    "semicolons": (text(ROWS, ";").encode(), "lb.csv", ["the delimiter is a semicolon"]),
    "bars": (text(ROWS, "|").encode(), "lb.tsv", ["the delimiter is a bar"]),
    "UTF-16 with tabs, named CSV": (text(ROWS, "\t").encode("utf-16"), "lb.csv", ["the delimiter is a tab"]),
    "a text file": (text(ROWS, "\t").encode(), "LB.txt", []),
    "a text file with semicolons": (text(ROWS, ";").encode("gb18030"), "lb.txt", ["the delimiter is a semicolon"]),
    "a delimiter at the end of each record": (
        (";".join(ROWS[0]) + "\n" + text([[*row, ""] for row in ROWS[1:]], ";")).encode(), "lb.csv",
        ["the delimiter is a semicolon", "each row ends in a delimiter"],
    ),
    "row numbers under no name": (
        (";".join(ROWS[0]) + "\n" + text([[str(k), *row] for k, row in enumerate(ROWS[1:], 1)], ";")).encode(),
        "lb.csv", ["the delimiter is a semicolon", "row numbers before the first column"],
    ),
    "row numbers under a blank name": (
        text([["", *ROWS[0]], *([f"{k}", *row] for k, row in enumerate(ROWS[1:], 4))], ";").encode(), "lb.csv",
        ["the delimiter is a semicolon"],
    ),
    "title rows": (
        ("Listing 16.2.8;;;\n\nStudy iMSC;printed 2025-07-01;;\n" + text(ROWS, ";")).encode(), "lb.csv",
        ["the delimiter is a semicolon", "rows 1 to 3 above the header"],
    ),
    "a title with an open quote": (
        ('Laboratory of the "4th ward\n\n' + text(ROWS, ";")).encode(), "lb.csv",
        ["the delimiter is a semicolon", "row 1 above the header"],
    ),
}  # fmt: skip


def layout(table: RawTable) -> list[str]:
    return [edit.raw.strip("()") for edit in table.edits if edit.rule == "P34-FILE-LAYOUT"]


@pytest.mark.parametrize("case", READ)
def test_a_layout_that_reads_in_one_way_is_read_and_said(tmp_path: Path, case: str) -> None:
    content, name, said = READ[case]
    (tmp_path / name).write_bytes(content)
    table = read_folder(tmp_path).tables["LB"]
    assert [list(table.frame.columns), *table.frame.to_numpy().tolist()] == ROWS
    assert layout(table) == said


def test_the_row_of_a_record_is_its_line_in_the_file_below_titles(tmp_path: Path) -> None:
    (tmp_path / "lb.csv").write_text("sep=;\nTitle\n\n" + text(ROWS, ";").replace("\r", ""), encoding="utf-8")
    table = read_folder(tmp_path).tables["LB"]
    assert table.header_row == 4
    assert list(table.frame.index) == [5, 6]


@pytest.mark.parametrize("titles", [1, 2, 5])
def test_title_rows_of_a_sheet_are_set_aside(tmp_path: Path, titles: int) -> None:
    book = xlsxwriter.Workbook(tmp_path / "lb.xlsx")
    sheet = book.add_worksheet("LB")
    for k in range(titles):
        sheet.write(k, 0, f"Title {k}")
    sheet.merge_range(0, 0, 0, 3, "Hospital")
    for r, row in enumerate(ROWS, titles + 1):
        sheet.write_row(r, 0, row)
    book.close()
    table = read_folder(tmp_path).tables["LB"]
    assert table.frame.to_numpy().tolist() == ROWS[1:]
    assert table.label_rows == tuple(range(1, titles + 1))
    assert list(table.frame.index) == [titles + 3, titles + 4]


def test_a_text_file_that_is_no_table_is_not_a_domain(tmp_path: Path) -> None:
    raw.export(tmp_path / "s")
    (tmp_path / "s" / "lb.txt").write_text("Notes of the laboratory.", encoding="utf-8")
    snapshot = read_snapshot(raw.trial_of(tmp_path / "s"))
    assert snapshot.ignored == ("lb.txt",)
    assert list(snapshot.tables) == ["DM", "EX", "AE"]


def test_a_domain_in_a_format_that_is_not_read_stops_and_says_what_to_do(tmp_path: Path) -> None:
    raw.export(tmp_path / "s")
    (tmp_path / "s" / "lb.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(StopError, match=r"lb\.xls: LB came as an Excel workbook of before 2007.*save it as \.xlsx"):
        read_snapshot(raw.trial_of(tmp_path / "s"))
    raw.export(tmp_path / "s", lb=raw.rows(raw.LB))
    assert "LB" in read_snapshot(raw.trial_of(tmp_path / "s")).tables
