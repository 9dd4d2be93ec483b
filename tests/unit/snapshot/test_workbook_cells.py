"""A workbook is read as a person sees it; what is shown and stored otherwise is logged and asked about."""

from __future__ import annotations

import datetime
import io
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from support import raw_export as raw
from trialbook.cleaning import Cleaned, clean_snapshot
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.read import read_folder
from trialbook.snapshot.tables import Grid
from trialbook.snapshot.workbook import read_sheets

Fill = Callable[[Any, Any], None]


def book(fill: Fill, **options: Any) -> bytes:
    """A workbook with one sheet, filled by a function of the sheet and the workbook."""
    into = io.BytesIO()
    made = xlsxwriter.Workbook(into, {"in_memory": True, **options})
    fill(made.add_worksheet("AE"), made)
    made.close()
    return into.getvalue()


def grid(content: bytes) -> Grid:
    sheets, _ = read_sheets(content, "ae.xlsx")
    return next(iter(sheets.values()))


def cell(value: Any, form: str, **options: Any) -> Grid:
    """A table of one number under a number format."""

    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row(0, 0, ["USUBJID", "VALUE"])
        sheet.write(1, 0, "S1")
        sheet.write_number(1, 1, value, made.add_format({"num_format": form}))

    return grid(book(fill, **options))


def told(found: Grid) -> list[tuple[int, str, str]]:
    return [(seen.line, seen.rule, seen.observed) for seen in found.seen]


# ---- number formats ----


