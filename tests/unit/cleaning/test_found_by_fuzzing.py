"""What fuzzing of raw files has found, each as the small case that it was."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from support import raw_export as raw
from trialbook.cleaning import clean_snapshot
from trialbook.cleaning.clean import Cleaned
from trialbook.cleaning.numbers import parse_results, read_number, read_whole
from trialbook.cleaning.read_dates import date_reader
from trialbook.core.characters import plain_text
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.read import read_folder


def cleaned(folder: Path, **change: str) -> Cleaned:
    trial = raw.trial_of(raw.export(folder, lb=raw.rows(raw.LB, change)))
    return clean_snapshot(read_snapshot(trial), trial)


@pytest.mark.parametrize("digits", ["١٢", "१२", "１２"])
def test_digits_of_any_script_are_plain_digits(digits: str) -> None:
    assert plain_text(digits) == "12"


@pytest.mark.parametrize("digits", ["१२", "１２"])
def test_digits_of_any_script_are_read_as_numbers_and_logged(tmp_path: Path, digits: str) -> None:
    result = cleaned(tmp_path / "s", LBSEQ=digits, LBORRES=digits)
    assert result.domains["LB"][["LBSEQ", "LBORRESN"]].to_numpy().tolist() == [[12, 12.0]]
    logged = result.changes[result.changes["rule"] == "P02-CHARACTERS"]
    assert logged[["column", "raw", "new"]].to_numpy().tolist() == [["LBSEQ", digits, "12"], ["LBORRES", digits, "12"]]


@pytest.mark.parametrize("value", ["99999999999999999999", "1234567890123456789012.0"])
def test_a_sequence_number_that_no_integer_holds_is_asked_about(tmp_path: Path, value: str) -> None:
    assert read_whole(value) == (None, "", "P40-NOT-A-NUMBER")
    assert cleaned(tmp_path / "s", LBSEQ=value).domains["LB"]["LBSEQ"].isna().all()


def test_a_number_that_is_infinite_is_no_number() -> None:
    assert read_number("1e400") == (None, "", "P40-NOT-A-NUMBER")
    number, sign = parse_results(pd.Series(["<1e400", "<1"], dtype="str"))
    assert number.isna().tolist() == [True, False]
    assert sign.tolist() == ["", "<"]


@pytest.mark.parametrize("value", ["9999-12-31T24:00", "9999-12-31 24:00"])
def test_the_last_day_of_the_calendar_is_a_filler_whatever_its_time(value: str) -> None:
    assert date_reader(2025)(value) == (None, "", "P04-DATE-FILLER")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2025年3月不详日", "2025-03"),
        ("2025年不详月不详日", "2025"),
        ("2025年不详", "2025"),
        ("2025年UNK月UNK日", "2025"),
    ],
)
def test_the_known_parts_of_a_date_stand_though_the_unknown_are_written_in_chinese(value: str, text: str) -> None:
    assert date_reader(2025)(value) == (text, "P05-PARTIAL-DATE", "")


def test_a_thirteenth_month_is_no_partial_date() -> None:
    assert date_reader(2025)("2025年13月不详日") == (None, "", "P04-DATE-UNREADABLE")


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_a_workbook_of_which_one_byte_changed_on_the_way_stops(tmp_path: Path, name: str) -> None:
    """The reader of workbooks does not look at check sums: it would give other values, or none."""
    path = tmp_path / "ae.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("AE").write_row(0, 0, ["USUBJID", "AETERM"])
    book.close()
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(name).header_offset + 30 + len(name) + 20
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(StopError, match=r"ae\.xlsx.*damaged"):
        read_folder(tmp_path)
