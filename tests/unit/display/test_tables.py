"""Tables: every text is shown as it is and never as markup; numbers, dates and missing values read well."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.page_samples import PAYLOADS
from trialbook.core.messages import msg
from trialbook.core.translations import chinese
from trialbook.display import ard_table, key_numbers, notice, sentence, table
from trialbook.display.page_outputs import is_own_html
from trialbook.display.render import Renderer
from trialbook.display.text import show, visible
from trialbook.results.ard import ard_row, proportion_rows, to_ard

MISSING_WORDS = re.compile(r"\b(nan|None|NaT|NaN|inf)\b|<NA>|&lt;NA&gt;")


class Cells(HTMLParser):
    """The text of every header and body cell, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True
        elif tag == "br" and self._inside:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (np.nan, ""), (pd.NaT, ""), (pd.NA, ""), ("", ""),
        (3, "3"), (3.0, "3"), (np.int64(12), "12"), (0.1 + 0.2, "0.3"), (1234567.0, "1234567"), (0.00012, "0.00012"),
        (float("inf"), "∞"), (-2.5, "-2.5"), (True, "Yes"), (np.bool_(False), "No"),
        (pd.Timestamp("2025-01-10"), "2025-01-10"), (pd.Timestamp("2025-01-10 09:05"), "2025-01-10 09:05"),
        (dt.date(2025, 1, 10), "2025-01-10"), (["a", None, 2.0], "a, , 2"), ("AEDECOD", "AEDECOD"),
    ],
)  # fmt: skip
def test_a_value_reads_as_a_person_would_write_it(value, text):
    assert show(value) == text


def test_fixed_decimals_round_half_away_from_zero():
    assert [show(value, 1) for value in (0.25, 12.25, 3, None)] == ["0.3", "12.3", "3.0", ""]


def test_hidden_characters_are_written_out():
    assert visible("S01\u202e10\u200b\x00\ud800") == "S01‹U+202E›10‹U+200B›‹U+0000›‹U+D800›"
    assert visible("two\nlines\tand 中文") == "two\nlines\tand 中文"


def test_missing_values_are_blank_in_every_kind_of_column():
    frame = pd.DataFrame(
        {
            "text": pd.Series(["a", None], dtype="str"),
            "number": [1.5, None],
            "whole": pd.Series([1, None], dtype="Int64"),
            "date": pd.to_datetime(["2025-01-10", None]),
            "flag": pd.Series([True, None], dtype="boolean"),
            "mixed": [None, pd.NA],
        }
    )
    block = table(frame, "A listing")
    assert Cells(block.html).rows[1:] == [["a", "1.5", "1", "2025-01-10", "Yes", ""], ["", "", "", "", "", ""]]
    assert not MISSING_WORDS.search(block.html)
    assert not MISSING_WORDS.search(block.text)


def test_an_empty_table_is_a_sentence():
    block = table(pd.DataFrame({"USUBJID": []}), "Deaths", empty="No subject has died at this cut.")
    assert "<table" not in block.html
    assert block.text == "Deaths\nNo subject has died at this cut."


def test_rows_keep_their_order_and_groups_head_them():
    frame = pd.DataFrame({"level": ["DL2", "DL2", "DL1"], "id": ["S05", "S04", "S01"]})
    assert Cells(table(frame, "Subjects", group="level").html).rows == [
        ["id"],
        ["DL2"],
        ["S05"],
        ["S04"],
        ["DL1"],
        ["S01"],
    ]


def test_numbers_stand_right_and_text_left():
    html = table(pd.DataFrame({"id": ["S01"], "AVAL": [1.5]}), "Values").html
    assert re.search(r'<th scope="row" class="gt_row gt_left">S01</th><td class="gt_row gt_right">1.5</td>', html)


def test_zeros_are_quiet_and_counts_stand_right():
    frame = pd.DataFrame({"term": ["A", "B"], "n": ["0 (0%) [0]", "1 of 4"], "low": ["0 (0 to 0.6)", "-"]})
    html = table(frame, "Counts").html
    assert html.count("tb-zero") == 1
    assert '<td class="gt_row gt_right tb-zero">0 (0%) [0]</td>' in html
    assert '<td class="gt_row gt_right">0 (0 to 0.6)</td>' in html
    # In a listing a zero is a value: the day of the infusion, grade 0.
    listed = pd.DataFrame({"SUBJID": ["01", "02"], "DAY": [0, 7]})
    assert "tb-zero" not in table(listed, "Events", subject="SUBJID").html


def test_a_listing_says_codes_in_words():
    frame = pd.DataFrame({"SUBJID": ["01"], "RESULT": ["ATT-FAIL"], "REPLACE": ["Y"], "SEX": ["N"]})
    assert Cells(table(frame, "Audit", subject="SUBJID").html).rows[1] == ["01", "violated by the form", "yes", "N"]


