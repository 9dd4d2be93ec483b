"""Cells that open to their records and lead to profiles: the records once, every text escaped, nothing else let in."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from support.page_samples import PAYLOADS, frame, notebook
from trialbook import display
from trialbook.display.page import render_page
from trialbook.display.page_outputs import is_own_html
from trialbook.display.render import Renderer
from trialbook.display.table_details import MOST_DETAILS, MOST_RECORDS
from trialbook.protocol.models import Protocol
from trialbook.results.ard import proportion_rows, to_ard

EVENTS = pd.DataFrame({"SUBJID": ["S01", "S02"], "AEDECOD": ["Pyrexia", "Nausea"]})
COUNTS = pd.DataFrame({"measure": ["Any", "Serious"], "DL1": [2, 0], "Total": [2, 0]})


def behind(title: str = "Any", records: pd.DataFrame = EVENTS, **more: object) -> display.Detail:
    return display.Detail(title, records, **more)


def buttons(html: str) -> list[tuple[str, str]]:
    """Every cell that opens: the popover it names and the text on it."""
    return re.findall(r'<button class="tb-open" popovertarget="([^"]+)">(.*?)</button>', html)


def popovers(html: str) -> list[str]:
    return re.findall(r' popover id="([^"]+)"', html)


def test_a_cell_opens_to_the_records_behind_it():
    shown = display.table(COUNTS, "Events", details={(0, "DL1"): behind(labels={"AEDECOD": "Term"})})
    [(name, text)] = buttons(shown.html)
    assert (popovers(shown.html), text) == ([name], "2")
    inside = shown.html[shown.html.index(f' popover id="{name}"') :]
    assert all(word in inside for word in ("Any", "Term", "Pyrexia", "S02"))
    assert is_own_html(shown.html)


def test_the_plain_text_twin_stays_as_it_was():
    with_details = display.table(COUNTS, "Events", details={(0, "DL1"): behind()}, subject="measure", linked={"Any"})
    assert with_details.text == display.table(COUNTS, "Events").text


def test_the_same_records_behind_several_cells_are_written_once():
    same, equal, other = behind(), behind(records=EVENTS.copy()), behind(records=EVENTS.head(1))
    keys = {(0, "DL1"): same, (0, "Total"): same, (1, "DL1"): equal, (1, "Total"): other}
    shown = display.table(COUNTS, "Events", details=keys)
    assert [name[-1] for name, _ in buttons(shown.html)] == ["1", "1", "1", "2"]
    assert len(popovers(shown.html)) == 2


def test_a_cell_with_nothing_behind_it_or_nothing_in_it_is_no_button():
    none = behind(records=EVENTS.head(0))
    blank = COUNTS.assign(DL1=["", ""])
    assert buttons(display.table(COUNTS, "Events", details={(0, "DL1"): none}).html) == []
    assert buttons(display.table(blank, "Events", details={(0, "DL1"): behind()}).html) == []


def test_a_detail_for_a_column_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="'DL9'"):
        display.table(COUNTS, "Events", details={(0, "DL9"): behind()})


def test_many_records_are_cut_and_it_says_so():
    many = pd.DataFrame({"AESEQ": range(MOST_RECORDS + 1)})
    html = display.table(COUNTS, "Events", details={(0, "DL1"): behind(records=many)}).html
    assert f"The first {MOST_RECORDS} of {MOST_RECORDS + 1} records" in html
    assert html.count('<th scope="row" class="gt_row gt_right">') == MOST_RECORDS


def test_of_very_many_details_the_first_open_and_the_table_says_so():
    rows = pd.DataFrame({"n": range(1, MOST_DETAILS // 2 + 2)}).assign(m=1)
    details = {
        (row, column): behind(f"{row} {column}") for row in rows.index for column in ("n", "m") if row < 500
    }  # fmt: skip
    shown = display.table(rows, "Many", details=details)
    assert len(popovers(shown.html)) == MOST_DETAILS
    assert "2 cells do not open" in shown.html


def test_counts_of_an_ard_table_open_by_row_and_level():
    rows = [
        row
        for level, n in (("DL1", 1), ("Total", 2))
        for row in proportion_rows("T", level, "SOC", n, 3, variable_level="Pyrexia")
    ]
    shown = display.ard_table(
        to_ard(rows), "Terms", columns=["DL1", "Total"], headers={}, row="variable_level", group="variable",
        stats="{n}", details={("SOC", "Pyrexia", "Total"): behind(), ("SOC", "Chills", "DL1"): behind("never")},
        subject="SUBJID", linked={"S02"},
    )  # fmt: skip
    assert [text for _, text in buttons(shown.html)] == ["2"]
    assert re.findall(r'<a class="tb-subject" href="([^"]+)">(.*?)</a>', shown.html) == [("profiles/S02.html", "S02")]
    assert is_own_html(shown.html)


def test_only_subjects_with_a_profile_are_links_also_where_they_head_groups():
    shown = display.table(EVENTS, "Events", subject="SUBJID", linked={"S01"}).html
    assert re.findall(r'href="([^"]+)">(.*?)<', shown) == [("profiles/S01.html", "S01")]
    grouped = display.table(EVENTS, "Events", group="SUBJID", subject="SUBJID", linked={"S02"}).html
    assert re.findall(r'href="([^"]+)">(.*?)<', grouped) == [("profiles/S02.html", "S02")]
    assert is_own_html(grouped)


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_text_behind_a_cell_stays_text(name: str):
    text = PAYLOADS[name]
    records = pd.DataFrame({text: [text], "SUBJID": [text]})
    detail = display.Detail(text, records, labels={"SUBJID": text}, notes=[text])
    shown = display.table(COUNTS, text, details={(0, "DL1"): detail}, subject="SUBJID", linked={text})
    assert is_own_html(shown.html)
    assert len(buttons(shown.html)) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<button class="tb-open" popovertarget="tb-1">3</button>',  # opens what is not there
        '<div class="tb-opened" popover id="tb-1" aria-label="x"></div><div class="tb-opened" popover id="tb-1" '
        'aria-label="x"></div>',
        '<button class="tb-open" popovertarget="tb-1" onclick="x()">3</button>',
        '<button formaction="https://example.invalid">x</button>',
        '<div class="tb-opened" popover="manual" id="tb-1" aria-label="x"></div>',
        '<div popover id="content" aria-label="x"></div>',
        '<a class="tb-subject" href="https://example.invalid/">x</a>',
        '<a class="tb-subject" href="javascript:x()">x</a>',
        '<a class="tb-subject" href="profiles/../../x.html">x</a>',
        '<a class="tb-subject" href="//profiles/x.html">x</a>',
        '<a class="tb-subject" href="profiles/S01.html" target="_blank">x</a>',
        '<a href="profiles/S01.html">x</a>',
    ],
)  # fmt: skip
def test_no_other_button_popover_or_link_is_ours(html: str):
    assert not is_own_html(html)


def test_ids_are_unique_on_a_page_that_shows_a_table_twice(protocol: Protocol):
    shown = display.table(COUNTS, "Events", details={(0, "DL1"): behind(), (1, "Total"): behind("Other")})
    page = render_page(
        notebook(shown, display.sentence("2"), shown), title="x", frame=frame(protocol), current="03_safety.html"
    )
    assert popovers(page) == ["tb-1", "tb-2", "tb-3", "tb-4"]
    assert [name for name, _ in buttons(page)] == ["tb-1", "tb-2", "tb-3", "tb-4"]


def test_text_that_looks_like_an_id_is_left_alone():
    tricky = ' popover id="tb-9" popovertarget="tb-9"'
    shown = display.table(COUNTS, tricky, details={(0, "DL1"): behind(tricky)})
    page = Renderer(on_page=True).html(shown.payload)
    assert page.count("&quot;tb-9&quot;") == shown.html.count("&quot;tb-9&quot;") > 0
    assert popovers(page) == ["tb-1"]
