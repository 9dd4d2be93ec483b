"""Nothing is lost in silence on the way in: what a reader would drop, shift or garble stops or is said."""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xlsxwriter

from support import raw_export as raw
from trialbook.cleaning import clean_snapshot
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.code_pages import garbled
from trialbook.snapshot.read import read_folder

HEAD = "USUBJID,AESEQ,AETERM\n"


def stopped(folder: Path) -> str:
    with pytest.raises(StopError) as error:
        read_folder(folder)
    return str(error.value)


def rules(folder: Path, code: str = "AE") -> list[str]:
    table = read_folder(folder).tables[code]
    return [edit.rule for edit in table.edits] + [note.rule for note in table.notes]


# ---- encodings ----


@pytest.mark.parametrize("wrong", ["gb18030", "cp1252", "latin-1"])
def test_utf_8_that_was_read_as_another_encoding_is_recognised(wrong: str) -> None:
    assert garbled("x " + "皮疹".encode().decode(wrong) + " y") == "皮疹"


def test_garbled_text_is_recognised_though_its_end_was_lost() -> None:
    assert garbled("发热，寒战".encode().decode("gb18030", "ignore")) == "发热，寒"


@pytest.mark.parametrize(
    "text", ["发热", "头痛，轻度", "10 μmol/L", "café", "β-lactam ≥ 3 °C", "恶心", "皮疹（全身）", "１２"]
)
def test_text_as_people_write_it_is_not_garbled(text: str) -> None:
    assert garbled(text) is None


def test_a_file_of_garbled_text_stops_and_names_the_first_place(tmp_path: Path) -> None:
    wrong = "发热，寒战".encode().decode("gb18030", "replace").replace("\ufffd", "")
    (tmp_path / "ae.csv").write_text(HEAD + f"S1,1,Rash\nS1,2,{wrong}\n", encoding="utf-8")
    message = stopped(tmp_path)
    assert "row 3" in message
    assert "column AETERM" in message
    assert "garbled" in message


def test_one_garbled_value_among_good_text_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text(HEAD + "S1,1,鍙戠儹\nS1,2,皮疹\nS1,3,恶心\n", encoding="utf-8")
    table = read_folder(tmp_path).tables["AE"]
    assert [(note.row, note.column, note.rule) for note in table.notes] == [(2, "AETERM", "P01-GARBLED-TEXT")]
    assert table.frame["AETERM"].iloc[0] == "鍙戠儹"


WESTERN = [
    "µmol/L raised", "naïve T cells", "Sjögren", "Alzheimer’s", "Gödel", "Müller", "Ménière", "café au lait",
    "Guillain–Barré", "5 µg ± 0.3", "38.5 °C", "“Day 1”", "Behçet", "Señor", "Straße", "½ tablet", "Übelkeit",
    "pääkipu", "GRÖßE", "São Paulo",
]  # fmt: skip
CHINESE = [
    "患者", "肝功能", "发热", "皮疹（全身）", "男", "是", "无关", "ALT升高3级", "白细胞减少，2级", "体温38.5℃", "5μg",
    "Ⅱ度", "CMV感染", "头痛、乏力", "急性GVHD（Ⅳ级）", "２级", "北京", "－", "恶心 呕吐", "Sjogren综合征",
]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\nS2,1,Übelkeit\n"])
def test_a_western_file_is_not_read_as_chinese_and_the_reader_is_told_what_it_is(tmp_path: Path, end: str) -> None:
    for term in WESTERN:
        (tmp_path / "ae.csv").write_bytes((HEAD + f"S1,1,{term}{end}").encode("cp1252"))
        said = stopped(tmp_path)
        assert "row 2" in said, term
        assert "look like Windows-1252" in said, term


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_chinese_file_is_read_as_it_was_written(tmp_path: Path, encoding: str) -> None:
    for term in CHINESE:
        (tmp_path / "ae.csv").write_bytes((HEAD + f"S1,1,{term}\n").encode(encoding))
        table = read_folder(tmp_path).tables["AE"]
        assert (table.frame["AETERM"].iloc[0], table.encoding) == (term, encoding)