@pytest.mark.parametrize(
    ("value", "form", "text", "rule"),
    [
        (0.33, "0%", "33%", "P03-EXCEL-PERCENT"), (0.125, "0.0%", "12.5%", "P03-EXCEL-PERCENT"),
        (1, "0%", "100%", "P03-EXCEL-PERCENT"), (-0.05, "0%;[Red]-0%", "-5%", "P03-EXCEL-PERCENT"),
        (0.004, "0%", "0.4%", "P03-EXCEL-PERCENT"), (1 / 3, "0%", "33%", "P03-EXCEL-PERCENT"),
        (85_000, "0,", "85", "P03-EXCEL-SCALED"), (2_500_000, "0.0,,", "2.5", "P03-EXCEL-SCALED"),
        (16, "00000", "00016", "P03-EXCEL-SHOWN"), (16, "000-000", "000-016", "P03-EXCEL-SHOWN"),
        (7, '"S-"000', "S-007", "P03-EXCEL-SHOWN"), (0.1, '"<"0.0', "<0.1", "P03-EXCEL-SHOWN"),
        (5, '0" mg"', "5 mg", "P03-EXCEL-SHOWN"), (1, '"POS";;"NEG"', "POS", "P03-EXCEL-SHOWN"),
        (0, '"POS";;"NEG"', "NEG", "P03-EXCEL-SHOWN"), (5, '[<10]"<"0;0', "<5", "P03-EXCEL-SHOWN"),
        (0.4, "0", "0.4", "P03-EXCEL-DIGITS-HIDDEN"), (0.4, "#,##0", "0.4", "P03-EXCEL-DIGITS-HIDDEN"),
        (0.4, '"¥"#,##0', "0.4", "P03-EXCEL-DIGITS-HIDDEN"), (2.6, "0", "2.6", "P03-EXCEL-DIGITS-HIDDEN"),
        (0.4, '_("$"* #,##0_)', "0.4", "P03-EXCEL-DIGITS-HIDDEN"),
        (0, "0;-0;;@", "0", "P03-EXCEL-NOT-SHOWN"), (5, ";;;", "5", "P03-EXCEL-NOT-SHOWN"),
        (-5, "0.0;0.0", "-5", "P03-EXCEL-NOT-SHOWN"),
        (0.5, "# ?/?", "0.5", ""), (1e-5, "0.00E+00", "1e-05", ""), (12.345, "0.00", "12.345", ""),
        (1234.5, "#,##0.0", "1234.5", ""), (-3, "0.0_);(0.0)", "-3", ""), (0, '#,##0;-#,##0;"-"', "0", ""),
        (3, "[$¥-804]#,##0.00", "3", ""), (33, r"0\%", "33", ""), (7, "General", "7", ""), (7, "@", "7", ""),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_format_shows_it(value: float, form: str, text: str, rule: str) -> None:
    found = cell(value, form)
    assert found.rows[1][1] == text
    rules = {edit.rule for edit in found.edits} | {seen.rule for seen in found.seen}
    assert rules == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("value", "form", "text", "rule"),
    [
        (45669, "yyyy-mm-dd", "2025-01-12", ""), (45669, "d-mmm-yy", "2025-01-12", ""),
        (45669, "m/d/yyyy", "2025-01-12", ""), (45669, '[$-804]yyyy"年"m"月"d"日"', "2025-01-12", ""),
        (45669, "dddd, mmmm dd, yyyy", "2025-01-12", ""), (45669.4375, "yyyy/m/d h:mm", "2025-01-12T10:30", ""),
        (45669.4375, "yyyy-mm-dd", "2025-01-12T10:30", ""), (45669.4375, "h:mm", "2025-01-12T10:30", ""),
        (0.4375, "h:mm AM/PM", "10:30", ""), (0.4375, '上午/下午h"时"mm"分"', "10:30", ""),
        (1.5, "[h]:mm", "36:00", ""),
        (45669, "mmm-yy", "2025-01", "P05-PART-SHOWN"), (45658, "mmm-yy", "2025-01", "P05-PART-SHOWN"),
        (45669, "mm/yyyy", "2025-01", "P05-PART-SHOWN"), (45669, 'yyyy"年"m"月"', "2025-01", "P05-PART-SHOWN"),
        (45669, "yyyy", "2025", "P05-PART-SHOWN"), (45669, "d-mmm", "12-Jan", "P03-EXCEL-SHOWN"),
        (45669, "m/d", "12-Jan", "P03-EXCEL-SHOWN"), (60, "yyyy-mm-dd", "60", ""), (59, "yyyy-mm-dd", "1900-02-28", ""),
    ],
)  # fmt: skip
def test_a_date_is_read_as_far_as_its_format_shows_it(value: float, form: str, text: str, rule: str) -> None:
    found = cell(value, form)
    assert found.rows[1][1] == text
    assert {edit.rule for edit in found.edits} == ({rule} if rule else set())


@pytest.mark.parametrize("form", ["yyyy-mm-dd", "d-mmm-yy", "m/d/yyyy h:mm"])
def test_a_date_of_a_workbook_that_counts_from_1904_is_that_date(form: str) -> None:
    found = cell(44210, form, date_1904=True)
    assert found.rows[1][1] == "2025-01-15"
    assert found.epoch_1904


def test_only_the_stored_value_is_replaced_and_one_question_stands_for_a_column() -> None:
    def fill(sheet: Any, made: Any) -> None:
        percent = made.add_format({"num_format": "0%"})
        sheet.write_row(0, 0, ["USUBJID", "VALUE"])
        for row in range(1, 5):
            sheet.write(row, 0, "S1")
            sheet.write_number(row, 1, row / 10, percent)

    found = grid(book(fill))
    assert [(e.line, e.raw, e.new) for e in found.edits] == [
        (2, "0.1", "10%"), (3, "0.2", "20%"), (4, "0.3", "30%"), (5, "0.4", "40%"),
    ]  # fmt: skip
    assert told(found) == [(2, "P03-EXCEL-PERCENT", "10% (0.1) (+3)")]


def test_plain_shares_between_percentages_are_one_question_that_names_their_rows() -> None:
    def fill(sheet: Any, made: Any) -> None:
        percent = made.add_format({"num_format": "0%"})
        sheet.write_row(0, 0, ["USUBJID", "NEUT", "OTHER"])
        for row, (value, form) in enumerate([(0.45, percent), (0.41, None), (38, None), (0.5, None), (0, None)], 1):
            sheet.write(row, 0, "S1")
            sheet.write_number(row, 1, value, form)
            sheet.write_number(row, 2, 0.4)

    assert told(grid(book(fill))) == [
        (2, "P03-EXCEL-PERCENT", "45% (0.45)"), (3, "P03-EXCEL-PERCENT-MIXED", "0.41 (rows 3, 5)"),
    ]  # fmt: skip


# ---- through cleaning ----


def cleaned(tmp_path: Path, content: bytes, code: str = "ae", **domains: raw.Rows) -> Cleaned:
    folder = raw.export(tmp_path / "s", **domains)
    (folder / f"{code}.csv").unlink(missing_ok=True)
    (folder / f"{code}.xlsx").write_bytes(content)
    trial = raw.trial_of(folder)
    return clean_snapshot(read_snapshot(trial), trial)


def records(rows: raw.Rows, numbers: dict[str, tuple[float, str]], **options: Any) -> bytes:
    """A workbook of the records; some columns are numbers with a format."""

    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row(0, 0, list(rows[0]))
        for r, record in enumerate(rows, 1):
            for c, (name, text) in enumerate(record.items()):
                if name in numbers:
                    value, form = numbers[name]
                    sheet.write_number(r, c, value, made.add_format({"num_format": form}))
                elif text:
                    sheet.write_string(r, c, text)

    return book(fill, **options)


def test_a_percent_cell_is_a_number_in_percent_logged_and_asked_about(tmp_path: Path) -> None:
    rows = raw.rows(raw.LB, {"LBTESTCD": "LYMLE", "LBORRESU": "%"})
    found = cleaned(tmp_path, records(rows, {"LBORRES": (0.33, "0%"), "LBORNRHI": (0.5, "0%")}), "lb")
    lb = found.domains["LB"]
    assert lb["LBORRESN"].tolist() == [33.0]
    assert lb["LBORNRHI"].astype(float).tolist() == [50.0]
    logged = found.changes[found.changes["rule"] == "P03-EXCEL-PERCENT"]
    assert logged[["column", "raw", "new"]].to_numpy().tolist() == [
        ["LBORRES", "0.33", "33%"],
        ["LBORNRHI", "0.5", "50%"],
    ]
    assert [q["observed"] for q in found.queries if q["rule"] == "P03-EXCEL-PERCENT"] == ["33% (0.33)", "50% (0.5)"]


def test_a_percent_cell_beside_another_unit_is_asked_about(tmp_path: Path) -> None:
    found = cleaned(tmp_path, records(raw.rows(raw.LB), {"LBORRES": (0.33, "0%")}), "lb")
    assert {q["rule"] for q in found.queries if q["field"] == "LBORRES"} >= {"P03-EXCEL-PERCENT", "P40-UNIT-CONFLICT"}


def test_day_numbers_without_a_format_count_from_1904_where_the_workbook_does(tmp_path: Path) -> None:
    numbers = {"AESTDTC": (44210.0, "General"), "AEENDTC": (44220.4375, "0")}
    found = cleaned(tmp_path, records(raw.rows(raw.AE), numbers, date_1904=True))
    assert found.domains["AE"]["AESTDTC"].tolist() == ["2025-01-15"]
    assert found.domains["AE"]["AEENDTC"].tolist() == ["2025-01-25T10:30"]
    asked = [q for q in found.queries if q["rule"] == "P03-EXCEL-EPOCH"]
    assert [(q["field"], q["observed"]) for q in asked] == [
        ("AESTDTC", "44210 (2025-01-15)"), ("AEENDTC", "44220.4375 (2025-01-25T10:30)"),
    ]  # fmt: skip
    logged = found.changes[found.changes["rule"] == "P03-EXCEL-DATE"]
    assert logged["raw"].tolist() == ["44210", "44220.4375"]


def test_a_year_or_a_number_of_another_column_is_no_day_number(tmp_path: Path) -> None:
    numbers = {"AESTDTC": (2025.0, "General"), "AETERM": (44210.0, "General")}
    found = cleaned(tmp_path, records(raw.rows(raw.AE), numbers, date_1904=True))
    assert found.domains["AE"]["AESTDTC"].tolist() == ["2025"]
    assert found.domains["AE"]["AETERM"].tolist() == ["44210"]


def test_a_month_without_its_day_is_a_partial_date_and_a_day_without_its_year_is_none(tmp_path: Path) -> None:
    numbers = {"AESTDTC": (45658.0, "mmm-yy"), "AEENDTC": (45669.0, "d-mmm")}
    found = cleaned(tmp_path, records(raw.rows(raw.AE), numbers))
    assert found.domains["AE"]["AESTDTC"].tolist() == ["2025-01"]
    assert found.domains["AE"]["AEENDTC"].isna().all()
    assert {q["rule"] for q in found.queries if q["field"] == "AESTDTC"} == {"P05-PART-SHOWN"}
    assert "P04-DATE-UNREADABLE" in {q["rule"] for q in found.queries if q["field"] == "AEENDTC"}


def test_each_formula_without_a_value_is_asked_about_with_its_cell_and_is_missing(tmp_path: Path) -> None:
    rows = raw.rows(raw.AE, {}, {"AESEQ": "2", "AESPID": "E2"})

    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row(0, 0, list(rows[0]))
        for r, record in enumerate(rows, 1):
            for c, (name, text) in enumerate(record.items()):
                if name == "AESTDTC":
                    sheet.write_formula(r, c, "DATE(2025,1,12)")
                elif text:
                    sheet.write_string(r, c, text)

    found = cleaned(tmp_path, book(fill))
    assert found.domains["AE"]["AESTDTC"].isna().all()
    asked = [q for q in found.queries if q["rule"] == "P03-EXCEL-FORMULA-NO-VALUE"]
    column = chr(ord("A") + list(raw.AE).index("AESTDTC"))
    assert [(q["severity"], q["observed"]) for q in asked] == [("major", f"{column}2"), ("major", f"{column}3")]


# ---- marks of cells ----


def marked(fill: Fill) -> Grid:
    def whole(sheet: Any, made: Any) -> None:
        sheet.write_row(0, 0, ["USUBJID", "AETERM", "AESEQ"])
        sheet.write_row(1, 0, ["S1", "Rash", 1])
        fill(sheet, made)

    return grid(book(whole))


def test_struck_out_cells_are_kept_and_asked_about_once_per_record() -> None:
    def fill(sheet: Any, made: Any) -> None:
        struck = made.add_format({"font_strikeout": True})
        sheet.write_row(2, 0, ["S2", "Fever", 2], struck)
        sheet.write_row(3, 0, ["S3"])
        sheet.write_rich_string(3, 1, "Headache ", struck, "mild", " severe")

    found = marked(fill)
    assert [row[1] for row in found.rows[1:]] == ["Rash", "Fever", "Headache mild severe"]
    assert told(found) == [(3, "P03-EXCEL-STRUCK", "A3 (+2)"), (4, "P03-EXCEL-STRUCK", "B4")]


def test_comments_are_kept_in_the_log_and_asked_about() -> None:
    found = marked(lambda sheet, made: sheet.write_comment(1, 1, "see source"))
    assert [(line, rule, seen) for line, rule, seen in told(found)] == [(2, "P03-EXCEL-COMMENT", "B2")]
    assert [(e.line, e.column, e.raw, e.new) for e in found.edits] == [(2, 1, "(comment: see source)", "Rash")]


def test_a_comment_on_a_name_of_a_column_is_no_question(tmp_path: Path) -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row(0, 0, ["USUBJID", "AETERM"])
        sheet.write_row(1, 0, ["S1", "Rash"])
        sheet.write_comment(0, 1, "verbatim")

    (tmp_path / "ae.xlsx").write_bytes(book(fill))
    table = read_folder(tmp_path).tables["AE"]
    assert not table.notes
    assert not table.edits


def test_filtered_and_hidden_rows_are_read_and_said() -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.autofilter(0, 0, 2, 2)
        sheet.filter_column(1, "x == Rash")
        sheet.write_row(2, 0, ["S2", "Fever", 2])
        sheet.set_row(2, None, None, {"hidden": True})

    found = marked(fill)
    assert len(found.rows) == 3
    assert told(found) == [(0, "P03-HIDDEN-CELLS", "1 rows by a filter")]


def test_errors_and_answers_of_a_workbook_are_read_as_they_are_shown() -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row(2, 0, ["S2", True, 2])
        sheet.write_row(3, 0, ["S3"])
        sheet.write_formula(3, 1, "=1/0", None, "#DIV/0!")

    assert [row[1] for row in marked(fill).rows[1:]] == ["Rash", "TRUE", "#DIV/0!"]


# ---- workbooks as other programs write them ----


def handmade(sheet: str, **parts: str) -> bytes:
    """A workbook of one sheet from its XML."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    content = {
        "xl/workbook.xml": f'{head}<workbook {main} xmlns:r="{kinds}"><sheets>'
        '<sheet name="AE" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{head}<Relationships><Relationship Id="rId1" Type="{kinds}/worksheet" '
        f'Target="/xl/worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{kinds}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet if sheet.startswith("<?xml") else f"{head}{sheet}",
        **{name.replace("__", "/") + ".xml": text for name, text in parts.items()},
    }
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return into.getvalue()


BODY = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>USUBJID</t></is></c><c r="B1" t="inlineStr"><is><t>X</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>a &amp; b</t></is></c><c r="B2"><v>1.50</v></c></row>'
)
TURNED = BODY.replace('<c r="A2" t="inlineStr">', '<c t="inlineStr" r="A2">')
READ = [["USUBJID", "X"], ["a & b", "1.5"]]


@pytest.mark.parametrize(
    "sheet",
    [
        f"<worksheet><sheetData>{BODY}</sheetData></worksheet>",
        # No places, attributes in another order, single quotes, prefixes, comments: all are allowed.
        '<worksheet><sheetData><row><c t="inlineStr"><is><t>USUBJID</t></is></c><c t="inlineStr"><is><t>X</t></is></c>'
        '</row><row><c t="inlineStr"><is><t>a &amp; b</t></is></c><c><v>1.5</v></c></row></sheetData></worksheet>',
        f"<worksheet><sheetData>{TURNED}</sheetData></worksheet>",
        f"<worksheet><!-- made by x --><sheetData>{BODY}</sheetData></worksheet>",
        f"<worksheet><sheetData>{BODY}</sheetData></worksheet>".replace('"', "'"),
        f'<x:worksheet xmlns:x="urn:x"><x:sheetData>{BODY}</x:sheetData></x:worksheet>'.replace("<row", "<x:row")
        .replace("</row", "</x:row").replace("<c ", "<x:c ").replace("</c>", "</x:c>").replace("<v>", "<x:v>")
        .replace("</v>", "</x:v>").replace("<is>", "<x:is>").replace("</is>", "</x:is>").replace("<t>", "<x:t>")
        .replace("</t>", "</x:t>"),
        f'<worksheet><sheetData>{BODY}<row r="9"/><row r="10"><c r="A10" s="1"/><c r="B10" s="1"/></row></sheetData>'
        "</worksheet>",
    ],
)  # fmt: skip
def test_every_spelling_of_a_sheet_reads_the_same(sheet: str) -> None:
    found = grid(handmade(sheet))
    assert [list(row) for row in found.rows] == READ
    assert list(found.lines) == [1, 2]


def test_dates_shared_texts_and_signs_in_texts_are_read() -> None:
    sheet = (
        '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row r="2"><c r="A2" t="d"><v>2025-01-12T10:30:00</v></c><c r="B2" t="s"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>A1</f><v></v></c><c r="B3" t="s"><v>0</v></c></row></sheetData></worksheet>'
    )
    texts = (
        "<sst><si><t>USUBJID</t></si><si><r><t>AE</t></r><r><rPr><b/></rPr><t>TERM</t></r><rPh><t>x</t></rPh></si>"
        '<si><t xml:space="preserve">one_x000D_\ntwo &lt; 3 </t></si></sst>'
    )
    found = grid(handmade(sheet, xl__sharedStrings=texts))
    assert [list(row) for row in found.rows] == [
        ["USUBJID", "AETERM"], ["2025-01-12T10:30", "one\r\ntwo < 3 "], [None, "USUBJID"],
    ]  # fmt: skip


# ---- bounds ----


def small(*cells: str) -> str:
    return f"<worksheet><sheetData>{BODY}{''.join(cells)}</sheetData></worksheet>"


@pytest.mark.parametrize("place", ["XFD1048576", "XFD3", "AAA1048576", "ZZ70000"])
def test_a_cell_far_outside_the_table_is_named_in_bounded_memory_and_time(place: str, tmp_path: Path) -> None:
    line = int("".join(sign for sign in place if sign.isdigit()))
    rows = "".join(f'<row r="{k}"><c r="A{k}"><v>{k}</v></c></row>' for k in range(4, 400))
    far = f'<row r="{line}"><c r="{place}" t="inlineStr"><is><t>stray</t></is></c></row>'
    content = handmade(small(rows, far) if line > 400 else small(far, rows))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    (tmp_path / "ae.xlsx").write_bytes(content)
    with pytest.raises(StopError, match=rf"{place} is far outside the table|no name and holds a value in row {line}"):
        read_folder(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert time.process_time() - started < 20


def test_a_record_in_the_last_row_is_a_record(tmp_path: Path) -> None:
    last = '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>S9</t></is></c></row>'
    found = grid(handmade(small(last)))
    assert list(found.lines) == [1, 2, 1048576]
    assert found.rows[2] == ["S9", None]


def test_a_workbook_that_does_not_end_when_it_is_unpacked_is_an_error_of_the_file() -> None:
    into = io.BytesIO(handmade(small()))
    with zipfile.ZipFile(into, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as part:
        for _ in range(520):
            part.write(b" " * (1 << 20))
    assert len(into.getvalue()) < 2_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StopError, match="unpacked, the workbook has more than 512 MiB"):
        read_sheets(into.getvalue(), "ae.xlsx")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_200_000


def test_entities_that_multiply_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(StopError, match="damaged"):
        read_sheets(handmade(f'<?xml version="1.0"?>{bomb}{small()}'), "ae.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + bytes(600), b"a,b\n1,2\n", bytes(100)])
def test_what_is_no_workbook_stops(content: bytes) -> None:
    with pytest.raises(StopError, match="damaged|protected by a password"):  # noqa: RUF043
        read_sheets(content, "ae.xlsx")


def test_a_workbook_damaged_at_any_byte_stops_or_reads_the_same() -> None:
    content = book(lambda sheet, made: sheet.write_row(0, 0, ["USUBJID", datetime.date.min.isoformat(), 3.5]))
    expected, stopped = grid(content).rows, 0
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        try:
            assert grid(bytes(damaged)).rows == expected
        except StopError:
            stopped += 1
        except StopIteration:
            pass  # the sheet's name in the list of parts was hit: it has no sheets
    assert stopped > 10


def test_a_name_far_to_the_right_of_a_small_table_is_no_column_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mh.xlsx"
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("MH")
    for line, row in enumerate((["USUBJID", "MHTERM"], ["S1", "Asthma"], ["S2", "Gout"])):
        sheet.write_row(line, 0, row)
    sheet.write("XFD1", "x")
    made.close()
    with pytest.raises(StopError, match=r"mh\.xlsx, sheet MH, row 1: the cell XFD1 is far outside the table"):
        read_folder(tmp_path)
