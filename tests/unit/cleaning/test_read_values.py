"""How single values are read: example tables of the rules P02 to P05, P12, P14, P21, P32, P37 to P40."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.cleaning.codes import OUTCOMES, arm_reader, listed, read_grade, read_overall_grade, read_yes_no
from trialbook.cleaning.numbers import parse_results, read_number, read_result, read_whole, standard_unit
from trialbook.cleaning.read_dates import date_reader
from trialbook.cleaning.read_values import read_free_text, read_plain
from trialbook.core.units import si_factor, unit_key

# value as sent, clean value, rule of the fix or query ("" = nothing to say)
DATES = """
2024-03-05            2024-03-05            -
2024-03-05T10:30      2024-03-05T10:30      -
2024-03               2024-03               -
2024                  2024                  -
2024/3/5              2024-03-05            P04-DATE-FORMAT
2024.03.05            2024-03-05            P04-DATE-FORMAT
2024-3-5              2024-03-05            P04-DATE-FORMAT
20240305              2024-03-05            P04-DATE-FORMAT
5-Mar-24              2024-03-05            P04-DATE-FORMAT
05MAR2024             2024-03-05            P04-DATE-FORMAT
05MAR2024:10:30       2024-03-05T10:30      P04-DATE-FORMAT
5-Mar-54              1954-03-05            P04-DATE-FORMAT
2024年3月5日          2024-03-05            P04-DATE-FORMAT
2024年3月             2024-03               P04-DATE-FORMAT
2024年3月5日10时30分  2024-03-05T10:30      P04-DATE-FORMAT
25/03/2024            2024-03-25            P04-DATE-FORMAT
03/25/2024            2024-03-25            P04-DATE-FORMAT
05/05/2024            2024-05-05            P04-DATE-FORMAT
03/05/24              missing               P04-DATE-AMBIGUOUS
03/05/2024            missing               P04-DATE-AMBIGUOUS
24-03-05              missing               P04-DATE-AMBIGUOUS
2024-02-30            missing               P04-DATE-UNREADABLE
2023-02-29            missing               P04-DATE-UNREADABLE
2024-13-01            missing               P04-DATE-UNREADABLE
soon                  missing               P04-DATE-UNREADABLE
2024-UN-UN            2024                  P05-PARTIAL-DATE
2024-03-UK            2024-03               P05-PARTIAL-DATE
2024-00-00            2024                  P05-PARTIAL-DATE
2024-03-00            2024-03               P05-PARTIAL-DATE
UN-UNK-2024           2024                  P05-PARTIAL-DATE
UN/MAR/2024           2024-03               P05-PARTIAL-DATE
2024---23             2024                  P05-PARTIAL-DATE
--06-23               missing               P05-PARTIAL-DATE
UNK                   missing               P05-PARTIAL-DATE
45356                 2024-03-05            P03-EXCEL-DATE
45356.4375            2024-03-05T10:30      P03-EXCEL-DATE
25569                 missing               P03-EXCEL-DATE-UNSURE
59999                 missing               P03-EXCEL-DATE-UNSURE
2024-03-05T24:00      2024-03-06T00:00      P39-CLOCK
2024-12-31T24:00      2025-01-01T00:00      P39-CLOCK
2024-03-05T9:5        2024-03-05T09:05      P39-CLOCK
2024-03-05下午2:30    2024-03-05T14:30      P39-CLOCK
2024-03-05T12:30AM    2024-03-05T00:30      P39-CLOCK
2024-03-05T25:00      2024-03-05            P39-TIME-UNREADABLE
2024-03-05T10:30+08:00 2024-03-05T10:30     P39-CLOCK
2024-03-05T10:30Z     missing               P39-TIME-ZONE
"""


@pytest.mark.parametrize("line", DATES.strip().splitlines())
def test_a_date_is_read_by_the_table(line: str) -> None:
    value, clean, rule = line.split()
    reading = date_reader(2025)(value)
    assert reading.text == (None if clean == "missing" else clean)
    assert (reading.ask or reading.fix or "-") == rule


@pytest.mark.parametrize(
    ("value", "clean"),
    [("2024-03-05 10:30", "2024-03-05T10:30"), ("2024 - 03 - 05", "2024-03-05"), ("Mar 5, 2024", "2024-03-05")],
)
def test_a_date_with_blanks_is_read(value: str, clean: str) -> None:
    assert date_reader(2025)(value) == (clean, "P04-DATE-FORMAT", "")


@pytest.mark.parametrize(("day", "month"), [(d, m) for d in (1, 9, 12, 13, 28) for m in (1, 9, 12)])
def test_day_and_month_are_never_swapped_in_silence(day: int, month: int) -> None:
    """Whatever order the site meant, a date is fixed only where every order gives the same one."""
    reading = date_reader(2025)(f"{day:02d}/{month:02d}/2024")
    certain = day > 12 or day == month
    assert reading.text == (f"2024-{month:02d}-{day:02d}" if certain else None)


@pytest.mark.parametrize(
    ("value", "clean", "rule"),
    [
        ("12.3", "12.3", ""), ("-1e3", "-1e3", ""), ("12,3", "12.3", "P40-NUMBER"), ("0,123", "0.123", "P40-NUMBER"),
        ("1,234.5", "1234.5", "P40-NUMBER"), ("1,234,567", "1234567", "P40-NUMBER"),
        ("1,234", "1234", "P40-COMMA-UNSURE"), ("about 3", None, "P40-NOT-A-NUMBER"), ("1-2", None, "P40-NOT-A-NUMBER"),
    ],
)  # fmt: skip
def test_a_number_is_read(value: str, clean: str | None, rule: str) -> None:
    reading = read_number(value)
    assert (reading.text, reading.ask or reading.fix) == (clean, rule)


def test_a_sequence_number_is_whole() -> None:
    assert [read_whole(v).text for v in ("3", "3.0", "3.5", "x")] == ["3", "3", None, None]


@pytest.mark.parametrize(
    ("value", "clean", "number", "sign"),
    [
        ("12.3", "12.3", 12.3, ""), ("<0.1", "<0.1", 0.1, "<"), ("小于0.1", "<0.1", 0.1, "<"),
        (">300", ">300", 300, ">"), ("≥ 300", ">300", 300, ">"),
        ("<1.0E+02", "<1.0E+02", 100, "<"), ("1,234.5", "1234.5", 1234.5, ""),
        ("阴性", "NEGATIVE", None, ""), ("TND", "NOT DETECTED", None, ""), ("haemolysed", "haemolysed", None, ""),
        ("++", "++", None, ""), ("见备注", "见备注", None, ""),
    ],
)  # fmt: skip
def test_a_result_keeps_its_bound_and_its_words(value: str, clean: str, number: float | None, sign: str) -> None:
    text = read_result(value).text
    assert text == clean
    numbers, signs = parse_results(pd.Series([text], dtype="str"))
    assert (None if pd.isna(numbers[0]) else numbers[0], signs[0]) == (number, sign)


@pytest.mark.parametrize(
    ("value", "clean", "rule"),
    [
        ("2", "2", ""), ("II", "2", "P21-GRADE"), ("2级", "2", "P21-GRADE"), ("Grade 2", "2", "P21-GRADE"),
        ("三级", "3", "P21-GRADE"), ("2.0", "2", "P21-GRADE"), ("2-3", "3", "P21-GRADE-RANGE"),
        ("I~II", "2", "P21-GRADE-RANGE"), ("mild", None, "P21-GRADE-UNREADABLE"), ("0", None, "P21-GRADE-UNREADABLE"),
        ("6", None, "P21-GRADE-UNREADABLE"),
    ],
)  # fmt: skip
def test_a_grade_is_one_digit(value: str, clean: str | None, rule: str) -> None:
    reading = read_grade(value)
    assert reading.text == clean
    if reading.text != value or reading.ask:
        assert (reading.ask or reading.fix) == rule


def test_the_overall_grade_is_roman() -> None:
    assert [read_overall_grade(v).text for v in ("2", "II", "Grade III", "0", "4级")] == ["II", "II", "III", "0", "IV"]


@pytest.mark.parametrize("value", ["Y", "yes", "是", "1", "√", "True"])
def test_yes_in_any_form_is_y(value: str) -> None:
    assert read_yes_no(value).text == "Y"


@pytest.mark.parametrize("value", ["N", "No", "否", "0", "无"])
def test_no_in_any_form_is_n(value: str) -> None:
    assert read_yes_no(value).text == "N"


def test_what_is_neither_yes_nor_no_is_missing_and_asked() -> None:
    assert read_yes_no("maybe") == (None, "", "P38-YES-NO-UNKNOWN")


def test_codes_are_read_in_english_and_chinese_and_unknown_ones_are_kept_and_asked() -> None:
    read = listed(OUTCOMES)
    assert read("痊愈").text == read("recovered").text == "RECOVERED/RESOLVED"
    assert read("gone") == ("gone", "", "P34-CODE-UNKNOWN")
    assert arm_reader(["DL1", "dl-B"])("DL-b").text == "dl-B"


def test_plain_text_keeps_powers_and_free_text_keeps_its_letters() -> None:
    assert read_plain("１２３．５").text == "123.5"
    assert read_plain("＜ 0.1\u00a0").text == "< 0.1"
    assert read_plain("×10⁹/L").text == "×10^9/L"
    assert read_plain(" \u3000 ").text is None
    assert read_free_text(" 发热（３８℃）\n").text == "发热（３８℃）"


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("×10⁹/L", "10^9/L"), ("10*9/L", "10^9/L"), ("10E9/L", "10^9/L"), ("µmol/L", "umol/L"), ("μmol / l", "umol/L"),
        ("MG/DL", "mg/dL"), ("10^6/kg", "10^6 cells/kg"), ("x10E6 cells/kg", "10^6 cells/kg"), ("斤", "jin"),
        ("furlong", None),
    ],
)  # fmt: skip
def test_a_unit_has_one_spelling(value: str, unit: str | None) -> None:
    assert standard_unit(value) == unit


@pytest.mark.parametrize(
    "spelling", ["×10⁹/L", "10*9/L", "10^9 / L", "10E9/L", "10e09/l", "x10^9/Litre", "１０^９／Ｌ", "10⁹/L"]
)
def test_one_reading_of_units_serves_cleaning_and_conversion(spelling: str) -> None:
    assert unit_key(spelling) == "10^9/l"
    assert standard_unit(spelling) == "10^9/L"
    assert si_factor(pd.Series(["PLAT"]), pd.Series([spelling])).tolist() == [1.0]


@pytest.mark.parametrize("other", ["10^12/L", "10^6/L", "10/L", "mmol/L", "10^9", "L"])
def test_another_unit_is_not_taken_for_it(other: str) -> None:
    assert unit_key(other) != "10^9/l"