def test_a_chinese_file_whose_bytes_happen_to_be_utf_8_is_not_guessed(tmp_path: Path) -> None:
    content = (HEAD + "S1,1,\n").encode() + b"S1,2," + bytes.fromhex("d0b0d7a3") + b"\n"
    (tmp_path / "ae.csv").write_bytes(content)
    assert "read as UTF-8 and as GB18030" in stopped(tmp_path)
    # 女 alone, as of a trial of women: a letter of UTF-8 that no text here has.
    (tmp_path / "ae.csv").write_bytes((HEAD + "S1,1,女\n").encode("gb18030"))
    assert "read as UTF-8 and as GB18030" in stopped(tmp_path)


def test_a_file_that_says_utf_16_and_lost_a_byte_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_bytes((HEAD + "S1,1,发热\n").encode("utf-16")[:-1])
    assert "says that it is utf-16" in stopped(tmp_path)


def test_utf_16_without_a_mark_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_bytes((HEAD + "S1,1,Rash\n").encode("utf-16-le"))
    assert "NUL" in stopped(tmp_path)


def test_a_replacement_character_stops_in_every_format(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": ["S1", "S1"], "AETERM": ["Rash", "a\ufffd"]})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "ae.parquet")
    message = stopped(tmp_path)
    assert "row 3" in message
    assert "U+FFFD" in message


def test_half_a_character_in_json_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.json").write_text('{"columns": [{"name": "USUBJID"}], "rows": [["\\ud83d"]]}')
    assert "lone surrogate" in stopped(tmp_path)


# ---- headers, delimiters, quotes ----


@pytest.mark.parametrize("twice", ["aeterm", "AETERM ", "ＡＥＴＥＲＭ", "AE\u200bTERM"])
def test_two_names_that_differ_in_case_blank_or_width_are_one_name(tmp_path: Path, twice: str) -> None:
    (tmp_path / "ae.csv").write_text(f"USUBJID,AETERM,{twice}\nS1,a,b\n", encoding="utf-8")
    message = stopped(tmp_path)
    assert "two columns have this name" in message
    assert "column AETERM" in message


def test_a_name_that_was_written_otherwise_is_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("ＵＳＵＢＪＩＤ, aeseq ,AETERM\nS1,1,a\n", encoding="utf-8")
    table = read_folder(tmp_path).tables["AE"]
    assert list(table.frame.columns) == ["USUBJID", "AESEQ", "AETERM"]
    assert [(edit.raw, edit.new) for edit in table.edits] == [("ＵＳＵＢＪＩＤ", "USUBJID"), (" aeseq ", "AESEQ")]


def test_blank_rows_and_unnamed_blank_columns_are_set_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("USUBJID,AESEQ,,\nS1,1,,\n,,,\n,,,\n", encoding="utf-8")
    table = read_folder(tmp_path).tables["AE"]
    assert list(table.frame.columns) == ["USUBJID", "AESEQ"]
    assert list(table.frame.index) == [2]
    assert [edit.raw for edit in table.edits if edit.rule == "P34-BLANK-ROWS"] == ["(2 blank rows, the first is row 3)"]


def test_a_value_under_no_name_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("USUBJID,AESEQ,\nS1,1,\nS1,2,shifted\n", encoding="utf-8")
    assert "column 3 has no name" in stopped(tmp_path)


def test_two_delimiters_in_one_header_stop(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text("USUBJID;A,B,C;D,E\nS1;a,b;1\n", encoding="utf-8")
    assert "row 1" in stopped(tmp_path)


def test_a_quote_that_swallowed_records_stops(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text(HEAD + 'S1,1,a\nS1,2,"b\nS1,3,c\nS1,4,d"\nS1,5,e\n', encoding="utf-8")
    message = stopped(tmp_path)
    assert "row 4" in message
    assert "quote was not closed" in message


def test_a_line_break_in_a_free_text_is_kept(tmp_path: Path) -> None:
    (tmp_path / "ae.csv").write_text(HEAD + 'S1,1,"fever, chills\nand, later, rash"\n', encoding="utf-8")
    assert read_folder(tmp_path).tables["AE"].frame["AETERM"].iloc[0] == "fever, chills\nand, later, rash"


# ---- workbooks ----


def book(path: Path, fill: object, **formats: dict[str, str]) -> Path:
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("AE")
    sheet.write_row(0, 0, ["USUBJID", "AESEQ", "AETERM"])
    sheet.write_row(1, 0, ["S1", 1, "Rash"])
    fill(sheet, made)  # type: ignore[operator]
    made.close()
    return path.parent


def test_a_formula_that_found_nothing_is_missing_logged_and_asked(tmp_path: Path) -> None:
    def fill(sheet: object, made: object) -> None:
        sheet.write_formula(2, 2, "=NA()", None, "#N/A")  # type: ignore[attr-defined]
        sheet.write_row(2, 0, ["S1", 2])  # type: ignore[attr-defined]

    folder = book(tmp_path / "ae.xlsx", fill)
    table = read_folder(folder).tables["AE"]
    assert table.frame["AETERM"].fillna("").tolist() == ["Rash", ""]
    assert table.edits[-1] == (3, "AETERM", "#N/A", "", "P03-EXCEL-ERROR")
    assert table.notes[-1] == (3, "AETERM", "P03-EXCEL-ERROR", "#N/A")


@pytest.mark.parametrize("mark", ["#REF!", "#DIV/0!", "########"])
def test_the_error_mark_of_a_spreadsheet_is_missing_logged_and_asked(tmp_path: Path, mark: str) -> None:
    folder = raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"AEENDTC": mark}))
    trial = raw.trial_of(folder)
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    assert cleaned.domains["AE"]["AEENDTC"].isna().all()
    logged = cleaned.changes[cleaned.changes["rule"] == "P03-EXCEL-ERROR"]
    assert logged[["row", "column", "raw", "new"]].to_numpy().tolist() == [[2, "AEENDTC", mark, ""]]
    assert [q["rule"] for q in cleaned.queries if q["field"] == "AEENDTC"] == ["P03-EXCEL-ERROR"]


