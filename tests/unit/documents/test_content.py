"""The document model and what writers need of it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from trialbook.core.messages import msg
from trialbook.display.tables import table
from trialbook.documents.archives import archive, moment
from trialbook.documents.content import Column, Speaker, Table, own_title, table_of
from trialbook.documents.layout import LINE, grid_of, notes_of, shares_of


@pytest.fixture
def payload() -> dict[str, object]:
    frame = pd.DataFrame(
        {"SUBJID": ["001", "002", "003"], "GROUP": ["a", "a", "b"], "N": [1, 2, 3], "WORDS": ["x", "y", "z"]}
    )
    shown = table(
        frame, msg("{title}, data cut {date}", title=msg("T-5 Overview"), date="2025-09-30"), group="GROUP",
        labels={"SUBJID": msg("Subject"), "WORDS": msg("Words")}, notes=[msg("A note.")],
    )  # fmt: skip
    made: dict[str, object] = json.loads(json.dumps(shown.payload))
    return made


def test_a_table_is_that_of_its_payload(payload: dict[str, object]) -> None:
    made = table_of(payload, "T-5")
    assert (made.rows, made.group, made.subjects, made.whole) == (3, "GROUP", True, 0)
    assert [column.name for column in made.shown] == ["SUBJID", "N", "WORDS"]
    grid = grid_of(made, Speaker())
    assert grid.heads == ["Subject", "N", "Words"]
    assert grid.lines == ["a", ["001", "1", "x"], ["002", "2", "y"], "b", ["003", "3", "z"]]
    assert grid.sides == ["left", "right", "left"]


def test_chosen_columns_and_rows_say_what_is_left_out(payload: dict[str, object]) -> None:
    made = table_of(payload, "T-5", columns=("WORDS", "SUBJID"), most=2)
    assert [column.name for column in made.shown] == ["WORDS", "SUBJID"]
    assert made.whole == 3
    assert notes_of(made, Speaker())[-1] == "The first 2 of 3 rows; the pages of the build show more."


def test_the_title_of_a_document_leaves_out_what_stands_beside_it() -> None:
    payload = {"title": {"m": "{title}, data cut {date}", "a": {
        "title": {"m": "{id} {title}", "a": {"id": "T-5", "title": {"m": "Overview", "a": {}}}}, "date": "2025-09-30",
    }}}  # fmt: skip
    assert own_title(payload) == "Overview"


def test_text_of_the_data_is_not_looked_up_and_hides_nothing() -> None:
    column = Column("AETERM", "Term", ("rash\u202e", "grade"), "data")
    assert Speaker().cells(column) == ["rash‹U+202E›", "grade"]
    assert Speaker().say({"d": "=cmd|' /C calc'!A0"}) == "=cmd|' /C calc'!A0"


def test_columns_have_room_for_their_longest_word_and_fill_no_more_than_the_line() -> None:
    cells = [["short"] * 3, ["a long sentence that goes on and on and on and needs room to be read"] * 3, ["12"] * 3]
    shares = shares_of(["a", "b", "c"], cells)
    assert shares[0] >= len("short")
    assert shares[1] > 60
    assert sum(shares) <= LINE


def test_numbers_with_their_intervals_stay_on_one_line_and_so_do_the_lines_of_a_head() -> None:
    heads = ["Interval", *["DL1 (N=4)\n1 x 10^6/kg"] * 4]
    interval = "0.750 (0.194 to 0.994)"
    shares = shares_of(heads, [["Exact (Clopper-Pearson)"], *[[interval]] * 4])
    assert min(shares[1:]) >= len(interval)
    # Longer than the line: its letters are a little smaller.
    assert LINE < sum(shares) <= 1.13 * LINE
    words = [
        ["TEAE leading to infusion interruption or discontinuation"],
        ["0 [0]"],
        ["0 [0], and 1 not graded, at all"],
    ]
    assert shares_of(["", "DL1 (N=4)\n1 x 10^6/kg", "All subjects"], words)[1] >= len("1 x 10^6/kg")


def test_a_latin_word_among_chinese_ones_is_not_broken() -> None:
    narrow = [["Leukemia recurrent，G5（第60天）"], *[["存活，末次随访2025年9月27日" * 3]] * 9]
    assert shares_of(["严重事件", *["现在"] * 9], narrow)[0] >= len("recurrent")


def test_a_table_without_rows_has_no_lines() -> None:
    assert grid_of(Table("T-1", "t", (), empty="No records."), Speaker()).lines == []


def test_an_archive_is_the_same_whatever_the_order_of_its_files() -> None:
    one = archive({"b": b"2", "a": b"1", "[Content_Types].xml": b""}, "2025-09-30")
    two = archive({"[Content_Types].xml": b"", "a": b"1", "b": b"2"}, "2025-09-30")
    assert one == two
    assert moment("1979-05-01") == (1980, 1, 1, 0, 0, 0)
