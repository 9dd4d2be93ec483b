"""Cells that open to their records and lead to profiles: the records once, every text escaped, nothing else let in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from support.page_samples import PAYLOADS, frame, notebook
from trialbook import display
from trialbook.display import opened_records, render
from trialbook.display.page import pages_of
from trialbook.display.page_content import PageContent, page_content
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


def on_page(*cells: object) -> PageContent:
    return page_content(notebook(*cells), "live", page="03_safety.html")


def test_a_page_holds_links_to_its_page_of_records_and_no_popover(protocol: Protocol):
    shown = display.table(COUNTS, "Events", details={(0, "DL1"): behind(), (1, "Total"): behind("Other")})
    pages = pages_of(
        on_page(shown, display.sentence("2"), shown), title="x", frame=frame(protocol), current="03_safety.html"
    )
    assert sorted(pages) == ["03_safety.html", "03_safety_records.html"]
    page, records = pages["03_safety.html"], pages["03_safety_records.html"]
    links = re.findall(r'<a class="tb-open" href="03_safety_records.html#(r-\d)">', page)
    assert links == re.findall(r'<h3 id="([^"]+)">', records) == ["r-1", "r-2", "r-3", "r-4"]
    assert popovers(page) == []
    assert "S02" in records
    assert "<script" not in records


def test_with_script_a_page_holds_the_boxes_as_data_and_without_none(protocol: Protocol):
    shown = display.table(COUNTS, "Events", details={(0, "DL1"): behind(), (0, "Total"): behind()})
    made = {
        scripted: pages_of(
            on_page(shown), title="x", frame=replace(frame(protocol), scripted=scripted), current="03_safety.html"
        )["03_safety.html"]
        for scripted in (True, False)
    }
    [found] = re.findall(r'<script type="application/json" id="opened"[^>]*>(.*?)</script>', made[True], re.DOTALL)
    data = json.loads(found)
    assert list(data["boxes"]) == ["r-1", "r-2"]
    assert len(data["bodies"]) == 1
    assert len(data["rows"]) == 2
    assert "<" not in found
    assert "<script" not in made[False]


def test_data_for_boxes_is_capped_and_the_links_lead_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opened_records, "MOST_CHARACTERS", 900)
    details = {(k, "DL1"): behind(f"Number {k}", EVENTS.head(1 + k)) for k in range(2)}
    content = on_page(display.table(COUNTS, "Events", details=details))
    assert list(json.loads(content.boxes.data(list(content.boxes.boxes)))["boxes"]) == ["r-1"]


def test_what_a_number_opens_says_its_row_its_column_and_the_number():
    rows = [row for level in ("DL1", "DL2") for row in proportion_rows("X", level, "SAE", 1, 3, 2)]
    key = ("SAE", "DL2")
    shown = display.ard_table(
        to_ard(rows), "T-5 Overview", columns=["DL1", "DL2"], headers={}, row_labels={"SAE": "Serious"},
        details={key: display.Lines(EVENTS, {}).openings({key: (0,)})[key]},
    )  # fmt: skip
    plain = display.table(COUNTS, "Plain", details=display.Lines(EVENTS, {}).openings({(0, "Total"): (0, 1)}))
    boxes = on_page(shown, plain).boxes
    assert [title for title, _ in boxes.boxes.values()] == [
        "Serious, DL2: 1 of 3 subjects, 2 events", "Any, Total: 2",
    ]  # fmt: skip
    assert boxes.numbers == {"X|DL2|SAE||": "r-1"}


def test_text_that_looks_like_an_id_is_left_alone():
    tricky = ' popover id="tb-9" popovertarget="tb-9"'
    shown = display.table(COUNTS, tricky, details={(0, "DL1"): behind(tricky)})
    renderer = Renderer(on_page=True, records="x_records.html")
    page = renderer.html(shown.payload) + "".join(renderer.opened.since(0, 0, 0))
    assert page.count("&quot;tb-9&quot;") > 0
    assert popovers(page) == []


def test_cells_tagged_reference_go_beside_the_page_which_lists_them(protocol: Protocol):
    cells = notebook(display.sentence("Answer."), display.table(COUNTS, "T-7 Grades"), display.sentence("Last."))
    cells["cells"][1]["metadata"]["tags"] = ["reference"]
    content = page_content(cells, "live", page="03_safety.html")
    pages = pages_of(content, title="Safety", frame=frame(protocol), current="03_safety.html")
    page, beside = pages["03_safety.html"], pages["03_safety_tables.html"]
    assert '<li><a href="03_safety_tables.html#T-7">T-7 Grades</a></li>' in page
    assert page.index("Answer.") < page.index('class="tb tb-more"') < page.index("Last.")
    assert 'id="T-7"' in beside
    assert 'id="T-7"' not in page
    assert "Answer." not in beside
    assert 'href="03_safety.html"' in beside


def test_of_a_long_table_the_page_shows_the_first_rows_and_the_reference_page_all():
    long = pd.DataFrame({"measure": [f"row {k}" for k in range(70)], "DL1": range(70)})
    content = on_page(display.table(long, "L-2 Serious events", details={(0, "DL1"): behind(), (69, "DL1"): behind()}))
    shown, listed = (piece.html for piece in content.pieces if piece.kind == "html")
    assert "row 59" in shown
    assert "row 60" not in shown
    assert "The first 60 of 70 rows" in shown
    assert '<a href="03_safety_tables.html#L-2">' in listed
    assert content.reference is not None
    assert "row 69" in content.reference.pieces[0].html
    assert list(content.boxes.boxes) == ["r-1"]


def test_a_box_that_holds_a_foreign_tag_is_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(render, "LINES", "<b>")
    monkeypatch.setattr(render, "safe", lambda text: text)
    shown = display.table(COUNTS, "Events", details={(0, "DL1"): behind("<script>x</script>")})
    assert on_page(shown).dropped