def test_a_formula_is_asked_about_once_per_column_and_never_run(tmp_path: Path) -> None:
    def fill(sheet: object, made: object) -> None:
        for row in (2, 3):
            sheet.write_row(row, 0, ["S1"])  # type: ignore[attr-defined]
            sheet.write_formula(row, 1, "=1+1", None, 2)  # type: ignore[attr-defined]

    table = read_folder(book(tmp_path / "ae.xlsx", fill)).tables["AE"]
    assert [(n.row, n.column, n.rule) for n in table.notes] == [(3, "AESEQ", "P03-EXCEL-FORMULA")]
    assert table.frame["AESEQ"].tolist() == ["1", "2", "2"]


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    link = '=HYPERLINK("http://example.org","x")'
    folder = book(tmp_path / "ae.xlsx", lambda sheet, made: sheet.write_string(1, 2, link))
    assert read_folder(folder).tables["AE"].frame["AETERM"].tolist() == [link]
    (tmp_path / "ae.xlsx").unlink()
    raw.write_csv(tmp_path / "ae.csv", [{"USUBJID": "S1", "AETERM": link}])
    assert read_folder(tmp_path).tables["AE"].frame["AETERM"].tolist() == [link]


def test_a_number_longer_than_a_spreadsheet_keeps_is_asked_about(tmp_path: Path) -> None:
    folder = book(tmp_path / "ae.xlsx", lambda sheet, made: sheet.write_number(1, 2, 2024032100001234567))
    assert "P03-EXCEL-ROUNDED" in rules(folder)


def test_hidden_rows_and_columns_are_read_and_said(tmp_path: Path) -> None:
    def fill(sheet: object, made: object) -> None:
        sheet.write_row(2, 0, ["S1", 2, "hidden"])  # type: ignore[attr-defined]
        sheet.set_row(2, None, None, {"hidden": True})  # type: ignore[attr-defined]
        sheet.set_column(1, 1, None, None, {"hidden": True})  # type: ignore[attr-defined]

    table = read_folder(book(tmp_path / "ae.xlsx", fill)).tables["AE"]
    assert table.frame["AETERM"].tolist() == ["Rash", "hidden"]
    assert [(e.raw, e.rule) for e in table.edits] == [("(1 rows and 1 columns)", "P03-HIDDEN-CELLS")]


