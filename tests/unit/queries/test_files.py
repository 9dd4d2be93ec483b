"""The query list as files for people: nothing in it computes, Chinese can be read, filters and header are there."""

from __future__ import annotations

import csv
import doctest
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from trialbook.core import characters
from trialbook.core.errors import StopError
from trialbook.queries import files
from trialbook.queries.files import read_csv_list, write_csv, write_sheets
from trialbook.queries.query_list import query, query_list

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+SUM(A1)",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    " =1",
    '=HYPERLINK("http://x")',
]
HARMLESS = ["-2", "+1.5", "2025-01-12", "<0.1", "II", "发热", "a=b", "'quoted", ""]


def listed(values: list[str]) -> pd.DataFrame:
    asked = [query(f"R{k}", "S01", "AE", record=f"AESEQ={k}", observed=value, message_en="Is it right?",
                   message_zh="请核实：体温＞38℃") for k, value in enumerate(values)]  # fmt: skip
    return query_list(asked, "2025-06-30")


def cells(path: Path, name: str) -> list[object]:
    head, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [row[head.index(name)] for row in rows]


def sheet_xml(path: Path) -> str:
    with zipfile.ZipFile(path) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def test_no_cell_of_the_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    write_sheets({"Queries": listed(FORMULAS)}, tmp_path / "q.xlsx", "2025-06-30")
    sheet = sheet_xml(tmp_path / "q.xlsx")
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower()
    # t="s": every cell that holds anything is text.
    assert set(re.findall(r'<c r="[A-Z]+[0-9]+" s="[0-9]+"( t="s")?>', sheet)) == {' t="s"'}
    with zipfile.ZipFile(tmp_path / "q.xlsx") as book:
        assert not [name for name in book.namelist() if "external" in name.lower() or "vba" in name.lower()]


def test_the_workbook_shows_every_value_as_it_is_in_chinese_too(tmp_path: Path) -> None:
    frame = listed([*FORMULAS, *HARMLESS])
    write_sheets({"Queries": frame}, tmp_path / "q.xlsx", "2025-06-30")
    assert cells(tmp_path / "q.xlsx", "observed") == [characters.printable(value) for value in frame["observed"]]
    assert set(cells(tmp_path / "q.xlsx", "message_zh")) == {"请核实：体温＞38℃"}


def test_the_header_is_frozen_and_every_column_has_a_filter_and_a_width(tmp_path: Path) -> None:
    frame = listed(["x", "y"])
    write_sheets({"Queries": frame}, tmp_path / "q.xlsx", "2025-06-30")
    sheet = sheet_xml(tmp_path / "q.xlsx")
    assert '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' in sheet
    last = chr(ord("A") + len(frame.columns) - 1)
    assert f'<autoFilter ref="A1:{last}3"/>' in sheet
    widths = [float(w) for low, high, w in re.findall(r'<col min="(\d+)" max="(\d+)" width="([\d.]+)"', sheet)
              for _ in range(int(low), int(high) + 1)]  # fmt: skip
    by_name = dict(zip(frame.columns, widths, strict=True))
    assert by_name["message_en"] > by_name["message_zh"] > by_name["severity"] > 5


def test_an_empty_list_is_a_header_with_filters(tmp_path: Path) -> None:
    write_sheets({"Queries": query_list([], "2025-06-30")}, tmp_path / "q.xlsx", "2025-06-30")
    assert cells(tmp_path / "q.xlsx", "status") == []
    assert "<autoFilter" in sheet_xml(tmp_path / "q.xlsx")


def test_control_characters_are_shown_and_a_text_too_long_for_a_cell_stops(tmp_path: Path) -> None:
    write_sheets({"Queries": listed(["a\x0bb\x00"])}, tmp_path / "q.xlsx", "2025-06-30")
    assert cells(tmp_path / "q.xlsx", "observed") == ["a\\x0bb\\x00"]
    full = listed(["x"]).assign(observed="x" * 32767)
    write_sheets({"Queries": full}, tmp_path / "full.xlsx", "2025-06-30")
    assert cells(tmp_path / "full.xlsx", "observed") == ["x" * 32767]
    with pytest.raises(StopError, match=r"S20.*row 2, column observed"):
        write_sheets({"Queries": full.assign(observed="x" * 32768)}, tmp_path / "long.xlsx", "2025-06-30")


def test_a_question_shows_the_beginning_of_a_very_long_value() -> None:
    assert listed(["x" * 1000])["observed"].tolist() == ["x" * 1000]
    assert listed(["x" * 1001])["observed"].tolist() == ["x" * 200 + "… (1001 characters)"]


def test_in_the_csv_nothing_computes_and_without_the_apostrophe_it_is_the_value(tmp_path: Path) -> None:
    frame = listed([*FORMULAS, *HARMLESS])
    write_csv(frame, tmp_path / "q.csv")
    assert (tmp_path / "q.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "q.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, value in zip(rows, frame["observed"], strict=True):
        shown = value.replace("\t", "\\t")
        assert row["observed"] == (f"'{shown}" if value in FORMULAS and not value.startswith("\t") else shown)
        assert row["message_zh"] == "请核实：体温＞38℃"


def test_the_csv_serves_as_the_list_of_the_previous_cut(tmp_path: Path) -> None:
    frame = listed([*FORMULAS, "发热"])
    write_csv(frame, tmp_path / "q.csv")
    later = query_list([], "2025-09-30", read_csv_list(tmp_path / "q.csv"))
    assert later["observed"].tolist() == frame["observed"].tolist()
    assert later["status"].eq("closed").all()


HOSTILE = [
    *FORMULAS, *HARMLESS, "a;=1+1", "a; @x", "a|=1", "a | '=1", "a\t=1", "|-x",
    ";|;=1", "a;|=1|", "'=1", "''-x", "back\\slash \\x41", "two\nlines", "tab\there", "bell\x07",
    "\x1b[2J",
    "left\u202eright", "zero\u200bwidth", "full＝1;＝2", "-", "--", "-1e5", "-2,5",
]  # fmt: skip


def test_a_list_reads_back_as_it_was_and_holds_nothing_that_acts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"raw": HOSTILE, "new": HOSTILE[::-1]}, dtype="str")
    write_csv(frame, tmp_path / "log.csv")
    assert read_csv_list(tmp_path / "log.csv").equals(frame)
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
    for cell in cells:
        assert all(sign.isprintable() for sign in cell), cell
        for part in re.split("[;|]", cell):
            number = re.fullmatch(r"[+-]?\d+(\.\d+)?", cell)
            assert number or part.lstrip()[:1] not in tuple("=+-@＝＋－＠"), cell


def test_the_examples_run() -> None:
    assert doctest.testmod(files).failed == doctest.testmod(characters).failed == 0