def test_a_listing_begins_with_whose_record_it_is_and_what_it_is_about():
    frame = pd.DataFrame(
        {"AESEQ": [1], "ADT": ["x"], "DAY": [3], "AEDECOD": ["Sepsis"], "TRT01A": ["DL1"], "SUBJID": ["01"]}
    )
    shown = Cells(table(frame, "Events", subject="SUBJID").html).rows[0]
    assert shown == ["SUBJID", "TRT01A", "AEDECOD", "DAY", "AESEQ", "ADT"]
    # A table that is no listing keeps its order.
    assert Cells(table(frame, "Events").html).rows[0][0] == "AESEQ"


def test_a_table_that_is_too_wide_for_a_phone_names_the_column_of_each_cell():
    wide = pd.DataFrame(
        {"term": ["a term of some length"] * 2, "reason": ["a reason of some length"] * 2, "day": [1, 2]}
    )
    html = table(wide, "Events", labels={"reason": 'Why "so"'}).html
    assert html.count('data-label="Why &quot;so&quot;"') == 2
    assert "data-label" not in table(wide[["day"]], "Days").html
    assert is_own_html(html)


def body(html: str) -> str:
    """Head and body of the table in a piece of HTML."""
    return html[html.index("<thead>") : html.index("</table>")]


def test_the_markup_of_a_table_with_groups_and_row_heads():
    """The column that heads the rows comes first, left-aligned, numbers or not; a group without a name has a line."""
    frame = pd.DataFrame({"level": ["DL1", ""], "term": ["Sepsis", "a < b"], "day": [3, None]})
    assert body(table(frame, "Events", group="level", stub="day", labels={"day": "Day"}).html) == (
        '<thead><tr class="gt_col_headings">'
        '<th class="gt_col_heading gt_columns_bottom_border gt_left" scope="col">Day</th>'
        '<th class="gt_col_heading gt_columns_bottom_border gt_left" scope="col">term</th></tr></thead>'
        '<tbody class="gt_table_body">'
        '<tr class="gt_group_heading_row"><th class="gt_group_heading" colspan="2" scope="colgroup">DL1</th></tr>'
        '<tr><th scope="row" class="gt_row gt_left gt_stub">3</th><td class="gt_row gt_left">Sepsis</td></tr>'
        '<tr class="gt_empty_group_heading"><th class="gt_group_heading" colspan="2" scope="colgroup"></th></tr>'
        '<tr><td class="gt_row gt_left gt_stub"></td><td class="gt_row gt_left">a &lt; b</td></tr></tbody>'
    )


def test_the_markup_of_a_table_with_one_column():
    frame = pd.DataFrame({"level": ["DL1"], "day": [3]})
    assert body(table(frame, "Days", group="level").html) == (
        '<thead><tr class="gt_col_headings">'
        '<th class="gt_col_heading gt_columns_bottom_border gt_right" scope="col">day</th></tr></thead>'
        '<tbody class="gt_table_body">'
        '<tr class="gt_group_heading_row"><th class="gt_group_heading" scope="col">DL1</th></tr>'
        '<tr><th scope="row" class="gt_row gt_right">3</th></tr></tbody>'
    )


@pytest.mark.parametrize("missing", ["stub", "group"])
def test_a_column_that_should_head_rows_or_groups_must_be_there(missing):
    with pytest.raises(ValueError, match="the table does not have the column 'ARM'"):
        table(pd.DataFrame({"SUBJID": ["S01"]}), "Subjects", **{missing: "ARM"})


@pytest.mark.parametrize("rows", [200, 201])
def test_a_long_table_scrolls_and_says_how_long_it_is(rows):
    block = table(pd.DataFrame({"AESEQ": range(rows)}), "All events")
    assert ("tb-tall" in block.html) == (f"{rows} rows" in block.html) == (rows > 200)
    assert block.html.count('<th scope="row"') == rows
    assert ("... and 1 more rows" in block.text) == (rows > 200)


@pytest.mark.parametrize("name", PAYLOADS)
def test_markup_in_any_text_of_a_table_stays_text(name):
    text = PAYLOADS[name]
    frame = pd.DataFrame({"cell": [text], "group": [text], text: [1]})
    block = table(frame, text, subtitle=text, labels={"cell": text}, group="group", notes=[text])
    shown = visible(text)
    assert is_own_html(block.html)
    assert Cells(block.html).rows == [[shown, shown], [shown], [shown, "1"]]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_any_text_comes_out_as_it_went_in(text):
    frame = pd.DataFrame({"cell": pd.Series([text], dtype="object"), "value": [1]})
    block = table(frame, text, labels={"value": text}, notes=[text])
    assert is_own_html(block.html)
    assert Cells(block.html).rows[1][0].strip() == visible(text).strip()
    for other in (sentence(text), notice(text), key_numbers([(text, text, text)])):
        assert is_own_html(other.html)


def test_the_same_table_gives_the_same_bytes():
    frame = pd.DataFrame({"id": ["S01", "S02"], "AVAL": [1.5, None]})
    bundles = [table(frame, "Values", group="id")._repr_mimebundle_() for _ in range(2)]
    assert bundles[0] == bundles[1]
    assert "id=" not in table(frame, "Values").html