def test_merged_cells_among_the_records_stop_and_above_the_names_do_not(tmp_path: Path) -> None:
    folder = book(tmp_path / "ae.xlsx", lambda sheet, made: sheet.merge_range(2, 0, 4, 0, "S2"))
    assert "rows 3 to 5 are merged" in stopped(folder)
    made = xlsxwriter.Workbook(tmp_path / "ae.xlsx")
    sheet = made.add_worksheet("AE")
    sheet.merge_range(0, 0, 0, 1, "不良事件")
    sheet.write_row(1, 0, ["USUBJID", "AESEQ"])
    sheet.write_row(2, 0, ["S1", 1])
    made.close()
    assert read_folder(tmp_path).tables["AE"].frame["AESEQ"].tolist() == ["1"]


def test_two_sheets_for_one_domain_stop(tmp_path: Path) -> None:
    made = xlsxwriter.Workbook(tmp_path / "export.xlsx")
    for name in ("AE", "ae "):
        made.add_worksheet(name).write_row(0, 0, ["USUBJID"])
    made.close()
    assert "AE is also in the sheet" in stopped(tmp_path)


def test_a_moment_of_a_cell_reads_to_the_minute_unless_it_has_seconds(tmp_path: Path) -> None:
    def fill(sheet: object, made: object) -> None:
        form = made.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})  # type: ignore[attr-defined]
        for row, second in ((2, 0), (3, 7)):
            moment = datetime.datetime(2025, 1, 10, 10, 30, second)
            sheet.write_datetime(row, 2, moment, form)  # type: ignore[attr-defined]
            sheet.write_row(row, 0, ["S1", row])  # type: ignore[attr-defined]

    texts = read_folder(book(tmp_path / "ae.xlsx", fill)).tables["AE"].frame["AETERM"].tolist()
    assert texts[1:] == ["2025-01-10T10:30", "2025-01-10T10:30:07"]


def test_a_workbook_whose_inside_is_torn_stops(tmp_path: Path) -> None:
    book(tmp_path / "ae.xlsx", lambda sheet, made: None)
    whole = io.BytesIO((tmp_path / "ae.xlsx").read_bytes())
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "ae.xlsx", "w") as torn:
        for name in archive.namelist():
            content = archive.read(name)
            torn.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    stopped(tmp_path)


# ---- SAS, parquet, files of the folder ----


def transport(path: Path, frame: pd.DataFrame) -> bytes:
    pyreadstat.write_xport(frame, path, file_format_version=5, table_name="AE")
    return path.read_bytes()


def test_a_transport_file_with_a_tail_of_nul_bytes_stops(tmp_path: Path) -> None:
    content = transport(tmp_path / "ae.xpt", pd.DataFrame({"USUBJID": ["S1"] * 30, "AESEQ": [1.0] * 30}))
    (tmp_path / "ae.xpt").write_bytes(content + bytes(800))
    assert "NUL bytes" in stopped(tmp_path)


