"""What a SAS file holds is read as SAS shows it: encodings, special missing values, dates and times, names, lengths."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from support import raw_export as raw
from trialbook.cleaning import clean_snapshot
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.apart import read_apart
from trialbook.snapshot.code_pages import Cell, code_page
from trialbook.snapshot.read import read_folder
from trialbook.snapshot.sas_files import _DataSet, data_set_grid, read_sas7bdat, read_xpt
from trialbook.snapshot.sas_values import kind_of_format, sas_text
from trialbook.snapshot.tables import Grid

# ---- encodings ----

WESTERN = [
    "Sjögren syndrome", "Alzheimer’s type", "± 7 µg", "37,5 °C", "Guillain–Barré", "10³/µL", "naïve", "Größe", "GRÖSSE",
    "façade", "Müller’s ™ test", "5 µmol/L", "señal", "ß-HCG", "m²", "“mild”",
]  # fmt: skip
CHINESE = [
    "发热",
    "男",
    "女",
    "是",
    "头痛，轻度",
    "ALT升高",
    "皮疹（全身）",
    "嘌呤",
    "瘙痒",
    "37℃",
    "２级",
    "μmol/L",
    "轻度α",
]


def transport(path: Path, texts: list[bytes], **numbers: list[float]) -> bytes:
    """A transport file with texts in any encoding: they are put in the place of as many plain characters."""
    width = max(map(len, texts))
    marks = [chr(ord("A") + k) * width for k in range(len(texts))]
    frame = pd.DataFrame({"USUBJID": [f"S{k}" for k in range(len(texts))], "AETERM": marks, **numbers})
    pyreadstat.write_xport(frame, path, file_format_version=5, table_name="AE")
    content = path.read_bytes()
    for mark, text in zip(marks, texts, strict=True):
        content = content.replace(mark.encode(), text.ljust(width))
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_is_never_read_as_a_multi_byte_encoding(text: str, tmp_path: Path) -> None:
    grid = read_xpt(transport(tmp_path / "ae.xpt", [text.encode("cp1252")]), "ae.xpt")
    assert grid.rows[1][1] == text
    assert grid.encoding == "windows-1252"


@pytest.mark.parametrize("text", CHINESE)
@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8"])
def test_chinese_text_is_read_in_its_encoding(text: str, encoding: str, tmp_path: Path) -> None:
    assert read_xpt(transport(tmp_path / "ae.xpt", [text.encode(encoding)]), "ae.xpt").rows[1][1] == text


def test_all_western_texts_of_one_file_are_read_together_and_the_encoding_is_logged(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    (folder / "ae.csv").unlink()
    frame = pd.DataFrame(raw.rows(raw.AE, {"AETERM": "@" * 16}))
    pyreadstat.write_xport(frame, folder / "ae.xpt", file_format_version=5, table_name="AE")
    content = (folder / "ae.xpt").read_bytes()
    (folder / "ae.xpt").write_bytes(content.replace(b"@" * 16, "Sjögren syndrome".encode("cp1252")))
    trial = raw.trial_of(folder)
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    assert cleaned.domains["AE"]["AETERM"].tolist() == ["Sjögren syndrome"]
    logged = cleaned.changes[cleaned.changes["rule"] == "P01-ENCODING"]
    assert logged[["file", "raw", "new"]].to_numpy().tolist() == [["ae.xpt", "windows-1252", "utf-8"]]


@pytest.mark.parametrize(
    "content",
    ["発熱した".encode("shift_jis"), "皮疹".encode("big5"), "naïve Žž".encode("mac_roman", "replace"), b"a\x81b",
     "Paweł".encode("iso-8859-2")],
)  # fmt: skip
def test_text_of_no_encoding_that_is_used_here_stops_and_names_the_place(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(StopError, match=r"\[P01\] ae.xpt, row 3, column AETERM: the text is neither UTF-8 nor"):
        read_xpt(transport(tmp_path / "ae.xpt", [b"plain", content]), "ae.xpt")


def test_a_text_that_was_cut_inside_a_character_is_read_without_it_and_asked_about(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gbk"):
        cut = ("头痛，" * 30).encode(encoding)[:61]
        grid = read_xpt(transport(tmp_path / "ae.xpt", [cut, "发热".encode(encoding)]), "ae.xpt")
        assert str(grid.rows[1][1]).startswith("头痛，")
        assert [(seen.line, seen.rule) for seen in grid.seen] == [(2, "P34-TEXT-CUT-OFF")]


@pytest.mark.parametrize(
    ("content", "declared", "text"),
    [
        ("Sjögren".encode("cp1252"), "windows-1252", "Sjögren"),
        ("发热".encode("gbk"), "windows-1252", "发热"),
        ("发热".encode(), "iso-8859-1", "发热"),
        ("Paweł".encode("cp1250"), "windows-1250", "Paweł"),
        ("µ ± ß".encode("cp1252"), "utf-8", "µ ± ß"),
        ("皮疹".encode("big5"), "big5", "皮疹"),
    ],
)
def test_the_header_of_a_data_set_is_believed_where_the_text_agrees(content: bytes, declared: str, text: str) -> None:
    encoding, bad = code_page([Cell(content)], declared)
    assert bad is None
    assert content.decode(encoding) == text


# ---- special missing values ----


def ibm(value: float | str) -> bytes:
    """A number as a transport file holds it; a letter is a special missing value."""
    if isinstance(value, str):
        return value.encode() + bytes(7)
    if not value:
        return bytes(8)
    power, size = 64, abs(value)
    while size >= 1:
        size, power = size / 16, power + 1
    while size < 1 / 16:
        size, power = size * 16, power - 1
    return struct.pack(">Q", (0x80 if value < 0 else 0) << 56 | power << 56 | round(size * 2**56))


def numbers(tmp_path: Path, values: list[float | str], form: str = "") -> Grid:
    """One numeric variable with these values, written byte by byte."""
    frame = pd.DataFrame({"USUBJID": ["S"] * len(values), "VALUE": [1e6 + k for k in range(len(values))]})
    forms = {"VALUE": form} if form else {}
    pyreadstat.write_xport(frame, tmp_path / "lb.xpt", file_format_version=5, table_name="LB", variable_format=forms)
    content = (tmp_path / "lb.xpt").read_bytes()
    for k, value in enumerate(values):
        assert content.count(ibm(1e6 + k)) == 1
        content = content.replace(ibm(1e6 + k), ibm(value))
    return read_xpt(content, "lb.xpt")


def test_special_missing_values_keep_their_letter_in_the_log_and_are_asked_about(tmp_path: Path) -> None:
    grid = numbers(tmp_path, [1.5, "A", ".", "U", "_", "Z", "A"])
    assert [row[1] for row in grid.rows[1:]] == ["1.5", *[None] * 6]
    assert sorted((edit.line, edit.raw, edit.new) for edit in grid.edits) == [
        (3, ".A", ""), (5, ".U", ""), (6, "._", ""), (7, ".Z", ""), (8, ".A", ""),
    ]  # fmt: skip
    assert sorted((seen.line, seen.observed) for seen in grid.seen) == [
        (3, ".A (2)"), (5, ".U"), (6, "._"), (7, ".Z"),
    ]  # fmt: skip


def test_special_missing_values_reach_change_log_and_questions(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lb=raw.rows(raw.LB))
    (folder / "lb.csv").unlink()
    frame = pd.DataFrame(raw.rows(raw.LB, {"LBSEQ": 1.0}, {"LBSEQ": 2.0, "LBDTC": "2025-01-10"})).assign(LBSTRESN=777.0)
    pyreadstat.write_xport(frame, folder / "lb.xpt", file_format_version=5, table_name="LB")
    content = (folder / "lb.xpt").read_bytes()
    (folder / "lb.xpt").write_bytes(content.replace(ibm(777.0), ibm("N"), 1))
    trial = raw.trial_of(folder)
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    logged = cleaned.changes[cleaned.changes["rule"] == "P34-SPECIAL-MISSING"]
    assert logged[["row", "column", "raw", "new"]].to_numpy().tolist() == [[2, "LBSTRESN", ".N", ""]]
    asked = [q for q in cleaned.queries if q["rule"] == "P34-SPECIAL-MISSING"]
    assert [(q["record"], q["observed"]) for q in asked] == [("LBSEQ=1", ".N")]


def test_a_data_set_keeps_the_letters_of_its_numeric_columns_only(tmp_path: Path) -> None:
    found = _DataSet(
        ["USUBJID", "SEX", "AVAL", "ALL"], ["", "", "BEST12", ""], [False, False, True, True],
        [["S1", "S2", "S3"], ["M", "F", ""], [1.5, "A", None], ["B", "_", float("nan")]], "utf-8",
    )  # fmt: skip
    grid = data_set_grid(found, "lb.sas7bdat")
    assert [list(row) for row in grid.rows[1:]] == [
        ["S1", "M", "1.5", None],
        ["S2", "F", None, None],
        ["S3"] + [None] * 3,
    ]
    assert sorted((e.line, e.column, e.raw) for e in grid.edits) == [(2, 3, ".B"), (3, 2, ".A"), (3, 3, "._")]


# ---- numbers, dates, times ----


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 0.1, 1 / 3, 5.4e-79, 1e20, -123.456, 2**53 - 1.0, 7e75])
def test_numbers_of_a_transport_file_are_read_to_15_digits(value: float, tmp_path: Path) -> None:
    text = numbers(tmp_path, [value]).rows[1][1]
    assert np.isclose(float(str(text)), value, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ("DATE9.", 23752, "2025-01-11"), ("DDMMYYS10.", 23752, "2025-01-11"), ("MMDDYY8.", -1, "1959-12-31"),
        ("YYMMDDN8.", 23752, "2025-01-11"), ("E8601DA.", 23752, "2025-01-11"), ("B8601DA8.", 23752, "2025-01-11"),
        ("JULIAN7.", 23752, "2025-01-11"), ("WORDDATE18.", 23752, "2025-01-11"), ("WEEKDATX29.", 23752, "2025-01-11"),
        ("NLDATE20.", 23752, "2025-01-11"), ("MONYY7.", 23752, "2025-01"), ("YYMMD7.", 23752, "2025-01"),
        ("MMYYS7.", 23752, "2025-01"), ("YEAR4.", 23752, "2025"), ("YYQ6.", 23752, "2025"),
        ("DATETIME20.", 2052210600, "2025-01-11T10:30"), ("E8601DT19.", 2052210607, "2025-01-11T10:30:07"),
        ("DATEAMPM22.", 2052210600, "2025-01-11T10:30"), ("MDYAMPM25.", 2052210600, "2025-01-11T10:30"),
        ("B8601DZ.", 2052210600, "2025-01-11T10:30"), ("DTDATE9.", 2052172800, "2025-01-11"),
        ("DTMONYY7.", 2052210600, "2025-01"), ("DTYEAR4.", 2052210600, "2025"),
        ("TIME8.", 37800, "10:30"), ("TIME8.", 93784, "26:03:04"), ("HHMM5.", 172800, "48:00"),
        ("TOD8.", 2052210600, "2025-01-11T10:30"), ("E8601TM8.", 59, "00:00:59"), ("MMSS5.", -61, "-00:01:01"),
        ("BEST12.", 23752, "23752"), ("$CHAR8.", 23752, "23752"), ("MYFMT.", 1, "1"), ("DATE9.", 1e9, "1000000000"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_format_shows_it(form: str, value: float, text: str) -> None:
    assert sas_text(float(value), kind_of_format(form)) == text


@pytest.mark.parametrize("form", ["MONYY7.", "YYMMD7."])
def test_a_format_that_shows_the_month_only_gives_a_partial_date_logged_and_asked(form: str, tmp_path: Path) -> None:
    grid = numbers(tmp_path, [23752.0, 23756.0], form)
    assert [row[1] for row in grid.rows[1:]] == ["2025-01", "2025-01"]
    assert [(e.raw, e.new, e.rule) for e in grid.edits] == [
        ("2025-01-11", "2025-01", "P05-PART-SHOWN"), ("2025-01-15", "2025-01", "P05-PART-SHOWN"),
    ]  # fmt: skip
    assert [(seen.line, seen.rule) for seen in grid.seen] == [(2, "P05-PART-SHOWN")]


def test_durations_of_more_than_a_day_are_read_in_every_format_that_has_them(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": ["S1"], "LONG": [pd.Timedelta(hours=26, minutes=3)]})
    frame.to_parquet(tmp_path / "ae.parquet")
    assert read_folder(tmp_path).tables["AE"].frame["LONG"].tolist() == ["26:03"]


# ---- names, versions, damage ----


def test_names_that_are_one_in_capital_letters_stop(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": ["S1"], "AETERM": ["a"], "XETERM": ["b"]})
    pyreadstat.write_xport(frame, tmp_path / "ae.xpt", file_format_version=5, table_name="AE")
    content = (tmp_path / "ae.xpt").read_bytes()
    for other in (b"aeterm", b"AETERM"):
        (tmp_path / "ae.xpt").write_bytes(content.replace(b"XETERM", other))
        with pytest.raises(StopError, match="column AETERM: two columns have this name"):
            read_folder(tmp_path)


def test_a_file_of_version_8_keeps_long_names_and_long_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": ["S1"], "AVERYLONGNAME1": ["x" * 300], "AVERYLONGNAME2": [1.5]})
    pyreadstat.write_xport(frame, tmp_path / "ae.xpt", file_format_version=8, table_name="AE")
    table = read_folder(tmp_path).tables["AE"]
    assert list(table.frame) == list(frame)
    assert table.frame.iloc[0].tolist() == ["S1", "x" * 300, "1.5"]


def test_blank_records_at_the_end_are_padding_and_a_part_of_a_record_stops(tmp_path: Path) -> None:
    content = transport(tmp_path / "ae.xpt", [b"a", b"bbbbb"])
    assert len(read_xpt(content, "ae.xpt").rows) == 3
    with pytest.raises(StopError, match="ends inside record"):
        read_xpt(content + b"S1more..".ljust(80, b"."), "ae.xpt")


@pytest.mark.parametrize("content", [b"", b"x" * 80, b"**COMPRESSED** **COMPRESSED**".ljust(160), b"HEADER".ljust(800)])
def test_what_is_no_transport_file_stops(content: bytes) -> None:
    with pytest.raises(StopError, match="cannot be read"):
        read_xpt(content, "ae.xpt")


def test_a_header_that_was_damaged_anywhere_stops_or_reads(tmp_path: Path) -> None:
    content = transport(tmp_path / "ae.xpt", [b"Rash", b"Fever"], AESEQ=[1.0, 2.0])
    generator = np.random.default_rng(1)
    stopped = 0
    for place in generator.integers(0, 1200, 150):
        damaged = bytearray(content)
        damaged[place] = generator.integers(0, 256)
        try:
            read_xpt(bytes(damaged), "ae.xpt")
        except StopError:
            stopped += 1
    assert stopped


# ---- a reader that dies ----


def _dies() -> Any:
    os.kill(os.getpid(), 11)


def _takes_all_memory() -> Any:
    return [np.ones(1 << 30) for _ in range(100)]


def _fails() -> Any:
    raise KeyError("broken")


@pytest.mark.parametrize(
    ("reader", "why"), [(_dies, "ended by SIGSEGV"), (_takes_all_memory, "too much memory"), (_fails, "KeyError")]
)
def test_a_reader_that_dies_is_an_error_of_its_file(reader: Any, why: str) -> None:
    with pytest.raises(StopError, match=rf"ae.sas7bdat: the file cannot be read \(.*{why}"):
        read_apart(reader, "ae.sas7bdat", 1000)


def test_a_data_set_that_is_damaged_stops() -> None:
    with pytest.raises(StopError, match=r"ae.sas7bdat: the file cannot be read"):
        read_sas7bdat(b"not a data set" * 100, "ae.sas7bdat")
