"""Dates, results and codes for "missing" as a column shows them: cut off, in one order, as fillers, with flags."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.cleaning.numbers import missing_codes, read_laboratory_result, read_result
from trialbook.cleaning.read_dates import column_reader, date_reader
from trialbook.cleaning.read_values import read_plain

YEAR = 2025


def read(column: list[str]) -> list[tuple[str | None, str]]:
    """Each value of a column as it is read, with its fix or its question."""
    reader = column_reader(date_reader(YEAR), column, YEAR)
    return [(found.text, found.ask or found.fix) for found in map(reader, column)]


@pytest.mark.parametrize(
    ("column", "kept"),
    [
        (["2025-01-2", "2025-02-1"], ["2025-01", "2025-02"]),
        (["2025-01-10T10:1", "2025-01-20T10:1"], ["2025-01-10T10", "2025-01-20T10"]),
        (["2025-01-10T1", "2025-01-20T0"], ["2025-01-10", "2025-01-20"]),
        (["2025-01-10T10:15:3"], ["2025-01-10T10:15"]),
        (["2025-01-", "2025-02-"], ["2025-01", "2025-02"]),
        (["2025/01/2", "2025/12/3"], ["2025-01", "2025-12"]),
        (["2025-0", "2024-1"], ["2025", "2024"]),
        (["10JAN2025:10:1"], ["2025-01-10"]),
    ],
)
def test_dates_that_a_field_was_too_short_for_keep_their_whole_parts_and_are_asked(
    column: list[str], kept: list[str]
) -> None:
    assert read(column) == [(text, "P04-DATE-CUT-OFF") for text in kept]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        # A longer value shows that the field was long enough.
        (["2025-01-2", "2025-01-25"], ["2025-01-02", "2025-01-25"]),
        # A site that writes no leading zeros.
        (["2025-1-12", "2025-12-2", "2025-11-3"], ["2025-01-12", "2025-12-02", "2025-11-03"]),
        (["2025-1-2", "2025-12-2"], ["2025-01-02", "2025-12-02"]),
        (["2025-01-10T9:15", "2025-01-10T10:1"], ["2025-01-10T09:15", "2025-01-10T10:01"]),
        # Partial dates are whole in what they say.
        (["2025-01", "2024-12"], ["2025-01", "2024-12"]),
        (["2025", "2024"], ["2025", "2024"]),
        (["2025-01-10", "2025-01-1"], ["2025-01-10", "2025-01-01"]),
    ],
)
def test_a_column_with_room_for_more_was_not_cut_off(column: list[str], texts: list[str]) -> None:
    assert [text for text, _ in read(column)] == texts


@pytest.mark.parametrize(
    ("column", "last"),
    [
        (["25/03/2025", "30/03/2025", "03/04/2025"], ("2025-04-03", "P04-DATE-ORDER")),
        (["03/25/2025", "03/30/2025", "03/04/2025"], ("2025-03-04", "P04-DATE-ORDER")),
        (["25.03.2025 10:15", "30.03.2025 08:00", "03.04.2025 09:30"], ("2025-04-03T09:30", "P04-DATE-ORDER")),
        (["25-03-24", "31-12-24", "30-05-24", "03-04-24"], (None, "P04-DATE-AMBIGUOUS")),  # 25-03-24 may be of 2025
        (["25/03/2025", "03/04/2025"], (None, "P04-DATE-AMBIGUOUS")),  # one witness may be a slip
        (["25/03/2025", "30/03/2025", "03/25/2025", "03/04/2025"], (None, "P04-DATE-AMBIGUOUS")),  # both orders
        (["2025-03-25", "2025-03-30", "03/04/2025"], (None, "P04-DATE-AMBIGUOUS")),
        (["25/03/2025", "30/03/2025", "04/04/2025"], ("2025-04-04", "P04-DATE-FORMAT")),  # every order says the same
    ],
)
def test_the_order_of_day_and_month_is_that_of_the_column_or_is_asked(
    column: list[str], last: tuple[str | None, str]
) -> None:
    assert read(column)[-1] == last


@pytest.mark.parametrize(
    ("value", "text", "rule"),
    [
        ("20250131101530+0800", "2025-01-31T10:15:30", "P04-DATE-FORMAT"),
        ("202501311015", "2025-01-31T10:15", "P04-DATE-FORMAT"),
        ("2025013110", "2025-01-31T10", "P04-DATE-FORMAT"),
        ("20250131T1015", "2025-01-31T10:15", "P04-DATE-FORMAT"),
        ("2025-01-31T1015", "2025-01-31T10:15", "P04-DATE-FORMAT"),
        ("20250131101530.123", "2025-01-31T10:15:30", "P04-DATE-FORMAT"),
        ("202501312400", "2025-02-01T00:00", "P04-DATE-FORMAT"),
        ("20250131101530Z", None, "P39-TIME-ZONE"),
        ("20250230101530", None, "P04-DATE-UNREADABLE"),
        ("07 UNK 2024", "2024", "P05-PARTIAL-DATE"),
        ("07/UN/2024", "2024", "P05-PARTIAL-DATE"),
        ("UN UNK 2024", "2024", "P05-PARTIAL-DATE"),
        ("UN-MAR-2024", "2024-03", "P05-PARTIAL-DATE"),
        ("2024-035", None, "P04-DATE-UNREADABLE"),
        ("1900-01-01", None, "P04-DATE-FILLER"),
        ("1899-12-31", None, "P04-DATE-FILLER"),
        ("01/01/1900", None, "P04-DATE-FILLER"),
        ("9999-12-31T00:00", None, "P04-DATE-FILLER"),
        ("99999999", None, "P04-DATE-FILLER"),
        ("9999-99-99", None, "P04-DATE-FILLER"),
    ],
)
def test_a_date_of_databases_and_messages_is_read_or_asked(value: str, text: str | None, rule: str) -> None:
    found = date_reader(YEAR)(value)
    assert (found.text, found.ask or found.fix) == (text, rule)


@pytest.mark.parametrize("hyphen", "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d")
def test_hyphens_of_typesetting_are_plain_ones(hyphen: str) -> None:
    found = read_plain(f"2025{hyphen}01{hyphen}02")
    assert (found.text, found.fix) == ("2025-01-02", "P02-CHARACTERS")


@pytest.mark.parametrize(
    ("value", "text", "fix"),
    [
        ("85 ↓", "85", "P14-RESULT-FLAG"), ("23 H", "23", "P14-RESULT-FLAG"), ("90*", "90", "P14-RESULT-FLAG"),
        ("H 12.3", "12.3", "P14-RESULT-FLAG"), ("12.3(↑)", "12.3", "P14-RESULT-FLAG"), ("5 LL", "5", "P14-RESULT-FLAG"),
        (">500 H", ">500", "P14-RESULT-FLAG"), ("1,234.5 高", "1234.5", "P14-RESULT-FLAG"),
        ("≦0.1", "<0.1", "P14-RESULT-WORDS"), ("≧3", ">3", "P14-RESULT-WORDS"),
        ("阴性(0.05)", "NEGATIVE", "P14-RESULT-WORDS"), ("0.05(阴性)", "NEGATIVE", "P14-RESULT-WORDS"),
        ("Non-reactive", "NEGATIVE", "P14-RESULT-WORDS"), ("Reactive (8.2)", "POSITIVE", "P14-RESULT-WORDS"),
        ("1:320", "1:320", ""), ("3+", "3+", ""), ("A(1.2)", "A(1.2)", ""), ("3 HPF", "3 HPF", ""), ("12", "12", ""),
    ],
)  # fmt: skip
def test_a_result_is_read_without_the_flag_beside_it(value: str, text: str, fix: str) -> None:
    found = read_laboratory_result(value)
    assert (found.text, found.fix) == (text, fix)


@pytest.mark.parametrize("value", ["1.2 L", "NR", "5 L"])
def test_outside_the_laboratory_a_letter_is_a_unit_or_a_word(value: str) -> None:
    assert read_result(value).text == value


@pytest.mark.parametrize(
    ("results", "limit", "coded"),
    [
        (["31", "44", "9999"], "50", [2]),
        (["999"], "350", [0]),
        (["31", "-99", "44"], "50", [1]),
        (["31", "44", "-9"], "", [2]),
        (["99", "97", "9999", "9999"], "", [2, 3]),
        (["99", "97", "101"], "", []),  # an ordinary result
        (["600", "999", "850"], "350", []),  # near the others
        (["9999"], "", []),  # nothing is known of the test
        (["-2.1", "-9", "1"], "", []),  # a base excess
        (["12", ">999", "14"], "", []),  # a bound is what the analyser says
    ],
)
def test_a_number_of_nines_far_outside_is_taken_for_a_code(results: list[str], limit: str, coded: list[int]) -> None:
    frame = pd.DataFrame({"LBTESTCD": "X", "LBORRES": results, "LBORRESU": "U/L", "LBORNRHI": limit or None})
    assert missing_codes(frame, "LB").tolist() == coded


def test_codes_are_looked_for_by_test_and_unit() -> None:
    frame = pd.DataFrame(
        {
            "LBTESTCD": ["ALT", "ALT", "FERR", "FERR"], "LBORRES": ["40", "999", "999", "2500"],
            "LBORRESU": ["U/L", "U/L", "ug/L", "ug/L"],
        }
    )  # fmt: skip
    assert missing_codes(frame, "LB").tolist() == [1]
    assert missing_codes(frame.drop(columns="LBORRESU"), "LB").tolist() == [1]
    assert missing_codes(frame.iloc[:0], "LB").tolist() == []
    assert missing_codes(frame[["LBTESTCD"]], "LB").tolist() == []