def test_a_transport_file_with_two_tables_stops(tmp_path: Path) -> None:
    one = transport(tmp_path / "ae.xpt", pd.DataFrame({"USUBJID": ["S1"] * 40}))
    (tmp_path / "ae.xpt").write_bytes(one + one[240:])
    assert "more than one table" in stopped(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_in_a_transport_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    # The library writes UTF-8 only: a text of the same length in bytes is put in its place.
    content = transport(tmp_path / "ae.xpt", pd.DataFrame({"USUBJID": ["S1"], "AETERM": ["@" * 12]}))
    text = "发热寒战" if encoding == "utf-8" else "发热寒战皮疹"
    assert len(text.encode(encoding)) == 12
    (tmp_path / "ae.xpt").write_bytes(content.replace(b"@" * 12, text.encode(encoding)))
    table = read_folder(tmp_path).tables["AE"]
    assert table.frame["AETERM"].tolist() == [text]
    assert table.encoding == encoding


def test_a_text_that_fills_all_200_bytes_of_a_transport_file_is_asked_about(tmp_path: Path) -> None:
    transport(tmp_path / "ae.xpt", pd.DataFrame({"USUBJID": ["S1", "S2"], "AETERM": ["a" * 200, "b" * 199]}))
    assert [(n.row, n.rule) for n in read_folder(tmp_path).tables["AE"].notes] == [(2, "P34-TEXT-CUT-OFF")]


def test_blanks_at_the_end_of_a_transport_text_are_padding(tmp_path: Path) -> None:
    transport(tmp_path / "ae.xpt", pd.DataFrame({"USUBJID": ["S1", "S234"], "AETERM": ["a  ", "longer"]}))
    frame = read_folder(tmp_path).tables["AE"].frame
    assert frame["USUBJID"].tolist() == ["S1", "S234"]
    assert frame["AETERM"].tolist() == ["a", "longer"]


def test_a_parquet_file_of_lists_or_bad_bytes_stops(tmp_path: Path) -> None:
    pq.write_table(pa.table({"USUBJID": [["S1"]]}), tmp_path / "ae.parquet")
    assert "lists or objects" in stopped(tmp_path)
    pq.write_table(pa.table({"USUBJID": [b"\xff\xfe"]}), tmp_path / "ae.parquet")
    assert "UnicodeDecodeError" in stopped(tmp_path)


def test_json_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    lines = '{"records": 1, "columns": [{"name": "USUBJID"}, {"name": "AETERM"}]}\n["S1", "a\u2028b"]\n'
    (tmp_path / "ae.ndjson").write_text(lines, encoding="utf-8")
    assert read_folder(tmp_path).tables["AE"].frame["AETERM"].tolist() == ["a\u2028b"]


@pytest.mark.parametrize(
    "content",
    [
        '{"columns": [{"name": "A"}], "rows": 3}',
        '{"columns": [{"name": "A"}], "rows": [[NaN]]}',
        '{"columns": [{"name": "A"}], "rows": [[{"a": 1}]]}',
        "[1]",
        "3",
    ],
)
def test_json_that_is_no_table_stops(tmp_path: Path, content: str) -> None:
    (tmp_path / "ae.json").write_text(content)
    assert "ae.json" in stopped(tmp_path)


def test_what_systems_leave_in_a_folder_is_named_and_never_read(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    for name in ("._dm.csv", "Thumbs.db", ".DS_Store", "~$ae.xlsx", "ae_20250630.csv"):
        (folder / name).write_bytes(b"\x00\x01")
    snapshot = read_snapshot(raw.trial_of(folder))
    assert snapshot.ignored == (".DS_Store", "._dm.csv", "Thumbs.db", "ae_20250630.csv", "~$ae.xlsx")


def test_a_missing_domain_names_the_files_that_were_not_read(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    (folder / "ae.csv").rename(folder / "ae_20250630.csv")
    with pytest.raises(StopError, match=r"domain AE was not delivered \(not read: ae_20250630\.csv\)"):
        read_snapshot(raw.trial_of(folder))


def test_one_domain_in_two_formats_stops(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    pyreadstat.write_xport(pd.DataFrame([raw.DM]), folder / "DM.xpt", file_format_version=5, table_name="DM")
    assert "the domain DM is also in DM.xpt" in stopped(folder)


def test_lost_leading_zeros_are_put_back_as_in_dm_and_logged(tmp_path: Path) -> None:
    folder = raw.export(
        tmp_path / "s",
        dm=raw.rows(raw.DM, {"USUBJID": "0012", "SUBJID": "0012"}),
        ex=raw.rows(raw.EX, {"USUBJID": "12"}),
        ae=raw.rows(raw.AE, {"USUBJID": "012"}),
    )
    trial = raw.trial_of(folder)
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    assert cleaned.domains["EX"]["USUBJID"].tolist() == ["0012"]
    logged = cleaned.changes[cleaned.changes["rule"] == "P09-LEADING-ZEROS"]
    assert logged[["file", "raw", "new"]].to_numpy().tolist() == [["ex.csv", "12", "0012"], ["ae.csv", "012", "0012"]]