def overview(*sizes: tuple[str, int, int]) -> pd.DataFrame:
    """TEAE rows: n of N subjects with 2n events per level."""
    return to_ard(
        row for level, n, total in sizes for row in proportion_rows("TEAE_OVERVIEW", level, "TEAE", n, total, 2 * n)
    )


def ard_cells(ard: pd.DataFrame, **options: object) -> list[list[str]]:
    block = ard_table(ard, "Overview", columns=["DL1", "DL2", "Total"], headers={"DL1": "DL1\n(N=3)"}, **options)
    return Cells(block.html).rows


def test_an_ard_table_has_a_row_per_variable_and_a_column_per_level():
    rows = ard_cells(overview(("DL1", 2, 3), ("DL2", 6, 9), ("Total", 8, 12)), row_labels={"TEAE": "Any TEAE"})
    assert rows == [["", "DL1\n(N=3)", "DL2", "Total"], ["Any TEAE", "2 [4]", "6 [12]", "8 (66.7%) [16]"]]


def test_the_share_is_left_out_where_the_set_is_small():
    ard = overview(("DL1", 2, 9), ("DL2", 2, 10))
    assert ard_cells(ard)[1] == ["TEAE", "2 [4]", "2 (20.0%) [4]", ""]
    assert ard_cells(ard, pct_min_n=11)[1] == ["TEAE", "2 [4]", "2 [4]", ""]


def test_an_empty_set_is_a_dash_and_a_level_without_rows_is_blank():
    assert ard_cells(overview(("DL1", 0, 0), ("Total", 0, 12)))[1] == ["TEAE", "-", "", "0 (0.0%) [0]"]


def test_an_interval_that_is_not_estimable_falls_away_whole():
    stats = [("estimate", 0.5), ("conf.low", None), ("conf.high", None)]
    ard = to_ard(ard_row("OS_KM", "DL1", "OS", name, value, variable_level="100") for name, value in stats)
    pattern = "{estimate} ({conf.low} to {conf.high})"
    assert ard_cells(ard, row="variable_level", stats=pattern)[1] == ["100", "0.500", "", ""]
    nothing = to_ard(ard_row("OS_KM", "DL1", "OS", name, None, variable_level="100") for name, _ in stats)
    assert ard_cells(nothing, row="variable_level", stats=pattern)[1] == ["100", "-", "", ""]


def test_terms_stand_under_their_group():
    ard = to_ard(
        row
        for soc, term in (("Infections", ""), ("Infections", "Sepsis"), ("Skin", ""))
        for row in proportion_rows("TEAE_SOC_PT", "Total", soc, 1, 12, 1, variable_level=term)
    )
    rows = ard_cells(ard, row="variable_level", group="variable", row_labels={"": "Any"}, stats="{n}")
    assert [row[0] for row in rows] == ["", "Infections", "Any", "Sepsis", "Skin", "Any"]


def test_the_name_of_a_number_that_opens_has_its_term_as_delivered_in_every_language():
    rows = (
        row
        for term in ("", "Lung infection")
        for row in proportion_rows("T", "Total", "Infections and infestations", 1, 12, 1, variable_level=term)
    )
    options = {"row": "variable_level", "group": "variable", "row_labels": {"": msg("Any event")}}
    block = ard_table(to_ard(rows), "Terms", columns=["Total"], headers={}, stats="{n}", **options)
    said = [Renderer(chinese()).say(title) for _, _, title, _ in block.payload["says"]]
    assert ["Infections and infestations" in text for text in said] == [True, True]
    assert ["Any event" in said[0], "Lung infection" in said[1]] == [False, True]


def test_two_numbers_for_one_cell_are_an_error():
    ard = pd.concat([overview(("DL1", 2, 3)), overview(("DL1", 1, 3)).assign(context="grade 3")])
    with pytest.raises(ValueError, match="two numbers for one cell: 'TEAE', DL1, n"):
        ard_cells(ard)


def test_an_ard_table_heads_its_rows_for_screen_readers():
    block = ard_table(overview(("DL1", 2, 3)), "Overview", columns=["DL1"], headers={}, stub="Subjects with")
    assert '<th scope="row" class="gt_row gt_left gt_stub">TEAE</th>' in block.html
    assert '<caption><div class="tb-caption"><span class="tb-title">Overview</span></div></caption>' in block.html


def test_of_a_very_long_table_the_first_rows_are_shown_and_it_says_so() -> None:
    block = table(pd.DataFrame({"SUBJECT": range(12_000)}), "Everybody")
    assert len(Cells(block.html).rows) == 1 + 500
    assert "The first 500 of 12000 rows; the files of this build hold all of them" in block.html
    assert block.text.endswith("... and 11800 more rows")


def test_a_listing_without_records_and_columns_shows_the_words_for_it() -> None:
    block = table(pd.DataFrame([]), "Other choices", stub="CHOICE", group="ANALYSIS", empty="There is no analysis.")
    assert "There is no analysis." in block.text
    with pytest.raises(ValueError, match="CHOICE"):
        table(pd.DataFrame({"N": [1]}), "Other choices", stub="CHOICE")
